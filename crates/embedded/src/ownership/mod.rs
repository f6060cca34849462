//! `managedFields`: who set which field, on every write, and server-side apply.
//!
//! In: the object before and after a write, or an applied configuration. Out: the object with its
//! `managedFields` brought up to date. It must never look at anything but the object's fields.
//!
//! Lists are atomic here until `trueup-schema` brings their types.

#![expect(
    clippy::indexing_slicing,
    reason = "indexing JSON values reads `null` or inserts"
)]

use serde_json::{Map, Value, json};

use crate::meta;
use crate::registry::Resource;
use crate::status::{ApiError, Cause};

#[cfg(test)]
mod tests;

/// Who writes, how and when.
#[derive(Debug, Clone)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) time: String,
}

/// Brings `managedFields` of `new` up to date after a create, update or patch.
pub(crate) fn record_update(
    resource: &Resource,
    old: Option<&Value>,
    new: &mut Value,
    writer: &Writer<'_>,
) {
    // A client may send an empty list to wipe ownership; anything else it sends is taken as is.
    let mut entries = entries(new);
    let empty = Value::Object(Map::new());
    let changed = changed(old.unwrap_or(&empty), new);
    let removed = removed(old.unwrap_or(&empty), new);
    for entry in &mut entries {
        subtract(&mut entry["fieldsV1"], &removed);
    }
    let mine = |e: &Value| is_mine(e, writer, "Update", resource);
    for entry in entries.iter_mut().filter(|e| !mine(e)) {
        subtract(&mut entry["fieldsV1"], &changed);
    }
    if !is_empty(&changed) {
        match entries.iter_mut().find(|e| mine(e)) {
            Some(entry) => {
                union(&mut entry["fieldsV1"], &changed);
                entry["time"] = json!(writer.time);
            }
            None => entries.push(entry(resource, writer, "Update", &changed)),
        }
    }
    store(new, entries);
}

/// Applies a configuration to `live` (or to nothing) and returns the object to write.
pub(crate) fn apply(
    resource: &Resource,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApiError> {
    let mut config = config.clone();
    for field in [
        "managedFields",
        "creationTimestamp",
        "uid",
        "resourceVersion",
        "generation",
    ] {
        meta::unset(&mut config, field);
    }
    let wanted = set_of(&config);
    let empty = json!({});
    let live_value = live.unwrap_or(&empty);
    let mut merged = live_value.clone();
    merge(&mut merged, &config);
    let mut entries = entries(live_value);
    let mine = |e: &Value| is_mine(e, writer, "Apply", resource);
    let mut conflicts = Vec::new();
    let changed = changed(live_value, &merged);
    for entry in entries.iter_mut().filter(|e| !mine(e)) {
        let contested = intersect(&entry["fieldsV1"], &intersect(&wanted, &changed));
        if is_empty(&contested) {
            continue;
        }
        if force {
            subtract(&mut entry["fieldsV1"], &contested);
        } else {
            let manager = entry["manager"].as_str().unwrap_or_default().to_owned();
            let using = entry["apiVersion"].as_str().unwrap_or_default().to_owned();
            let mut paths = Vec::new();
            leaves(&contested, String::new(), &mut paths);
            conflicts.extend(
                paths
                    .into_iter()
                    .map(|path| (manager.clone(), using.clone(), path)),
            );
        }
    }
    if !conflicts.is_empty() {
        return Err(conflict(conflicts));
    }
    if let Some(before) = entries.iter().find(|e| mine(e)) {
        let mut dropped = before["fieldsV1"].clone();
        subtract(&mut dropped, &wanted);
        for other in entries.iter().filter(|e| !mine(e)) {
            subtract(&mut dropped, &other["fieldsV1"]);
        }
        remove(&mut merged, &dropped);
    }
    let before = entries.iter().position(mine).map(|at| entries.remove(at));
    let time = match before {
        Some(before) if before["fieldsV1"] == wanted => before["time"].clone(),
        _ => json!(writer.time),
    };
    let mut own = entry(resource, writer, "Apply", &wanted);
    own["time"] = time;
    entries.insert(0, own);
    store(&mut merged, entries);
    Ok(merged)
}

fn conflict(conflicts: Vec<(String, String, String)>) -> ApiError {
    let count = conflicts.len();
    let words: Vec<String> = conflicts
        .iter()
        .map(|(manager, version, path)| {
            format!("conflict with {manager:?} using {version}: {path}")
        })
        .collect();
    let message = if count == 1 {
        format!("Apply failed with 1 conflict: {}", words.join(""))
    } else {
        format!("Apply failed with {count} conflicts: {}", words.join("\n"))
    };
    let causes = conflicts
        .into_iter()
        .map(|(manager, version, path)| Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {manager:?} using {version}"),
            field: path,
        })
        .collect();
    ApiError::apply_conflict(message, causes)
}

