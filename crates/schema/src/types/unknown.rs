//! Fields that a schema does not know: dropped, or reported.

use std::fmt::Write;

use serde_json::Value;

use super::Type;
use super::node::{Additional, Object, Shape, View};

/// Fields of every object in its own right, which no schema needs to name.
const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl Type {
    /// Drops the fields that the schema does not know, as the server prunes what it stores.
    pub fn prune(&self, object: &mut Value) {
        let mut walk = Prune {
            unknown: None,
            path: String::new(),
        };
        walk.at(self.view(), object);
    }

    /// The fields that the schema does not know, each as `unknown field "spec.foo"`, sorted.
    pub fn unknown_fields(&self, object: &Value) -> Vec<String> {
        let mut walk = Prune {
            unknown: Some(Vec::new()),
            path: String::new(),
        };
        walk.at(self.view(), &mut object.clone());
        let mut unknown = walk.unknown.unwrap_or_default();
        unknown.sort();
        unknown
            .into_iter()
            .map(|path| format!("unknown field {}", crate::value::quote(&path)))
            .collect()
    }
}

struct Prune {
    /// Paths of what was dropped, when they are asked for.
    unknown: Option<Vec<String>>,
    path: String,
}

impl Prune {
    fn at(&mut self, view: View<'_>, value: &mut Value) {
        match (&view.node.shape, value) {
            (Shape::Object(object) | Shape::Untyped(object), Value::Object(map)) => {
                map.retain(|key, value| self.keep(view, object, key, value));
            }
            (Shape::List(list), Value::Array(items)) => {
                let view = view.to(list.items);
                let length = self.path.len();
                for (i, item) in items.iter_mut().enumerate() {
                    let _ = write!(self.path, "[{i}]");
                    self.at(view, item);
                    self.path.truncate(length);
                }
            }
            (Shape::Raw, _) => {}
            (Shape::Object(object) | Shape::Untyped(object), _) if object.preserve => {}
            (_, value) => self.drop_all(value),
        }
    }

    fn keep(&mut self, view: View<'_>, object: &Object, key: &str, value: &mut Value) -> bool {
        if object.embedded && META.contains(&key) {
            if let Some(metadata) = object.field(key).filter(|_| key == "metadata") {
                self.below(key, |walk| walk.at(view.to(metadata.ty), value));
            }
            return true;
        }
        let next = match (object.field(key), object.additional) {
            (Some(field), _) => view.to(field.ty),
            (None, Additional::Of(reference)) => view.to(reference),
            (None, _) if object.preserve => return true,
            (None, _) if object.open => {
                self.below(key, |walk| walk.drop_all(value));
                return true;
            }
            (None, _) => {
                self.unknown(key);
                return false;
            }
        };
        self.below(key, |walk| walk.at(next, value));
        true
    }

    fn below(&mut self, key: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        walk(self);
        self.path.truncate(length);
    }

    /// Drops every field of a value that no schema describes.
    fn drop_all(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in map.keys() {
                    self.unknown(key);
                }
                map.clear();
            }
            Value::Array(items) => {
                let length = self.path.len();
                for (i, item) in items.iter_mut().enumerate() {
                    let _ = write!(self.path, "[{i}]");
                    self.drop_all(item);
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn unknown(&mut self, key: &str) {
        if let Some(unknown) = &mut self.unknown {
            let dot = if self.path.is_empty() { "" } else { "." };
            unknown.push(format!("{}{dot}{key}", self.path));
        }
    }
}
