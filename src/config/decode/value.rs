//! One value, to be read as what its field holds.

use std::{fmt, time::Duration};

use trueup_manifest::{Diagnostic, TreePath, nearest};
use trueup_yaml::{Document, Kind, Location, NodeId, Resolved, Schema};

use super::{Decoder, Fields, Spanned, scalar, shape::Shape};
use crate::config::variables::{Literal, is_text};

/// What a value is to the mapping or list that holds it, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Document(&'static str),
    Field(&'static str),
    ItemOf(&'static str),
    EntryOf(&'static str),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(what) => f.write_str(what),
            Self::Field(name) => write!(f, "`{name}`"),
            Self::ItemOf(name) => write!(f, "an item of `{name}`"),
            Self::EntryOf(name) => write!(f, "a value of `{name}`"),
        }
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Document(name) | Self::Field(name) | Self::ItemOf(name) | Self::EntryOf(name) => {
                name
            }
        }
    }
}

/// A node of a document that is yet to be read. Each reading gives the value, or reports what is
/// wrong and gives none.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    cx: &'a Decoder<'a>,
    node: NodeId,
    role: Role,
    key: Option<NodeId>,
}

impl<'a> Value<'a> {
    pub(super) fn new(cx: &'a Decoder<'a>, node: NodeId, role: Role) -> Self {
        Self {
            cx,
            node,
            role,
            key: None,
        }
    }

    /// The same value, found under a key.
    pub(super) fn under(self, key: NodeId) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// Where it is written.
    pub(crate) fn location(self) -> Option<Location> {
        self.cx.doc.location(self.node)
    }

    /// Where a character of its text is written. Quotes, folds and indentation stand between the two: what
    /// is written is walked along with the text.
    pub(crate) fn location_in(self, text: &str, at: usize) -> Option<Location> {
        let mut location = self.location()?;
        let start = location.span.start as usize;
        let written = location.source.text().get(start..).unwrap_or_default();
        // The first line of a block scalar is its header.
        let header = match written.as_bytes().first() {
            Some(b'|' | b'>') => written.find('\n').map_or(0, |end| end + 1),
            _ => 0,
        };
        let mut rest = written
            .char_indices()
            .skip_while(|(offset, _)| *offset < header);
        let mut place = header;
        for wanted in text
            .chars()
            .take(at + 1)
            .filter(|char| !char.is_whitespace())
        {
            match rest.find(|(_, char)| *char == wanted) {
                Some((offset, _)) => place = offset,
                None => break,
            }
        }
        let place = u32::try_from(start + place).unwrap_or(location.span.start);
        location.span = trueup_yaml::Span::new(place, place + 1);
        Some(location)
    }

    /// Reports something that is wrong with this value.
    pub(crate) fn invalid(self, message: impl Into<String>, help: impl Into<String>) {
        self.cx.report(
            Diagnostic::error("config/invalid-value", message)
                .at(self.location())
                .help(help),
        );
    }

    pub(crate) fn report(self, diagnostic: Diagnostic) {
        self.cx.report(diagnostic);
    }

    pub(super) fn is_empty_scalar(self) -> bool {
        self.cx.doc.is_null(self.node)
    }

