//! Go strings: bytes, nearly always UTF-8, shared, with marks on what is secret.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A Go string. Cheap to clone; equality, order and hash are those of the bytes.
///
/// Byte ranges may be marked secret. The marks follow the text through printing and concatenation
/// (see [`Buffer`](super::Buffer)) into the output; they never change what a template does.
#[derive(Clone)]
pub struct Str(Repr);

#[derive(Clone)]
enum Repr {
    /// UTF-8.
    Text(Arc<str>),
    /// Bytes that are not UTF-8.
    Raw(Arc<[u8]>),
    /// A text or bytes of which some are secret.
    Marked(Arc<Marked>),
}

struct Marked {
    text: Repr,
    /// Ordered, not touching one another, within the text.
    secrets: Vec<Range<usize>>,
}

impl Str {
    /// A string of any bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self(Repr::Text(text.into())),
            Err(error) => Self(Repr::Raw(error.into_bytes().into())),
        }
    }

    /// A string that is secret as a whole.
    pub fn secret(text: impl Into<Self>) -> Self {
        let text = text.into();
        let all = 0..text.len();
        text.with_secrets(vec![all])
    }

    /// The same text with these ranges marked, in place of earlier marks. Ranges are put in order and
    /// joined, what lies outside the text is dropped.
    pub fn with_secrets(self, mut secrets: Vec<Range<usize>>) -> Self {
        let text = match self.0 {
            Repr::Marked(marked) => marked.text.clone(),
            plain => plain,
        };
        let len = text.as_bytes().len();
        secrets.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(secrets.len());
        for range in secrets {
            let range = range.start.min(len)..range.end.min(len);
            match joined.last_mut() {
                _ if range.is_empty() => {}
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        if joined.is_empty() {
            return Self(text);
        }
        Self(Repr::Marked(Arc::new(Marked {
            text,
            secrets: joined,
        })))
    }

    /// The byte ranges that are secret: ordered, none empty, none touching another.
    pub fn secrets(&self) -> &[Range<usize>] {
        match &self.0 {
            Repr::Marked(marked) => &marked.secrets,
            _ => &[],
        }
    }

    /// Whether any of it is secret.
    pub fn has_secrets(&self) -> bool {
        matches!(self.0, Repr::Marked(_))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The text, if it is UTF-8.
    pub fn as_utf8(&self) -> Option<&str> {
        match &self.0 {
            Repr::Text(text) => Some(text),
            Repr::Raw(_) => None,
            Repr::Marked(marked) => match &marked.text {
                Repr::Text(text) => Some(text),
                _ => None,
            },
        }
    }

    /// The text, with U+FFFD for bytes that are not UTF-8.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self.as_utf8() {
            Some(text) => Cow::Borrowed(text),
            None => String::from_utf8_lossy(self.as_bytes()),
        }
    }

    /// The length in bytes, as Go's `len`.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The bytes in a range, with their marks; empty where the range is outside.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let part = match self.as_utf8().and_then(|text| text.get(range.clone())) {
            Some(text) => Self::from(text),
            None => Self::from_bytes(self.as_bytes().get(range.clone()).unwrap_or_default()),
        };
        if !self.has_secrets() {
            return part;
        }
        let secrets = self.secrets().iter().map(|secret| {
            secret.start.saturating_sub(range.start)..secret.end.saturating_sub(range.start)
        });
        let secrets = secrets.collect();
        part.with_secrets(secrets)
    }
}

impl Repr {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Raw(bytes) => bytes,
            Self::Marked(marked) => marked.text.as_bytes(),
        }
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl From<Arc<str>> for Str {
    fn from(text: Arc<str>) -> Self {
        Self(Repr::Text(text))
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::from(text),
            Cow::Owned(text) => Self::from(text),
        }
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Str {
    /// The text, unless some of it is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_secrets() {
            f.write_str("***")
        } else {
            fmt::Debug::fmt(&self.to_text(), f)
        }
    }
}
