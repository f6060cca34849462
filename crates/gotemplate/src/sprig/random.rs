//! Sprig's random strings and numbers, UUIDs, and the look-up of a host's address.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    bind::{INT, STRING},
    outside::{Outside, below},
    runes::runes,
};
use crate::{
    error::Error,
    function::{Functions, Signature},
    value::{Str, Value},
};

const I: Signature = Signature::of(&[INT]);
/// The longest random text: more is no password but a mistake.
const LONGEST: usize = 1 << 20;

type Belongs = fn(u8) -> bool;

pub(super) fn add(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    let alphabets: [(&'static str, Belongs); 4] = [
        ("randAlphaNum", |byte| byte.is_ascii_alphanumeric()),
        ("randAlpha", |byte| byte.is_ascii_alphabetic()),
        ("randNumeric", |byte| byte.is_ascii_digit()),
        ("randAscii", |byte| (b' '..=b'~').contains(&byte)),
    ];
    for (name, belongs) in alphabets {
        let outside = Arc::clone(outside);
        let alphabet: Vec<u8> = (0..=127).filter(|byte| belongs(*byte)).collect();
        functions.add(name, I, move |call| {
            // A negative count is an error that Sprig drops.
            let count = length(call.int(0).max(0))?;
            call.context().spend(count as u64)?;
            outside.drawn(name);
            let mut out = String::with_capacity(count);
            for _ in 0..count {
                let at = below(&*outside, alphabet.len() as u64)?;
                out.extend(
                    usize::try_from(at)
                        .ok()
                        .and_then(|at| alphabet.get(at))
                        .map(|byte| char::from(*byte)),
                );
            }
            Ok(Value::from(out))
        });
    }
    let source = Arc::clone(outside);
    functions.add("randBytes", I, move |call| {
        if call.int(0) < 0 {
            return Err("runtime error: makeslice: len out of range".into());
        }
        let mut bytes = vec![0; length(call.int(0))?];
        call.context().spend((bytes.len() / 8) as u64)?;
        source.drawn("randBytes");
        source.fill(&mut bytes)?;
        Ok(Value::from(STANDARD.encode(bytes)))
    });
    let source = Arc::clone(outside);
    functions.add("randInt", Signature::of(&[INT, INT]), move |call| {
        let (least, bound) = (call.int(0), call.int(1));
        let span = u64::try_from(bound.wrapping_sub(least))
            .ok()
            .filter(|span| *span > 0);
        let span = span.ok_or("invalid argument to Intn")?;
        source.drawn("randInt");
        Ok(Value::Int(
            least.wrapping_add(below(&*source, span)?.cast_signed()),
        ))
    });
    let source = Arc::clone(outside);
    functions.add("shuffle", Signature::of(&[STRING]), move |call| {
        let mut all: Vec<char> = runes(call.bytes(0)).map(|(rune, _)| rune).collect();
        call.context().spend(all.len() as u64)?;
        source.drawn("shuffle");
        for at in (1..all.len()).rev() {
            let with = below(&*source, at as u64 + 1)?;
            all.swap(at, usize::try_from(with).unwrap_or(at));
        }
        Ok(Value::Str(Str::from(all.into_iter().collect::<String>())))
    });
    let source = Arc::clone(outside);
    functions.add("uuidv4", Signature::of(&[]), move |_| {
        source.drawn("uuidv4");
        let mut bytes = [0; 16];
        source.fill(&mut bytes)?;
        Ok(Value::from(uuid(bytes)))
    });
    // No rendering asks the network. Helm answers the same unless its user allows it.
    functions.add("getHostByName", Signature::of(&[STRING]), |_| {
        Ok(Value::from(""))
    });
}

fn length(count: i64) -> Result<usize, Error> {
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= LONGEST)
        .ok_or_else(|| {
            Error::new(format!("a random text of {count} characters is too long"))
                .with_help(format!("ask for at most {LONGEST}"))
        })
}

/// Random bytes as a UUID of version 4.
fn uuid(bytes: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(bytes);
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(3 << 62) | 2 << 62;
    let text = format!("{bits:032x}");
    let mut out = String::with_capacity(36);
    for (at, digit) in text.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}
