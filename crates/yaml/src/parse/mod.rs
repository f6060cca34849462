//! Reads a stream of YAML 1.2 documents into arenas.
//!
//! One pass over the bytes by recursive descent, with no tokens in between: at every place the
//! grammar says what may follow, and an implicit key is recognised by the `:` after a scalar that
//! ends on the line where it began. Takes a [`Source`] and [`ParseOptions`], gives [`Document`]s or
//! every error that can be told apart: one for each document of the stream.
//!
//! Where the specification and Go's loaders disagree, text that Go's loaders accept is accepted if
//! people write it (flow collections that end at their parent's indentation), and text that the
//! specification accepts is always accepted. Nothing here panics, recurses beyond
//! `ParseOptions::max_depth`, or grows beyond the other bounds. Messages name keys, never values: a
//! text may hold secrets.

mod anchor;
mod block;
mod build;
mod control;
mod flow;
mod literal;
mod plain;
mod quoted;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::comments::{self, Token, TokenKind};
use crate::document::Document;
use crate::error::Error;
use crate::node::{NodeId, Style};
use crate::source::{Source, Span, saturating_u32};
use build::Builder;

/// What to do with a key that a mapping has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// An error, as for `yaml.v3`.
    Error,
    /// The last value wins, in the place of the first, as for `sigs.k8s.io/yaml` and Helm; the pairs
    /// are listed by [`Document::duplicate_keys`].
    LastWins,
    /// Both stay, and a look-up finds the first, as in the node trees of `yaml.v3`: an error only for who makes
    /// values of them. [`Document::equal_keys`] finds them again.
    Keep,
}

/// How to read, and how much.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    /// What to do with duplicate keys.
    pub duplicate_keys: DuplicateKeys,
    /// Whether comments are kept, as `yaml.v3` attaches them. Costs time.
    pub keep_comments: bool,
    /// Whether aliases become copies of what they stand for. Otherwise they stay
    /// [`Kind::Alias`](crate::Kind::Alias) nodes and anchors are kept.
    pub expand_aliases: bool,
    /// The deepest nesting of collections.
    pub max_depth: u32,
    /// The most nodes that aliases may add to one document.
    pub max_alias_nodes: u32,
    /// The most nodes of one document.
    pub max_nodes: u32,
    /// The most bytes of a stream; at most 4 GiB.
    pub max_bytes: u32,
    /// The most errors to report.
    pub max_errors: usize,
    /// Nodes for which each document has room left, so that a few edits do not move its tables.
    pub spare_nodes: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            duplicate_keys: DuplicateKeys::Error,
            keep_comments: false,
            expand_aliases: true,
            max_depth: 512,
            max_alias_nodes: 1_000_000,
            max_nodes: 20_000_000,
            max_bytes: 512 << 20,
            max_errors: 20,
            spare_nodes: 0,
        }
    }
}

impl Document {
    /// Reads all documents of a stream with default options.
    pub fn parse(source: &Source) -> Result<Vec<Self>, Vec<Error>> {
        Self::parse_with(source, &ParseOptions::default())
    }

    /// Reads all documents of a stream.
    pub fn parse_with(source: &Source, options: &ParseOptions) -> Result<Vec<Self>, Vec<Error>> {
        Parser::new(source, options).stream()
    }

    /// Reads a stream that holds one document; none reads as null.
    pub fn parse_one(source: &Source) -> Result<Self, Vec<Error>> {
        let mut documents = Self::parse(source)?.into_iter();
        let first = documents.next();
        if let Some(second) = documents.next() {
            let place = second.place(second.root());
            let error = Error::new("expected one document, found more", place)
                .with_help("remove the `---` and what follows it");
            return Err(vec![error]);
        }
        Ok(first.unwrap_or_else(|| {
            let mut empty = Self::empty_mapping();
            let null = empty.new_scalar("", Style::Plain, None);
            empty.set_root(null);
            empty
        }))
    }

