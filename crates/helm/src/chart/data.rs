//! The bytes of a chart's file, shared by all that are made of it: templates, documents, `.Files`.

use std::{borrow::Cow, fmt, ops::Deref, sync::Arc};

use trueup_gotemplate::Str;

use super::File;

/// Bytes that are cheap to clone, and known to be UTF-8 or not.
#[derive(Clone)]
pub struct Data(Repr);

#[derive(Clone)]
enum Repr {
    Text(Arc<str>),
    Raw(Arc<[u8]>),
}

impl Data {
    /// The text, where it is UTF-8; otherwise with replacement characters, as Go prints such bytes
    /// only in output and never in the templates that are seen in practice.
    pub fn text(&self) -> Arc<str> {
        match &self.0 {
            Repr::Text(text) => Arc::clone(text),
            Repr::Raw(bytes) => String::from_utf8_lossy(bytes).into(),
        }
    }

    /// Whether both are the same bytes in memory, not only equal ones.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Text(a), Repr::Text(b)) => Arc::ptr_eq(a, b),
            (Repr::Raw(a), Repr::Raw(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// As a string of templates.
    pub(crate) fn to_str(&self) -> Str {
        match &self.0 {
            Repr::Text(text) => Str::from(Arc::clone(text)),
            Repr::Raw(bytes) => Str::from_bytes(bytes.to_vec()),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self(Repr::Text(Arc::default()))
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Self {
        Self(match std::str::from_utf8(bytes) {
            Ok(text) => Repr::Text(text.into()),
            Err(_) => Repr::Raw(bytes.into()),
        })
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Text(text) => text.as_bytes(),
            Repr::Raw(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Data {
    /// The size only: files of charts may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.len())
    }
}

impl File {
    /// See [`Data::text`].
    pub fn text(&self) -> Cow<'_, str> {
        match &self.data.0 {
            Repr::Text(text) => Cow::Borrowed(text),
            Repr::Raw(bytes) => String::from_utf8_lossy(bytes),
        }
    }
}
