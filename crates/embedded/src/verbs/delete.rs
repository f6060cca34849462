//! DELETE of an object: options, preconditions, finalizers, grace.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Call, body, update};
use crate::controllers;
use crate::crd;
use crate::http::query::Propagation;
use crate::kinds;
use crate::meta;
use crate::registry::Resource;
use crate::server::core::Core;
use crate::status::{ApiError, Subject};
use crate::store::{Key, Stored, WriteError};

pub(crate) const ORPHAN: &str = "orphan";
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// `DeleteOptions` from the query and the body; the body wins.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<Propagation>,
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) dry_run: bool,
}

impl DeleteOptions {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, ApiError> {
        let query = call.query;
        let grace = query.number("gracePeriodSeconds")?;
        let mut options = Self {
            dry_run: call.dry_run()?,
            grace: grace.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
            ..Self::default()
        };
        let mut word = query.get("propagationPolicy").to_owned();
        let mut orphan = query
            .has("orphanDependents")
            .then(|| query.flag("orphanDependents"));
        if !call.body.is_empty() {
            let given = body::parse(call)?.value;
            let text = |path: &str| {
                given
                    .pointer(path)
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            word = text("/propagationPolicy").unwrap_or(word);
            orphan = given
                .get("orphanDependents")
                .and_then(Value::as_bool)
                .or(orphan);
            let grace = given.get("gracePeriodSeconds").and_then(Value::as_i64);
            options.grace = grace.or(options.grace);
            options.uid = text("/preconditions/uid");
            options.revision = text("/preconditions/resourceVersion");
            let dry_run = given.get("dryRun").and_then(Value::as_array);
            options.dry_run |= dry_run.is_some_and(|all| all.iter().any(|word| word == "All"));
        }
        options.propagation = propagation(&word, orphan)?;
        Ok(options)
    }
}

fn propagation(word: &str, orphan: Option<bool>) -> Result<Option<Propagation>, ApiError> {
    const PATH: &str = "propagationPolicy";
    let refuse = |flaw| Err(ApiError::invalid_options("DeleteOptions", flaw));
    match (word, orphan) {
        ("", Some(true)) => Ok(Some(Propagation::Orphan)),
        ("", Some(false)) => Ok(Some(Propagation::Background)),
        ("", None) => Ok(None),
        (word, Some(_)) => refuse(kinds::invalid(
            PATH,
            word,
            "orphanDependents and deletionPropagation cannot be both set",
        )),
        (word, None) => Propagation::parse(word).map_or_else(
            || {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                refuse(kinds::not_supported(PATH, word, &supported))
            },
            |known| Ok(Some(known)),
        ),
    }
}

pub(super) fn delete(call: &Call<'_>) -> Result<Answer, ApiError> {
    let options = DeleteOptions::read(call)?;
    let outcome = remove(call.core, &call.resource, &call.key(), &options)?;
    Ok(outcome.answer(&call.resource, &call.path.name))
}

/// What a deletion came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The object is gone.
    Gone(Arc<Stored>),
    /// It waits for its finalizers or its grace period.
    Going(Arc<Stored>),
}

impl Outcome {
    fn answer(self, resource: &Resource, name: &str) -> Answer {
        match self {
            Self::Going(object) => Answer::object(200, object),
            // These kinds are returned as they were, all others as a `Status`.
            Self::Gone(object) if returns_deleted(resource) => Answer::object(200, object),
            Self::Gone(object) => {
                let mut details = json!({"name": name, "kind": resource.plural});
                if !resource.group.is_empty() {
                    meta::put(&mut details, "group", json!(resource.group));
                }
                meta::put(&mut details, "uid", json!(meta::uid(&object.value)));
                Answer::other(200, update::success(Some(details)))
            }
        }
    }
}

/// Kinds whose store is set to return the deleted object.
fn returns_deleted(resource: &Resource) -> bool {
    const LIST: &[(&str, &str)] = &[
        ("", "persistentvolumeclaims"),
        ("", "persistentvolumes"),
        ("", "pods"),
        ("", "podtemplates"),
        ("", "resourcequotas"),
        ("", "serviceaccounts"),
        ("", "services"),
        ("policy", "podsecuritypolicies"),
        ("storage.k8s.io", "storageclasses"),
        ("storage.k8s.io", "volumeattachments"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "volumeattributesclasses"),
    ];
    LIST.contains(&(resource.group.as_str(), resource.plural.as_str()))
}

