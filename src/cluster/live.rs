//! An object as the server holds it.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};
use trueup_manifest::{Gvk, ObjectId};

/// An object as the server holds it. Cheap to clone. Its `Debug` shows no values, as it may be a Secret.
#[derive(Clone, PartialEq)]
pub struct Live(Arc<Value>);

impl Live {
    /// Takes an object as parsed from the server's answer.
    pub fn new(value: Value) -> Self {
        Self(Arc::new(value))
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// What tells one answer of the server from another while both are kept: clones are one answer.
    pub(crate) fn answer(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Gives `apiVersion` and `kind` to an item of a list that came without.
    pub(crate) fn with_type(mut self, api_version: &str, kind: &str) -> Self {
        if let Value::Object(object) = Arc::make_mut(&mut self.0) {
            object
                .entry("apiVersion")
                .or_insert_with(|| api_version.into());
            object.entry("kind").or_insert_with(|| kind.into());
        }
        self
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&*self.0, |value, key| value.get(key))
    }

    /// The text at a path of keys; empty where there is none.
    pub fn text(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.text(&["apiVersion"]), self.text(&["kind"]))
    }

    /// Its identity.
    pub fn id(&self) -> ObjectId {
        let Gvk { group, kind, .. } = self.gvk();
        ObjectId {
            group,
            kind,
            namespace: self.text(&["metadata", "namespace"]).to_owned(),
            name: self.text(&["metadata", "name"]).to_owned(),
        }
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.text(&["metadata", "uid"])
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &str {
        self.text(&["metadata", "resourceVersion"])
    }

    /// Whether it is the same object at a later version. Versions that are no numbers say nothing of their order.
    pub fn is_newer(&self, other: &Self) -> bool {
        let version = |live: &Self| live.resource_version().parse::<u64>().ok();
        self.uid() == other.uid()
            && version(other).is_some_and(|other| version(self).is_some_and(|own| own > other))
    }

    /// `metadata.generation`; 0 where there is none.
    pub fn generation(&self) -> i64 {
        self.at(&["metadata", "generation"])
            .and_then(Value::as_i64)
            .unwrap_or_default()
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "labels", key])
            .and_then(Value::as_str)
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", key])
            .and_then(Value::as_str)
    }

    /// Whether it is being deleted.
    pub fn is_terminating(&self) -> bool {
        self.at(&["metadata", "deletionTimestamp"]).is_some()
    }

    /// What still has to be cleaned up before it can go.
    pub fn finalizers(&self) -> Vec<&str> {
        self.at(&["metadata", "finalizers"])
            .and_then(Value::as_array)
            .map(|items| items.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }

    /// The `managedFields` entry that a manager's applies made.
    pub fn applied_by(&self, manager: &str) -> Option<&Map<String, Value>> {
        self.at(&["metadata", "managedFields"])?
            .as_array()?
            .iter()
            .find_map(|entry| {
                let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
                let ours = text("manager") == manager
                    && text("operation") == "Apply"
                    && text("subresource").is_empty();
                if ours { entry.as_object() } else { None }
            })
    }
}

/// The identity and version only.
impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({} @{})", self.id(), self.resource_version())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_output_shows_no_values() {
        let live = Live::new(json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"a": "cGFzcw=="},
            "metadata": {"name": "s", "namespace": "n", "resourceVersion": "7"},
        }));
        assert_eq!(format!("{live:?}"), "Live(Secret n/s @7)");
    }

    #[test]
    fn only_the_main_apply_entry_of_a_manager_is_its_own() {
        let live = Live::new(json!({"metadata": {"managedFields": [
            {"manager": "trueup", "operation": "Update", "fieldsV1": {}},
            {"manager": "trueup", "operation": "Apply", "subresource": "status"},
            {"manager": "other", "operation": "Apply"},
            {"manager": "trueup", "operation": "Apply", "apiVersion": "v1"},
        ]}}));
        assert_eq!(live.applied_by("trueup").unwrap()["apiVersion"], "v1");
        assert!(live.applied_by("nobody").is_none());
    }
}
