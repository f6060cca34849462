//! `html`, `js` and `urlquery`.

use crate::fmt::{decode, is_print};
use crate::value::Str;

/// Maps the bytes of a text; what is secret stays so as a whole.
fn mapped(
    text: &Str,
    is_special: impl Fn(u8) -> bool,
    write: impl Fn(&[u8], &mut Vec<u8>) -> usize,
) -> Str {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|&byte| is_special(byte)) {
        return text.clone();
    }
    let mut out = Vec::with_capacity(bytes.len() * 2);
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let width = if is_special(first) {
            write(rest, &mut out)
        } else {
            out.push(first);
            1
        };
        rest = rest.get(width..).unwrap_or_default();
    }
    let escaped = Str::from_bytes(out);
    if text.has_secrets() {
        Str::secret(escaped)
    } else {
        escaped
    }
}

pub(super) fn html(text: &Str) -> Str {
    let is_special = |byte| matches!(byte, 0 | b'"' | b'\'' | b'&' | b'<' | b'>');
    mapped(text, is_special, |rest, out| {
        out.extend_from_slice(match rest.first() {
            Some(b'"') => b"&#34;",
            Some(b'\'') => b"&#39;",
            Some(b'&') => b"&amp;",
            Some(b'<') => b"&lt;",
            Some(b'>') => b"&gt;",
            _ => "\u{fffd}".as_bytes(),
        });
        1
    })
}

pub(super) fn js(text: &Str) -> Str {
    let is_special = |byte: u8| {
        !(b' '..0x80).contains(&byte)
            || matches!(byte, b'\\' | b'\'' | b'"' | b'<' | b'>' | b'&' | b'=')
    };
    mapped(text, is_special, |rest, out| {
        let (c, width) = decode(rest);
        let head = rest.get(..width).unwrap_or_default();
        match c {
            Some(c @ ('\\' | '\'' | '"')) => out.extend_from_slice(format!("\\{c}").as_bytes()),
            Some(c) if c.is_ascii() || !is_print(c) => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
            }
            _ => out.extend_from_slice(head),
        }
        width
    })
}

pub(super) fn url_query(text: &Str) -> Str {
    let is_special =
        |byte: u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_' | b'.' | b'~');
    mapped(text, is_special, |rest, out| {
        match rest.first() {
            Some(b' ') => out.push(b'+'),
            Some(byte) => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            None => {}
        }
        1
    })
}
