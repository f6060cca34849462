//! Namespaces on their way out: everything in them is deleted, then the namespace itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Agenda, Job};
use crate::crd;
use crate::http::query::Propagation;
use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::{Change, ChangeKind, Key};
use crate::verbs::{DeleteOptions, Inside, Part};

const MANAGER: &str = "kube-controller-manager";
/// How long after an attempt that left something the next one comes.
const AGAIN: Duration = Duration::from_millis(100);

fn collection() -> GroupResource {
    GroupResource::new("", "namespaces")
}

pub(super) fn plan(changed: &GroupResource, change: &Change, agenda: &mut Agenda) {
    let namespace = *changed == collection();
    if namespace && change.kind != ChangeKind::Deleted && meta::deleting(&change.object.value) {
        agenda.now(Job::Empty(change.key.name.clone()));
    }
}

/// Deletes what is in the namespace; lets it go when nothing is left.
pub(super) fn empty(core: &Arc<Core>, name: &str, agenda: &mut Agenda) {
    let key = Key::new("", name);
    let Some(stored) = core.store.get(&collection(), &key) else {
        return;
    };
    if !meta::deleting(&stored.value) {
        return;
    }
    let inside = Inside {
        core,
        manager: MANAGER,
    };
    let options = DeleteOptions {
        propagation: Some(Propagation::Background),
        ..DeleteOptions::default()
    };
    for (collection, object) in contents(core, name) {
        let key = Key::new(name, meta::name(&object));
        if let Err(error) = inside.delete(&collection, &key, &options) {
            tracing::warn!(%error, namespace = name, "an object could not be deleted");
        }
    }
    let left = contents(core, name);
    if left.is_empty() {
        let _ = inside.edit(&collection(), &key, Part::Finalize, |namespace| {
            let spec = meta::section(namespace, "spec");
            if let Some(all) = spec.get_mut("finalizers").and_then(Value::as_array_mut) {
                all.retain(|finalizer| finalizer != "kubernetes");
            }
        });
        return;
    }
    let conditions = conditions(&left, &core.now());
    let _ = inside.edit(&collection(), &key, Part::Status, |namespace| {
        for condition in &conditions {
            crd::set_condition(namespace, condition.clone());
        }
    });
    agenda.add(AGAIN, Job::Empty(name.to_owned()));
}

fn contents(core: &Core, name: &str) -> Vec<(GroupResource, Value)> {
    let mut all = Vec::new();
    for collection in core.store.collections() {
        let (_, objects) = core.store.list(&collection, name);
        all.extend(
            objects
                .iter()
                .map(|object| (collection.clone(), object.value.clone())),
        );
    }
    all
}

/// What the real namespace controller says of the content that is left.
fn conditions(left: &[(GroupResource, Value)], now: &str) -> Vec<Value> {
    let count = |words: Vec<String>| -> Vec<(String, usize)> {
        let mut counted: Vec<(String, usize)> = Vec::new();
        for word in words {
            match counted.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => counted.push((word, 1)),
            }
        }
        counted.sort();
        counted
    };
    let resources = count(
        left.iter()
            .map(|(collection, _)| collection.to_string())
            .collect(),
    );
    let finalizers = count(
        left.iter()
            .flat_map(|(_, object)| meta::finalizers(object))
            .map(str::to_owned)
            .collect(),
    );
    let resources: Vec<String> = resources
        .into_iter()
        .map(|(word, n)| format!("{word} has {n} resource instances"))
        .collect();
    let finalizers: Vec<String> = finalizers
        .into_iter()
        .map(|(word, n)| format!("{word} in {n} resource instances"))
        .collect();
    let remaining =
        |kind: &str, reason: &str, done: (&str, &str), intro: &str, words: &[String]| {
            if words.is_empty() {
                crd::condition(kind, "False", done.0, done.1, now)
            } else {
                let message = format!("{intro}: {}", words.join(", "));
                crd::condition(kind, "True", reason, &message, now)
            }
        };
    vec![
        crd::condition(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
            now,
        ),
        crd::condition(
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
            now,
        ),
        remaining(
            "NamespaceContentRemaining",
            "SomeResourcesRemain",
            ("ContentRemoved", "All content successfully removed"),
            "Some resources are remaining",
            &resources,
        ),
        remaining(
            "NamespaceFinalizersRemaining",
            "SomeFinalizersRemain",
            (
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
            "Some content in the namespace has finalizers remaining",
            &finalizers,
        ),
    ]
}
