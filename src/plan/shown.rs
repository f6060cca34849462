//! An object before and after, as it may be shown: without bookkeeping, values of Secrets masked, and
//! with the places that set what changes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use trueup_manifest::is_secret;

use super::{
    action::{Action, ActionKind, Change},
    diff::{BOOKKEEPING, ITEM_KEYS},
    mask::{Key, LAST_APPLIED, MASK, is_masked},
    path::{Path, Step},
};
use crate::render::Hidden;

/// The two sides of an action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// The object as it is; none where it is not there.
    pub before: Option<Value>,
    /// The object as it will be; none where nobody can say.
    pub after: Option<Value>,
    /// Which place sets a field that changes (`file:line:column`), by its JSON pointer in `after`.
    pub places: BTreeMap<String, String>,
}

/// The two sides of an action. What changes is taken from the plan, so that nothing is shown that is not in it.
pub fn shown(action: &Action) -> Shown {
    if action.kind == ActionKind::None && action.changes.is_empty() {
        return Shown::default();
    }
    let key = action.body.key();
    let Some(live) = &action.live else {
        let body = serde_json::from_slice(&action.body.bytes()).ok();
        return Shown {
            after: body.map(|body| presentable(action, body, key)),
            ..Shown::default()
        };
    };
    let mut before = presentable(action, live.value().clone(), key);
    for change in &action.changes {
        // The value before may be the secret of yesterday, which nothing but the plan knows as one.
        if !action.hidden.is_empty() && change.before.as_ref().is_some_and(holds_digest) {
            let back = Change {
                before: change.after.clone(),
                after: change.before.clone(),
                ..change.clone()
            };
            make(&mut before, &change.path.0, &back);
        }
    }
    let mut after = before.clone();
    for change in &action.changes {
        make(&mut after, &change.path.0, change);
    }
    let mut places = BTreeMap::new();
    for change in &action.changes {
        if let (Some(place), Some(pointer)) = (&change.source, pointer(&after, &change.path)) {
            places.entry(pointer).or_insert_with(|| place.clone());
        }
    }
    Shown {
        before: Some(before),
        after: Some(after),
        places,
    }
}

/// An object without what the server keeps for itself, its secrets masked.
fn presentable(action: &Action, mut object: Value, key: Key) -> Value {
    let resource = &action.target.resource;
    let changes = |pointer: &[&str]| {
        action.changes.iter().any(|change| {
            let at = |depth: usize| {
                pointer
                    .get(depth)
                    .is_none_or(|key| change.path.key(depth) == *key)
            };
            (0..pointer.len().min(change.path.0.len())).all(at)
        })
    };
    let Some(root) = object.as_object_mut() else {
        return object;
    };
    if resource.has_status && !changes(&["status"]) {
        root.remove("status");
    }
    if let Some(metadata) = root.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !BOOKKEEPING.contains(&field.as_str()));
        // A copy of the whole object on one line.
        if !changes(&["metadata", "annotations", LAST_APPLIED])
            && let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
        {
            annotations.remove(LAST_APPLIED);
        }
    }
    if is_secret(&resource.group, &resource.kind) {
        mask(
            &mut object,
            &action.target.resource.group,
            &resource.kind,
            key,
        );
    }
    if !action.hidden.is_empty() {
        hide(&mut object, &action.hidden, key);
    }
    object
}

/// Masks every scalar that holds what is to be hidden.
fn hide(value: &mut Value, hidden: &Hidden, key: Key) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, hidden, key)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| hide(field, hidden, key)),
        scalar if hidden.is_in_value(scalar) => *scalar = key.masked(scalar),
        _ => {}
    }
}

/// Whether a scalar within a value is the digest of one.
fn holds_digest(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_digest),
        Value::Object(fields) => fields.values().any(holds_digest),
        Value::String(text) => text.starts_with(MASK),
        _ => false,
    }
}

