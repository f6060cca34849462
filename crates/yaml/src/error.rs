//! What is wrong, where, and what to do about it.

use std::fmt;

use crate::source::{Location, Source, Span};

/// One problem in a YAML text. Prints as `file:line:column: message`.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    message: String,
    location: Location,
    help: Option<String>,
}

impl Error {
    /// An error at a place.
    pub fn new(message: impl Into<String>, location: Location) -> Self {
        Self(Box::new(Inner {
            message: message.into(),
            location,
            help: None,
        }))
    }

    pub(crate) fn at(source: &Source, span: Span, message: impl Into<String>) -> Self {
        let source = source.clone();
        Self::new(message, Location { source, span })
    }

    /// The same error with advice.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where. For a node made in memory the source is empty and named `<memory>`.
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// What to do about it, where there is a usual cause.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The offending line with a marker under the place, as three lines of text.
    /// Empty when the place is unknown.
    pub fn excerpt(&self) -> String {
        let location = self.location();
        if location.source.text().is_empty() {
            return String::new();
        }
        let (line, column) = location.line_col();
        let text = location.source.line_text(line).replace('\t', " ");
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let width = (location.span.end.saturating_sub(location.span.start) as usize)
            .min((text.chars().count() + 1).saturating_sub(column as usize))
            .max(1);
        let pad = " ".repeat(column as usize - 1);
        let marks = "^".repeat(width);
        format!("{margin} |\n{number} | {text}\n{margin} | {pad}{marks}\n")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location(), self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match self.help() {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
