//! PUT of an object or of a part of it, and the loop every change of an object goes through.

use std::sync::Arc;

use serde_json::{Value, json};
use trueup_schema::apply::keep_timestamps;

use super::prepare::{self, Part};
use super::{Answer, Call, body, create, delete};
use crate::kinds;
use crate::meta;
use crate::ownership;
use crate::status::ApiError;
use crate::store::{Stored, WriteError};

pub(super) fn update(call: &Call<'_>, part: Part) -> Result<Answer, ApiError> {
    let dry_run = call.dry_run()?;
    let mut object = body::object(call)?;
    create::settle_namespace(call, &mut object)?;
    check_name(call, &object)?;
    let subresource = call.path.subresource.as_str();
    let (served, writer) = (call.served(subresource), call.writer(subresource));
    let missing = call
        .core
        .store
        .get(&call.resource.storage(), &call.key())
        .is_none();
    if missing && part == Part::Main && prepare::put_creates(&call.resource) {
        let object = ownership::record_update(&call.resource, &served, None, object, &writer);
        let created = create::store_new(call, object, dry_run)?;
        return Ok(Answer::object(201, created));
    }
    let object = change(call, part, dry_run, |old| {
        let new = object.clone();
        Ok(ownership::record_update(
            &call.resource,
            &served,
            Some(old),
            new,
            &writer,
        ))
    })?;
    Ok(Answer::object(200, object))
}

/// The body's name is the path's.
pub(super) fn check_name(call: &Call<'_>, object: &Value) -> Result<(), ApiError> {
    let name = meta::name(object);
    if name.is_empty() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            call.path.name
        )));
    }
    if name != call.path.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.path.name
        )));
    }
    Ok(())
}

/// Reads the object, lets `make` build the new one from it with its ownership, and commits; tries
/// again when another writer was faster and the client asked for no revision of its own.
pub(super) fn change(
    call: &Call<'_>,
    part: Part,
    dry_run: bool,
    mut make: impl FnMut(&Value) -> Result<Value, ApiError>,
) -> Result<Arc<Stored>, ApiError> {
    loop {
        let stored = call.existing()?;
        let old = kinds::convert(&stored.value, &call.resource);
        let mut new = make(&old)?;
        let asked = meta::resource_version(&new).to_owned();
        check_preconditions(call, part, &old, &new)?;
        finish(call, part, &old, &mut new)?;
        let free = delete::is_free(&new);
        if !free && new == old {
            return Ok(stored);
        }
        let new = call.to_storage(new);
        if dry_run {
            return Ok(Arc::new(Stored {
                revision: stored.revision,
                value: new,
            }));
        }
        let collection = call.resource.storage();
        let result = if free {
            call.core
                .store
                .remove(&collection, call.key(), stored.revision, new)
        } else {
            call.core
                .store
                .replace(&collection, call.key(), stored.revision, new)
        };
        match result {
            Ok(stored) => return Ok(stored),
            Err(WriteError::Stale | WriteError::Missing) if asked.is_empty() => {}
            // The patched object carries the revision it was made from: make it again.
            Err(_) if call.info.verb == "patch" => {}
            Err(_) => return Err(ApiError::modified(&call.subject())),
        }
    }
}

/// What follows once the new object is made: parts kept, metadata, the kind's own, validation.
fn finish(call: &Call<'_>, part: Part, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    let resource = &call.resource;
    prepare::keep_other_parts(resource, part, old, new);
    kinds::prepare(call.core, resource, Some(old), new)?;
    prepare::updated_metadata(resource, old, new);
    let flaws = kinds::validate(resource, part, Some(old), new);
    if !flaws.is_empty() {
        let name = meta::name(new);
        return Err(ApiError::invalid(
            &resource.group,
            &resource.kind,
            name,
            &flaws,
        ));
    }
    meta::copy(new, old, "resourceVersion");
    keep_timestamps(old, new);
    Ok(())
}

fn check_preconditions(
    call: &Call<'_>,
    part: Part,
    old: &Value,
    new: &Value,
) -> Result<(), ApiError> {
    let (uid, was) = (meta::uid(new), meta::uid(old));
    let resource = &call.resource;
    if !uid.is_empty() && uid != was {
        let place = [&call.path.namespace, &call.path.name];
        let place: Vec<&str> = place
            .into_iter()
            .map(String::as_str)
            .filter(|p| !p.is_empty())
            .collect();
        let folder = match &resource.custom {
            Some(_) => format!("{}/{}", resource.group, resource.plural),
            None => resource.plural.clone(),
        };
        return Err(ApiError::conflict(
            &call.subject(),
            format!(
                "StorageError: invalid object, Code: 4, Key: /registry/{folder}/{}, \
                 ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: \
                 UID in precondition: {uid}, UID in object meta: {was}",
                place.join("/")
            ),
        ));
    }
    let asked = meta::resource_version(new);
    if asked.is_empty() || asked == "0" {
        if part != Part::Whole && prepare::needs_resource_version(resource) {
            let flaw = kinds::invalid(
                "metadata.resourceVersion",
                0,
                "must be specified for an update",
            );
            let (group, plural) = (&resource.group, &resource.plural);
            return Err(ApiError::invalid(group, plural, &call.path.name, &[flaw]));
        }
        return Ok(());
    }
    if asked == meta::resource_version(old) {
        Ok(())
    } else if asked.parse::<u64>().is_err() {
        Err(ApiError::unexpected(format!(
            "strconv.ParseUint: parsing {asked:?}: invalid syntax"
        )))
    } else {
        Err(ApiError::modified(&call.subject()))
    }
}

/// POST of a Binding: the scheduler's way to place a pod.
pub(super) fn bind(call: &Call<'_>) -> Result<Answer, ApiError> {
    let binding = body::parse(call)?.value;
    let node = binding
        .pointer("/target/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (served, writer) = (call.served("binding"), call.writer("binding"));
    change(call, Part::Whole, call.dry_run()?, |old| {
        let mut pod = old.clone();
        meta::section(&mut pod, "spec").insert("nodeName".to_owned(), json!(node));
        Ok(ownership::record_update(
            &call.resource,
            &served,
            Some(old),
            pod,
            &writer,
        ))
    })?;
    Ok(Answer::other(201, success(None)))
}

/// A `Status` that says all went well.
pub(super) fn success(details: Option<Value>) -> Value {
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
    });
    match details {
        Some(details) => meta::put(&mut status, "details", details),
        None => meta::put(&mut status, "code", 201),
    }
    status
}
