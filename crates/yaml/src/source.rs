//! A file's text, its name, and places in it.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// A file's text and the name to show for it. Cheap to clone; equality is identity.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    text: Arc<str>,
    /// Offsets of line starts, computed when the first position is printed.
    lines: OnceLock<Vec<u32>>,
}

impl Source {
    /// A source of this name and text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
        }))
    }

    /// The name to show, usually a path.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name as a shared string.
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The text as a shared string.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.0.text)
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub fn line_col(&self, offset: u32) -> (u32, u32) {
        let starts = self.line_starts();
        let line = starts.partition_point(|&start| start <= offset).max(1);
        let start = starts.get(line - 1).copied().unwrap_or(0) as usize;
        let text = self.text();
        let end = floor_char_boundary(text, (offset as usize).min(text.len()));
        let column = text.get(start..end).map_or(0, |s| s.chars().count());
        (saturating_u32(line), saturating_u32(column + 1))
    }

    /// The text of a line (from 1) without its line break; empty past the end.
    pub fn line_text(&self, line: u32) -> &str {
        let starts = self.line_starts();
        let index = (line as usize).wrapping_sub(1);
        let Some(&start) = starts.get(index) else {
            return "";
        };
        let end = starts
            .get(index + 1)
            .map_or_else(|| self.text().len(), |&next| next as usize);
        let line = self.text().get(start as usize..end).unwrap_or("");
        line.trim_end_matches(['\n', '\r'])
    }

    fn line_starts(&self) -> &[u32] {
        self.0.lines.get_or_init(|| {
            let bytes = self.text().as_bytes();
            let mut starts = vec![0];
            for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                let crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
                if !crlf {
                    starts.push(saturating_u32(at + 1));
                }
            }
            starts
        })
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Source {}

impl fmt::Debug for Source {
    /// The name only: the text may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name()).finish()
    }
}

/// A byte range of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` up to `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }
}

/// A place: a source and a span of it. Prints as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub source: Source,
    /// The byte range in it.
    pub span: Span,
}

impl Location {
    /// Line and column of the start, both from 1.
    pub fn line_col(&self) -> (u32, u32) {
        self.source.line_col(self.span.start)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_col();
        write!(f, "{}:{line}:{column}", self.source.name())
    }
}

/// A length as `u32`; sources are refused above that size, so it never saturates in practice.
pub(crate) fn saturating_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