/// Deletes an object as DELETE does, for requests and controllers alike.
pub(super) fn remove(
    core: &Core,
    resource: &Resource,
    key: &Key,
    options: &DeleteOptions,
) -> Result<Outcome, ApiError> {
    let subject = Subject {
        group: &resource.group,
        resource: &resource.plural,
        name: &key.name,
    };
    if resource.is("", "namespaces")
        && matches!(key.name.as_str(), "default" | "kube-system" | "kube-public")
    {
        return Err(ApiError::forbidden(
            &subject,
            "this namespace may not be deleted",
        ));
    }
    let collection = resource.storage();
    loop {
        let Some(old) = core.store.get(&collection, key) else {
            return Err(ApiError::not_found(&subject));
        };
        check_preconditions(resource, &key.name, &old.value, options)?;
        let mut new = old.value.clone();
        mark(core, resource, &mut new, options);
        let gone =
            is_free(&new) || (!holds_back(resource, &new) && meta::finalizers(&new).is_empty());
        if options.dry_run {
            let stored = Arc::new(Stored {
                revision: old.revision,
                value: new,
            });
            return Ok(if gone {
                Outcome::Gone(old)
            } else {
                Outcome::Going(stored)
            });
        }
        let result = if gone {
            core.store
                .remove(&collection, key.clone(), old.revision, new)
                .map(Outcome::Gone)
        } else if new == old.value {
            return Ok(Outcome::Going(old));
        } else {
            core.store
                .replace(&collection, key.clone(), old.revision, new)
                .map(Outcome::Going)
        };
        match result {
            Ok(outcome) => return Ok(outcome),
            Err(WriteError::Missing) => return Err(ApiError::not_found(&subject)),
            Err(_) => {}
        }
    }
}

fn check_preconditions(
    resource: &Resource,
    name: &str,
    old: &Value,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let refuse = |why: String| {
        Err(ApiError::precondition(
            &resource.group,
            &resource.kind,
            name,
            why,
        ))
    };
    match (&options.uid, &options.revision) {
        (Some(uid), _) if uid != meta::uid(old) => refuse(format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). \
             The object might have been deleted and then recreated",
            meta::uid(old)
        )),
        (_, Some(revision)) if revision != meta::resource_version(old) => refuse(format!(
            "the ResourceVersion in the precondition ({revision}) does not match the \
             ResourceVersion in record ({}). The object might have been modified",
            meta::resource_version(old)
        )),
        _ => Ok(()),
    }
}

/// Keeps a CRD until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Kinds whose dependants stay when the client does not say otherwise.
fn orphans_by_default(resource: &Resource) -> bool {
    resource.is("batch", "jobs") || resource.is("", "replicationcontrollers")
}

/// Sets the deletion time and the finalizers that the propagation asks for.
fn mark(core: &Core, resource: &Resource, object: &mut Value, options: &DeleteOptions) {
    if is_definition(resource) && !meta::deleting(object) {
        meta::add_finalizer(object, CLEANUP);
        crd::set_condition(object, controllers::marked_for_deletion(&core.now()));
    }
    let known = |finalizer| meta::finalizers(object).contains(&finalizer);
    let propagation = options.propagation.or_else(|| {
        (orphans_by_default(resource) && !known(FOREGROUND)).then_some(Propagation::Orphan)
    });
    match propagation {
        Some(Propagation::Orphan) => {
            meta::remove_finalizer(object, FOREGROUND);
            meta::add_finalizer(object, ORPHAN);
        }
        Some(Propagation::Foreground) => {
            meta::remove_finalizer(object, ORPHAN);
            meta::add_finalizer(object, FOREGROUND);
        }
        Some(Propagation::Background) => {
            meta::remove_finalizer(object, ORPHAN);
            meta::remove_finalizer(object, FOREGROUND);
        }
        None => {}
    }
    let waits = holds_back(resource, object) || !meta::finalizers(object).is_empty();
    if !waits || meta::deleting(object) {
        return;
    }
    meta::set(object, "deletionTimestamp", core.now());
    meta::set(object, "deletionGracePeriodSeconds", 0);
    if meta::generation(object) > 0 && !is_definition(resource) {
        meta::set(object, "generation", meta::generation(object) + 1);
    }
    if resource.is("", "namespaces") {
        meta::section(object, "status").insert("phase".to_owned(), json!("Terminating"));
    }
    // These two are marked by their own stores, which set no grace period.
    if resource.is("", "namespaces") || is_definition(resource) {
        meta::unset(object, "deletionGracePeriodSeconds");
    }
}

fn is_definition(resource: &Resource) -> bool {
    resource.is(controllers::CRDS.0, controllers::CRDS.1)
}

/// True for what waits for more than `metadata.finalizers`: a namespace's own finalizers.
fn holds_back(resource: &Resource, object: &Value) -> bool {
    resource.is("", "namespaces") && has_spec_finalizers(object)
}

fn has_spec_finalizers(object: &Value) -> bool {
    object
        .pointer("/spec/finalizers")
        .and_then(Value::as_array)
        .is_some_and(|all| !all.is_empty())
}

/// True when nothing keeps an object that is being deleted.
pub(super) fn is_free(object: &Value) -> bool {
    let namespace = object.get("kind").is_some_and(|kind| kind == "Namespace")
        && object
            .get("apiVersion")
            .is_some_and(|version| version == "v1");
    meta::deleting(object)
        && meta::finalizers(object).is_empty()
        && !(namespace && has_spec_finalizers(object))
}

/// POST of an Eviction: a deletion that the policy room could refuse.
pub(super) fn evict(call: &Call<'_>) -> Result<Answer, ApiError> {
    let eviction = body::parse(call)?.value;
    let options = DeleteOptions {
        grace: eviction
            .pointer("/deleteOptions/gracePeriodSeconds")
            .and_then(Value::as_i64),
        dry_run: call.dry_run()?,
        ..DeleteOptions::default()
    };
    remove(call.core, &call.resource, &call.key(), &options)?;
    Ok(Answer::other(201, update::success(None)))
}
