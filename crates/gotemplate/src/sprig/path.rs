//! Sprig's functions on paths, which read alike under their plain and their `os` names: both mean slashes.

use super::bind::STRING;
use crate::{
    function::{Functions, Signature},
    value::{Str, Value},
};

const S: Signature = Signature::of(&[STRING]);

type Change = fn(&[u8]) -> Vec<u8>;

pub(super) fn add(functions: &mut Functions) {
    let changes: [([&'static str; 2], Change); 4] = [
        (["base", "osBase"], base),
        (["dir", "osDir"], dir),
        (["clean", "osClean"], clean),
        (["ext", "osExt"], |path| {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            name.iter()
                .rposition(|byte| *byte == b'.')
                .and_then(|at| name.get(at..))
                .unwrap_or_default()
                .to_vec()
        }),
    ];
    for (names, change) in changes {
        for name in names {
            functions.add(name, S, move |call| {
                Ok(Value::Str(Str::from_bytes(change(call.bytes(0)))))
            });
        }
    }
    for name in ["isAbs", "osIsAbs"] {
        functions.add(name, S, |call| {
            Ok(Value::Bool(call.bytes(0).starts_with(b"/")))
        });
    }
}

/// Go's `path.Base`.
fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    let path = path.get(..end).unwrap_or_default();
    match path.rsplit(|byte| *byte == b'/').next() {
        Some(name) if !name.is_empty() => name.to_vec(),
        _ => b"/".to_vec(),
    }
}

/// Go's `path.Dir`.
fn dir(path: &[u8]) -> Vec<u8> {
    let end = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    clean(path.get(..end).unwrap_or_default())
}

/// Go's `path.Clean`.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
