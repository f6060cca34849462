//! CRDs: names are accepted, the resource is established and served, and its objects go with it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Agenda, Job};
use crate::crd;
use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::{Change, ChangeKind, Key};
use crate::verbs::{CLEANUP, DeleteOptions, Inside, Part};

/// Group and plural of CRDs.
pub(crate) const CRDS: (&str, &str) = ("apiextensions.k8s.io", "customresourcedefinitions");

const MANAGER: &str = "kube-apiserver";

fn collection() -> GroupResource {
    GroupResource::new(CRDS.0, CRDS.1)
}

/// Serves a CRD as it is now, once it is established, and nothing of it before. What a change says of it
/// may be long over: the names and the condition of a new CRD are written before its creation is noticed.
pub(super) fn serve(core: &Core, name: &str) {
    let current = core.store.get(&collection(), &Key::new("", name));
    let revision = current.as_ref().map_or(0, |stored| stored.revision);
    if core.registry().custom_revision(name) == Some(revision) {
        return;
    }
    let versions = match &current {
        Some(crd) if crd::condition_is_true(&crd.value, "Established") => {
            crd::resources(&crd.value)
        }
        _ => Vec::new(),
    };
    core.registry_mut().set_custom(name, revision, versions);
}

pub(super) fn plan(core: &Core, changed: &GroupResource, change: &Change, agenda: &mut Agenda) {
    if changed.group != CRDS.0 || changed.resource != CRDS.1 {
        return;
    }
    let name = change.key.name.clone();
    serve(core, &name);
    if change.kind == ChangeKind::Deleted {
        // A freed name may be what another CRD of the group waits for.
        for other in core.store.list(&collection(), "").1 {
            agenda.now(Job::Define(meta::name(&other.value).to_owned()));
        }
        return;
    }
    if meta::deleting(&change.object.value) {
        agenda.now(Job::Undefine(name));
    } else {
        agenda.now(Job::Define(name));
    }
}

/// Compares the names a CRD wants with those taken, and says so in its status.
pub(super) fn accept_names(core: &Arc<Core>, name: &str, agenda: &mut Agenda) {
    let key = Key::new("", name);
    let Some(stored) = core.store.get(&collection(), &key) else {
        return;
    };
    let crd = &stored.value;
    if meta::deleting(crd) {
        return;
    }
    let wanted = crd.pointer("/spec/names").cloned().unwrap_or_default();
    let settled = crd.pointer("/status/acceptedNames") == Some(&wanted)
        && crd::condition_is_true(crd, "NamesAccepted");
    if settled {
        if !crd::condition_is_true(crd, "Established") {
            agenda.add(
                core.options.establish_delay,
                Job::Establish(name.to_owned()),
            );
        }
        return;
    }
    let taken = taken_names(core, crd);
    let (accepted, condition) = crd::accept(crd, &taken, &core.now());
    let inside = Inside {
        core,
        manager: MANAGER,
    };
    let accepted_all = condition
        .get("status")
        .is_some_and(|status| status == "True");
    let result = inside.edit(&collection(), &key, Part::Status, |crd| {
        meta::section(crd, "status").insert("acceptedNames".to_owned(), accepted.clone());
        crd::set_condition(crd, condition.clone());
        if !crd::condition_is_true(crd, "Established") {
            let (reason, message) = if accepted_all {
                ("Installing", "the initial names have been accepted")
            } else {
                ("NotAccepted", "not all names are accepted")
            };
            crd::set_condition(
                crd,
                crd::condition("Established", "False", reason, message, &core.now()),
            );
        }
    });
    if let Err(error) = result {
        tracing::warn!(%error, crd = name, "the names of a CRD could not be accepted");
    }
    if accepted_all {
        agenda.add(
            core.options.establish_delay,
            Job::Establish(name.to_owned()),
        );
    }
}

/// Names other CRDs of the group have been given.
fn taken_names(core: &Core, crd: &Value) -> crd::Taken {
    let group = crd.pointer("/spec/group");
    let mut taken = crd::Taken::default();
    for other in core.store.list(&collection(), "").1 {
        if other.value.pointer("/spec/group") == group
            && meta::name(&other.value) != meta::name(crd)
        {
            taken.add(&other.value);
        }
    }
    taken
}

/// Says that a CRD with accepted names is established; serving starts with that write.
pub(super) fn establish(core: &Arc<Core>, name: &str) {
    let inside = Inside {
        core,
        manager: MANAGER,
    };
    let result = inside.edit(&collection(), &Key::new("", name), Part::Status, |crd| {
        if crd::condition_is_true(crd, "NamesAccepted") && !meta::deleting(crd) {
            crd::set_condition(
                crd,
                crd::condition(
                    "Established",
                    "True",
                    "InitialNamesAccepted",
                    "the initial names have been accepted",
                    &core.now(),
                ),
            );
        }
    });
    match result {
        Ok(Some(_)) => serve(core, name),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, crd = name, "a CRD could not be established"),
    }
}

