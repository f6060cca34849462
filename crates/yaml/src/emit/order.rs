//! The order in which both Go packages print the keys of a map: letters by code, runs of digits by
//! value, other characters before letters. Mirrors `keyList.Less` of `go.yaml.in/yaml/v2` 2.4.4.

use std::cmp::Ordering;

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Compares two string keys.
#[inline]
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (x, y) = (a.as_bytes(), b.as_bytes());
    if let (Some(x), Some(y)) = (x.first(), y.first())
        && x != y
        && x.is_ascii_alphabetic()
        && y.is_ascii_alphabetic()
    {
        return x.cmp(y);
    }
    let same = x.iter().zip(y).take_while(|(x, y)| x == y).count();
    match (x.get(same), y.get(same)) {
        (None, None) => Ordering::Equal,
        (Some(x), Some(y)) if x.is_ascii_alphabetic() && y.is_ascii_alphabetic() => x.cmp(y),
        (Some(x), None) if x.is_ascii() => Ordering::Greater,
        (None, Some(y)) if y.is_ascii() => Ordering::Less,
        _ => compare_at(a, b, same),
    }
}

/// `same` bytes are equal; what follows has no quick answer.
fn compare_at(a: &str, b: &str, same: usize) -> Ordering {
    let mut same = same;
    while !(a.is_char_boundary(same) && b.is_char_boundary(same)) {
        same -= 1;
    }
    let before = a.get(..same).unwrap_or("");
    let (rest_a, rest_b) = (a.get(same..).unwrap_or(""), b.get(same..).unwrap_or(""));
    let (x, y) = match (rest_a.chars().next(), rest_b.chars().next()) {
        (Some(x), Some(y)) => (x, y),
        (x, y) => return x.is_some().cmp(&y.is_some()),
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros inside a longer number count: a digit other than 0 came before them.
    let mut start = 0_i64;
    if x == '0' || y == '0' {
        let run = before.chars().rev().take_while(|&c| is_digit(c));
        start = i64::from(run.into_iter().any(|c| c != '0'));
    }
    let (number_a, len_a) = number(rest_a, start);
    let (number_b, len_b) = number(rest_b, start);
    number_a
        .cmp(&number_b)
        .then(len_a.cmp(&len_b))
        .then(x.cmp(&y))
}

/// Value, wrapping as Go's does, and length of a run of digits.
fn number(text: &str, start: i64) -> (i64, usize) {
    text.chars()
        .take_while(|&c| is_digit(c))
        .fold((start, 0), |(value, len), c| {
            let digit = i64::from(u32::from(c)) - i64::from(u32::from('0'));
            (value.wrapping_mul(10).wrapping_add(digit), len + 1)
        })
}

fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    c.general_category_group() == GeneralCategoryGroup::Letter
}

fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    c.general_category() == GeneralCategory::DecimalNumber
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_natural_order() {
        let mut keys = [
            "b", "a10", "a2", "a", "A", "a-b", "ab", "1", "10", "9", "-x", "é", "a02", "z", "Z",
            "_",
        ];
        keys.sort_by(|a, b| compare(a, b));
        assert_eq!(
            keys,
            [
                "-x", "_", "1", "9", "10", "A", "Z", "a", "a-b", "a2", "a02", "a10", "ab", "b",
                "z", "é"
            ]
        );
    }
}
