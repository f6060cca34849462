//! `CustomResourceDefinition` objects.

use serde_json::{Value, json};

use crate::meta;

/// Names that follow from others, conversion, and the versions objects have been stored in.
pub(super) fn default(old: Option<&Value>, object: &mut Value) {
    let spec = meta::section(object, "spec");
    spec.entry("conversion")
        .or_insert_with(|| json!({"strategy": "None"}));
    let names = meta::as_map(spec.entry("names").or_insert_with(|| json!({})));
    let kind = names
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !kind.is_empty() {
        let blank = |names: &serde_json::Map<String, Value>, field: &str| {
            names
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .is_empty()
        };
        if blank(names, "singular") {
            names.insert("singular".to_owned(), json!(kind.to_lowercase()));
        }
        if blank(names, "listKind") {
            names.insert("listKind".to_owned(), json!(format!("{kind}List")));
        }
    }
    let versions = spec.get("versions").and_then(Value::as_array);
    let storage = versions
        .and_then(|all| {
            all.iter()
                .find(|v| v.get("storage").and_then(Value::as_bool).unwrap_or(false))
        })
        .and_then(|version| version.get("name"))
        .cloned();
    let Some(storage) = storage else { return };
    if old.is_none() {
        meta::put(
            object,
            "status",
            json!({
                "conditions": null,
                "acceptedNames": {"plural": "", "kind": ""},
                "storedVersions": [storage],
            }),
        );
        return;
    }
    let stored = meta::section(object, "status")
        .entry("storedVersions")
        .or_insert_with(|| json!([]));
    if let Some(all) = stored.as_array_mut()
        && !all.contains(&storage)
    {
        all.push(storage);
    }
}
