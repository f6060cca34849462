//! What changed between two values of one type.

use serde_json::{Map, Value};

use super::atom::{Atom, ListAtom, MapAtom};
use crate::managed::{FieldSet, PathElement, SetBuilder};
use crate::types::node::View;
use crate::value::equal;

/// The fields that differ. No field is in two of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) removed: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) added: FieldSet,
}

impl Comparison {
    /// Leaves out the fields below and at the members of `ignored`.
    pub(crate) fn without(mut self, ignored: &FieldSet) -> Self {
        self.removed.subtract_recursive(ignored);
        self.modified.subtract_recursive(ignored);
        self.added.subtract_recursive(ignored);
        self
    }
}

/// Compares two values of one type.
pub(crate) fn compare(view: View<'_>, old: &Value, new: &Value) -> Comparison {
    let change = walk(view, Some(old), Some(new));
    Comparison {
        removed: change.removed.below,
        modified: change.modified.below,
        added: change.added.below,
    }
}

#[derive(Default)]
struct Part {
    here: bool,
    below: FieldSet,
}

/// What changed at a place and below it.
#[derive(Default)]
struct Change {
    removed: Part,
    modified: Part,
    added: Part,
}

/// Gathers the changes below a place.
#[derive(Default)]
struct Changes {
    removed: SetBuilder,
    modified: SetBuilder,
    added: SetBuilder,
}

impl Changes {
    fn push(&mut self, step: PathElement, change: Change) {
        let Change {
            removed,
            modified,
            added,
        } = change;
        let mut step = Some(step);
        let mut parts = [
            (removed, &mut self.removed),
            (modified, &mut self.modified),
            (added, &mut self.added),
        ]
        .into_iter()
        .filter(|(part, _)| part.here || !part.below.is_empty())
        .peekable();
        while let Some((part, builder)) = parts.next() {
            // The last one takes the step, which saves a copy in the usual case of one.
            let step = if parts.peek().is_some() {
                step.clone()
            } else {
                step.take()
            };
            if let Some(step) = step {
                builder.push(step, part.here, part.below);
            }
        }
    }

    fn finish(self) -> Change {
        let part = |builder: SetBuilder| Part {
            here: false,
            below: builder.finish(),
        };
        Change {
            removed: part(self.removed),
            modified: part(self.modified),
            added: part(self.added),
        }
    }
}

impl Change {
    fn absorb(&mut self, other: Self) {
        for (mine, theirs) in [
            (&mut self.removed, other.removed),
            (&mut self.modified, other.modified),
            (&mut self.added, other.added),
        ] {
            mine.here |= theirs.here;
            mine.below.union_with(theirs.below);
        }
    }
}

fn walk(view: View<'_>, old: Option<&Value>, new: Option<&Value>) -> Change {
    let (mut change, leaf) = match (old, new) {
        (None, None) => return Change::default(),
        (Some(_), None) => handle(view, old, old, new),
        (None, Some(_)) => handle(view, new, old, new),
        (Some(a), Some(b)) if Atom::same_kind(view, a, b) => handle(view, new, old, new),
        (Some(_), Some(_)) => {
            // A value that turned from one kind of thing into another is looked at both ways.
            let (mut change, _) = handle(view, old, old, new);
            let (second, leaf) = handle(view, new, old, new);
            change.absorb(second);
            (change, leaf)
        }
    };
    if !leaf {
        change.added.here |= old.is_none();
        change.removed.here |= new.is_none();
    }
    change
}

/// Compares as the type that applies to `like`. Tells whether the place was a leaf.
fn handle(
    view: View<'_>,
    like: Option<&Value>,
    old: Option<&Value>,
    new: Option<&Value>,
) -> (Change, bool) {
    match Atom::of(view, like) {
        Atom::Scalar(_) => (leaf(old, new), true),
        Atom::List(list) => {
            let (a, b) = (items(old), items(new));
            if list.is_atomic() || a.is_empty() && b.is_empty() {
                return (leaf(old, new), true);
            }
            (walk_lists(list, a, b), false)
        }
        Atom::Map(map) => {
            let (a, b) = (entries(old), entries(new));
            let empty = a.is_none_or(Map::is_empty) && b.is_none_or(Map::is_empty);
            if map.is_atomic() || empty {
                return (leaf(old, new), true);
            }
            (walk_maps(map, a, b), false)
        }
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Change {
    let mut change = Change::default();
    match (old, new) {
        (None, _) => change.added.here = true,
        (_, None) => change.removed.here = true,
        (Some(old), Some(new)) => change.modified.here = !equal(old, new),
    }
    change
}

fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

fn entries(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn walk_maps(
    map: MapAtom<'_>,
    old: Option<&Map<String, Value>>,
    new: Option<&Map<String, Value>>,
) -> Change {
    let mut changes = Changes::default();
    for (key, value) in old.into_iter().flatten() {
        let new = new.and_then(|new| new.get(key));
        let change = walk(map.at_or_deduced(key), Some(value), new);
        changes.push(PathElement::field(key), change);
    }
    for (key, value) in new.into_iter().flatten() {
        if old.is_none_or(|old| !old.contains_key(key)) {
            let change = walk(map.at_or_deduced(key), None, Some(value));
            changes.push(PathElement::field(key), change);
        }
    }
    changes.finish()
}

fn walk_lists(list: ListAtom<'_>, old: &[Value], new: &[Value]) -> Change {
    if old.len() == new.len() && old.iter().zip(new).all(|(a, b)| equal(a, b)) {
        return Change::default();
    }
    let steps = |items: &'_ [Value]| {
        let mut steps: Vec<(PathElement, usize)> = items
            .iter()
            .enumerate()
            .filter_map(|(i, item)| Some((list.step(item).ok()?, i)))
            .collect();
        steps.sort_by(|a, b| a.0.cmp(&b.0));
        steps
    };
    let (mut olds, mut news) = (
        steps(old).into_iter().peekable(),
        steps(new).into_iter().peekable(),
    );
    let mut changes = Changes::default();
    loop {
        let step = match (olds.peek(), news.peek()) {
            (None, None) => break,
            (Some((a, _)), None) => a.clone(),
            (None, Some((b, _))) => b.clone(),
            (Some((a, _)), Some((b, _))) => a.min(b).clone(),
        };
        let (mut a, mut b): (Vec<&Value>, Vec<&Value>) = (Vec::new(), Vec::new());
        while let Some((_, i)) = olds.next_if(|next| next.0 == step) {
            a.extend(old.get(i));
        }
        while let Some((_, i)) = news.next_if(|next| next.0 == step) {
            b.extend(new.get(i));
        }
        changes.push(step, walk_items(list.items(), &a, &b));
    }
    changes.finish()
}

/// Compares the items of one key. Duplicates are compared as a whole, and marked as one.
fn walk_items(view: View<'_>, old: &[&Value], new: &[&Value]) -> Change {
    match (old, new) {
        ([] | [_], [] | [_]) => walk(view, old.first().copied(), new.first().copied()),
        ([_, _, ..], [_, _, ..]) => {
            let same = old.len() == new.len() && old.iter().zip(new).all(|(a, b)| equal(a, b));
            let mut change = Change::default();
            change.modified.here = !same;
            change
        }
        ([_, _, ..], _) => {
            let mut change = walk(view, None, new.first().copied());
            change.removed.here = true;
            change
        }
        (_, _) => {
            let mut change = walk(view, old.first().copied(), None);
            change.added.here = true;
            change
        }
    }
}
