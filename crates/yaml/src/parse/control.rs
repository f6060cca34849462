//! Characters that YAML does not allow anywhere in a text.

use crate::error::Error;
use crate::source::{Source, Span, saturating_u32};

const CHUNK: usize = 64;

/// The error for the first forbidden character: a control character other than tab and line breaks,
/// a surrogate's or non-character code, as the readers of both Go loaders refuse them.
pub(super) fn forbidden(source: &Source) -> Option<Error> {
    let text = source.text();
    for (index, chunk) in text.as_bytes().chunks(CHUNK).enumerate() {
        // Most chunks are printable ASCII and line breaks: that takes fewer comparisons to see.
        if !chunk.iter().fold(false, |any, &b| any | unusual(b))
            || !chunk.iter().fold(false, |any, &b| any | suspicious(b))
        {
            continue;
        }
        if let Some(at) = look(text, index * CHUNK, chunk.len()) {
            return Some(at_character(source, at));
        }
    }
    None
}

/// Neither printable ASCII nor a line feed. Branch-free, as [`suspicious`].
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would keep the loop scalar"
)]
fn unusual(b: u8) -> bool {
    ((b < 0x20) & (b != b'\n')) | (b >= 0x7F)
}

/// Branch-free so that the loop over a chunk becomes vector code: control characters, and lead bytes
/// of characters that may be forbidden.
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would keep the loop scalar"
)]
fn suspicious(b: u8) -> bool {
    let control = (b < 0x20) & (b != b'\n') & (b != b'\t') & (b != b'\r');
    control | (b == 0x7F) | (b == 0xC2) | (b == 0xEF)
}

#[cold]
fn look(text: &str, start: usize, len: usize) -> Option<usize> {
    // A chunk may begin inside a character.
    let mut from = start;
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    text.get(from..)?
        .char_indices()
        .take_while(|(at, _)| from + at < start + len)
        .find(|&(_, c)| is_forbidden(c))
        .map(|(at, _)| from + at)
}

fn is_forbidden(c: char) -> bool {
    !matches!(c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}'
        | '\u{10000}'..)
}

fn at_character(source: &Source, at: usize) -> Error {
    let c = source.text().get(at..).and_then(|s| s.chars().next());
    let code = c.map_or(0, u32::from);
    let span = Span::new(saturating_u32(at), saturating_u32(at + 1));
    Error::at(
        source,
        span,
        format!("control character U+{code:04X} is not allowed"),
    )
    .with_help("write it as an escape in a double-quoted string, or check that the file is text")
}
