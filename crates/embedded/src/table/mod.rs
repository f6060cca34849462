//! Server-side printed tables, as `kubectl get` asks for them.
//!
//! In: objects of one resource. Out: a `meta.k8s.io` `Table` with the columns and cells the real
//! printers give. It must never fetch anything: a cell shows its own object alone.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

mod age;
mod columns;

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
    /// From the object by a function.
    Made(fn(&Value, Timestamp) -> Value),
    /// At a simple JSON path of a CRD's column.
    Path(String),
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
        Cell::Made(make) => make(object, now),
        Cell::Path(path) => custom(column, object, path, now),
    }
}

/// A CRD column: a date is shown as an age, absent as nothing.
fn custom(column: &Column, object: &Value, path: &str, now: Timestamp) -> Value {
    let Some(value) = columns::at_path(object, path) else {
        return Value::Null;
    };
    match (column.kind.as_str(), &value) {
        ("date", Value::String(time)) => json!(age::since(time, now)),
        ("integer", Value::Number(n)) => n.as_i64().map_or(Value::Null, |n| json!(n)),
        ("number" | "boolean", _) | ("string", Value::String(_)) => value,
        ("string", other) => json!(other.to_string()),
        _ => Value::Null,
    }
}