    /// Reads a JSON text: YAML is a superset of it.
    pub fn from_json(text: &str) -> Result<Self, Vec<Error>> {
        Self::parse_one(&Source::new("<json>", text))
    }
}

pub(crate) type Parsed<T> = Result<T, Error>;

/// The state of one pass over one stream.
pub(crate) struct Parser<'s> {
    source: &'s Source,
    text: &'s str,
    bytes: &'s [u8],
    options: &'s ParseOptions,
    /// Where we are.
    pos: usize,
    /// Where the current line starts.
    line_start: usize,
    /// Leading spaces of the current line.
    indent: usize,
    /// Whether a tab follows those spaces.
    tab_indent: bool,
    depth: u32,
    build: Builder,
    anchors: HashMap<&'s str, NodeId>,
    /// Anchored collections that are not complete yet.
    open: Vec<NodeId>,
    alias_nodes: u32,
    /// `%TAG` handles and their prefixes.
    handles: Vec<(&'s str, &'s str)>,
    /// The tokens met, where comments are kept.
    log: Option<Vec<Token>>,
    expand_aliases: bool,
}

impl<'s> Parser<'s> {
    fn new(source: &'s Source, options: &'s ParseOptions) -> Self {
        let text = source.text();
        Self {
            source,
            text,
            bytes: text.as_bytes(),
            options,
            pos: 0,
            line_start: 0,
            indent: 0,
            tab_indent: false,
            depth: 0,
            build: Builder::new(options.duplicate_keys),
            anchors: HashMap::new(),
            open: Vec::new(),
            alias_nodes: 0,
            handles: Vec::new(),
            log: options.keep_comments.then(Vec::new),
            // The comments of a node are known only when all nodes are.
            expand_aliases: options.expand_aliases && !options.keep_comments,
        }
    }

    /// Notes a token up to where we are.
    #[inline]
    fn log(&mut self, kind: TokenKind, start: usize) {
        if let Some(log) = &mut self.log {
            log.push(Token {
                kind,
                start: saturating_u32(start),
                end: saturating_u32(self.pos),
            });
        }
    }

