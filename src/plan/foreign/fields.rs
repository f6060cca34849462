//! The fields that a patch sets, as trees of JSON: what it changes, what it overwrites, and what an
//! object is without it.

use serde_json::{Map, Value};

use super::split::{Split, carries, identity, keys_of};

/// A field that a patch takes away: nobody can own that a field is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removes(pub String);

/// What has to be set on `before` to make it `after`.
pub(super) fn set_by(
    before: Option<&Value>,
    after: &Value,
    split: &Split<'_>,
    place: &str,
) -> Result<Option<Value>, Removes> {
    match (before, after) {
        (Some(before), after) if before == after => Ok(None),
        (Some(Value::Object(before)), Value::Object(after)) if !split.is_whole() => {
            if let Some(key) = before.keys().find(|key| !after.contains_key(*key)) {
                return Err(Removes(format!("{place}.{key}")));
            }
            let mut set = Map::new();
            for (key, value) in after {
                let here = format!("{place}.{key}");
                if let Some(value) = set_by(before.get(key), value, &split.key(key), &here)? {
                    set.insert(key.clone(), value);
                }
            }
            Ok((!set.is_empty()).then_some(Value::Object(set)))
        }
        (Some(Value::Array(before)), Value::Array(after)) => set_items(before, after, split, place),
        (_, after) => Ok(Some(after.clone())),
    }
}

fn set_items(
    before: &[Value],
    after: &[Value],
    split: &Split<'_>,
    place: &str,
) -> Result<Option<Value>, Removes> {
    let Some(keys) = split.item_keys() else {
        if !split.is_set() {
            return Ok(Some(after.into()));
        }
        if before.iter().any(|member| !after.contains(member)) {
            return Err(Removes(format!("{place}[]")));
        }
        let new = after.iter().filter(|member| !before.contains(member));
        return Ok(some_list(new.cloned().collect()));
    };
    let find = |items: &[Value], item: &Value| {
        let own = identity(item, &keys);
        items.iter().position(|other| carries(other, &own))
    };
    if let Some(gone) = before.iter().find(|item| find(after, item).is_none()) {
        let name = Value::Object(identity(gone, &keys));
        return Err(Removes(format!("{place}[{name}]")));
    }
    let mut set = Vec::new();
    for item in after {
        let old = find(before, item).and_then(|at| before.get(at));
        let new = match old {
            None => Some(item.clone()),
            Some(old) => set_by(Some(old), item, &split.item(item), place)?,
        };
        set.extend(new.map(|new| named(new, identity(item, &keys))));
    }
    Ok(some_list(set))
}

/// What of `before` a patch that sets `set` overwrites.
pub(super) fn overwritten(before: &Value, set: &Value, split: &Split<'_>) -> Option<Value> {
    match (before, set) {
        (Value::Object(before), Value::Object(set)) if !split.is_whole() => {
            let found: Map<String, Value> = set
                .iter()
                .filter_map(|(key, set)| {
                    let old = overwritten(before.get(key)?, set, &split.key(key))?;
                    Some((key.clone(), old))
                })
                .collect();
            (!found.is_empty()).then_some(Value::Object(found))
        }
        (Value::Array(before), Value::Array(set)) => {
            let Some(keys) = split.item_keys() else {
                return (!split.is_set()).then(|| before.clone().into());
            };
            let found = set.iter().filter_map(|item| {
                let own = identity(item, &keys);
                let old = before.iter().find(|other| carries(other, &own))?;
                let old = without(overwritten(old, item, &split.item(item))?, &keys);
                let is_empty = old.as_object().is_some_and(Map::is_empty);
                (!is_empty).then(|| named(old, own))
            });
            some_list(found.collect())
        }
        (before, _) => Some(before.clone()),
    }
}

/// Takes out of an object the fields that a manager has.
pub(super) fn strip(value: &mut Value, fields: &Map<String, Value>, keys: &[String]) {
    for (field, child) in fields {
        let child = child.as_object();
        let is_leaf = child.is_none_or(|child| child.keys().all(|key| key == "."));
        let empty = Map::new();
        let child = child.unwrap_or(&empty);
        if let Some(key) = field.strip_prefix("f:") {
            let Some(object) = value.as_object_mut() else {
                continue;
            };
            if keys.iter().any(|name| name == key) {
                continue;
            }
            if is_leaf {
                object.remove(key);
            } else if let Some(inner) = object.get_mut(key) {
                strip(inner, child, &[]);
                let is_empty = match inner {
                    Value::Object(entries) => entries.is_empty(),
                    Value::Array(items) => items.is_empty(),
                    _ => false,
                };
                if is_empty {
                    object.remove(key);
                }
            }
        } else if let (Some(own), Some(items)) = (keys_of(field), value.as_array_mut()) {
            let names: Vec<String> = own.keys().cloned().collect();
            for item in items.iter_mut().filter(|item| carries(item, &own)) {
                strip(item, child, &names);
            }
            let is_ours = child.contains_key(".");
            items.retain(|item| {
                let bare = item
                    .as_object()
                    .is_some_and(|item| item.keys().all(|key| own.contains_key(key)));
                !(is_ours && bare && carries(item, &own))
            });
        } else if let (Some(member), Some(items)) = (field.strip_prefix("v:"), value.as_array_mut())
        {
            let member = serde_json::from_str::<Value>(member).ok();
            items.retain(|item| member.as_ref() != Some(item));
        }
    }
}

