//! Namespaces.

use serde_json::Value;

use crate::controllers::initial_spec;
use crate::meta;

/// A new namespace has the finalizer that empties it, and every one a label with its name.
pub(super) fn default(old: Option<&Value>, object: &mut Value) {
    if old.is_none() {
        let spec = meta::section(object, "spec");
        if spec.get("finalizers").is_none_or(Value::is_null) {
            *spec = initial_spec().as_object().cloned().unwrap_or_default();
        }
    }
    let name = meta::name(object).to_owned();
    if !name.is_empty() {
        let labels = meta::map(object)
            .entry("labels")
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
        meta::put(labels, "kubernetes.io/metadata.name", name);
    }
}
