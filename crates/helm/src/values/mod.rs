//! Values: a chart's defaults, what a user sets over them, and how the two become one.
//!
//! Flows in: the text of values files and `--set` expressions. Flows out: the maps that templates see.
//! It must never share a map between two renders: templates may change what they are given.

mod coalesce;
mod overlay;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use trueup_gotemplate::{List, Map, Value};
use trueup_manifest::Diagnostic;
use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema};

pub(crate) use coalesce::{coalesce, merge, merge_tables};
pub use overlay::{Overlay, Secret, SetFile};

use crate::{error::Error, yaml};

/// Values at rest. A render takes a map of its own with [`Values::fresh`].
#[derive(Clone, Default)]
pub struct Values(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Empty,
    Document(Arc<Document>),
    Made(Map),
}

impl Values {
    /// Reads a values file; `name` is how to show it. One that is empty holds no values.
    pub fn parse(name: &str, data: &[u8]) -> Result<Self, Error> {
        Self::of_document(yaml::document(name, data)?)
    }

    /// As [`parse`](Self::parse), of a text that is shared.
    pub(crate) fn of_text(name: &str, text: Arc<str>) -> Result<Self, Error> {
        Self::of_document(yaml::parse(&trueup_yaml::Source::new(name, text))?)
    }

    /// Takes the values of a document that is read already.
    pub fn of_document(document: Document) -> Result<Self, Error> {
        let root = document.root();
        if document.is_null(root) {
            return Ok(Self::default());
        }
        if document.kind(root) != Kind::Mapping {
            let found = match document.kind(root) {
                Kind::Sequence => "array",
                _ => match document.resolve(root, Schema::Sigs) {
                    Resolved::Bool(_) => "bool",
                    Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => "number",
                    _ => "string",
                },
            };
            let text = format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into \
                 Go value of type map[string]interface {{}}"
            );
            let finding = Diagnostic::error("helm/values", "values must be a mapping")
                .at(document.location(root))
                .help("write `key: value` pairs, or leave the file empty");
            return Err(Error::found(text, finding));
        }
        check_keys(&document, root)?;
        Ok(Self(Source::Document(Arc::new(document))))
    }

    /// Takes a map, which nobody may change from here on.
    pub(crate) fn of_map(map: Map) -> Self {
        Self(Source::Made(map))
    }

    /// A map that the caller may change.
    pub fn fresh(&self) -> Map {
        match &self.0 {
            Source::Empty => Map::new(),
            Source::Document(document) => match Value::from_yaml(document, document.root()) {
                Value::Map(map) => map,
                _ => Map::new(),
            },
            Source::Made(map) => deep_copy(map),
        }
    }

    /// The document, for the places of values; none for values that were put together.
    pub fn document(&self) -> Option<&Arc<Document>> {
        match &self.0 {
            Source::Document(document) => Some(document),
            _ => None,
        }
    }
}

impl fmt::Debug for Values {
    /// Nothing of the values: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}

/// Refuses mappings whose keys are collections, as Go's parser does, and numbers that JSON has not.
pub(crate) fn check_keys(document: &Document, node: NodeId) -> Result<(), Error> {
    match document.kind(node) {
        Kind::Mapping => {
            for (key, value) in document.entries(node) {
                if document.kind(key) != Kind::Scalar {
                    let text = "error converting YAML to JSON: yaml: invalid map key: ".to_owned()
                        + &go_key(document, key);
                    let finding = Diagnostic::error("helm/values", "a key must be text")
                        .at(document.location(key))
                        .help("quote a key that begins with a bracket");
                    return Err(Error::found(text, finding));
                }
                let merges = document.kind(value) == Kind::Scalar
                    && document.text(key) == Some("<<")
                    && document.resolve(key, Schema::Sigs) == Resolved::Merge;
                if merges {
                    let text = "error converting YAML to JSON: yaml: map merge requires map or \
                                sequence of maps as the value";
                    let finding =
                        Diagnostic::error("helm/values", "only a mapping can be merged in")
                            .at(document.location(value))
                            .help(
                                "name a mapping by its anchor, or quote the `<<` to make it a key",
                            );
                    return Err(Error::found(text, finding));
                }
                check_keys(document, value)?;
            }
            Ok(())
        }
        Kind::Sequence => document
            .items(node)
            .try_for_each(|item| check_keys(document, item)),
        _ => match document.resolve(node, Schema::Sigs) {
            Resolved::Float(number) if !number.is_finite() => {
                let text = "error converting YAML to JSON: json: unsupported value: ".to_owned()
                    + &crate::go::format_g(number, true);
                let finding = Diagnostic::error("helm/values", "JSON has no such number")
                    .at(document.location(node))
                    .help("quote it to make it a text");
                Err(Error::found(text, finding))
            }
            _ => Ok(()),
        },
    }
}

/// `%#v` of a key, as far as it goes for plain lists.
fn go_key(document: &Document, node: NodeId) -> String {
    match document.kind(node) {
        Kind::Sequence => {
            let items: Vec<String> = document
                .items(node)
                .map(|id| go_key(document, id))
                .collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Kind::Mapping => {
            let pairs: Vec<String> = document
                .entries(node)
                .map(|(key, value)| {
                    format!("{}:{}", go_key(document, key), go_key(document, value))
                })
                .collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
        }
        _ => match document.resolve(node, Schema::Sigs) {
            Resolved::Str(text) => crate::go::quote(text),
            Resolved::Null => "interface {}(nil)".to_owned(),
            _ => yaml::text(document, node),
        },
    }
}

/// A copy that shares no map with the original.
pub(crate) fn deep_copy(map: &Map) -> Map {
    map.entries()
        .into_iter()
        .map(|(key, value)| (key, deep_copy_value(&value)))
        .collect()
}

fn deep_copy_value(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_copy(map)),
        Value::List(list) => {
            let items = list.items().iter().map(deep_copy_value).collect();
            Value::List(List::typed(list.elem(), items))
        }
        other => other.clone(),
    }
}

/// The table at a dotted path.
pub(crate) fn table(values: &Map, path: &str) -> Option<Map> {
    let mut at = values.clone();
    for part in path.split('.') {
        at = match at.get(part) {
            Some(Value::Map(next)) => next,
            _ => return None,
        };
    }
    Some(at)
}

/// The value at a dotted path, where it is no table.
pub(crate) fn path_value(values: &Map, path: &str) -> Option<Value> {
    let found = match path.rsplit_once('.') {
        Some((tables, key)) => table(values, tables)?.get(key),
        None => values.get(path),
    };
    found.filter(|value| !matches!(value, Value::Map(_)))
}

/// The values as JSON, for the schema.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Str(text) => text.to_text().into_owned().into(),
        Value::Bytes(text) => text.to_text().into_owned().into(),
        Value::List(list) => list.items().iter().map(to_json).collect(),
        Value::Map(map) => serde_json::Value::Object(map.with(|entries| {
            entries
                .iter()
                .map(|(key, value)| (key.to_text().into_owned(), to_json(value)))
                .collect()
        })),
        other => match (other.as_int(), other.as_uint(), other.as_float()) {
            (Some(number), ..) => number.into(),
            (None, Some(number), _) => number.into(),
            (None, None, Some(number)) => number.into(),
            _ => serde_json::Value::Null,
        },
    }
}

/// JSON as values: all numbers are floats, as Go decodes them.
pub(crate) fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::list(items.iter().map(from_json)),
        serde_json::Value::Object(fields) => Value::map(
            fields
                .iter()
                .map(|(key, value)| (key.as_str(), from_json(value))),
        ),
    }
}
