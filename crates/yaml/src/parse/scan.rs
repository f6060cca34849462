//! Lines, blanks, comments and markers.

use super::{Parsed, Parser};
use crate::error::Error;

/// Classes of bytes; see `class`.
pub(super) const BREAK: u8 = 1;
pub(super) const COLON: u8 = 2;
pub(super) const HASH: u8 = 4;
/// `,` `[` `]` `{` `}`.
pub(super) const FLOW: u8 = 8;
/// A tab or a byte of a character beyond ASCII.
pub(super) const ODD: u8 = 16;
/// Letters, digits, `_` and `/`: they begin and go on a plain scalar in any context.
pub(super) const WORD: u8 = 32;
/// `-` and `.`: they go on a plain scalar in any context.
pub(super) const JOIN: u8 = 64;

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let byte = i as u8;
        table[i] = match byte {
            0 | b'\n' | b'\r' => BREAK,
            b':' => COLON,
            b'#' => HASH,
            b',' | b'[' | b']' | b'{' | b'}' => FLOW,
            b'\t' | 0x80.. => ODD,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'/' => WORD,
            b'-' | b'.' => JOIN,
            _ => 0,
        };
        i += 1;
    }
    table
};

#[inline]
pub(super) fn class(byte: u8) -> u8 {
    CLASS.get(byte as usize).copied().unwrap_or(0)
}

#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[inline]
pub(super) fn is_break_or_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r' || byte == 0
}

#[inline]
pub(super) fn is_blank_or_end(byte: u8) -> bool {
    is_blank(byte) || is_break_or_end(byte)
}

#[inline]
pub(super) fn is_flow_indicator(byte: u8) -> bool {
    class(byte) & FLOW != 0
}

/// U+2028 and U+2029 are line breaks for Go's loaders and emitters, and characters like any other in
/// YAML 1.2. Their emitters indent the text after one; this undoes it: `text` without the spaces after
/// them, `most` at most each. `None` where there is nothing to undo.
pub(super) fn without_indent_after_separators(text: &str, most: usize) -> Option<String> {
    memchr::memchr(0xE2, text.as_bytes())?;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\u{2028}', '\u{2029}']) {
        let (before, after) = rest.split_at(at + '\u{2028}'.len_utf8());
        out.push_str(before);
        let spaces = after.bytes().take(most).take_while(|&b| b == b' ').count();
        rest = after.get(spaces..).unwrap_or("");
    }
    if out.is_empty() || out.len() + rest.len() == text.len() {
        return None;
    }
    out.push_str(rest);
    Some(out)
}

