//! Reading typed fields out of a YAML document as Go's JSON decoder would, but with a place for every
//! complaint and all complaints at once.

use std::{cell::RefCell, collections::BTreeMap};

use trueup_manifest::{Diagnostic, Diagnostics, nearest};
use trueup_yaml::{Document, Kind, Location, NodeId, Resolved, Schema};

use crate::node::kind_name;

/// A value with the place it was written at.
#[derive(Clone, Debug, Default)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Option<Location>,
}

impl<T> std::ops::Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// How strict upstream is with the file at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// A kustomization file: unknown fields are errors, and a string must be written as one.
    Strict,
    /// A transformer configuration: unknown fields are errors, scalars become strings where those
    /// are wanted.
    StrictCoerced,
    /// A file of replacements: unknown fields are ignored, scalars become strings where those are
    /// wanted.
    Lenient,
    /// The object that configures a generator or transformer: as [`Self::Lenient`], but read as any
    /// other object, so that `yes` is a string.
    Object,
}

/// Reads one document; complaints gather until [`Self::finish`].
pub(crate) struct Decoder<'a> {
    doc: &'a Document,
    rules: Rules,
    complaints: RefCell<Diagnostics>,
}

/// The fields of one mapping, found by name whatever their case, as Go's decoder finds them.
pub(crate) struct Fields<'a, 'd> {
    decoder: &'a Decoder<'d>,
    found: Vec<(&'static str, NodeId)>,
}

impl<'d> Decoder<'d> {
    pub(crate) fn new(doc: &'d Document, rules: Rules) -> Self {
        Self {
            doc,
            rules,
            complaints: RefCell::default(),
        }
    }

    pub(crate) fn schema(&self) -> Schema {
        if self.rules == Rules::Object {
            Schema::Kyaml
        } else {
            Schema::Sigs
        }
    }

    /// Whether what is read is an object that configures a generator or transformer.
    pub(crate) fn reads_object(&self) -> bool {
        self.rules == Rules::Object
    }

    /// The value, unless there were complaints.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Diagnostics> {
        self.complaints.into_inner().into_result(value)
    }

    pub(crate) fn complain(&self, diagnostic: Diagnostic) {
        self.complaints.borrow_mut().push(diagnostic);
    }

    pub(crate) fn place(&self, node: NodeId) -> Option<Location> {
        self.doc.location(node)
    }

    fn wrong_type(&self, node: NodeId, expected: &str) {
        let found = match self.doc.kind(node) {
            Kind::Scalar => match self.doc.resolve(node, self.schema()) {
                Resolved::Bool(_) => "a boolean",
                Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => "a number",
                _ => "a string",
            },
            kind => kind_name(kind),
        };
        let diagnostic = Diagnostic::error(
            "kustomize/wrong-type",
            format!("expected {expected}, found {found}"),
        )
        .at(self.place(node));
        let diagnostic = match (expected, self.doc.text(node)) {
            ("a string", Some(text)) => diagnostic.help(format!("put it in quotes: \"{text}\"")),
            _ => diagnostic,
        };
        self.complain(diagnostic);
    }

