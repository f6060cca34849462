//! What is wrong, where, and what to do about it.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use trueup_yaml::Location;

use crate::tree::TreeError;

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Works, but is not what the author most likely wants.
    Warning,
    /// Nothing is applied from a set that holds one.
    Error,
}

/// A place that a [`Diagnostic`] points at, with what is to be said about it there.
#[derive(Clone, Debug)]
pub struct Label {
    /// The place.
    pub location: Location,
    /// What to say at the place; may be empty.
    pub text: String,
}

/// One finding for a person: what is wrong, where, how it got there, and the way out.
///
/// The message is lower-case without a trailing period, literals in backticks; the fix belongs into
/// the help. The first label is the place itself, further ones are context.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// A stable name such as `kustomize/unknown-field`, by which the docs explain it.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, the main place first; empty where there is none.
    pub labels: Vec<Label>,
    /// The environments, phases and kustomizations that led here, outermost first.
    pub chain: Vec<Arc<str>>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with no place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// A warning with no place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: &'static str, message: String) -> Self {
        Self {
            code,
            severity,
            message,
            labels: Vec::new(),
            chain: Vec::new(),
            help: None,
        }
    }

    /// Points at a place; the first call names the main one. Accepts a missing location, so that a
    /// caller need not care whether a node was written in a file or made in memory.
    pub fn at(self, location: impl Into<Option<Location>>) -> Self {
        self.label(location, "")
    }

    /// [`Self::at`] with something to say about the place.
    pub fn label(mut self, location: impl Into<Option<Location>>, text: impl Into<String>) -> Self {
        if let Some(location) = location.into() {
            self.labels.push(Label {
                location,
                text: text.into(),
            });
        }
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what led here, outermost first.
    pub fn via(mut self, chain: &[Arc<str>]) -> Self {
        self.chain = chain.to_vec();
        self
    }

    /// The main place.
    pub fn location(&self) -> Option<&Location> {
        self.labels.first().map(|label| &label.location)
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// One line: `file:line:col: error[code]: message`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = self.location() {
            write!(f, "{location}: ")?;
        }
        let word = if self.is_error() { "error" } else { "warning" };
        write!(f, "{word}[{}]: {}", self.code, self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl From<trueup_yaml::Error> for Diagnostic {
    fn from(error: trueup_yaml::Error) -> Self {
        let diagnostic = Self::error("yaml/syntax", error.message()).at(error.location().clone());
        match error.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

impl From<TreeError> for Diagnostic {
    fn from(error: TreeError) -> Self {
        Self::error("source/unreadable", error.to_string())
    }
}

/// `{code, severity, message, locations: [{file, line, column, text}], chain, help}`.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Place<'a> {
            file: &'a str,
            line: u32,
            column: u32,
            #[serde(skip_serializing_if = "str::is_empty")]
            text: &'a str,
        }
        let places: Vec<Place<'_>> = self
            .labels
            .iter()
            .map(|label| {
                let (line, column) = label.location.line_col();
                Place {
                    file: label.location.source.name(),
                    line,
                    column,
                    text: &label.text,
                }
            })
            .collect();
        let chain: Vec<&str> = self.chain.iter().map(AsRef::as_ref).collect();
        let mut out = serializer.serialize_struct("Diagnostic", 6)?;
        out.serialize_field("code", self.code)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("locations", &places)?;
        out.serialize_field("chain", &chain)?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

/// Several findings, in the order they were made. As an error it holds at least one error.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: impl Into<Diagnostic>) {
        self.0.push(diagnostic.into());
    }

    /// Takes the value, or keeps the finding and gives none: for collecting what can be collected
    /// before giving up.
    pub fn keep<T, E: Into<Self>>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.extend(error.into().0);
                None
            }
        }
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order they were made.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Puts `step` before the chain of each: the caller's own place in what led here.
    pub fn through(mut self, step: &Arc<str>) -> Self {
        for diagnostic in &mut self.0 {
            diagnostic.chain.insert(0, Arc::clone(step));
        }
        self
    }

    /// `value`, unless an error was found.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.has_errors() {
            Err(self)
        } else {
            Ok(value)
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl<D: Into<Diagnostic>> From<D> for Diagnostics {
    fn from(diagnostic: D) -> Self {
        Self(vec![diagnostic.into()])
    }
}

impl From<Vec<trueup_yaml::Error>> for Diagnostics {
    fn from(errors: Vec<trueup_yaml::Error>) -> Self {
        errors.into_iter().map(Diagnostic::from).collect()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, items: I) {
        self.0.extend(items);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
