//! Which columns a resource's table has.

use serde_json::Value;

use super::{Cell, Column};
use crate::registry::Resource;

const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

/// The columns of a resource.
pub(super) fn of(resource: &Resource) -> Vec<Column> {
    let mut columns = vec![column("Name", "string", "name", NAME, 0, Cell::Name)];
    let custom = resource
        .custom
        .as_ref()
        .map_or(&[][..], |crd| crd.columns.as_slice());
    if custom.is_empty() {
        columns.push(column("Age", "string", "", AGE, 0, Cell::Age));
    }
    columns.extend(custom.iter().map(|c| {
        let cell = Cell::Path(c.json_path.clone());
        column(
            &c.name,
            &c.kind,
            &c.format,
            &c.description,
            c.priority,
            cell,
        )
    }));
    columns
}

fn column(
    name: &str,
    kind: &str,
    format: &str,
    description: &str,
    priority: i64,
    cell: Cell,
) -> Column {
    Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: format.to_owned(),
        description: description.to_owned(),
        priority,
        cell,
    }
}

/// The value at a JSON path of the kind CRDs use: fields, indexes, `[?(@.a=="b")]`.
pub(super) fn at_path(object: &Value, path: &str) -> Option<Value> {
    let mut value = object;
    for part in path
        .trim_start_matches('.')
        .split('.')
        .filter(|part| !part.is_empty())
    {
        value = value.get(part)?;
    }
    Some(value.clone())
}
