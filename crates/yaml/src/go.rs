//! Texts as Go prints them, which the words of Go's tools are full of.

use std::fmt::Write as _;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// `strconv.Quote`, `%q` of a string: a Go string literal. Bytes that are no UTF-8 are escaped one by one.
pub fn quote(text: impl AsRef<[u8]>) -> String {
    quoted(text.as_ref(), '"', false)
}

/// `strconv.QuoteToASCII`.
pub fn quote_to_ascii(text: impl AsRef<[u8]>) -> String {
    quoted(text.as_ref(), '"', true)
}

/// `strconv.QuoteRune`, and `QuoteRuneToASCII` where `ascii` is set.
pub fn quote_rune(rune: char, ascii: bool) -> String {
    quoted(rune.encode_utf8(&mut [0; 4]).as_bytes(), '\'', ascii)
}

fn quoted(bytes: &[u8], mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(mark);
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        loop {
            let plain = |byte: &u8| matches!(byte, b' '..=b'~' if *byte != b'\\' && char::from(*byte) != mark);
            let end = rest.bytes().position(|byte| !plain(&byte));
            let (head, tail) = rest.split_at(end.unwrap_or(rest.len()));
            out.push_str(head);
            let mut chars = tail.chars();
            let Some(c) = chars.next() else { break };
            escape(c, mark, ascii, &mut out);
            rest = chars.as_str();
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push(mark);
    out
}

fn escape(c: char, mark: char, ascii: bool, out: &mut String) {
    let written = match c {
        _ if c == mark || c == '\\' => {
            out.push('\\');
            out.push(c);
            return;
        }
        _ if (c.is_ascii() || !ascii) && is_print(c) => {
            out.push(c);
            return;
        }
        '\x07' => write!(out, "\\a"),
        '\x08' => write!(out, "\\b"),
        '\x0c' => write!(out, "\\f"),
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        '\x0b' => write!(out, "\\v"),
        _ if c < ' ' || c == '\x7f' => write!(out, "\\x{:02x}", u32::from(c)),
        _ if u32::from(c) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(c)),
        _ => write!(out, "\\U{:08x}", u32::from(c)),
    };
    // Writing to a string does not fail.
    let _ = written;
}

/// `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols, and the ASCII space.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    !matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Separator | GeneralCategoryGroup::Other
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_strconv_quotes_them() {
        for (text, expected) in [
            (&b"plain"[..], r#""plain""#),
            (b"a\"b\\c\n\x7f\xc3\xa9", r#""a\"b\\c\n\x7fé""#),
            (b"\xff\xe2\x82x", r#""\xff\xe2\x82x""#),
            (
                "\u{a0}\u{feff}\u{10ffff}".as_bytes(),
                r#""\u00a0\ufeff\U0010ffff""#,
            ),
            (b"'\x07\x08\x0c\r\t\x0b\x00", r#""'\a\b\f\r\t\v\x00""#),
        ] {
            assert_eq!(quote(text), expected);
        }
        assert_eq!(quote_to_ascii("é"), r#""\u00e9""#);
        assert_eq!(quote_rune('\'', false), r"'\''");
    }
}
