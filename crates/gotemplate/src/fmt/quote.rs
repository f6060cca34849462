//! Go's quoted strings, and which characters are printable.

use std::fmt::Write as _;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use super::rune::decode;

/// `strconv.Quote`: a Go string literal.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    quoted(bytes, '"', false, &mut out);
    out
}

/// `strconv.QuoteToASCII`.
pub fn quote_to_ascii(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    quoted(bytes, '"', true, &mut out);
    out
}

/// `strconv.QuoteRune` and `QuoteRuneToASCII`.
pub(super) fn quote_rune(c: char, ascii: bool) -> String {
    let mut out = String::new();
    quoted(c.encode_utf8(&mut [0; 4]).as_bytes(), '\'', ascii, &mut out);
    out
}

fn quoted(bytes: &[u8], mark: char, ascii: bool, out: &mut String) {
    out.push(mark);
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let (c, width) = decode(rest);
        match c {
            Some(c) => escape(c, mark, ascii, out),
            None => {
                let _ = write!(out, "\\x{first:02x}");
            }
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    out.push(mark);
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

/// `unicode.IsLetter`.
pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    c.general_category_group() == GeneralCategoryGroup::Letter
}

/// `unicode.IsDigit`.
pub(crate) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    c.general_category() == unicode_properties::GeneralCategory::DecimalNumber
}

/// `strconv.CanBackquote`: one line without control characters but tab.
pub(super) fn can_backquote(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars()
            .all(|c| c == '\t' || (c >= ' ' && !matches!(c, '`' | '\x7f' | '\u{feff}')))
    })
}
