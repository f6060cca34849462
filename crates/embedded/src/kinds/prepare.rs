//! What the server itself adds to an object of a kind when it is written: what its strategy's
//! `PrepareForCreate` and `PrepareForUpdate` do beyond status and generation.

use serde_json::{Value, json};

use super::service;
use crate::meta;
use crate::registry::Resource;
use crate::server::core::Core;
use crate::status::ApiError;

/// Prepares a new object, or a change of one.
pub(crate) fn prepare(
    core: &Core,
    resource: &Resource,
    old: Option<&Value>,
    new: &mut Value,
) -> Result<(), ApiError> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") if old.is_none() => namespace(new),
        ("", "secrets") => secret(new),
        ("", "services") => service::allocate(core, old, new)?,
        ("apiextensions.k8s.io", "customresourcedefinitions") => definition(old, new),
        ("batch", "jobs") if old.is_none() => job(new),
        _ => {}
    }
    Ok(())
}

/// The finalizer that empties a namespace.
fn namespace(object: &mut Value) {
    let spec = meta::section(object, "spec");
    let finalizers = meta::array_of(spec, "finalizers");
    if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
        finalizers.push(json!("kubernetes"));
    }
}

/// `stringData` is written into `data`.
fn secret(object: &mut Value) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let Some(map) = object.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = map.remove("stringData") else {
        return;
    };
    let data = meta::section_of(map, "data");
    for (key, value) in plain {
        let text = value.as_str().unwrap_or_default();
        data.insert(key, json!(STANDARD.encode(text)));
    }
}

/// The versions objects have been stored in.
fn definition(old: Option<&Value>, object: &mut Value) {
    let storage = object
        .pointer("/spec/versions")
        .and_then(Value::as_array)
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
    let stored = meta::array_of(meta::section(object, "status"), "storedVersions");
    if !stored.contains(&storage) {
        stored.push(storage);
    }
}

/// Labels and selector by which a job knows its pods.
fn job(object: &mut Value) {
    let manual = object
        .pointer("/spec/manualSelector")
        .and_then(Value::as_bool)
        == Some(true);
    if manual {
        return;
    }
    let (uid, name) = (meta::uid(object).to_owned(), meta::name(object).to_owned());
    let spec = meta::section(object, "spec");
    let template = meta::section_of(spec, "template");
    let labels = meta::section_of(meta::section_of(template, "metadata"), "labels");
    for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
        labels.entry(key).or_insert_with(|| json!(uid));
    }
    for key in ["job-name", "batch.kubernetes.io/job-name"] {
        labels.entry(key).or_insert_with(|| json!(name));
    }
    let selector = meta::section_of(meta::section_of(spec, "selector"), "matchLabels");
    selector
        .entry("batch.kubernetes.io/controller-uid")
        .or_insert_with(|| json!(uid));
}
