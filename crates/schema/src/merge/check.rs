//! Whether a value conforms to its type, to the merge library's own, looser, notion of a type.

use std::fmt::Write;

use serde_json::Value;

use super::MergeError;
use super::atom::{Atom, ListAtom, MapAtom, ScalarKind};
use crate::managed::PathElement;
use crate::types::node::View;
use crate::value::{display, quote};

/// Whether a set or keyed list may hold two items of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// In what is stored.
    Allowed,
    /// In what is applied.
    Refused,
}

/// Refuses values that cannot be merged, and fields that the schema does not declare.
pub(crate) fn check(
    view: View<'_>,
    value: &Value,
    duplicates: Duplicates,
) -> Result<(), MergeError> {
    let mut walk = Walk {
        duplicates,
        path: Vec::new(),
        problems: Vec::new(),
    };
    walk.value(view, value);
    if walk.problems.is_empty() {
        Ok(())
    } else {
        Err(MergeError {
            problems: walk.problems,
        })
    }
}

enum Step<'a> {
    Key(&'a str),
    Item(PathElement),
    Index(usize),
}

struct Walk<'a> {
    duplicates: Duplicates,
    path: Vec<Step<'a>>,
    problems: Vec<String>,
}

impl<'a> Walk<'a> {
    fn problem(&mut self, message: &str) {
        let mut text = String::new();
        for step in &self.path {
            let _ = match step {
                Step::Key(name) => write!(text, ".{name}"),
                Step::Item(step) => write!(text, "{step}"),
                Step::Index(index) => write!(text, "[{index}]"),
            };
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(message);
        self.problems.push(text);
    }

    fn value(&mut self, view: View<'_>, value: &'a Value) {
        match Atom::of(view, Some(value)) {
            Atom::Scalar(kind) => self.scalar(kind, value),
            Atom::List(list) => self.list(list, value),
            Atom::Map(map) => self.map(map, value),
        }
    }

    fn scalar(&mut self, kind: ScalarKind, value: &Value) {
        if value.is_null() {
            return;
        }
        let message = match kind {
            ScalarKind::Numeric if !value.is_number() => {
                format!("expected numeric (int or float), got {}", go_type(value))
            }
            ScalarKind::String if !value.is_string() => {
                format!("expected string, got {}", go_value(value))
            }
            ScalarKind::Boolean if !value.is_boolean() => {
                format!("expected boolean, got {}", go_value(value))
            }
            ScalarKind::Untyped if value.is_array() || value.is_object() => {
                format!("expected any scalar, got {}", go_value(value))
            }
            _ => return,
        };
        self.problem(&message);
    }

    fn list(&mut self, list: ListAtom<'_>, value: &'a Value) {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return,
            other => return self.problem(&format!("expected list, got {}", go_value(other))),
        };
        let mut seen: Vec<PathElement> = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let step = if list.is_atomic() {
                Step::Index(i)
            } else {
                match list.step(item) {
                    Ok(step) => {
                        match seen.binary_search(&step) {
                            Ok(_) if self.duplicates == Duplicates::Refused => {
                                self.problem(&format!("duplicate entries for key {step}"));
                            }
                            Ok(_) => {}
                            Err(at) => seen.insert(at, step.clone()),
                        }
                        Step::Item(step)
                    }
                    Err(message) => return self.problem(&format!("element {i}: {message}")),
                }
            };
            self.path.push(step);
            self.value(list.items(), item);
            self.path.pop();
        }
    }

    fn map(&mut self, map: MapAtom<'_>, value: &'a Value) {
        let entries = match value {
            Value::Object(entries) => entries,
            Value::Null => return,
            other => return self.problem(&format!("expected map, got {}", go_value(other))),
        };
        for (key, value) in entries {
            self.path.push(Step::Key(key));
            match map.at(key) {
                Some(view) => self.value(view, value),
                None => self.problem("field not declared in schema"),
            }
            self.path.pop();
        }
    }
}

/// A Go type's name, as `%T` prints it.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as the messages show it.
fn go_value(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => format!("&value.valueUnstructured{{Value:{}}}", display(other)),
    }
}
