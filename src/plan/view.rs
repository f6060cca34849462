//! One way to read an object, whether it was rendered (a document) or is live (JSON).

use serde_json::Value;
use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema};

/// A node's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(&'a str),
    List,
    Map,
}

/// A node of an object.
pub(super) trait View<'a>: Copy {
    fn shape(self) -> Shape<'a>;
    fn get(self, key: &str) -> Option<Self>;
    /// The items of a list; none for anything else.
    fn items(self) -> impl Iterator<Item = Self>;
    /// The entries of a map; none for anything else.
    fn entries(self) -> impl Iterator<Item = (&'a str, Self)>;
    /// How many items or entries there are.
    fn len(self) -> usize;

    fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of a string.
    fn text(self) -> Option<&'a str> {
        match self.shape() {
            Shape::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text at a path; empty where there is none.
    fn text_at(self, path: &[&str]) -> &'a str {
        self.at(path).and_then(Self::text).unwrap_or_default()
    }

    /// The items of the list at a path.
    fn items_at(self, path: &[&str]) -> impl Iterator<Item = Self> {
        self.at(path).into_iter().flat_map(Self::items)
    }

    /// Null, or a collection that holds nothing but such values: applying it sets no field.
    fn is_vacuous(self) -> bool {
        match self.shape() {
            Shape::Null => true,
            Shape::List => self.items().all(Self::is_vacuous),
            Shape::Map => self.entries().all(|(_, value)| value.is_vacuous()),
            _ => false,
        }
    }

    /// What servers leave out when they write an object: nothing, empty, zero, false.
    fn is_zero(self) -> bool {
        match self.shape() {
            Shape::Null | Shape::Bool(false) | Shape::Int(0) | Shape::Uint(0) => true,
            Shape::Float(number) => number == 0.0,
            Shape::Str(text) => text.is_empty(),
            Shape::List => self.len() == 0,
            Shape::Map => self.entries().all(|(_, value)| value.is_zero()),
            Shape::Bool(true) | Shape::Int(_) | Shape::Uint(_) => false,
        }
    }
}

impl<'a> View<'a> for &'a Value {
    fn shape(self) -> Shape<'a> {
        match self {
            Value::Null => Shape::Null,
            Value::Bool(value) => Shape::Bool(*value),
            Value::Number(number) => number
                .as_i64()
                .map(Shape::Int)
                .or_else(|| number.as_u64().map(Shape::Uint))
                .unwrap_or_else(|| Shape::Float(number.as_f64().unwrap_or(f64::NAN))),
            Value::String(text) => Shape::Str(text),
            Value::Array(_) => Shape::List,
            Value::Object(_) => Shape::Map,
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        self.as_object()?.get(key)
    }

    fn items(self) -> impl Iterator<Item = Self> {
        self.as_array().into_iter().flatten()
    }

    fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
    }

    fn len(self) -> usize {
        match self {
            Value::Array(items) => items.len(),
            Value::Object(entries) => entries.len(),
            _ => 0,
        }
    }
}

/// A node of a rendered document, read as the API server will read it.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    doc: &'a Document,
    id: NodeId,
}

impl<'a> Node<'a> {
    pub(super) fn root(doc: &'a Document) -> Self {
        Self {
            doc,
            id: doc.root(),
        }
    }

    pub(super) fn id(self) -> NodeId {
        self.id
    }

    /// Its value as the server will read it.
    pub(super) fn to_json(self) -> Value {
        match self.shape() {
            Shape::Null => Value::Null,
            Shape::Bool(value) => value.into(),
            Shape::Int(value) => value.into(),
            Shape::Uint(value) => value.into(),
            Shape::Float(value) => value.into(),
            Shape::Str(text) => text.into(),
            Shape::List => self.items().map(Self::to_json).collect(),
            Shape::Map => self
                .entries()
                .map(|(key, value)| (key.to_owned(), value.to_json()))
                .collect(),
        }
    }
}

impl<'a> View<'a> for Node<'a> {
    fn shape(self) -> Shape<'a> {
        match self.doc.kind(self.id) {
            Kind::Sequence => Shape::List,
            Kind::Mapping => Shape::Map,
            Kind::Scalar | Kind::Alias => match self.doc.resolve(self.id, Schema::Sigs) {
                Resolved::Null => Shape::Null,
                Resolved::Bool(value) => Shape::Bool(value),
                Resolved::Int(value) => Shape::Int(value),
                Resolved::Uint(value) => Shape::Uint(value),
                Resolved::Float(value) => Shape::Float(value),
                Resolved::Str(text) => Shape::Str(text),
                _ => Shape::Str(self.doc.text(self.id).unwrap_or_default()),
            },
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        let id = self.doc.get(self.id, key)?;
        Some(Self { id, ..self })
    }

    fn items(self) -> impl Iterator<Item = Self> {
        self.doc.items(self.id).map(move |id| Self { id, ..self })
    }

    fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.doc
            .entries(self.id)
            .map(move |(key, id)| (self.doc.text(key).unwrap_or_default(), Self { id, ..self }))
    }

    fn len(self) -> usize {
        self.doc.len(self.id)
    }
}
