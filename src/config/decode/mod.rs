//! Reads typed values out of a YAML document and finds everything that is wrong with it at once.
//!
//! Flows in: a parsed document and the [`Shape`]s that say which fields exist. Flows out: plain
//! values with their places, and findings. A reader never stops at the first error: what cannot be
//! read is reported and absent. It must never guess: a wrong type, an unknown field or a value
//! outside its range is an error with its place, and a secret is never shown.

mod fields;
mod scalar;
mod shape;
mod value;

#[cfg(test)]
mod tests;

use std::{cell::RefCell, collections::BTreeSet, fmt, ops::Deref};

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Location, NodeId, Source, Span};

pub(crate) use self::{fields::Fields, value::Value};
pub use self::{
    scalar::{format_duration, parse_duration},
    shape::{Field, Need, Shape, Type},
};

/// A value and the place where it is written; no place where it is a default or made by a program.
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub location: Option<Location>,
}

impl<T> Spanned<T> {
    /// A value that no file holds.
    pub fn bare(value: T) -> Self {
        Self {
            value,
            location: None,
        }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: change(self.value),
            location: self.location,
        }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// Equal where the values are: a place is not part of what is said.
impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// One document being read: the findings so far and what must not be shown of the file.
pub(crate) struct Decoder<'a> {
    doc: &'a Document,
    findings: RefCell<Diagnostics>,
    hidden: RefCell<Vec<Span>>,
    asked: RefCell<BTreeSet<(&'static str, &'static str)>>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(doc: &'a Document) -> Self {
        Self {
            doc,
            findings: RefCell::default(),
            hidden: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// The whole document, to be read as `what` ("an Environment").
    pub(crate) fn root(&'a self, what: &'static str) -> Value<'a> {
        Value::new(self, self.doc.root(), value::Role::Document(what))
    }

    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.findings.borrow_mut().push(diagnostic);
    }

    /// Hides a scalar in every excerpt of this file. Where its end is not known, all that follows
    /// is hidden.
    fn hide(&self, node: NodeId) {
        let Some(location) = self.doc.location(node) else {
            return;
        };
        let Span { start, end } = location.span;
        let written = location
            .source
            .text()
            .get(start as usize..end as usize)
            .unwrap_or_default();
        let whole = self
            .doc
            .text(node)
            .is_some_and(|text| written.contains(text));
        let end = if whole { end } else { u32::MAX };
        self.hidden.borrow_mut().push(Span { start, end });
    }

    /// Every shape and field that was asked for, so that a test can tell a field that is declared
    /// but never read.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> BTreeSet<(&'static str, &'static str)> {
        self.asked.borrow().clone()
    }

    /// What was found, in the order of the file, with secrets hidden in the excerpts.
    pub(crate) fn finish(self) -> Diagnostics {
        let mut findings: Vec<Diagnostic> = self.findings.into_inner().into_iter().collect();
        let hidden = self.hidden.into_inner();
        if !hidden.is_empty() {
            for label in findings.iter_mut().flat_map(|finding| &mut finding.labels) {
                label.location.source = redacted(&label.location.source, &hidden);
            }
        }
        findings.sort_by_key(|finding| finding.location().map(|location| location.span.start));
        findings.into_iter().collect()
    }
}

/// The same file with every hidden character but line ends shown as `*`.
fn redacted(source: &Source, hidden: &[Span]) -> Source {
    let is_hidden = |at: usize| {
        hidden
            .iter()
            .any(|span| (span.start as usize..span.end as usize).contains(&at))
    };
    let text: String = source
        .text()
        .char_indices()
        // As many bytes as before, so that places stay what they were.
        .flat_map(|(at, letter)| {
            let hide = letter != '\n' && letter != '\r' && is_hidden(at);
            let times = if hide { letter.len_utf8() } else { 1 };
            std::iter::repeat_n(if hide { '*' } else { letter }, times)
        })
        .collect();
    Source::new(source.name(), text)
}
