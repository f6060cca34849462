//! Go's view of text: runes out of bytes that need not be UTF-8, their classes, and their simple case mappings.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// The runes of a text, each with the number of its bytes. Bytes that are not UTF-8 are U+FFFD, one at a time.
pub(super) fn runes(text: &[u8]) -> impl Iterator<Item = (char, usize)> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (rune, size) = first(rest)?;
        rest = rest.get(size..)?;
        Some((rune, size))
    })
}

/// The first rune of a text.
pub(super) fn first(text: &[u8]) -> Option<(char, usize)> {
    let lead = *text.first()?;
    let size = match lead {
        ..=0x7f => return Some((char::from(lead), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((char::REPLACEMENT_CHARACTER, 1)),
    };
    let decoded = text
        .get(..size)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    Some(
        decoded
            .and_then(|text| text.chars().next())
            .map_or((char::REPLACEMENT_CHARACTER, 1), |rune| (rune, size)),
    )
}

/// Each rune changed by `change`, as Go's `strings.Map` does.
pub(super) fn map(text: &[u8], mut change: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (rune, _) in runes(text) {
        push(&mut out, change(rune));
    }
    out
}

/// Writes a rune as UTF-8.
pub(super) fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Go's `unicode.IsUpper`: the category alone, without the other characters that Unicode calls uppercase.
pub(super) fn is_upper(rune: char) -> bool {
    rune.general_category() == GeneralCategory::UppercaseLetter
}

/// Go's `unicode.IsLower`.
pub(super) fn is_lower(rune: char) -> bool {
    rune.general_category() == GeneralCategory::LowercaseLetter
}

/// Go's `unicode.IsTitle`.
pub(super) fn is_title(rune: char) -> bool {
    rune.general_category() == GeneralCategory::TitlecaseLetter
}

/// Go's `unicode.IsLetter`.
pub(super) fn is_letter(rune: char) -> bool {
    rune.general_category_group() == GeneralCategoryGroup::Letter
}

/// Go's `unicode.IsNumber`.
pub(super) fn is_number(rune: char) -> bool {
    rune.general_category_group() == GeneralCategoryGroup::Number
}

/// Go's `unicode.IsDigit`.
pub(super) fn is_digit(rune: char) -> bool {
    rune.general_category() == GeneralCategory::DecimalNumber
}

/// Go's `unicode.IsPunct`.
pub(super) fn is_punct(rune: char) -> bool {
    rune.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// Go's `unicode.ToUpper`: one rune for one rune, unlike Rust's mapping (`ß` stays).
pub(super) fn to_upper(rune: char) -> char {
    if let Some(title) = iota_title(rune) {
        return title;
    }
    single(rune.to_uppercase()).unwrap_or(rune)
}

/// Go's `unicode.ToLower`.
pub(super) fn to_lower(rune: char) -> char {
    if rune == 'İ' {
        'i'
    } else {
        single(rune.to_lowercase()).unwrap_or(rune)
    }
}

/// Go's `unicode.ToTitle`: uppercase but for the digraphs, and for Georgian, which has no title case.
pub(super) fn to_title(rune: char) -> char {
    match rune {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10ff}' => rune,
        _ => to_upper(rune),
    }
}

/// The one uppercase letter of Greek vowels with an iota below, which Rust spells out as two.
fn iota_title(rune: char) -> Option<char> {
    let offset = match rune {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        '\u{1f88}'..='\u{1f8f}'
        | '\u{1f98}'..='\u{1f9f}'
        | '\u{1fa8}'..='\u{1faf}'
        | '\u{1fbc}'
        | '\u{1fcc}'
        | '\u{1ffc}' => 0,
        _ => return None,
    };
    char::from_u32(u32::from(rune) + offset)
}

fn single(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next()?;
    if mapped.next().is_some() {
        None
    } else {
        Some(first)
    }
}
