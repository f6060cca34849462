//! Whether a value conforms to its type, to the merge library's own, looser, notion of a type.

use std::fmt;

use serde_json::Value;

use super::MergeError;
use super::atom::{Atom, ListAtom, MapAtom, ScalarKind};
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
        problems: Vec::new(),
    };
    walk.value(view, value, &Place::Root);
    if walk.problems.is_empty() {
        Ok(())
    } else {
        Err(MergeError {
            problems: walk.problems,
        })
    }
}

/// Where the walk is, linked on the stack so that a place costs nothing until it is named.
enum Place<'a> {
    Root,
    Key(&'a Self, &'a str),
    Item(&'a Self, &'a ListAtom<'a>, &'a Value, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, list, item, index) => match list.step(item) {
                Ok(step) => write!(f, "{parent}{step}"),
                Err(_) => write!(f, "{parent}[{index}]"),
            },
        }
    }
}

struct Walk {
    duplicates: Duplicates,
    problems: Vec<String>,
}

impl Walk {
    fn problem(&mut self, place: &Place<'_>, message: &str) {
        let place = place.to_string();
        self.problems.push(if place.is_empty() {
            message.to_owned()
        } else {
            format!("{place}: {message}")
        });
    }

    fn value(&mut self, view: View<'_>, value: &Value, place: &Place<'_>) {
        match Atom::of(view, Some(value)) {
            Atom::Scalar(kind) => self.scalar(kind, value, place),
            Atom::List(list) => self.list(list, value, place),
            Atom::Map(map) => self.map(map, value, place),
        }
    }

    fn scalar(&mut self, kind: ScalarKind, value: &Value, place: &Place<'_>) {
        let message = match (kind, value) {
            (_, Value::Null)
            | (ScalarKind::Numeric, Value::Number(_))
            | (ScalarKind::String, Value::String(_))
            | (ScalarKind::Boolean, Value::Bool(_))
            | (ScalarKind::Untyped, Value::Number(_) | Value::String(_) | Value::Bool(_)) => return,
            (ScalarKind::Numeric, value) => {
                format!("expected numeric (int or float), got {}", go_type(value))
            }
            (ScalarKind::String, value) => format!("expected string, got {}", go_value(value)),
            (ScalarKind::Boolean, value) => format!("expected boolean, got {}", go_value(value)),
            (ScalarKind::Untyped, value) => format!("expected any scalar, got {}", go_value(value)),
        };
        self.problem(place, &message);
    }

    fn list(&mut self, list: ListAtom<'_>, value: &Value, place: &Place<'_>) {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return,
            other => {
                return self.problem(place, &format!("expected list, got {}", go_value(other)));
            }
        };
        let refuse_repeats =
            self.duplicates == Duplicates::Refused && !list.is_atomic() && list.has_repeats(items);
        for (i, item) in items.iter().enumerate() {
            if !list.is_atomic() {
                if let Err(message) = list.check_step(item) {
                    return self.problem(place, &format!("element {i}: {message}"));
                }
                if refuse_repeats
                    && items
                        .iter()
                        .take(i)
                        .any(|other| list.same_step(other, item))
                    && let Ok(step) = list.step(item)
                {
                    self.problem(place, &format!("duplicate entries for key {step}"));
                }
            }
            self.value(list.items(), item, &Place::Item(place, &list, item, i));
        }
    }

    fn map(&mut self, map: MapAtom<'_>, value: &Value, place: &Place<'_>) {
        let entries = match value {
            Value::Object(entries) => entries,
            Value::Null => return,
            other => return self.problem(place, &format!("expected map, got {}", go_value(other))),
        };
        for (key, value) in entries {
            let place = Place::Key(place, key);
            match map.at(key) {
                Some(view) => self.value(view, value, &place),
                None => self.problem(&place, "field not declared in schema"),
            }
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
