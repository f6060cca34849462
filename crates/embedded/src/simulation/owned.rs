//! Objects by their controller.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Look;
use crate::meta;
use crate::registry::GroupResource;
use crate::store::{Key, Stored};
use crate::verbs::DeleteOptions;

/// The controlling owner reference.
pub(super) fn controller(object: &Value) -> Option<&Value> {
    meta::owners(object)
        .iter()
        .find(|owner| owner.get("controller") == Some(&json!(true)))
}

/// The collection of an owner that is looked after.
pub(super) fn collection_of(owner: &Value) -> Option<GroupResource> {
    let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("apps/v1", "Deployment") => Some(GroupResource::new("apps", "deployments")),
        ("apps/v1", "ReplicaSet") => Some(GroupResource::new("apps", "replicasets")),
        ("apps/v1", "StatefulSet") => Some(GroupResource::new("apps", "statefulsets")),
        ("apps/v1", "DaemonSet") => Some(GroupResource::new("apps", "daemonsets")),
        ("batch/v1", "Job") => Some(GroupResource::new("batch", "jobs")),
        _ => None,
    }
}

impl Look<'_> {
    /// The owner reference to this object.
    pub(super) fn reference(&self) -> Value {
        json!({
            "apiVersion": self.object.get("apiVersion"),
            "kind": self.object.get("kind"),
            "name": self.key.name,
            "uid": meta::uid(self.object),
            "controller": true,
            "blockOwnerDeletion": true,
        })
    }

    /// The objects of a collection this object controls and that are not on their way out.
    pub(super) fn owned(&self, collection: &GroupResource) -> Vec<Arc<Stored>> {
        let (_, all) = self.core.store.list(collection, &self.key.namespace);
        let uid = meta::uid(self.object);
        all.into_iter()
            .filter(|object| {
                !meta::deleting(&object.value)
                    && controller(&object.value)
                        .is_some_and(|owner| owner.get("uid").is_some_and(|own| own == uid))
            })
            .collect()
    }

    /// Creates a pod from a template, under a name of its own or a generated one.
    pub(super) fn create_pod(&self, template: &Value, name: Option<&str>, labels: &[(&str, &str)]) {
        // Of a template's metadata only these reach its pods.
        let part = |field: &str| template.pointer(&format!("/metadata/{field}")).cloned();
        let mut pod = json!({
            "metadata": {
                "namespace": self.key.namespace,
                "labels": part("labels"),
                "annotations": part("annotations"),
                "finalizers": part("finalizers"),
            },
            "spec": template.get("spec").cloned().unwrap_or_default(),
        });
        match name {
            Some(name) => meta::set(&mut pod, "name", name),
            None => meta::set(&mut pod, "generateName", format!("{}-", self.key.name)),
        }
        meta::set(&mut pod, "ownerReferences", json!([self.reference()]));
        let own = meta::section_of(meta::map(&mut pod), "labels");
        for (key, value) in labels {
            own.insert((*key).to_owned(), json!(value));
        }
        let result = self.manager().create(&GroupResource::new("", "pods"), pod);
        super::report(result, self.collection, self.key);
    }

    /// Deletes an object this one controls.
    pub(super) fn delete(&self, collection: &GroupResource, object: &Value) {
        let key = Key::new(meta::namespace(object), meta::name(object));
        let result = self
            .manager()
            .delete(collection, &key, &DeleteOptions::default());
        super::report(result, collection, &key);
    }
}

pub(super) fn pods() -> GroupResource {
    GroupResource::new("", "pods")
}

/// A short stable name for a template, in the letters of generated names.
pub(super) fn hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = Sha256::digest(template.to_string());
    digest
        .iter()
        .take(10)
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// True for a pod that says it is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    crate::crd::condition_is_true(pod, "Ready")
}

/// A label's value.
pub(super) fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    let labels = object.pointer("/metadata/labels");
    labels
        .and_then(|all| all.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}