fn mask(object: &mut Value, group: &str, kind: &str, key: Key) {
    let Some(root) = object.as_object_mut() else {
        return;
    };
    for (field, value) in root {
        if field == "metadata" {
            let annotations = value.get_mut("annotations").and_then(Value::as_object_mut);
            if let Some(copy) = annotations.and_then(|all| all.get_mut(LAST_APPLIED)) {
                *copy = key.masked(copy);
            }
        } else if is_masked(group, kind, &Path(vec![Step::Key(field.clone())])) {
            *value = key.masked(value);
        }
    }
}

/// Makes a change at what is left of its path.
fn make(value: &mut Value, path: &[Step], change: &Change) {
    let Some((step, rest)) = path.split_first() else {
        match (&change.before, &change.after) {
            (_, Some(after)) if value.is_array() && is_order(change) => reorder(value, after),
            (_, Some(after)) => *value = after.clone(),
            (_, None) => *value = Value::Null,
        }
        return;
    };
    let is_removal = rest.is_empty() && change.after.is_none();
    match step {
        Step::Key(key) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            let Some(entries) = value.as_object_mut() else {
                return;
            };
            if is_removal {
                entries.remove(key);
            } else {
                make(
                    entries.entry(key.clone()).or_insert(Value::Null),
                    rest,
                    change,
                );
            }
        }
        step => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            let at = place(value, step);
            let Some(items) = value.as_array_mut() else {
                return;
            };
            match at {
                Some(at) if is_removal => drop(items.remove(at)),
                None if is_removal => {}
                Some(at) => {
                    if let Some(item) = items.get_mut(at) {
                        make(item, rest, change);
                    }
                }
                None => {
                    let mut item = fresh(step);
                    make(&mut item, rest, change);
                    items.push(item);
                }
            }
        }
    }
}

/// Whether a change says only in which order the items of a list are, by their names.
fn is_order(change: &Change) -> bool {
    let names = |side: &Option<Value>| {
        let items = side.as_ref().and_then(Value::as_array);
        items.is_some_and(|items| !items.is_empty() && items.iter().all(|item| !item.is_object()))
    };
    names(&change.before) && names(&change.after)
}

/// Puts the items of a list into the order of their names. A list of scalars is replaced.
fn reorder(list: &mut Value, names: &Value) {
    let (Some(items), Some(names)) = (list.as_array_mut(), names.as_array()) else {
        return;
    };
    if !items.iter().all(Value::is_object) {
        *items = names.clone();
        return;
    }
    let key = ITEM_KEYS.iter().find(|key| {
        names
            .iter()
            .all(|name| items.iter().any(|item| item.get(**key) == Some(name)))
    });
    if let Some(key) = key {
        let rank = |item: &Value| names.iter().position(|name| item.get(*key) == Some(name));
        items.sort_by_key(|item| rank(item).unwrap_or(usize::MAX));
    }
}

/// Where a step leads in a list.
fn place(list: &Value, step: &Step) -> Option<usize> {
    let items = list.as_array()?;
    match step {
        Step::Index(at) => (*at < items.len()).then_some(*at),
        Step::Member(value) => items.iter().position(|item| item == value),
        Step::Item(fields) => items.iter().position(|item| {
            fields
                .iter()
                .all(|(key, value)| item.get(key).is_none_or(|own| own == value))
        }),
        Step::Key(_) => None,
    }
}

/// An item that a step leads to and that is not there yet.
fn fresh(step: &Step) -> Value {
    match step {
        Step::Item(fields) => Value::Object(fields.iter().cloned().collect()),
        Step::Member(value) => value.clone(),
        Step::Index(_) | Step::Key(_) => Value::Null,
    }
}

