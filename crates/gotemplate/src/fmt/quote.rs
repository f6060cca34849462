//! Go's quoted strings, and which characters are of which class.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

pub(super) use trueup_yaml::go::quote_rune;
pub use trueup_yaml::go::{is_print, quote, quote_to_ascii};

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
