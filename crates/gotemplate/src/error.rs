//! What went wrong in a template, in Go's words, and where.

use std::fmt;

use crate::value::Str;

/// A failure to parse or to execute a template. Prints the text that Go prints.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    /// Go's whole text.
    text: String,
    /// The innermost reason alone.
    reason: String,
    help: Option<String>,
    /// The innermost place first.
    chain: Vec<Frame>,
    nil_path: Option<String>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no template.
    Parse,
    /// A template could not be executed.
    Execute,
    /// A function returned an error of its own; [`Error::frames`] is empty until a template saw it.
    Function,
    /// A bound on work, depth or output was met.
    Limit,
}

/// A place in a template's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name under which the text was parsed: in Helm the file's path in the chart.
    pub template: Str,
    /// From 1.
    pub line: u32,
    /// From 1, in characters. Go prints bytes from 0, see [`Error`]'s text.
    pub column: u32,
    /// Offset of the place in bytes.
    pub offset: u32,
}

/// One step of the way to the failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it was.
    pub place: Place,
    /// The template that was being executed: `mychart.labels`.
    pub executing: Str,
    /// The expression, as Go prints it back: `.Values.image.tag`. Empty for parse errors.
    pub expression: String,
}

impl Error {
    /// An error of a function, to be placed by the template that called it.
    pub fn new(message: impl Into<String>) -> Self {
        let text = message.into();
        Self(Box::new(Inner {
            kind: ErrorKind::Function,
            reason: text.clone(),
            text,
            help: None,
            chain: Vec::new(),
            nil_path: None,
        }))
    }

    /// The same error with advice.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same error with words put before Go's text.
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.0.text.insert_str(0, prefix);
        self
    }

    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_nil_path(mut self, path: Option<String>) -> Self {
        self.0.nil_path = self.0.nil_path.or(path);
        self
    }

    /// The error as seen from one template further out, with the text that Go gives it there.
    pub(crate) fn framed(mut self, text: String, frame: Frame) -> Self {
        self.0.text = text;
        self.0.chain.push(frame);
        if self.0.kind == ErrorKind::Function {
            self.0.kind = ErrorKind::Execute;
        }
        self
    }

    /// The same error with one more place on the way to it.
    pub(crate) fn called_from(mut self, frame: Frame) -> Self {
        self.0.chain.push(frame);
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Go's whole text, as [`Display`](fmt::Display) prints it.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The innermost reason alone: `nil pointer evaluating interface {}.tag`.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What to do about it, where there is a usual cause.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The places from the failure outwards: the expression that failed first, then what included it.
    pub fn frames(&self) -> &[Frame] {
        &self.0.chain
    }

    /// Where it failed; `None` for errors of functions that no template has placed yet.
    pub fn place(&self) -> Option<&Place> {
        self.0.chain.first().map(|frame| &frame.place)
    }

    /// The path that was nil, as written: `.Values.image` in `.Values.image.tag`.
    pub fn nil_path(&self) -> Option<&str> {
        self.0.nil_path.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl Place {
    pub(crate) fn new(template: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            template: template.into(),
            line: count(before.bytes().filter(|&byte| byte == b'\n').count() + 1),
            column: count(
                before
                    .get(line_start..)
                    .map_or(0, |line| line.chars().count())
                    + 1,
            ),
            offset: count(offset),
        }
    }
}