impl Parser<'_> {
    /// The byte at an offset; 0 past the end (the text itself holds no 0).
    #[inline]
    pub(super) fn at(&self, offset: usize) -> u8 {
        self.bytes.get(offset).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.at(self.pos)
    }

    /// Bytes from the start of the line.
    #[inline]
    pub(super) fn column(&self) -> usize {
        self.pos - self.line_start
    }

    /// Whether an indicator stands here: the byte, followed by a blank, a break or the end.
    #[inline]
    pub(super) fn is_indicator(&self, byte: u8) -> bool {
        self.peek() == byte && is_blank_or_end(self.at(self.pos + 1))
    }

    /// Passes spaces and tabs; whether there was a tab.
    #[inline]
    pub(super) fn skip_blanks(&mut self) -> bool {
        let mut tab = false;
        loop {
            match self.peek() {
                b' ' => self.pos += 1,
                b'\t' => {
                    tab = true;
                    self.pos += 1;
                }
                _ => return tab,
            }
        }
    }

    /// Goes to the break or end of the line.
    pub(super) fn skip_line(&mut self) {
        let rest = self.bytes.get(self.pos..).unwrap_or(&[]);
        let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        self.pos += len;
    }

    /// Passes a line break, if there is one, and measures the next line's indentation.
    #[inline]
    pub(super) fn newline(&mut self) -> bool {
        match self.peek() {
            b'\n' => self.pos += 1,
            b'\r' => {
                self.pos += 1;
                if self.peek() == b'\n' {
                    self.pos += 1;
                }
            }
            _ => return false,
        }
        self.line_start = self.pos;
        self.measure_indent();
        true
    }

    #[inline]
    pub(super) fn measure_indent(&mut self) {
        while self.peek() == b' ' {
            self.pos += 1;
        }
        self.indent = self.pos - self.line_start;
        self.tab_indent = self.peek() == b'\t';
    }

    /// Whether a comment begins here. The specification asks for a blank before its `#`, Go's loaders
    /// do not, and inside a plain scalar, where it matters, `plain_line` looks for it.
    #[inline]
    pub(super) fn is_comment(&self) -> bool {
        self.peek() == b'#'
    }

    /// Passes blanks, comments and line breaks, up to the next content or the end.
    #[inline]
    pub(super) fn next_content(&mut self) {
        loop {
            self.skip_blanks();
            if self.is_comment() {
                self.skip_line();
            }
            if !self.newline() {
                return;
            }
        }
    }

    /// After a node: nothing but a comment may follow on the line. Goes to the next content.
    pub(super) fn finish_line(&mut self) -> Parsed<()> {
        self.skip_blanks();
        if is_break_or_end(self.peek()) || self.is_comment() {
            self.next_content();
            return Ok(());
        }
        if self.is_indicator(b':') {
            return Err(self.nested_mapping_error());
        }
        Err(self.trailing_error())
    }

    fn trailing_error(&self) -> Error {
        let start = self.pos;
        let mut end = start;
        while !is_blank_or_end(self.at(end)) {
            end += 1;
        }
        let error = self.error(start, end, "unexpected text after a value");
        let before = self.text.get(self.line_start..start).unwrap_or("");
        if before.contains("}}") || before.contains("{{") {
            error.with_help("quote a value that begins with a template: \"{{ … }}\"")
        } else if before.trim_end().ends_with(['"', '\'']) {
            error.with_help("quote the whole value, or escape the inner quotes")
        } else {
            error.with_help("quote the value if this belongs to it, or start a new line")
        }
    }

    /// `:` where a mapping cannot begin.
    pub(super) fn nested_mapping_error(&self) -> Error {
        self.error_here("a mapping is not allowed here")
            .with_help("quote the value if it contains `: `; or, for a nested mapping, start it on a new line with more indentation")
    }

    /// The marker `---` or `...` that begins the line we are on, by its byte.
    #[inline]
    pub(super) fn marker(&self) -> Option<u8> {
        if self.pos != self.line_start {
            return None;
        }
        let byte = self.peek();
        let is_marker = matches!(byte, b'-' | b'.')
            && self.at(self.pos + 1) == byte
            && self.at(self.pos + 2) == byte
            && is_blank_or_end(self.at(self.pos + 3));
        is_marker.then_some(byte)
    }

    /// Whether the document ends here: a marker, or the end of the text.
    #[inline]
    pub(super) fn at_end(&self) -> bool {
        self.peek() == 0 || self.marker().is_some()
    }

    pub(super) fn tab_error(&self) -> Error {
        let line = self.bytes.get(self.line_start..self.pos).unwrap_or(&[]);
        let tab = memchr::memrchr(b'\t', line).map_or(self.pos, |at| self.line_start + at);
        self.error(tab, tab + 1, "a tab is not allowed in indentation")
            .with_help("indent with spaces")
    }

    /// Content where the collections around it have ended or cannot go on.
    pub(super) fn unexpected_content(&self, indent: i32) -> Error {
        if self.tab_indent {
            return self.tab_error();
        }
        let what = if self.is_indicator(b'-') {
            "a `- ` item"
        } else {
            "this line"
        };
        let column = i32::try_from(self.indent).unwrap_or(i32::MAX);
        if column > indent && indent >= 0 {
            return self
                .error_here(format!("{what} is indented as no line above it"))
                .with_help(format!(
                    "indent it by {indent} spaces to go on the collection around it, or as the line above"
                ));
        }
        self.error_here(format!("{what} does not belong to the collection above it"))
            .with_help("check its indentation, and that the lines above are complete")
    }
}