/// Puts back what a patch has overwritten, where nobody has set it since.
pub(super) fn fill(value: &mut Value, originals: &Value, split: &Split<'_>) {
    match (value, originals) {
        (Value::Object(value), Value::Object(originals)) => {
            for (key, original) in originals {
                match value.get_mut(key) {
                    Some(inner) => fill(inner, original, &split.key(key)),
                    None => drop(value.insert(key.clone(), original.clone())),
                }
            }
        }
        (Value::Array(items), Value::Array(originals)) => {
            let Some(keys) = split.item_keys() else {
                return;
            };
            for original in originals {
                let own = identity(original, &keys);
                if let Some(item) = items.iter_mut().find(|item| carries(item, &own)) {
                    fill(item, original, &split.item(original));
                }
            }
        }
        _ => {}
    }
}

/// Sets fields on an object as an apply would: maps and items one by one, anything else whole.
pub(super) fn overlay(value: &mut Value, fields: &Value, split: &Split<'_>) {
    match (value, fields) {
        (Value::Object(value), Value::Object(fields)) if !split.is_whole() => {
            for (key, field) in fields {
                match value.get_mut(key) {
                    Some(inner) => overlay(inner, field, &split.key(key)),
                    None => drop(value.insert(key.clone(), field.clone())),
                }
            }
        }
        (Value::Array(items), Value::Array(fields)) if split.item_keys().is_some() => {
            let keys = split.item_keys().unwrap_or_default();
            for field in fields {
                let own = identity(field, &keys);
                match items.iter_mut().find(|item| carries(item, &own)) {
                    Some(item) => overlay(item, field, &split.item(field)),
                    None => items.push(field.clone()),
                }
            }
        }
        (Value::Array(items), Value::Array(fields)) if split.is_set() => {
            let new: Vec<Value> = fields
                .iter()
                .filter(|field| !items.contains(field))
                .cloned()
                .collect();
            items.extend(new);
        }
        (value, field) => *value = field.clone(),
    }
}

/// The operations of a JSON patch that put `originals` back where `kept` does not set the field anew.
pub(super) fn restore(
    live: &Value,
    originals: &Value,
    kept: Option<&Value>,
    split: &Split<'_>,
    pointer: &str,
    operations: &mut Vec<Value>,
) {
    match (live, originals) {
        (Value::Object(live), Value::Object(originals)) if !split.is_whole() => {
            for (key, original) in originals {
                let kept = kept.and_then(|kept| kept.get(key));
                let here = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match live.get(key) {
                    Some(value) => {
                        restore(value, original, kept, &split.key(key), &here, operations);
                    }
                    None if kept.is_none() => operations.push(operation("add", &here, original)),
                    None => {}
                }
            }
        }
        (Value::Array(items), Value::Array(originals)) if split.item_keys().is_some() => {
            let keys = split.item_keys().unwrap_or_default();
            for original in originals {
                let own = identity(original, &keys);
                let Some(at) = items.iter().position(|item| carries(item, &own)) else {
                    continue;
                };
                let here = format!("{pointer}/{at}");
                // The item may be at another place when its turn comes.
                for (key, value) in &own {
                    operations.push(operation("test", &format!("{here}/{key}"), value));
                }
                let kept = kept
                    .and_then(Value::as_array)
                    .and_then(|kept| kept.iter().find(|item| carries(item, &own)));
                let rest = without(original.clone(), &keys);
                let item = items.get(at).unwrap_or(&Value::Null);
                restore(item, &rest, kept, &split.item(original), &here, operations);
            }
        }
        (live, original) => {
            if kept.is_none() && live != original {
                operations.push(operation("replace", pointer, original));
            }
        }
    }
}

fn operation(op: &str, path: &str, value: &Value) -> Value {
    serde_json::json!({"op": op, "path": path, "value": value})
}

fn some_list(items: Vec<Value>) -> Option<Value> {
    (!items.is_empty()).then_some(Value::Array(items))
}

/// An item with the fields that tell it apart before the others.
fn named(item: Value, mut own: Map<String, Value>) -> Value {
    match item {
        Value::Object(fields) => {
            own.extend(fields);
            Value::Object(own)
        }
        item => item,
    }
}

fn without(mut item: Value, keys: &[String]) -> Value {
    if let Value::Object(fields) = &mut item {
        for key in keys {
            fields.remove(key);
        }
    }
    item
}
