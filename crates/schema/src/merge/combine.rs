//! One value laid over another.

use serde_json::{Map, Value};

use super::atom::{Atom, ListAtom, MapAtom};
use crate::managed::PathElement;
use crate::types::node::View;

/// Lays `over` over `base`: nothing is removed, and where both set a leaf, `over` wins.
///
/// The items of a list keep `base`'s order unless `over` orders the shared ones otherwise. Both values must have
/// passed [`super::check`].
pub(crate) fn combine(view: View<'_>, base: &Value, over: &Value) -> Value {
    match Atom::of(view, Some(over)) {
        Atom::Scalar(_) => over.clone(),
        Atom::List(list) => match (base, over) {
            (_, Value::Array(new)) if list.is_atomic() || new.is_empty() && is_empty_list(base) => {
                over.clone()
            }
            (_, Value::Null) if list.is_atomic() || is_empty_list(base) => Value::Null,
            (Value::Array(old), Value::Array(new)) => Value::Array(lists(list, old, new)),
            (Value::Array(old), _) => Value::Array(old.clone()),
            (_, over) => over.clone(),
        },
        Atom::Map(map) => match (base, over) {
            _ if map.is_atomic() => over.clone(),
            (Value::Object(old), Value::Object(new)) => Value::Object(maps(map, old, new)),
            (Value::Object(old), _) if !old.is_empty() => base.clone(),
            (_, over) => over.clone(),
        },
    }
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_none_or(Vec::is_empty)
}

fn maps(
    map: MapAtom<'_>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, base) in old {
        let value = match new.get(key) {
            Some(over) => combine(map.at_or_deduced(key), base, over),
            None => base.clone(),
        };
        out.insert(key.clone(), value);
    }
    for (key, over) in new {
        if !old.contains_key(key) {
            out.insert(key.clone(), over.clone());
        }
    }
    out
}

/// The steps of a list's items, with an index to find them by.
struct Indexed<'a> {
    steps: Vec<(PathElement, &'a Value)>,
    /// Places in `steps`, sorted by step.
    order: Vec<usize>,
}

impl<'a> Indexed<'a> {
    fn new(list: ListAtom<'_>, items: &'a [Value]) -> Self {
        let steps: Vec<_> = items
            .iter()
            .filter_map(|item| Some((list.step(item).ok()?, item)))
            .collect();
        let mut order: Vec<usize> = (0..steps.len()).collect();
        order.sort_by(|a, b| {
            steps
                .get(*a)
                .map(|s| &s.0)
                .cmp(&steps.get(*b).map(|s| &s.0))
        });
        Self { steps, order }
    }

    fn step(&self, at: usize) -> Option<&PathElement> {
        self.steps.get(at).map(|found| &found.0)
    }

    fn item(&self, at: usize) -> Option<&'a Value> {
        self.steps.get(at).map(|found| found.1)
    }

    /// The place of the first item of this step, and whether there are more.
    fn position(&self, step: &PathElement) -> Option<(usize, bool)> {
        let start = self.order.partition_point(|at| self.step(*at) < Some(step));
        let at = *self.order.get(start)?;
        if self.step(at) != Some(step) {
            return None;
        }
        let next = self.order.get(start + 1).and_then(|at| self.step(*at));
        Some((at, next == Some(step)))
    }

    /// The item of this step: `None` if there is none, null if there are several.
    fn find(&self, step: &PathElement) -> Option<&'a Value> {
        match self.position(step)? {
            (_, true) => Some(&Value::Null),
            (at, false) => self.item(at),
        }
    }

    fn has(&self, step: &PathElement) -> bool {
        self.position(step).is_some()
    }
}

/// Walks both lists at once, taking each item where its list has it, and shared items in `new`'s order.
fn lists(list: ListAtom<'_>, old: &[Value], new: &[Value]) -> Vec<Value> {
    let (old, new) = (Indexed::new(list, old), Indexed::new(list, new));
    let view = list.items();
    let mut out = Vec::with_capacity(old.steps.len().max(new.steps.len()));
    let mut shared = new
        .steps
        .iter()
        .map(|found| &found.0)
        .filter(|step| old.has(step));
    let mut next_shared = shared.next();
    let merge = |step: &PathElement| match (old.find(step), new.find(step)) {
        (Some(base), Some(over)) => combine(view, base, over),
        (None, Some(over)) => over.clone(),
        (Some(base), None) => base.clone(),
        (None, None) => Value::Null,
    };
    let (mut i, mut j) = (0, 0);
    while i < old.steps.len() || j < new.steps.len() {
        if let (Some(a), Some(b)) = (old.step(i), new.step(j)) {
            if a == b {
                out.push(merge(b));
                i += 1;
                j += 1;
                next_shared = shared.next();
                continue;
            }
            if new.has(a) && next_shared.is_some_and(|next| next != a) {
                // Shared, but not the one whose turn it is.
                i += 1;
                continue;
            }
        }
        if let Some(a) = old.step(i) {
            if !new.has(a) {
                out.extend(old.item(i).cloned());
                i += 1;
                continue;
            }
            if new.position(a).is_some_and(|(at, _)| at < j) {
                i += 1;
            }
        }
        if let Some(b) = new.step(j) {
            out.push(merge(b));
            j += 1;
            if next_shared == Some(b) {
                next_shared = shared.next();
            }
        }
    }
    out
}