/// The JSON pointer of a path in an object.
fn pointer(object: &Value, path: &Path) -> Option<String> {
    let mut text = String::new();
    let mut value = object;
    for step in &path.0 {
        let segment = match step {
            Step::Key(key) => key.replace('~', "~0").replace('/', "~1"),
            step => place(value, step)?.to_string(),
        };
        text.push('/');
        text.push_str(&segment);
        value = match step {
            Step::Key(key) => value.get(key)?,
            step => value.as_array()?.get(place(value, step)?)?,
        };
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{
        Observed, Seen,
        tests::world::{applied, desired, plan_with},
    };

    fn change(path: &[Step], before: Option<Value>, after: Option<Value>) -> Change {
        Change {
            path: Path(path.to_vec()),
            before,
            after,
            source: None,
        }
    }

    fn key(key: &str) -> Step {
        Step::Key(key.to_owned())
    }

    fn item(name: &str) -> Step {
        Step::Item(vec![("name".to_owned(), json!(name))])
    }

    #[test]
    fn changes_are_made_where_they_say() {
        let before = json!({"spec": {"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y"}], "set": ["p", "q"]}});
        for (change, expected) in [
            (
                change(&[key("spec"), key("a")], Some(json!(1)), Some(json!(2))),
                json!({"spec": {"a": 2, "list": [{"name": "x", "v": 1}, {"name": "y"}], "set": ["p", "q"]}}),
            ),
            (
                change(&[key("spec"), key("a")], Some(json!(1)), None),
                json!({"spec": {"list": [{"name": "x", "v": 1}, {"name": "y"}], "set": ["p", "q"]}}),
            ),
            (
                change(
                    &[key("spec"), key("list"), item("x"), key("v")],
                    Some(json!(1)),
                    Some(json!(3)),
                ),
                json!({"spec": {"a": 1, "list": [{"name": "x", "v": 3}, {"name": "y"}], "set": ["p", "q"]}}),
            ),
            (
                change(
                    &[key("spec"), key("list"), item("z")],
                    None,
                    Some(json!({"name": "z"})),
                ),
                json!({"spec": {"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y"}, {"name": "z"}], "set": ["p", "q"]}}),
            ),
            (
                change(
                    &[key("spec"), key("list"), item("x")],
                    Some(json!({"name": "x", "v": 1})),
                    None,
                ),
                json!({"spec": {"a": 1, "list": [{"name": "y"}], "set": ["p", "q"]}}),
            ),
            (
                change(
                    &[key("spec"), key("list")],
                    Some(json!(["x", "y"])),
                    Some(json!(["y", "x"])),
                ),
                json!({"spec": {"a": 1, "list": [{"name": "y"}, {"name": "x", "v": 1}], "set": ["p", "q"]}}),
            ),
            (
                change(
                    &[key("spec"), key("set")],
                    Some(json!(["p", "q"])),
                    Some(json!(["q"])),
                ),
                json!({"spec": {"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y"}], "set": ["q"]}}),
            ),
            (
                change(&[key("data"), key("k")], None, Some(json!("v"))),
                json!({"spec": {"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y"}], "set": ["p", "q"]}, "data": {"k": "v"}}),
            ),
        ] {
            let mut after = before.clone();
            make(&mut after, &change.path.0, &change);
            assert_eq!(after, expected, "{}", change.path);
        }
    }

    #[test]
    fn a_secret_is_shown_by_digests_and_bookkeeping_not_at_all() {
        let text = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: n}, stringData: {password: hunter2}}";
        let desired = desired(&[("all", text)]);
        let live = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "s", "namespace": "n", "labels": {"applyset.kubernetes.io/part-of": super::super::tests::world::applyset().id()}},
            "data": {"password": "aHVudGVyMQ==", "other": "aHVudGVyMw=="}});
        let observed = Observed {
            seen: vec![Seen {
                live: Some(applied(&live, "u")),
                ..Seen::default()
            }],
            ..Observed::default()
        };
        let plan = plan_with(
            &desired,
            &observed,
            &crate::config::reconcile::Reconcile::default(),
        )
        .unwrap();
        let shown = shown(&plan.actions[0]);
        let text = format!("{shown:?}");
        assert!(
            !text.contains("hunter") && !text.contains("aHVudGVy"),
            "{text}"
        );
        let (before, after) = (shown.before.unwrap(), shown.after.unwrap());
        assert_ne!(before["data"]["password"], after["data"]["password"]);
        assert!(before["metadata"].get("managedFields").is_none());
        assert_eq!(before["type"], "Opaque");
    }
}
