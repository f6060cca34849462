//! Keys and values from env files, literals and files, in upstream's order.

use std::collections::BTreeMap;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::Location;

use crate::{
    Context,
    load::{At, GeneratorSpec, Place},
};

/// A value as read: text, or bytes that are none.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// All values of a generator; a key that comes twice is refused.
pub(super) fn data(
    context: &Context<'_>,
    place: &Place<'_>,
    spec: &GeneratorSpec,
) -> Result<Data, Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut data = Data::new();
    let mut add = |key: String, value: Vec<u8>, at: Option<&Location>| {
        if data.contains_key(&key) {
            let message = format!("the key `{key}` comes twice in `{}`", spec.name);
            return Err(Diagnostic::error("kustomize/duplicate-key", message)
                .at(at.cloned())
                .help("remove one of the two, or give one another key: `key=file`"));
        }
        data.insert(key, value);
        Ok(())
    };
    for env in &spec.envs {
        let lines = place
            .read(context, env, env.place.as_ref())
            .and_then(|bytes| {
                env_file(&bytes).map_err(|why| {
                    Diagnostic::error("kustomize/env-file", format!("`{}`: {why}", env.value))
                        .at(env.place.clone())
                })
            });
        for (key, value) in complaints.keep(lines).unwrap_or_default() {
            complaints.keep(add(key, value, env.place.as_ref()));
        }
    }
    for text in &spec.literals {
        if let Some((key, value)) = complaints.keep(literal(text)) {
            complaints.keep(add(key, value, text.place.as_ref()));
        }
    }
    for file in &spec.files {
        let read = file_source(file).and_then(|(key, path)| {
            Ok((
                key,
                place.read(context, path, file.place.as_ref())?.to_vec(),
            ))
        });
        if let Some((key, value)) = complaints.keep(read) {
            complaints.keep(add(key, value, file.place.as_ref()));
        }
    }
    complaints.into_result(data)
}

/// `key=value`; quotes around the value go.
fn literal(text: &At<String>) -> Result<(String, Vec<u8>), Diagnostic> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok((key.to_owned(), unquoted(value).as_bytes().to_vec()))
        }
        _ => Err(
            Diagnostic::error("kustomize/literal", "a literal is of the form `key=value`")
                .at(text.place.clone()),
        ),
    }
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() > 1
            && let Some(inner) = value
                .strip_prefix(quote)
                .and_then(|v| v.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

/// `file` or `key=file`.
fn file_source(text: &At<String>) -> Result<(String, &str), Diagnostic> {
    let wrong = |why: &str| {
        Err(
            Diagnostic::error("kustomize/file-source", format!("`{}` {why}", text.value))
                .at(text.place.clone())
                .help("write `file` or `key=file`"),
        )
    };
    match text.split_once('=') {
        None => {
            let path = text.as_str();
            let name = path
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or(path);
            Ok((name.to_owned(), path))
        }
        Some((_, path)) if path.contains('=') => wrong("holds more than one `=`"),
        Some(("", _)) => wrong("has no key before `=`"),
        Some((_, "")) => wrong("has no file after `=`"),
        Some((key, path)) => Ok((key.to_owned(), path)),
    }
}

/// The longest line of an env file, in bytes: what Go's scanner takes.
const LONGEST_LINE: usize = 64 * 1024;

/// `KEY=value` lines; empty lines and comments are skipped, a key alone has an empty value.
fn env_file(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut pairs = Vec::new();
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() >= LONGEST_LINE {
            // Upstream's scanner stops there and says nothing: what follows would be lost.
            return Err(format!(
                "line {} is longer than {LONGEST_LINE} bytes",
                index + 1
            ));
        }
        let text = std::str::from_utf8(line)
            .map_err(|_| format!("line {} is not UTF-8 text", index + 1))?;
        let text = if index == 0 {
            text.trim_start_matches('\u{feff}')
        } else {
            text
        };
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(pairs)
}
