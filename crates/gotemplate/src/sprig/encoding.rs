//! Sprig's encodings and checksums.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::bind::STRING;
use crate::{
    function::{Functions, Signature},
    value::{Str, Value},
};

const S: Signature = Signature::of(&[STRING]);

pub(super) fn add(functions: &mut Functions) {
    functions.add("b64enc", S, |call| {
        Ok(Value::from(STANDARD.encode(call.bytes(0))))
    });
    functions.add("b64dec", S, |call| {
        Ok(decoded(base64_decode(call.bytes(0))))
    });
    functions.add("b32enc", S, |call| {
        Ok(Value::from(base32_encode(call.bytes(0))))
    });
    functions.add("b32dec", S, |call| {
        Ok(decoded(base32_decode(call.bytes(0))))
    });
    let sums: [(&'static str, &'static Algorithm); 3] = [
        ("sha1sum", &SHA1_FOR_LEGACY_USE_ONLY),
        ("sha256sum", &SHA256),
        ("sha512sum", &SHA512),
    ];
    for (name, algorithm) in sums {
        functions.add(name, S, move |call| {
            Ok(Value::from(hexadecimal(
                digest(algorithm, call.bytes(0)).as_ref(),
            )))
        });
    }
    functions.add("adler32sum", S, |call| {
        Ok(Value::from(adler32(call.bytes(0)).to_string()))
    });
}

/// The bytes, or in their place the text of the error, as Sprig gives it.
fn decoded(result: Result<Vec<u8>, String>) -> Value {
    match result {
        Ok(bytes) => Value::Str(Str::from_bytes(bytes)),
        Err(error) => Value::from(error),
    }
}

/// Lower-case hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

/// Go's `base64.StdEncoding`: line breaks are passed over, padding must be there, stray bits at the end are not
/// looked at; the error names the place of the first bad byte.
pub(super) fn base64_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base64 data at input byte {at}");
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = text
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    loop {
        let (mut sum, mut digits) = (0_u32, 0);
        while digits < 4 {
            let Some((at, byte)) = bytes.next() else {
                return if digits == 0 {
                    Ok(out)
                } else {
                    Err(corrupt(text.len() - digits))
                };
            };
            if let Some(value) = digit(byte) {
                sum = sum << 6 | u32::from(value);
                digits += 1;
                continue;
            }
            if byte != b'=' || digits < 2 {
                return Err(corrupt(at));
            }
            if digits == 2 {
                match bytes.next() {
                    Some((_, b'=')) => {}
                    // The place before the byte, whatever line breaks stand between.
                    Some((at, _)) => return Err(corrupt(at - 1)),
                    None => return Err(corrupt(text.len())),
                }
            }
            if let Some((at, _)) = bytes.next() {
                return Err(corrupt(at));
            }
            let aligned = sum << (24 - 6 * digits);
            out.extend(aligned.to_be_bytes().into_iter().skip(1).take(digits - 1));
            return Ok(out);
        }
        out.extend(sum.to_be_bytes().into_iter().skip(1));
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let mut bits = [0_u8; 8];
        for (slot, byte) in bits.iter_mut().skip(3).zip(group) {
            *slot = *byte;
        }
        let bits = u64::from_be_bytes(bits);
        let shown = (group.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = (bits >> (35 - 5 * at)) & 31;
            let letter = usize::try_from(digit)
                .ok()
                .and_then(|digit| BASE32.get(digit))
                .copied()
                .unwrap_or(b'A');
            out.push(if at < shown { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Go's `base32.StdEncoding`: line breaks are dropped before anything is counted, and what follows a padded group
/// is not looked at if it is less than a group.
fn base32_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base32 data at input byte {at}");
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let mut at = 0;
    while at < text.len() {
        let (mut sum, mut digits) = (0_u64, 0);
        while digits < 8 {
            let Some(byte) = text.get(at + digits) else {
                return Err(corrupt(text.len() - digits));
            };
            let left = text.len() - at - digits - 1;
            if *byte == b'=' && digits >= 2 && left < 8 {
                break;
            }
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return Err(corrupt(at + digits)),
            };
            sum = sum << 5 | u64::from(value);
            digits += 1;
        }
        if digits < 8 {
            let padding = text.get(at + digits + 1..).unwrap_or_default();
            if padding.len() + digits < 7 {
                return Err(corrupt(text.len()));
            }
            if let Some(wrong) = padding
                .iter()
                .take(7 - digits)
                .position(|byte| *byte != b'=')
            {
                return Err(corrupt(at + digits + wrong));
            }
            if matches!(digits, 3 | 6) {
                return Err(corrupt(at + digits));
            }
        }
        let aligned = sum << (64 - 5 * digits);
        out.extend(aligned.to_be_bytes().into_iter().take(digits * 5 / 8));
        if digits < 8 {
            break;
        }
        at += 8;
    }
    Ok(out)
}
