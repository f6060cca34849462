//! Single- and double-quoted scalars.

use super::scan::without_indent_after_separators;
use super::{Parsed, Parser};
use crate::comments::TokenKind;
use crate::error::Error;
use crate::node::{NodeId, Style, Text};
use crate::source::saturating_u32;

impl Parser<'_> {
    /// Reads `'…'` or `"…"`.
    pub(super) fn quoted(&mut self) -> Parsed<NodeId> {
        let start = self.pos;
        let id = if self.peek() == b'\'' {
            self.single_quoted()?
        } else {
            self.double_quoted()?
        };
        self.log(TokenKind::Quoted, start);
        Ok(id)
    }

    fn single_quoted(&mut self) -> Parsed<NodeId> {
        let open = self.pos;
        let start = open + 1;
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        if let Some(len) = memchr::memchr3(b'\'', b'\n', b'\r', rest)
            && self.at(start + len) == b'\''
            && self.at(start + len + 1) != b'\''
        {
            self.pos = start + len + 1;
            let text = self.text.get(start..start + len).unwrap_or("");
            if let Some(text) = without_indent_after_separators(text, usize::MAX) {
                let heap = self.build.heap.len();
                self.build.heap.push_str(&text);
                let text = self.build.heap_since(heap);
                return Ok(self.build.scalar(Style::SingleQuoted, text, open));
            }
            return Ok(self.quoted_span(Style::SingleQuoted, open, start, len));
        }
        let heap = self.build.heap.len();
        let mut from = start;
        loop {
            let rest = self.bytes.get(from..).unwrap_or(&[]);
            let Some(len) = memchr::memchr3(b'\'', b'\n', b'\r', rest) else {
                return Err(self.unclosed(open, '\''));
            };
            let at = from + len;
            let text = self.text.get(from..at).unwrap_or("");
            if self.at(at) != b'\'' {
                from = self.fold_quoted(text, at, open, '\'', heap)?;
                continue;
            }
            self.build.heap.push_str(text);
            if self.at(at + 1) != b'\'' {
                self.pos = at + 1;
                break;
            }
            self.build.heap.push('\'');
            from = at + 2;
        }
        self.undo_indent_since(heap, usize::MAX);
        let text = self.build.heap_since(heap);
        Ok(self.build.scalar(Style::SingleQuoted, text, open))
    }

    /// See `without_indent_after_separators`; on the text at the end of the heap.
    pub(super) fn undo_indent_since(&mut self, heap: usize, most: usize) {
        let text = self.build.heap.get(heap..).unwrap_or("");
        if let Some(text) = without_indent_after_separators(text, most) {
            self.build.heap.truncate(heap);
            self.build.heap.push_str(&text);
        }
    }

    fn quoted_span(&mut self, style: Style, open: usize, start: usize, len: usize) -> NodeId {
        let text = Text {
            start: saturating_u32(start),
            len: saturating_u32(len),
            heap: false,
        };
        self.build.scalar(style, text, open)
    }

    fn double_quoted(&mut self) -> Parsed<NodeId> {
        let open = self.pos;
        let start = open + 1;
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n' | b'\r');
        if let Some(len) = rest.iter().position(special)
            && self.at(start + len) == b'"'
        {
            self.pos = start + len + 1;
            return Ok(self.quoted_span(Style::DoubleQuoted, open, start, len));
        }
        let heap = self.build.heap.len();
        // Blanks that an escape has written are not folded away.
        let mut keep = heap;
        let mut from = start;
        loop {
            let rest = self.bytes.get(from..).unwrap_or(&[]);
            let Some(len) = rest.iter().position(special) else {
                return Err(self.unclosed(open, '"'));
            };
            let at = from + len;
            let text = self.text.get(from..at).unwrap_or("");
            match self.at(at) {
                b'"' => {
                    self.build.heap.push_str(text);
                    self.pos = at + 1;
                    break;
                }
                b'\\' => {
                    self.build.heap.push_str(text);
                    from = self.escape(at, open)?;
                    keep = self.build.heap.len();
                }
                _ => from = self.fold_quoted(text, at, open, '"', keep)?,
            }
        }
        let text = self.build.heap_since(heap);
        Ok(self.build.scalar(Style::DoubleQuoted, text, open))
    }

    /// Folds the line break at `at` after `text`; returns where the text goes on. Blanks before the
    /// break are dropped, but for what lies in the heap before `keep`.
    fn fold_quoted(
        &mut self,
        text: &str,
        at: usize,
        open: usize,
        quote: char,
        keep: usize,
    ) -> Parsed<usize> {
        self.build.heap.push_str(text);
        let kept = self.build.heap.get(keep..).unwrap_or("");
        let trimmed = keep + kept.trim_end_matches([' ', '\t']).len();
        self.build.heap.truncate(trimmed);
        let breaks = self.pass_breaks(at, open, quote)?;
        self.fold(breaks);
        Ok(self.pos)
    }

    /// Passes line breaks, empty lines and the indentation of the next line of a quoted scalar.
    fn pass_breaks(&mut self, at: usize, open: usize, quote: char) -> Parsed<usize> {
        self.pos = at;
        let mut breaks = 0;
        while self.newline() {
            breaks += 1;
            if self.marker_at_line_start() {
                return Err(self.unclosed(open, quote));
            }
            self.skip_blanks();
        }
        Ok(breaks)
    }

    fn marker_at_line_start(&self) -> bool {
        self.indent == 0 && self.marker().is_some()
    }

    #[cold]
    fn unclosed(&self, open: usize, quote: char) -> Error {
        self.error(open, open + 1, format!("the quote `{quote}` is not closed"))
            .with_help(format!(
                "add the closing `{quote}`; inside, write `{}`",
                match quote {
                    '"' => "\\\"",
                    _ => "''",
                }
            ))
    }

    /// Undoes the escape at `at`; returns where the text goes on.
    fn escape(&mut self, at: usize, open: usize) -> Parsed<usize> {
        let plain = match self.at(at + 1) {
            b'0' => '\0',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\u{B}',
            b'f' => '\u{C}',
            b'r' => '\r',
            b'e' => '\u{1B}',
            b' ' => ' ',
            b'"' => '"',
            b'/' => '/',
            b'\\' => '\\',
            b'\'' => '\'',
            b'N' => '\u{85}',
            b'_' => '\u{A0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => return self.hex_escape(at, 2),
            b'u' => return self.hex_escape(at, 4),
            b'U' => return self.hex_escape(at, 8),
            b'\n' | b'\r' => {
                let breaks = self.pass_breaks(at + 1, open, '"')?;
                for _ in 1..breaks {
                    self.build.heap.push('\n');
                }
                return Ok(self.pos);
            }
            0 => return Err(self.unclosed(open, '"')),
            _ => {
                let c = self
                    .text
                    .get(at + 1..)
                    .and_then(|s| s.chars().next())
                    .unwrap_or(' ');
                return Err(self
                    .error(
                        at,
                        at + 1 + c.len_utf8(),
                        format!("`\\{c}` is not an escape"),
                    )
                    .with_help("write `\\\\` for a backslash, or use single quotes"));
            }
        };
        self.build.heap.push(plain);
        Ok(at + 2)
    }

    fn hex_escape(&mut self, at: usize, digits: usize) -> Parsed<usize> {
        let end = at + 2 + digits;
        let Some(code) = self.hex(at + 2, digits) else {
            return Err(self.error(at, end, format!("the escape needs {digits} hex digits")));
        };
        if let Some(c) = char::from_u32(code) {
            self.build.heap.push(c);
            return Ok(end);
        }
        // JSON writes characters beyond the basic plane as a pair of surrogates.
        let low = (self.at(end) == b'\\' && self.at(end + 1) == b'u' && digits == 4)
            .then(|| self.hex(end + 2, 4))
            .flatten();
        if let Some(low) = low
            && (0xD800..0xDC00).contains(&code)
            && (0xDC00..0xE000).contains(&low)
            && let Some(c) = char::from_u32(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
        {
            self.build.heap.push(c);
            return Ok(end + 6);
        }
        Err(self
            .error(at, end, "the escape is not a Unicode character")
            .with_help("write the character itself, or `\\U` and eight hex digits"))
    }

    fn hex(&self, start: usize, digits: usize) -> Option<u32> {
        let text = self.text.get(start..start + digits)?;
        if text.bytes().all(|b| b.is_ascii_hexdigit()) {
            u32::from_str_radix(text, 16).ok()
        } else {
            None
        }
    }
}
