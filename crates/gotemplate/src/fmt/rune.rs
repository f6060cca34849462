//! Runes of bytes that may not be UTF-8.

/// The first rune and its width in bytes, as Go's `utf8.DecodeRune`: a byte that begins no valid
/// encoding is `None` of width 1. Empty input has width 0.
pub(crate) fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let Some(&first) = bytes.first() else {
        return (None, 0);
    };
    if first < 0x80 {
        return (Some(char::from(first)), 1);
    }
    let head = bytes.get(..4).unwrap_or(bytes);
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => head
            .get(..error.valid_up_to())
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(c) => (Some(c), c.len_utf8()),
        None => (None, 1),
    }
}

/// The number of runes.
pub(super) fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let mut rest = bytes;
    let mut count = 0;
    while !rest.is_empty() {
        let (_, width) = decode(rest);
        rest = rest.get(width..).unwrap_or_default();
        count += 1;
    }
    count
}

/// The length in bytes of the first `runes` runes.
pub(super) fn prefix(bytes: &[u8], runes: usize) -> usize {
    let mut at = 0;
    for _ in 0..runes {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        at += decode(rest).1;
    }
    at
}
