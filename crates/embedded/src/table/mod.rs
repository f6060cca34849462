//! Server-side printed tables, as `kubectl get` asks for them.
//!
//! In: objects of one resource. Out: a `meta.k8s.io` `Table` with the columns and cells the real
//! printers give. It must never fetch anything: a cell shows its own object alone.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

mod age;
mod cells;
mod columns;
mod path;
mod workloads;

use crate::http::accept::Accepted;
use crate::meta;
use crate::registry::Resource;
use crate::store::Stored;

/// A column's definition and how its cell is made.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) cell: Cell,
}

/// How a cell is made.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// `metadata.name`.
    Name,
    /// Time since `metadata.creationTimestamp`.
    Age,
    /// `metadata.creationTimestamp` itself.
    Created,
    /// The value at a JSON pointer; absent is empty, or nought for a number.
    At(&'static str),
    /// From the object by a function.
    Made(fn(&Value, Timestamp) -> Value),
    /// At a simple JSON path of a CRD's column.
    Path(path::Path),
}

/// A table of objects. `include` is the `includeObject` parameter.
pub(crate) fn table(
    resource: &Resource,
    objects: &[Arc<Stored>],
    metadata: &Value,
    accepted: &Accepted,
    include: &str,
    with_columns: bool,
    now: Timestamp,
) -> Value {
    let columns = columns::of(resource);
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<Value> = columns
                .iter()
                .map(|column| cell(column, &object.value, now))
                .collect();
            let mut row = json!({"cells": cells});
            match include {
                "None" => {}
                "Object" => meta::put(&mut row, "object", object.value.clone()),
                _ => meta::put(
                    &mut row,
                    "object",
                    crate::http::partial(&object.value, accepted),
                ),
            }
            row
        })
        .collect();
    let definitions: Vec<Value> = columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": column.kind,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            })
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": format!("meta.k8s.io/{}", accepted.version),
        "metadata": metadata,
        "columnDefinitions": if with_columns { json!(definitions) } else { Value::Null },
        "rows": rows,
    })
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    match &column.cell {
        Cell::Name => json!(meta::name(object)),
        Cell::Age => json!(age::since(meta::text(object, "creationTimestamp"), now)),
        Cell::Created => json!(meta::text(object, "creationTimestamp")),
        Cell::At(pointer) => match object.pointer(pointer) {
            Some(value) if !value.is_null() => value.clone(),
            _ if column.kind == "integer" => json!(0),
            _ if column.kind == "boolean" => json!(false),
            _ => json!(""),
        },
        Cell::Made(make) => make(object, now),
        Cell::Path(path) => custom(column, object, path, now),
    }
}

/// A CRD column: a date is shown as an age, absent as nothing, several values joined.
fn custom(column: &Column, object: &Value, path: &path::Path, now: Timestamp) -> Value {
    let found = path.select(object);
    let Some(first) = found.first() else {
        return Value::Null;
    };
    match (column.kind.as_str(), *first) {
        ("date", Value::String(time)) => json!(age::since(time, now)),
        ("string", Value::String(text)) if found.len() == 1 => json!(text),
        ("string", _) => {
            let words: Vec<String> = found
                .iter()
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                })
                .collect();
            json!(words.join(" "))
        }
        ("integer", Value::Number(n)) => n.as_i64().map_or(Value::Null, |n| json!(n)),
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => (*first).clone(),
        _ => Value::Null,
    }
}

/// A label selector in its text form.
pub(crate) fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").unwrap_or(selector);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let mut words: Vec<(String, String)> = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            words.push((key.clone(), format!("{key}={value}")));
        }
    }
    for expression in expressions.into_iter().flatten() {
        let text = |field: &str| {
            expression
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let mut values: Vec<&str> = expression
            .get("values")
            .and_then(Value::as_array)
            .map(|all| all.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        values.sort_unstable();
        let key = text("key");
        let values = values.join(",");
        let word = match text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        words.push((key.to_owned(), word));
    }
    words.sort();
    words
        .into_iter()
        .map(|(_, word)| word)
        .collect::<Vec<_>>()
        .join(",")
}
