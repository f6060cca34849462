//! Garbage collection by `ownerReferences`: background, foreground, orphan.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Agenda, Job};
use crate::http::query::Propagation;
use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::{Change, ChangeKind, Key};
use crate::verbs::{DeleteOptions, FOREGROUND, Inside, ORPHAN, Part};

const MANAGER: &str = "kube-controller-manager";

type Place = (GroupResource, Key);

/// Who lives, and who depends on whom, by UID.
#[derive(Debug, Default)]
pub(super) struct Dependants {
    living: HashMap<String, Place>,
    by_owner: HashMap<String, HashSet<Place>>,
}

impl Dependants {
    fn of(&self, uid: &str) -> Vec<Place> {
        let mut all: Vec<Place> = self
            .by_owner
            .get(uid)
            .map_or_else(Vec::new, |set| set.iter().cloned().collect());
        all.sort();
        all
    }

    fn note(&mut self, place: &Place, before: Option<&Value>, after: Option<&Value>) {
        for owner in before.map_or(&[][..], meta::owners) {
            if let Some(set) = self.by_owner.get_mut(uid_of(owner)) {
                set.remove(place);
            }
        }
        for owner in after.map_or(&[][..], meta::owners) {
            self.by_owner
                .entry(uid_of(owner).to_owned())
                .or_default()
                .insert(place.clone());
        }
        if let Some(before) = before {
            self.living.remove(meta::uid(before));
        }
        if let Some(after) = after {
            self.living
                .insert(meta::uid(after).to_owned(), place.clone());
        }
    }
}

fn uid_of(owner: &Value) -> &str {
    owner.get("uid").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn plan(
    collection: &GroupResource,
    change: &Change,
    agenda: &mut Agenda,
    dependants: &mut Dependants,
) {
    let place = (collection.clone(), change.key.clone());
    let before = change.previous.as_ref().map(|stored| &stored.value);
    let object = &change.object.value;
    if change.kind == ChangeKind::Deleted {
        dependants.note(&place, before.or(Some(object)), None);
        agenda.now(Job::Abandon(meta::uid(object).to_owned()));
        // An owner that waits in the foreground may be free now.
        for owner in meta::owners(object) {
            if let Some((collection, key)) = dependants.living.get(uid_of(owner)) {
                agenda.now(Job::Collect(collection.clone(), key.clone()));
            }
        }
        return;
    }
    dependants.note(&place, before, Some(object));
    let waits = meta::deleting(object)
        && meta::finalizers(object)
            .iter()
            .any(|f| *f == FOREGROUND || *f == ORPHAN);
    let owned = !meta::owners(object).is_empty() && !meta::deleting(object);
    if waits || owned {
        agenda.now(Job::Collect(place.0, place.1));
    }
}

/// Looks after one object: does what its finalizers ask for, or drops owners that are gone.
pub(super) fn collect(
    core: &Arc<Core>,
    collection: &GroupResource,
    key: &Key,
    dependants: &Dependants,
) {
    let Some(stored) = core.store.get(collection, key) else {
        return;
    };
    let object = &stored.value;
    let finalizers = meta::finalizers(object);
    if !meta::deleting(object) {
        drop_gone_owners(core, &(collection.clone(), key.clone()), object, dependants);
    } else if finalizers.contains(&ORPHAN) {
        orphan(core, collection, key, meta::uid(object), dependants);
    } else if finalizers.contains(&FOREGROUND) {
        foreground(core, collection, key, meta::uid(object), dependants);
    }
}

fn inside(core: &Arc<Core>) -> Inside<'_> {
    Inside {
        core,
        manager: MANAGER,
    }
}

fn log(result: Result<impl Sized, crate::status::ApiError>, what: &str) {
    if let Err(error) = result {
        tracing::warn!(%error, "garbage collection: {what}");
    }
}

