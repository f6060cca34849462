//! A value within an object and the path messages name it by.

use serde_json::Value;

/// A place in an object; nothing need be there.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

const NOTHING: &Value = &Value::Null;

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            path: String::new(),
            value,
        }
    }

    /// A place with a path of its own.
    pub(super) fn named(path: &str, value: Option<&'a Value>) -> Self {
        Self {
            path: path.to_owned(),
            value: value.unwrap_or(NOTHING),
        }
    }

    /// A field.
    pub(super) fn at(&self, field: &str) -> Self {
        let path = if self.path.is_empty() {
            field.to_owned()
        } else {
            format!("{}.{field}", self.path)
        };
        Self {
            path,
            value: self.value.get(field).unwrap_or(NOTHING),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().map_or(&[][..], Vec::as_slice);
        items
            .iter()
            .enumerate()
            .map(|(index, value)| Self {
                path: format!("{}[{index}]", self.path),
                value,
            })
            .collect()
    }

    /// The entries of a map, each at `path[key]`.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let map = self.value.as_object().into_iter().flatten();
        map.map(|(key, value)| {
            (
                key.as_str(),
                Self {
                    path: format!("{}[{key}]", self.path),
                    value,
                },
            )
        })
        .collect()
    }

    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    pub(super) fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    pub(super) fn flag(&self) -> bool {
        self.value.as_bool().unwrap_or(false)
    }

    /// Absent or null.
    pub(super) fn is_absent(&self) -> bool {
        self.value.is_null()
    }

    /// Absent, null, `""`, `[]` or `{}`.
    pub(super) fn is_empty(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        }
    }
}
