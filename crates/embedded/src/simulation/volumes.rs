//! Claims are bound to volumes made for them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Fate, Look, Next, owned, pods};
use crate::meta;
use crate::registry::GroupResource;
use crate::store::Key;
use crate::verbs::Part;

pub(super) fn claim(look: &Look<'_>) -> Next {
    let bound = look
        .object
        .pointer("/status/phase")
        .is_some_and(|phase| phase == "Bound");
    if bound {
        grow(look);
        return Next::Settled;
    }
    if look.fate() != Fate::Ready || waits_for_consumer(look) {
        return Next::Settled;
    }
    let left = look.remaining();
    if left > Duration::ZERO {
        return Next::Again(left);
    }
    bind(look);
    Next::Settled
}

/// True while the class wants a pod to use the claim first and none does.
fn waits_for_consumer(look: &Look<'_>) -> bool {
    let class = look
        .object
        .pointer("/spec/storageClassName")
        .and_then(Value::as_str);
    let classes = GroupResource::new("storage.k8s.io", "storageclasses");
    let stored = class.and_then(|name| look.core.store.get(&classes, &Key::new("", name)));
    let waits = stored.is_some_and(|class| {
        class
            .value
            .get("volumeBindingMode")
            .is_some_and(|m| m == "WaitForFirstConsumer")
    });
    if !waits {
        return false;
    }
    let (_, all) = look.core.store.list(&owned::pods(), &look.key.namespace);
    !all.iter()
        .any(|pod| pods::claims(&pod.value).any(|name| name == look.key.name))
}

fn bind(look: &Look<'_>) {
    let claim = look.object;
    let volume = format!("pvc-{}", meta::uid(claim));
    let size = claim
        .pointer("/spec/resources/requests/storage")
        .cloned()
        .unwrap_or_default();
    let object = json!({
        "metadata": {
            "name": volume,
            "annotations": {"pv.kubernetes.io/provisioned-by": "trueup.dev/embedded"},
        },
        "spec": {
            "accessModes": claim.pointer("/spec/accessModes"),
            "capacity": {"storage": size},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": look.key.namespace,
                "name": look.key.name,
                "uid": meta::uid(claim),
            },
            "hostPath": {"path": format!("/var/lib/embedded/{volume}")},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim.pointer("/spec/storageClassName"),
            "volumeMode": claim.pointer("/spec/volumeMode"),
        },
    });
    let volumes = GroupResource::new("", "persistentvolumes");
    match look.manager().create(&volumes, object) {
        Err(error) if error.code() == 409 => {}
        result => super::report(result, look.collection, look.key),
    }
    let key = Key::new("", &volume);
    let result = look.manager().edit(&volumes, &key, Part::Status, |volume| {
        meta::section(volume, "status").insert("phase".to_owned(), json!("Bound"));
    });
    super::report(result, &volumes, &key);
    let result = look
        .manager()
        .edit(look.collection, look.key, Part::Main, |claim| {
            meta::section(claim, "spec").insert("volumeName".to_owned(), json!(volume));
            let annotations = meta::section_of(meta::map(claim), "annotations");
            for mark in [
                "pv.kubernetes.io/bind-completed",
                "pv.kubernetes.io/bound-by-controller",
            ] {
                annotations.insert(mark.to_owned(), json!("yes"));
            }
        });
    super::report(result, look.collection, look.key);
    look.write_status(&json!({
        "phase": "Bound",
        "accessModes": claim.pointer("/spec/accessModes"),
        "capacity": {"storage": size},
    }));
}

/// A bound claim that asks for more has it.
fn grow(look: &Look<'_>) {
    let wanted = look.object.pointer("/spec/resources/requests/storage");
    if wanted != look.object.pointer("/status/capacity/storage") {
        look.write_status(&json!({"capacity": {"storage": wanted}}));
    }
}
