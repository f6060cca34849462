//! Whether laying one value over another would change anything: what an apply of the unchanged asks first.

use serde_json::Value;

use super::atom::{Atom, ListAtom, MapAtom};
use crate::types::node::View;
use crate::value::equal;

/// Whether [`super::combine`] of these would surely give `base` back. It may say no where it would.
pub(crate) fn contains(view: View<'_>, base: &Value, over: &Value) -> bool {
    match (Atom::of(view, Some(over)), base, over) {
        (Atom::List(list), Value::Array(old), Value::Array(new)) if !list.is_atomic() => {
            contains_list(list, old, new)
        }
        (Atom::Map(map), Value::Object(old), Value::Object(new)) if !map.is_atomic() => {
            contains_map(map, old, new)
        }
        _ => equal(base, over),
    }
}

fn contains_map(
    map: MapAtom<'_>,
    old: &serde_json::Map<String, Value>,
    new: &serde_json::Map<String, Value>,
) -> bool {
    new.iter().all(|(key, over)| {
        old.get(key)
            .is_some_and(|base| contains(map.at_or_deduced(key), base, over))
    })
}

/// Items must come in the same order, and each be known once.
fn contains_list(list: ListAtom<'_>, old: &[Value], new: &[Value]) -> bool {
    let view = list.items();
    let mut rest = old.iter();
    new.iter().all(|over| {
        rest.find(|base| list.same_step(base, over))
            .is_some_and(|base| contains(view, base, over))
    }) && !list.has_repeats(old)
}
