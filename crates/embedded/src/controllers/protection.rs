//! Claims and volumes in use are kept: their finalizers go when nothing uses them.

use std::sync::Arc;

use serde_json::Value;

use super::{Agenda, Job};
use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::{Change, ChangeKind, Key};
use crate::verbs::{DeleteOptions, Inside, Part};

const MANAGER: &str = "kube-controller-manager";
const CLAIM: &str = "kubernetes.io/pvc-protection";
const VOLUME: &str = "kubernetes.io/pv-protection";

fn claims() -> GroupResource {
    GroupResource::new("", "persistentvolumeclaims")
}

fn volumes() -> GroupResource {
    GroupResource::new("", "persistentvolumes")
}

fn pods() -> GroupResource {
    GroupResource::new("", "pods")
}

pub(super) fn plan(core: &Core, changed: &GroupResource, change: &Change, agenda: &mut Agenda) {
    let object = &change.object.value;
    if *changed == claims() || *changed == volumes() {
        if change.kind == ChangeKind::Deleted {
            // The volume made for the claim, or nothing.
            if let Some(volume) = object.pointer("/spec/volumeName").and_then(Value::as_str) {
                agenda.now(Job::Unprotect(volumes(), Key::new("", volume)));
            }
        } else if meta::deleting(object) {
            agenda.now(Job::Unprotect(changed.clone(), change.key.clone()));
        }
    } else if *changed == pods() && change.kind == ChangeKind::Deleted {
        for claim in core.store.list(&claims(), &change.key.namespace).1 {
            if meta::deleting(&claim.value) {
                let key = Key::new(&change.key.namespace, meta::name(&claim.value));
                agenda.now(Job::Unprotect(claims(), key));
            }
        }
    }
}

/// Lets an object go that is being deleted and that nothing uses; a volume whose claim is gone is
/// deleted when its policy says so.
pub(super) fn release(core: &Arc<Core>, collection: &GroupResource, key: &Key) {
    let Some(stored) = core.store.get(collection, key) else {
        return;
    };
    let inside = Inside {
        core,
        manager: MANAGER,
    };
    let (finalizer, used) = if *collection == claims() {
        (CLAIM, used_by_pod(core, key))
    } else {
        (VOLUME, claimed(core, &stored.value))
    };
    if used {
        return;
    }
    let policy = stored.value.pointer("/spec/persistentVolumeReclaimPolicy");
    if *collection == volumes()
        && !meta::deleting(&stored.value)
        && policy.is_some_and(|policy| policy == "Delete")
    {
        report(inside.delete(collection, key, &DeleteOptions::default()));
        return;
    }
    if meta::deleting(&stored.value) && meta::finalizers(&stored.value).contains(&finalizer) {
        report(inside.edit(collection, key, Part::Whole, |object| {
            meta::remove_finalizer(object, finalizer);
        }));
    }
}

fn report(result: Result<impl Sized, crate::status::ApiError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a claim or volume could not be let go");
    }
}

fn used_by_pod(core: &Core, claim: &Key) -> bool {
    let (_, all) = core.store.list(&pods(), &claim.namespace);
    all.iter().any(|pod| {
        let volumes = pod.value.pointer("/spec/volumes").and_then(Value::as_array);
        volumes.into_iter().flatten().any(|volume| {
            let name = volume
                .pointer("/persistentVolumeClaim/claimName")
                .and_then(Value::as_str);
            name == Some(&claim.name)
        })
    })
}

/// Whether the claim a volume is bound to is still there.
fn claimed(core: &Core, volume: &Value) -> bool {
    let part = |field: &str| {
        let path = format!("/spec/claimRef/{field}");
        volume
            .pointer(&path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let claim = core
        .store
        .get(&claims(), &Key::new(&part("namespace"), &part("name")));
    claim.is_some_and(|claim| meta::uid(&claim.value) == part("uid"))
}
