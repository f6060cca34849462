//! Where text is written: bytes, and the marks of those that are secret.

use std::ops::Range;

use super::Str;

/// A growing text that keeps the secret marks of what is put into it.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    secrets: Vec<Range<usize>>,
}

impl Buffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Adds a text that is no secret.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Adds bytes that are no secret.
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds one byte.
    #[inline]
    pub fn push_byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Adds a character as UTF-8.
    pub fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    /// Adds a string with its marks.
    #[inline]
    pub fn push_text(&mut self, text: &Str) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        for secret in text.secrets() {
            self.mark(at + secret.start..at + secret.end);
        }
    }

    /// Marks a range, which must not begin before an earlier one.
    pub fn mark(&mut self, range: Range<usize>) {
        match self.secrets.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.secrets.push(range),
        }
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The marked ranges so far.
    pub fn secrets(&self) -> &[Range<usize>] {
        &self.secrets
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.secrets.clear();
    }

    /// Drops what lies beyond a length.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.secrets.retain(|range| range.start < len);
        if let Some(last) = self.secrets.last_mut() {
            last.end = last.end.min(len);
        }
    }

    /// What was written, as a string of its own; the buffer stays as it is.
    pub fn to_str(&self) -> Str {
        let text = match std::str::from_utf8(&self.bytes) {
            Ok(text) => Str::from(text),
            Err(_) => Str::from_bytes(self.bytes.as_slice()),
        };
        if self.secrets.is_empty() {
            return text;
        }
        text.with_secrets(self.secrets.clone())
    }

    /// The bytes and the marks.
    pub fn into_parts(self) -> (Vec<u8>, Vec<Range<usize>>) {
        (self.bytes, self.secrets)
    }
}

impl std::fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}
