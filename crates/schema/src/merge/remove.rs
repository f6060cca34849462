//! A value without some of its fields.

use serde_json::{Map, Value};

use super::atom::Atom;
use crate::managed::{FieldSet, PathElement};
use crate::types::node::View;

/// The value without the members of `fields`.
///
/// A list or map whose last item goes becomes null, as it does in the merge library: whether the emptied field stays
/// is decided by whether it is a member itself.
pub(crate) fn remove(view: View<'_>, value: &Value, fields: &FieldSet) -> Value {
    match (Atom::of(view, Some(value)), value) {
        (Atom::Scalar(_), value) => value.clone(),
        (Atom::List(list), Value::Array(items)) if !list.is_atomic() => {
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                let Ok(step) = list.step(item) else {
                    out.push(item.clone());
                    continue;
                };
                if fields.has_step(&step) {
                    continue;
                }
                out.push(match fields.below(&step) {
                    Some(below) => remove(list.items(), item, below),
                    None => item.clone(),
                });
            }
            if out.is_empty() {
                Value::Null
            } else {
                Value::Array(out)
            }
        }
        (Atom::Map(map), Value::Object(entries)) if !map.is_atomic() => {
            let mut out = Map::new();
            for (key, value) in entries {
                let step = PathElement::field(key);
                if fields.has_step(&step) {
                    continue;
                }
                let value = match fields.below(&step) {
                    Some(below) => remove(map.at_or_deduced(key), value, below),
                    None => value.clone(),
                };
                out.insert(key.clone(), value);
            }
            if out.is_empty() {
                Value::Null
            } else {
                Value::Object(out)
            }
        }
        (Atom::List(_) | Atom::Map(_), _) => Value::Null,
    }
}
