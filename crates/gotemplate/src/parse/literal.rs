//! Go's string and character literals.

use crate::fmt::decode;
use crate::value::Str;

/// Whether [`unquote`] gives anything: most literals need not be unquoted to know.
pub(super) fn is_literal(quoted: &str) -> bool {
    match quoted.as_bytes() {
        [b'`', .., b'`'] => true,
        [b'"', inner @ .., b'"'] if memchr::memchr3(b'\\', b'\n', b'"', inner).is_none() => true,
        _ => unquote(quoted).is_some(),
    }
}

/// `strconv.Unquote` of a text with its quotes; `None` for a syntax error.
pub(crate) fn unquote(quoted: &str) -> Option<Str> {
    if let Some(inner) = quoted.strip_prefix('`') {
        let inner = inner.strip_suffix('`')?;
        return Some(if inner.contains('\r') {
            inner.replace('\r', "").into()
        } else {
            inner.into()
        });
    }
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains(['\\', '\n', '"']) {
        return Some(inner.into());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let Some(&first) = rest.first() {
        if first == b'\n' {
            return None;
        }
        let (c, after) = unquote_char(rest, b'"')?;
        rest = after;
        match c {
            Char::Byte(byte) => out.push(byte),
            Char::Rune(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(Str::from_bytes(out))
}

/// The code of a character literal with its quotes. The error is Go's.
pub(super) fn char_constant(text: &str) -> Result<u32, String> {
    let inner = text.get(1..).unwrap_or_default().as_bytes();
    let (c, rest) = unquote_char(inner, b'\'').ok_or("invalid syntax")?;
    if rest != b"'" {
        return Err(format!("malformed character constant: {text}"));
    }
    Ok(match c {
        Char::Byte(byte) => u32::from(byte),
        Char::Rune(c) => u32::from(c),
    })
}

/// What an escape stands for: a byte as it is, or a character.
enum Char {
    Byte(u8),
    Rune(char),
}

/// `strconv.UnquoteChar`.
fn unquote_char(text: &[u8], mark: u8) -> Option<(Char, &[u8])> {
    let (&first, rest) = text.split_first()?;
    if first == mark {
        return None;
    }
    if first >= 0x80 {
        let (c, width) = decode(text);
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        return Some((Char::Rune(c), text.get(width..)?));
    }
    if first != b'\\' {
        return Some((Char::Byte(first), rest));
    }
    let (&escape, rest) = rest.split_first()?;
    let byte = match escape {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        b'\'' | b'"' if escape == mark => escape,
        b'x' => return digits(rest, 2, 16).map(|(n, rest)| (to_byte(n), rest)),
        b'u' => return rune(rest, 4),
        b'U' => return rune(rest, 8),
        b'0'..=b'7' => {
            let (n, rest) = digits(text.get(1..)?, 3, 8).filter(|(n, _)| *n <= 255)?;
            return Some((to_byte(n), rest));
        }
        _ => return None,
    };
    Some((Char::Byte(byte), rest))
}

fn to_byte(n: u32) -> Char {
    Char::Byte(u8::try_from(n).unwrap_or_default())
}

fn rune(text: &[u8], count: usize) -> Option<(Char, &[u8])> {
    let (n, rest) = digits(text, count, 16)?;
    Some((Char::Rune(char::from_u32(n)?), rest))
}

fn digits(text: &[u8], count: usize, radix: u32) -> Option<(u32, &[u8])> {
    let (head, rest) = text.split_at_checked(count)?;
    let mut n = 0_u32;
    for &digit in head {
        let digit = char::from(digit).to_digit(radix)?;
        n = n.checked_mul(radix)?.checked_add(digit)?;
    }
    Some((n, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_one_where_it_can_be_unquoted() {
        for text in [
            "`a`", "``", "`", "`a", "\"a\"", "\"\"", "\"", "\"a", "\"\\n\"", "\"\\q\"", "\"a\"b\"",
            "\"a\nb\"", "\"é\"", "\"\\\"", "a", "",
        ] {
            assert_eq!(is_literal(text), unquote(text).is_some(), "{text}");
        }
    }
}