/// Deletes the objects of a CRD on its way out, then lets the CRD go.
pub(super) fn clean_up(core: &Arc<Core>, name: &str, agenda: &mut Agenda) {
    const AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
    let key = Key::new("", name);
    let Some(stored) = core.store.get(&collection(), &key) else {
        return;
    };
    if !meta::finalizers(&stored.value).contains(&CLEANUP) {
        return;
    }
    let inside = Inside {
        core,
        manager: MANAGER,
    };
    let text = |path: &str| {
        stored
            .value
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let objects = GroupResource::new(text("/spec/group"), text("/spec/names/plural"));
    let (_, left) = core.store.list(&objects, "");
    for object in &left {
        let key = Key::new(meta::namespace(&object.value), meta::name(&object.value));
        if let Err(error) = inside.delete(&objects, &key, &DeleteOptions::default()) {
            tracing::warn!(%error, crd = name, "an object of a deleted CRD could not be deleted");
        }
    }
    let (_, left) = core.store.list(&objects, "");
    let (status, reason, message) = if left.is_empty() {
        (
            "False",
            "InstanceDeletionCompleted",
            "removed all instances",
        )
    } else {
        (
            "True",
            "InstanceDeletionInProgress",
            "CustomResource deletion is in progress",
        )
    };
    let condition = crd::condition("Terminating", status, reason, message, &core.now());
    let _ = inside.edit(&collection(), &key, Part::Status, |crd| {
        crd::set_condition(crd, condition.clone());
    });
    if left.is_empty() {
        let _ = inside.edit(&collection(), &key, Part::Whole, |crd| {
            meta::remove_finalizer(crd, CLEANUP);
        });
    } else {
        agenda.add(AGAIN, Job::Undefine(name.to_owned()));
    }
}

/// The condition a CRD gets with the request that deletes it.
pub(crate) fn marked_for_deletion(now: &str) -> Value {
    json!(crd::condition(
        "Terminating",
        "True",
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        now,
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::core::Options;
    use crate::server::ids::Ids;
    use crate::store::Store;

    fn core() -> Arc<Core> {
        let options = Options {
            establish_delay: Duration::ZERO,
            bookmark_interval: Duration::from_mins(1),
            simulate: None,
        };
        let clock = Arc::new(jiff::Timestamp::now);
        Arc::new(Core::new(
            Store::new(64),
            options,
            clock,
            Ids::seeded(Some(1)),
        ))
    }

    fn create(core: &Arc<Core>, plural: &str, kind: &str) -> String {
        let crd = json!({
            "metadata": {"name": format!("{plural}.example.com")},
            "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")},
                "versions": [{"name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object"}}}],
            },
        });
        let inside = Inside {
            core,
            manager: "test",
        };
        let stored = inside.create(&collection(), crd).unwrap();
        meta::name(&stored.value).to_owned()
    }

    fn is_served(core: &Core, plural: &str) -> bool {
        core.registry().get("example.com", "v1", plural).is_some()
    }

    #[test]
    fn an_established_kind_stays_served_while_older_changes_of_its_crd_are_noticed() {
        let core = core();
        let mut agenda = Agenda::default();
        let name = create(&core, "widgets", "Widget");
        accept_names(&core, &name, &mut agenda);
        assert!(!is_served(&core, "widgets"));
        establish(&core, &name);
        assert!(is_served(&core, "widgets"));
        let (_, changes) = core.store.changes_since(&collection(), 0).unwrap();
        assert_eq!(changes.len(), 3, "created, names accepted, established");
        for change in &changes {
            plan(&core, &collection(), change, &mut agenda);
            assert!(
                is_served(&core, "widgets"),
                "lost at revision {}",
                change.revision
            );
        }
    }

    #[test]
    fn a_crd_made_anew_is_not_served_by_what_was_said_of_the_old_one() {
        let core = core();
        let mut agenda = Agenda::default();
        let name = create(&core, "widgets", "Widget");
        accept_names(&core, &name, &mut agenda);
        establish(&core, &name);
        let (seen, _) = core.store.changes_since(&collection(), 0).unwrap();
        let inside = Inside {
            core: &core,
            manager: "test",
        };
        inside
            .delete(
                &collection(),
                &Key::new("", &name),
                &DeleteOptions::default(),
            )
            .unwrap();
        clean_up(&core, &name, &mut agenda);
        create(&core, "widgets", "Gadget");
        for change in &core.store.changes_since(&collection(), seen).unwrap().1 {
            plan(&core, &collection(), change, &mut agenda);
            assert!(
                !is_served(&core, "widgets"),
                "served at revision {}",
                change.revision
            );
        }
    }
}