    /// A mapping with the fields of `shape`.
    pub(crate) fn fields(self, shape: &'static Shape) -> Option<Fields<'a>> {
        if self.cx.doc.kind(self.node) != Kind::Mapping && !self.is_empty_scalar() {
            let help = match self.role {
                Role::Document(_) => "begin it with `apiVersion: trueup.dev/v1`".to_owned(),
                _ => format!("write it as {}", shape_sketch(shape)),
            };
            self.wrong_type("a mapping", &help);
            return None;
        }
        let place = self.cx.doc.location(self.key.unwrap_or(self.node));
        Some(Fields::new(self.cx, self.node, place, shape))
    }

    /// Text. A number or a boolean is not taken for text.
    pub(crate) fn text(self) -> Option<Spanned<String>> {
        match self.resolved()? {
            Resolved::Str(text) if !text.is_empty() => Some(self.spanned(text.to_owned())),
            Resolved::Str(_) => {
                self.invalid(
                    format!("{} is empty", self.role),
                    "give it a value or remove it",
                );
                None
            }
            _ => {
                let text = self.cx.doc.text(self.node).unwrap_or_default();
                self.wrong_type("text", &format!("put it in quotes: \"{text}\""));
                None
            }
        }
    }

    /// Text that `check` accepts; otherwise its message (after the role) and help are reported.
    pub(crate) fn text_where(
        self,
        check: impl FnOnce(&str) -> Result<(), (String, String)>,
    ) -> Option<Spanned<String>> {
        let text = self.text()?;
        match check(&text) {
            Ok(()) => Some(text),
            Err((message, help)) => {
                self.invalid(format!("{} {message}", self.role), help);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn bool(self) -> Option<bool> {
        if let Resolved::Bool(value) = self.resolved()? {
            return Some(value);
        }
        let help = match self.cx.doc.text(self.node).unwrap_or_default() {
            "yes" | "Yes" | "on" | "On" | "y" => "write `true`",
            "no" | "No" | "off" | "Off" | "n" => "write `false`",
            _ => "write `true` or `false`",
        };
        self.wrong_type("a boolean", help);
        None
    }

    /// Whether this is written as a boolean.
    pub(crate) fn is_bool(self) -> bool {
        matches!(
            self.cx.doc.resolve(self.node, Schema::Kyaml),
            Resolved::Bool(_)
        )
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn count(self, least: u32, most: u32) -> Option<u32> {
        let range = if most == u32::MAX {
            format!("a whole number from {least}")
        } else {
            format!("a whole number from {least} to {most}")
        };
        if let Resolved::Int(value) = self.resolved()?
            && let Ok(value) = u32::try_from(value)
            && (least..=most).contains(&value)
        {
            return Some(value);
        }
        self.wrong_type(&range, &format!("write {range}"));
        None
    }

    /// A whole number, which may be negative.
    pub(crate) fn integer(self) -> Option<i64> {
        if let Resolved::Int(value) = self.resolved()? {
            return Some(value);
        }
        self.wrong_type("a whole number", "write a whole number such as 10");
        None
    }

    /// A span of time of at least `least`.
    pub(crate) fn duration(self, least: Duration) -> Option<Duration> {
        let text = match self.resolved()? {
            Resolved::Str(text) => text,
            Resolved::Int(number) => {
                self.wrong_type(
                    "a duration",
                    &format!("say the unit: `{number}s` or `{number}m`"),
                );
                return None;
            }
            _ => {
                self.wrong_type("a duration", "write it as `90s`, `10m` or `1m30s`");
                return None;
            }
        };
        match scalar::parse_duration(text) {
            Ok(value) if value >= least => Some(value),
            Ok(_) => {
                let least = scalar::format_duration(least);
                self.invalid(
                    format!("{} must be at least {least}, but is `{text}`", self.role),
                    format!("write `{least}` or longer"),
                );
                None
            }
            Err(reason) => {
                self.invalid(
                    format!("{} is not a duration: {reason}", self.role),
                    "write it as `90s`, `10m` or `1m30s`; the units are `h`, `m`, `s` and `ms`",
                );
                None
            }
        }
    }

    /// A path inside the repository.
    pub(crate) fn path(self) -> Option<Spanned<TreePath>> {
        let text = self.text()?;
        if let Ok(path) = TreePath::new(&text) {
            return Some(self.spanned(path));
        }
        self.invalid(
            format!(
                "{} must stay inside the repository, but is `{}`",
                self.role, text.value
            ),
            "write it from the root of the repository, such as `overlays/dev`",
        );
        None
    }

    /// One of several words with what each stands for.
    pub(crate) fn word<T: Copy>(self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = match nearest(&text, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of `{}`", known.join("`, `")),
        };
        self.invalid(format!("{} cannot be `{text}`", self.role), help);
        None
    }

    /// The items of a list.
    pub(crate) fn list(self) -> Option<Vec<Self>> {
        if self.cx.doc.kind(self.node) != Kind::Sequence {
            self.wrong_type("a list", "write each item on a line of its own after `- `");
            return None;
        }
        let role = Role::ItemOf(self.role.name());
        Some(
            self.cx
                .doc
                .items(self.node)
                .map(|item| Self::new(self.cx, item, role))
                .collect(),
        )
    }

    /// The texts of a list, those that could be read.
    pub(crate) fn texts(self) -> Option<Vec<Spanned<String>>> {
        Some(self.list()?.into_iter().filter_map(Self::text).collect())
    }

    /// The pairs of a mapping with free names.
    pub(crate) fn entries(self) -> Option<Vec<(Spanned<String>, Self)>> {
        if self.cx.doc.kind(self.node) != Kind::Mapping {
            self.wrong_type("a mapping", "write each entry as `name: value`");
            return None;
        }
        let key_role = Role::EntryOf(self.role.name());
        let entries = self.cx.doc.entries(self.node).map(|(key, value)| {
            let text = self.cx.doc.text(key).unwrap_or_default().to_owned();
            let key = Spanned {
                value: text,
                location: self.cx.doc.location(key),
            };
            (key, Self::new(self.cx, value, key_role))
        });
        Some(entries.collect())
    }

    /// A mapping from names to texts.
    pub(crate) fn text_map(self) -> Option<Vec<(Spanned<String>, Spanned<String>)>> {
        let entries = self.entries()?.into_iter();
        Some(
            entries
                .filter_map(|(key, value)| Some((key, value.text()?)))
                .collect(),
        )
    }

    /// A text, number or boolean. Null, a list or a mapping is an error.
    pub(crate) fn literal(self) -> Option<Literal> {
        if self.cx.doc.kind(self.node) != Kind::Scalar || self.is_empty_scalar() {
            self.wrong_type(
                "text, a number or a boolean",
                "write one value, in quotes if it is text",
            );
            return None;
        }
        let text = self.cx.doc.text(self.node)?.to_owned();
        Some(Literal {
            text,
            is_text: is_text(self.cx.doc, self.node),
        })
    }

    /// Whatever is written, as a document of its own.
    pub(crate) fn any(self) -> Spanned<Document> {
        self.spanned(self.cx.doc.extract(self.node))
    }

    /// Whether this is a scalar other than null.
    pub(crate) fn is_scalar(self) -> bool {
        self.cx.doc.kind(self.node) == Kind::Scalar && !self.is_empty_scalar()
    }

    /// Keeps this value out of every excerpt of the file.
    pub(crate) fn hide(self) {
        self.cx.hide(self.node);
    }

    pub(crate) fn spanned<T>(self, value: T) -> Spanned<T> {
        Spanned {
            value,
            location: self.location(),
        }
    }

    /// The scalar under the rules of Kustomize; a list, a mapping or nothing is reported.
    fn resolved(self) -> Option<Resolved<'a>> {
        if self.cx.doc.kind(self.node) == Kind::Scalar && !self.is_empty_scalar() {
            return Some(self.cx.doc.resolve(self.node, Schema::Kyaml));
        }
        self.wrong_type("one value", "write one value");
        None
    }

    pub(crate) fn wrong_type(self, expected: &str, help: &str) {
        let found = match self.cx.doc.kind(self.node) {
            Kind::Sequence => "a list".to_owned(),
            Kind::Mapping => "a mapping".to_owned(),
            Kind::Scalar | Kind::Alias => {
                let text = self.cx.doc.text(self.node).unwrap_or_default();
                match self.cx.doc.resolve(self.node, Schema::Kyaml) {
                    Resolved::Null => "empty".to_owned(),
                    Resolved::Bool(_) => format!("the boolean `{text}`"),
                    Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => {
                        format!("the number `{text}`")
                    }
                    _ => format!("the text `{}`", scalar::shortened(text)),
                }
            }
        };
        self.cx.report(
            Diagnostic::error(
                "config/wrong-type",
                format!("{} must be {expected}, but is {found}", self.role),
            )
            .at(self.location())
            .help(help),
        );
    }
}

/// `{path: …}` from the first field of a shape.
fn shape_sketch(shape: &Shape) -> String {
    let name = shape
        .fields
        .iter()
        .find(|field| field.need == super::Need::Required)
        .or_else(|| shape.fields.first())
        .map_or("", |field| field.name);
    if name.is_empty() {
        "`{}`".to_owned()
    } else {
        format!("`{{{name}: …}}`")
    }
}