fn entries(object: &Value) -> Vec<Value> {
    object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn store(object: &mut Value, mut entries: Vec<Value>) {
    entries.retain(|e| !is_empty(&e["fieldsV1"]));
    if entries.is_empty() {
        meta::unset(object, "managedFields");
    } else {
        meta::set(object, "managedFields", Value::Array(entries));
    }
}

fn entry(resource: &Resource, writer: &Writer<'_>, operation: &str, fields: &Value) -> Value {
    let mut entry = json!({
        "manager": writer.manager,
        "operation": operation,
        "apiVersion": resource.api_version(),
        "time": writer.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    });
    if !writer.subresource.is_empty() {
        entry["subresource"] = json!(writer.subresource);
    }
    entry
}

fn is_mine(entry: &Value, writer: &Writer<'_>, operation: &str, resource: &Resource) -> bool {
    entry["manager"] == writer.manager
        && entry["operation"] == operation
        && entry["subresource"].as_str().unwrap_or_default() == writer.subresource
        && (operation == "Apply" || entry["apiVersion"] == resource.api_version())
}

const UNOWNED: [&str; 9] = [
    "apiVersion",
    "kind",
    "/name",
    "/namespace",
    "/uid",
    "/resourceVersion",
    "/generation",
    "/creationTimestamp",
    "/managedFields",
];

fn owned(depth: usize, in_metadata: bool, key: &str) -> bool {
    match depth {
        0 => !UNOWNED.contains(&key),
        1 if in_metadata => !UNOWNED.contains(&format!("/{key}").as_str()),
        _ => true,
    }
}

fn set_of(object: &Value) -> Value {
    fn walk(value: &Value, depth: usize, in_metadata: bool) -> Value {
        let mut set = Map::new();
        if let Value::Object(map) = value {
            for (key, inner) in map.iter().filter(|(key, _)| owned(depth, in_metadata, key)) {
                let set_inner = walk(inner, depth + 1, depth == 0 && key == "metadata");
                if !(depth == 0 && key == "metadata" && is_empty(&set_inner)) {
                    set.insert(format!("f:{key}"), set_inner);
                }
            }
        }
        Value::Object(set)
    }
    walk(object, 0, false)
}

fn changed(old: &Value, new: &Value) -> Value {
    fn walk(old: &Value, new: &Value) -> Option<Value> {
        match (old, new) {
            (Value::Object(a), Value::Object(b)) => {
                let mut set = Map::new();
                for (key, value) in b {
                    let inner = match a.get(key) {
                        Some(before) => walk(before, value),
                        None => Some(set_all(value)),
                    };
                    if let Some(inner) = inner {
                        set.insert(format!("f:{key}"), inner);
                    }
                }
                (!set.is_empty()).then_some(Value::Object(set))
            }
            (a, b) if a == b => None,
            (_, b) => Some(set_all(b)),
        }
    }
    intersect(&walk(old, new).unwrap_or_else(|| json!({})), &set_of(new))
}

fn set_all(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, inner)| (format!("f:{key}"), set_all(inner)))
                .collect(),
        ),
        _ => json!({}),
    }
}

fn removed(old: &Value, new: &Value) -> Value {
    let mut set = set_of(old);
    subtract(&mut set, &set_of(new));
    set
}

fn is_empty(set: &Value) -> bool {
    set.as_object().is_none_or(Map::is_empty)
}

fn union(into: &mut Value, other: &Value) {
    if let Value::Object(other) = other {
        let into = meta::as_map(into);
        for (key, inner) in other {
            union(into.entry(key.clone()).or_insert_with(|| json!({})), inner);
        }
    }
}

fn subtract(from: &mut Value, other: &Value) {
    if let (Value::Object(from), Value::Object(other)) = (from, other) {
        for (key, inner) in other {
            if let Some(mine) = from.get_mut(key) {
                subtract(mine, inner);
                if is_empty(mine) {
                    from.remove(key);
                }
            }
        }
    }
}

fn intersect(a: &Value, b: &Value) -> Value {
    let mut set = Map::new();
    if let (Value::Object(a), Value::Object(b)) = (a, b) {
        for (key, inner) in a {
            if let Some(other) = b.get(key) {
                let both = intersect(inner, other);
                if !is_empty(&both) || is_empty(inner) || is_empty(other) {
                    set.insert(key.clone(), both);
                }
            }
        }
    }
    Value::Object(set)
}

fn leaves(set: &Value, path: String, out: &mut Vec<String>) {
    match set.as_object() {
        Some(map) if !map.is_empty() => {
            for (key, inner) in map {
                let key = key.strip_prefix("f:").unwrap_or(key);
                leaves(inner, format!("{path}.{key}"), out);
            }
        }
        _ => out.push(path),
    }
}

fn remove(object: &mut Value, set: &Value) {
    if let (Value::Object(object), Value::Object(set)) = (object, set) {
        for (key, inner) in set {
            let key = key.strip_prefix("f:").unwrap_or(key);
            if is_empty(inner) {
                object.remove(key);
            } else if let Some(child) = object.get_mut(key) {
                remove(child, inner);
                if child.as_object().is_some_and(Map::is_empty) {
                    object.remove(key);
                }
            }
        }
    }
}

fn merge(into: &mut Value, config: &Value) {
    match (into, config) {
        (Value::Object(into), Value::Object(config)) => {
            for (key, value) in config {
                match into.get_mut(key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        into.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (into, config) => *into = config.clone(),
    }
}
