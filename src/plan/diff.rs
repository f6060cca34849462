//! The field-level changes between two states of an object.

use serde_json::{Map, Value};
use trueup_manifest::ObjectId;

use super::{
    action::Change,
    mask::{Key, is_masked},
    path::{Path, Step, Trail},
};

/// Fields of metadata that differ without anything having changed.
pub(super) const BOOKKEEPING: &[&str] = &[
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Fields that tell the items of a list apart, the first one that all items have.
pub(super) const ITEM_KEYS: &[&str] = &[
    "name",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "ip",
    "key",
    "topologyKey",
    "type",
];

/// What changes from `before` to `after`, without bookkeeping and, where `status` is written apart,
/// without status. Values of Secrets are masked.
pub(super) fn changes(
    id: &ObjectId,
    before: &Value,
    after: &Value,
    has_status: bool,
    key: Key,
) -> Vec<Change> {
    let mut diff = Diff {
        id,
        key,
        has_status,
        changes: Vec::new(),
    };
    diff.value(Some(before), Some(after), &Trail::ROOT);
    diff.changes
}

/// One change, masked where it must be.
pub(super) fn change(
    id: &ObjectId,
    path: &Path,
    before: Option<Value>,
    after: Option<Value>,
    key: Key,
) -> Change {
    let show = |value: Value| {
        if is_masked(&id.group, &id.kind, path) {
            key.masked(&value)
        } else {
            value
        }
    };
    Change {
        path: path.clone(),
        before: before.map(show),
        after: after.map(show),
        source: None,
    }
}

/// The change of a map that goes, field by field.
pub(super) fn fields_gone(path: &Path, fields: &Map<String, Value>) -> Vec<Change> {
    let gone = fields.iter().map(|(key, before)| {
        let mut path = path.clone();
        path.0.push(Step::Key(key.clone()));
        Change {
            path,
            before: Some(before.clone()),
            after: None,
            source: None,
        }
    });
    gone.collect()
}

struct Diff<'a> {
    id: &'a ObjectId,
    key: Key,
    has_status: bool,
    changes: Vec<Change>,
}

impl Diff<'_> {
    fn value(&mut self, before: Option<&Value>, after: Option<&Value>, trail: &Trail<'_>) {
        match (before, after) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                self.map(before, after, trail);
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) if before != after => {
                self.list(before, after, trail);
            }
            (before, after) if before == after => {}
            (before, after) => self.push(before, after, trail),
        }
    }

    fn push(&mut self, before: Option<&Value>, after: Option<&Value>, trail: &Trail<'_>) {
        self.changes.push(change(
            self.id,
            &trail.to_path(),
            before.cloned(),
            after.cloned(),
            self.key,
        ));
    }

    fn is_ignored(&self, trail: &Trail<'_>, key: &str) -> bool {
        let is_root = trail.parent().is_none();
        let in_metadata = trail.last_key() == "metadata"
            && trail
                .parent()
                .is_some_and(|parent| parent.parent().is_none());
        (is_root && key == "status" && self.has_status)
            || (in_metadata && BOOKKEEPING.contains(&key))
    }

    fn map(&mut self, before: &Map<String, Value>, after: &Map<String, Value>, trail: &Trail<'_>) {
        let added = after.iter().filter(|(key, _)| !before.contains_key(*key));
        for (key, value) in before {
            if !self.is_ignored(trail, key) {
                self.value(Some(value), after.get(key), &trail.key(key));
            }
        }
        for (key, value) in added {
            if !self.is_ignored(trail, key) {
                self.value(None, Some(value), &trail.key(key));
            }
        }
    }

    fn list(&mut self, before: &[Value], after: &[Value], trail: &Trail<'_>) {
        let key = ITEM_KEYS
            .iter()
            .find(|key| tells_apart(before, key) && tells_apart(after, key));
        let Some(key) = key else {
            if before.len() == after.len() {
                for (index, (before, after)) in before.iter().zip(after).enumerate() {
                    self.value(Some(before), Some(after), &trail.index(index));
                }
            } else {
                self.push(
                    Some(&Value::Array(before.to_vec())),
                    Some(&Value::Array(after.to_vec())),
                    trail,
                );
            }
            return;
        };
        let name = |item: &Value| item.get(*key).cloned().unwrap_or_default();
        let other =
            |items: &[Value], wanted: &Value| items.iter().position(|item| name(item) == *wanted);
        let mut item = |own: &Value, before: Option<&Value>, after: Option<&Value>| {
            let fields = Map::from_iter([((*key).to_owned(), name(own))]);
            self.value(before, after, &trail.item(&fields));
        };
        for old in before {
            let new = other(after, &name(old)).and_then(|at| after.get(at));
            item(old, Some(old), new);
        }
        for new in after {
            if other(before, &name(new)).is_none() {
                item(new, None, Some(new));
            }
        }
        let kept: Vec<usize> = before
            .iter()
            .filter_map(|old| other(after, &name(old)))
            .collect();
        if !kept.is_sorted() {
            let names = |items: &[Value]| Value::Array(items.iter().map(name).collect());
            self.push(Some(&names(before)), Some(&names(after)), trail);
        }
    }
}

/// Whether every item has the field, each with another value.
fn tells_apart(items: &[Value], key: &str) -> bool {
    let mut seen: Vec<&Value> = Vec::with_capacity(items.len());
    items.iter().all(|item| match item.get(key) {
        Some(value @ (Value::String(_) | Value::Number(_))) if !seen.contains(&value) => {
            seen.push(value);
            true
        }
        _ => false,
    })
}