/// Takes the owner's reference off its dependants, then lets the owner go.
fn orphan(
    core: &Arc<Core>,
    collection: &GroupResource,
    key: &Key,
    uid: &str,
    dependants: &Dependants,
) {
    for (collection, key) in dependants.of(uid) {
        let result = inside(core).edit(&collection, &key, Part::Whole, |object| {
            drop_owners(object, &[uid]);
        });
        log(result, "a dependant could not be orphaned");
    }
    let result = inside(core).edit(collection, key, Part::Whole, |object| {
        meta::remove_finalizer(object, ORPHAN);
    });
    log(result, "an orphaning owner could not be let go");
}

/// Deletes the dependants; lets the owner go when none that blocks it is left.
fn foreground(
    core: &Arc<Core>,
    collection: &GroupResource,
    key: &Key,
    uid: &str,
    dependants: &Dependants,
) {
    let blocks = |place: &Place| -> Option<bool> {
        let stored = core.store.get(&place.0, &place.1)?;
        Some(meta::owners(&stored.value).iter().any(|owner| {
            uid_of(owner) == uid
                && owner
                    .get("blockOwnerDeletion")
                    .and_then(Value::as_bool)
                    .unwrap_or(false)
        }))
    };
    let places = dependants.of(uid);
    for place in &places {
        let propagation = match blocks(place) {
            None => continue,
            Some(true) => Propagation::Foreground,
            Some(false) => Propagation::Background,
        };
        let deleting = core
            .store
            .get(&place.0, &place.1)
            .is_some_and(|stored| meta::deleting(&stored.value));
        if !deleting {
            delete(core, &place.0, &place.1, Some(propagation));
        }
    }
    let blocked = places.iter().any(|place| blocks(place) == Some(true));
    if !blocked {
        let result = inside(core).edit(collection, key, Part::Whole, |object| {
            meta::remove_finalizer(object, FOREGROUND);
        });
        log(result, "a foreground deletion could not end");
    }
}

/// Deletes or frees the dependants of an owner that is gone.
pub(super) fn abandon(core: &Arc<Core>, uid: &str, dependants: &Dependants) {
    for place in dependants.of(uid) {
        if let Some(stored) = core.store.get(&place.0, &place.1) {
            drop_gone_owners(core, &place, &stored.value, dependants);
        }
    }
}

/// An object none of whose owners lives is deleted; one with another owner loses the gone ones.
fn drop_gone_owners(core: &Arc<Core>, place: &Place, object: &Value, dependants: &Dependants) {
    let lives = |owner: &&Value| {
        dependants
            .living
            .get(uid_of(owner))
            .is_some_and(|(_, key)| key.namespace.is_empty() || key.namespace == place.1.namespace)
    };
    let owners = meta::owners(object);
    let gone: Vec<&str> = owners.iter().filter(|o| !lives(o)).map(uid_of).collect();
    if gone.is_empty() {
        return;
    }
    if gone.len() == owners.len() {
        delete(core, &place.0, &place.1, Some(Propagation::Background));
    } else {
        let result = inside(core).edit(&place.0, &place.1, Part::Whole, |object| {
            drop_owners(object, &gone);
        });
        log(result, "a gone owner could not be dropped");
    }
}

fn drop_owners(object: &mut Value, gone: &[&str]) {
    let map = meta::map(object);
    let Some(owners) = map.get_mut("ownerReferences").and_then(Value::as_array_mut) else {
        return;
    };
    owners.retain(|owner| !gone.contains(&uid_of(owner)));
    if owners.is_empty() {
        map.remove("ownerReferences");
    }
}

fn delete(
    core: &Arc<Core>,
    collection: &GroupResource,
    key: &Key,
    propagation: Option<Propagation>,
) {
    let options = DeleteOptions {
        propagation,
        ..DeleteOptions::default()
    };
    log(
        inside(core).delete(collection, key, &options),
        "a dependant could not be deleted",
    );
}
