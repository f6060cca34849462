//! Gives the comments of a stream to the nodes of its documents, as `yaml.v3` does.
//!
//! `yaml.v3` decides by the state of its scanner (which tokens it has seen, how far it looks ahead,
//! where blocks end) what a comment belongs to, so this walks the same states: the parser logs the
//! tokens it met ([`Token`]), `scan` runs `yaml.v3`'s scanner over them and finds the comments between
//! them, and `attach` runs its parser over the documents and hands the comments out. Takes a source,
//! the log and the documents without aliases expanded; changes nothing but their comments. Where the
//! walk loses its way (on texts that `yaml.v3` would not read) the rest of the comments is dropped.
//!
//! Mirrors `scannerc.go`, `parserc.go` and `decode.go` of `go.yaml.in/yaml/v3` 3.0.5. Runs only where
//! comments are asked for.

mod attach;
mod comment;
mod find;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use attach::attach;
pub use comment::Comments;

/// What the parser met at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Directive,
    DocumentStart,
    DocumentEnd,
    /// `-`
    Entry,
    /// `?`
    Question,
    /// `:` after the key that starts at an offset, if it is an implicit one.
    Colon(Option<u32>),
    /// `,`
    Comma,
    OpenSequence,
    OpenMapping,
    /// `]` or `}`
    Close,
    Alias,
    Anchor,
    Tag,
    Plain,
    Quoted,
    BlockScalar,
}

/// A token of the text, in the order of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}
