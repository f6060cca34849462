//! Reading and writing `metadata` of an object held as JSON.
//!
//! Pure functions over `serde_json::Value`; absent is empty. It must never decide policy.

use serde_json::{Map, Value};

/// `metadata.<field>` as text, empty when absent.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get("metadata")
        .and_then(|m| m.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "uid")
}

pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, "resourceVersion")
}

pub(crate) fn generation(object: &Value) -> i64 {
    object
        .pointer("/metadata/generation")
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

/// True once the object is on its way out.
pub(crate) fn deleting(object: &Value) -> bool {
    !text(object, "deletionTimestamp").is_empty()
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |all| {
            all.iter().filter_map(Value::as_str).collect()
        })
}

pub(crate) fn owners(object: &Value) -> &[Value] {
    object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Sets a member of an object.
pub(crate) fn put(object: &mut Value, member: &str, value: impl Into<Value>) {
    as_map(object).insert(member.to_owned(), value.into());
}

/// `metadata` for writing, made when it is not an object.
pub(crate) fn map(object: &mut Value) -> &mut Map<String, Value> {
    section(object, "metadata")
}

/// A member for writing, made an empty object when it is none.
pub(crate) fn section<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    let slot = as_map(object)
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    as_map(slot)
}

/// A member of a map for writing, made an empty object when it is none.
pub(crate) fn section_of<'a>(
    map: &'a mut Map<String, Value>,
    name: &str,
) -> &'a mut Map<String, Value> {
    as_map(map.entry(name).or_insert_with(|| Value::Object(Map::new())))
}

/// A list of a map for writing, made an empty one when it is none.
pub(crate) fn array_of<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let slot = map.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    match slot {
        Value::Array(items) => items,
        _ => unreachable!("made an array above"),
    }
}

/// The value as an object, which it is made when it is none.
pub(crate) fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

pub(crate) fn set(object: &mut Value, field: &str, value: impl Into<Value>) {
    map(object).insert(field.to_owned(), value.into());
}

pub(crate) fn unset(object: &mut Value, field: &str) {
    map(object).remove(field);
}

/// Copies `metadata.<field>` from another object, or removes it when it is not there.
pub(crate) fn copy(object: &mut Value, from: &Value, field: &str) {
    match from.get("metadata").and_then(|m| m.get(field)) {
        Some(value) => set(object, field, value.clone()),
        None => unset(object, field),
    }
}

/// Takes a finalizer away; true when it was there.
pub(crate) fn remove_finalizer(object: &mut Value, finalizer: &str) -> bool {
    let Some(all) = map(object)
        .get_mut("finalizers")
        .and_then(Value::as_array_mut)
    else {
        return false;
    };
    let before = all.len();
    all.retain(|f| f != finalizer);
    let removed = all.len() != before;
    if all.is_empty() {
        unset(object, "finalizers");
    }
    removed
}

/// Adds a finalizer; true when it was not there.
pub(crate) fn add_finalizer(object: &mut Value, finalizer: &str) -> bool {
    if finalizers(object).contains(&finalizer) {
        return false;
    }
    let all = map(object)
        .entry("finalizers")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(all) = all {
        all.push(finalizer.into());
    }
    true
}

/// The object without what changes on every write, to tell a write that changes nothing.
pub(crate) fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        if let Some(entries) = metadata
            .get_mut("managedFields")
            .and_then(Value::as_array_mut)
        {
            for entry in entries {
                if let Some(entry) = entry.as_object_mut() {
                    entry.remove("time");
                }
            }
        }
    }
    object
}