    /// Gives the documents their comments, and then expands aliases.
    fn with_comments(&self, mut documents: Vec<Document>) -> Result<Vec<Document>, Vec<Error>> {
        let Some(log) = &self.log else {
            return Ok(documents);
        };
        comments::attach(self.text, log, &mut documents);
        if !self.options.expand_aliases {
            return Ok(documents);
        }
        let limit = self.options.max_alias_nodes;
        let (mut expanded, mut errors) = (Vec::with_capacity(documents.len()), Vec::new());
        for document in &documents {
            match document.expand_aliases(limit, self.options.duplicate_keys) {
                Ok(document) => expanded.push(document),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(expanded)
        } else {
            Err(errors)
        }
    }

    fn stream(mut self) -> Result<Vec<Document>, Vec<Error>> {
        if self.bytes.len() > self.options.max_bytes as usize {
            let limit = self.options.max_bytes;
            let message = format!("the text is larger than the limit of {limit} bytes");
            return Err(vec![Error::at(self.source, Span::new(0, 0), message)]);
        }
        if let Some(error) = control::forbidden(self.source) {
            return Err(vec![error]);
        }
        if self.text.starts_with('\u{FEFF}') {
            self.pos = '\u{FEFF}'.len_utf8();
            self.line_start = self.pos;
        }
        self.measure_indent();
        let mut documents = Vec::new();
        let mut errors = Vec::new();
        let mut after_end = true;
        loop {
            match self.document(after_end) {
                Ok(Some(document)) => {
                    documents.push(document);
                    after_end = self.document_end(&mut errors);
                }
                Ok(None) => break,
                Err(error) => {
                    errors.push(error);
                    if errors.len() >= self.options.max_errors || !self.recover() {
                        break;
                    }
                    after_end = false;
                }
            }
        }
        if errors.is_empty() {
            self.with_comments(documents)
        } else {
            Err(errors)
        }
    }

    /// The next document; `None` at the end of the stream. `after_end`: directives and a document
    /// without `---` may come.
    fn document(&mut self, after_end: bool) -> Parsed<Option<Document>> {
        self.build.clear();
        self.anchors.clear();
        self.open.clear();
        self.handles.clear();
        self.alias_nodes = 0;
        self.depth = 0;
        self.next_content();
        while self.marker() == Some(b'.') {
            self.end_marker()?;
        }
        let mut directives = false;
        while after_end && self.column() == 0 && self.peek() == b'%' {
            self.directive()?;
            directives = true;
            self.next_content();
        }
        let root = if self.marker() == Some(b'-') {
            self.pos += 3;
            self.log(TokenKind::DocumentStart, self.pos - 3);
            self.block_node(-1, block::Context::Document)?
        } else if self.at_end() && !directives {
            return Ok(None);
        } else if directives {
            return Err(self
                .error_here("expected `---` after the directives")
                .with_help(
                    "directives (`%YAML`, `%TAG`) belong to the document that `---` starts",
                ));
        } else {
            self.fresh_node(
                -1,
                block::Context::Document,
                anchor::Props::default(),
                self.pos,
            )?
        };
        if !self.at_end() {
            let start = self.build.node(root).at as usize;
            if self
                .text
                .get(start..)
                .is_some_and(|text| text.starts_with("{{"))
            {
                return Err(self
                    .error(
                        start,
                        start + 2,
                        "a template is no YAML before it is rendered",
                    )
                    .with_help("render it first, as `helm template` does, or quote it"));
            }
            return Err(self.unexpected_content(-1));
        }
        Ok(Some(self.build.finish(
            root,
            self.source,
            self.options.spare_nodes,
        )))
    }

    /// Passes `...` lines; whether there was one.
    fn document_end(&mut self, errors: &mut Vec<Error>) -> bool {
        let mut ended = false;
        while self.marker() == Some(b'.') {
            ended = true;
            if let Err(error) = self.end_marker() {
                errors.push(error);
                self.skip_line();
                self.next_content();
            }
        }
        ended
    }

    fn end_marker(&mut self) -> Parsed<()> {
        self.pos += 3;
        self.log(TokenKind::DocumentEnd, self.pos - 3);
        self.finish_line()
    }

    /// Goes to the next `---` after an error; false if there is none.
    fn recover(&mut self) -> bool {
        let mut from = self.pos.min(self.bytes.len());
        loop {
            let rest = self.bytes.get(from..).unwrap_or(&[]);
            let Some(at) = memchr::memmem::find(rest, b"\n---") else {
                return false;
            };
            self.pos = from + at + 1;
            self.line_start = self.pos;
            self.measure_indent();
            if self.marker().is_some() {
                return true;
            }
            from = self.pos;
        }
    }

    pub(crate) fn span(start: usize, end: usize) -> Span {
        Span::new(saturating_u32(start), saturating_u32(end))
    }

    pub(crate) fn error(&self, start: usize, end: usize, message: impl Into<String>) -> Error {
        Error::at(self.source, Self::span(start, end), message)
    }

    pub(crate) fn error_here(&self, message: impl Into<String>) -> Error {
        let end = self.pos + self.bytes.get(self.pos).map_or(0, |_| 1);
        self.error(self.pos, end, message)
    }

    /// Counts a level of nesting.
    pub(crate) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > self.options.max_depth {
            let limit = self.options.max_depth;
            return Err(self.error_here(format!("collections are nested more than {limit} deep")));
        }
        Ok(())
    }

    /// Refuses a document with too many nodes.
    pub(crate) fn check_size(&self) -> Parsed<()> {
        if self.build.nodes.len() > self.options.max_nodes as usize {
            let limit = self.options.max_nodes;
            return Err(self.error_here(format!("the document has more than {limit} nodes")));
        }
        Ok(())
    }
}