    /// The fields of a mapping with these known names. `what` says whose fields they are.
    pub(crate) fn fields(
        &self,
        node: NodeId,
        what: &str,
        known: &'static [&'static str],
    ) -> Fields<'_, 'd> {
        let mut found = Vec::new();
        if self.doc.is_null(node) {
            return Fields {
                decoder: self,
                found,
            };
        }
        if self.doc.kind(node) != Kind::Mapping {
            self.wrong_type(node, "a mapping");
            return Fields {
                decoder: self,
                found,
            };
        }
        for (key, value) in self.doc.entries(node) {
            let name = self.doc.text(key).unwrap_or_default();
            let field = known
                .iter()
                .find(|field| **field == name)
                .or_else(|| known.iter().find(|field| field.eq_ignore_ascii_case(name)));
            match field {
                Some(field) => found.push((*field, value)),
                None if matches!(self.rules, Rules::Lenient | Rules::Object) => {}
                None => self.unknown_field(key, name, what, known),
            }
        }
        Fields {
            decoder: self,
            found,
        }
    }

    fn unknown_field(&self, key: NodeId, name: &str, what: &str, known: &[&str]) {
        let message = format!("`{name}` is not a field of {what}");
        let diagnostic = Diagnostic::error("kustomize/unknown-field", message).at(self.place(key));
        self.complain(match nearest(name, known.iter().copied()) {
            Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
            None => diagnostic.help(format!("known fields: {}", known.join(", "))),
        });
    }

    pub(crate) fn string(&self, node: NodeId) -> String {
        if self.doc.kind(node) != Kind::Scalar {
            self.wrong_type(node, "a string");
            return String::new();
        }
        let coerce = self.rules != Rules::Strict;
        match self.doc.resolve(node, self.schema()) {
            Resolved::Null => String::new(),
            Resolved::Str(text) => text.to_owned(),
            Resolved::Bool(value) if coerce => value.to_string(),
            Resolved::Int(value) if coerce => value.to_string(),
            Resolved::Uint(value) if coerce => value.to_string(),
            Resolved::Float(value) if coerce => crate::number::general(value),
            Resolved::Timestamp(_) => self.doc.text(node).unwrap_or_default().to_owned(),
            _ => {
                self.wrong_type(node, "a string");
                String::new()
            }
        }
    }

    /// The entries of a map of strings, each value with its place.
    pub(crate) fn entries(&self, node: NodeId) -> Vec<(String, At<String>)> {
        if self.doc.kind(node) != Kind::Mapping && !self.doc.is_null(node) {
            self.wrong_type(node, "a mapping");
        }
        self.doc
            .entries(node)
            .map(|(key, value)| {
                let text = self.key(key);
                (
                    text,
                    At {
                        value: self.string(value),
                        place: self.place(value),
                    },
                )
            })
            .collect()
    }

    /// A key as upstream's loader makes a string of it: `n:` is `false`.
    fn key(&self, key: NodeId) -> String {
        match self.doc.resolve(key, self.schema()) {
            Resolved::Bool(value) => value.to_string(),
            Resolved::Int(value) => value.to_string(),
            Resolved::Uint(value) => value.to_string(),
            Resolved::Float(value) => crate::number::general(value),
            _ => self.doc.text(key).unwrap_or_default().to_owned(),
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self, node: NodeId) -> Vec<NodeId> {
        if self.doc.is_null(node) {
            return Vec::new();
        }
        if self.doc.kind(node) != Kind::Sequence {
            self.wrong_type(node, "a list");
        }
        self.doc.items(node).collect()
    }
}

impl Fields<'_, '_> {
    /// The node of a field; none where absent or null.
    pub(crate) fn node(&self, name: &str) -> Option<NodeId> {
        let (_, node) = self.found.iter().rev().find(|(field, _)| *field == name)?;
        (!self.decoder.doc.is_null(*node)).then_some(*node)
    }

    pub(crate) fn place(&self, name: &str) -> Option<Location> {
        self.node(name).and_then(|node| self.decoder.place(node))
    }

    /// A string; empty where absent.
    pub(crate) fn string(&self, name: &str) -> String {
        self.node(name)
            .map_or_else(String::new, |node| self.decoder.string(node))
    }

    /// A string with its place.
    pub(crate) fn string_at(&self, name: &str) -> At<String> {
        At {
            value: self.string(name),
            place: self.place(name),
        }
    }

    /// A boolean; false where absent.
    pub(crate) fn bool(&self, name: &str) -> bool {
        let Some(node) = self.node(name) else {
            return false;
        };
        match self.decoder.doc.resolve(node, self.decoder.schema()) {
            Resolved::Bool(value) if self.decoder.doc.kind(node) == Kind::Scalar => value,
            _ => {
                self.decoder.wrong_type(node, "a boolean");
                false
            }
        }
    }

    /// A whole number; 0 where absent.
    pub(crate) fn int(&self, name: &str) -> i64 {
        let Some(node) = self.node(name) else {
            return 0;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be whole and in range"
        )]
        match self.decoder.doc.resolve(node, self.decoder.schema()) {
            Resolved::Int(value) if self.decoder.doc.kind(node) == Kind::Scalar => value,
            Resolved::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => value as i64,
            _ => {
                self.decoder.wrong_type(node, "a whole number");
                0
            }
        }
    }

    /// A list of strings with their places.
    pub(crate) fn strings(&self, name: &str) -> Vec<At<String>> {
        let Some(node) = self.node(name) else {
            return Vec::new();
        };
        let decoder = self.decoder;
        decoder
            .items(node)
            .into_iter()
            .map(|item| At {
                value: decoder.string(item),
                place: decoder.place(item),
            })
            .collect()
    }

    /// A map of strings.
    pub(crate) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let Some(node) = self.node(name) else {
            return BTreeMap::new();
        };
        self.decoder
            .entries(node)
            .into_iter()
            .map(|(key, at)| (key, at.value))
            .collect()
    }

    /// A list, each item read by `read`.
    pub(crate) fn list<T>(&self, name: &str, read: impl Fn(NodeId) -> T) -> Vec<T> {
        let Some(node) = self.node(name) else {
            return Vec::new();
        };
        self.decoder.items(node).into_iter().map(read).collect()
    }

    /// A nested value read by `read`; none where absent.
    pub(crate) fn nested<T>(&self, name: &str, read: impl FnOnce(NodeId) -> T) -> Option<T> {
        self.node(name).map(read)
    }
}
