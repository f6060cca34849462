//! The fields that a value mentions.

use serde_json::Value;

use super::atom::{Atom, ListAtom, MapAtom};
use crate::managed::{FieldSet, PathElement, SetBuilder};
use crate::types::node::View;

/// The set of every leaf field and list item that a value mentions.
pub(crate) fn extract(view: View<'_>, value: &Value) -> FieldSet {
    walk(view, value).1
}

/// Whether the value itself is a member, and what is below it.
fn walk(view: View<'_>, value: &Value) -> (bool, FieldSet) {
    match (Atom::of(view, Some(value)), value) {
        (Atom::Scalar(_), _) => (true, FieldSet::new()),
        (Atom::List(list), _) if list.is_atomic() => (true, FieldSet::new()),
        (Atom::Map(map), _) if map.is_atomic() => (true, FieldSet::new()),
        (Atom::List(list), Value::Array(items)) => (false, walk_list(list, items)),
        (Atom::Map(map), Value::Object(entries)) => (false, walk_map(map, entries)),
        (Atom::List(_) | Atom::Map(_), _) => (false, FieldSet::new()),
    }
}

fn walk_list(list: ListAtom<'_>, items: &[Value]) -> FieldSet {
    let mut steps: Vec<(PathElement, &Value)> = items
        .iter()
        .filter_map(|item| Some((list.step(item).ok()?, item)))
        .collect();
    steps.sort_by(|a, b| a.0.cmp(&b.0));
    let view = list.items();
    let mut builder = SetBuilder::default();
    let mut steps = steps.into_iter().peekable();
    while let Some((step, item)) = steps.next() {
        let mut duplicate = false;
        while steps.next_if(|next| next.0 == step).is_some() {
            duplicate = true;
        }
        // Items of one key are owned as one: there is no telling them apart.
        let below = if duplicate {
            FieldSet::new()
        } else {
            walk(view, item).1
        };
        builder.push(step, true, below);
    }
    builder.finish()
}

fn walk_map(map: MapAtom<'_>, entries: &serde_json::Map<String, Value>) -> FieldSet {
    let mut builder = SetBuilder::default();
    for (key, value) in entries {
        let (member, below) = walk(map.at_or_deduced(key), value);
        let empty = match value {
            Value::Null => true,
            Value::Object(entries) => entries.is_empty(),
            _ => false,
        };
        builder.push(
            PathElement::field(key),
            member || empty || !map.declares(key),
            below,
        );
    }
    builder.finish()
}
