//! PUT of an object or of a part of it, and the loop every change of an object goes through.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Call, Part, body, create, delete, prepare};
use crate::kinds;
use crate::meta;
use crate::ownership;
use crate::status::{ApiError, Cause};
use crate::store::{Stored, WriteError};

pub(super) fn update(call: &Call<'_>, part: Part) -> Result<Answer, ApiError> {
    let dry_run = call.query.dry_run()?;
    let mut object = body::object(call)?;
    check_name(call, &object)?;
    create::settle_namespace(call, &mut object).map_err(|_| {
        ApiError::bad_request(format!(
            "the namespace of the object ({}) does not match the namespace on the request ({})",
            meta::namespace(&object),
            call.path.namespace
        ))
    })?;
    let warnings = kinds::check_fields(call, &object)?;
    let missing = call
        .core
        .store
        .get(&call.resource.storage(), &call.key())
        .is_none();
    if missing && part == Part::Main && prepare::put_creates(&call.resource) {
        meta::unset(&mut object, "managedFields");
        let created = create::store_new(call, object, dry_run, |object| {
            ownership::record_update(&call.resource, None, object, &call.writer(""));
            Ok(())
        })?;
        return Ok(Answer::object(201, created, warnings));
    }
    let writer = call.writer(part.subresource());
    let object = change(
        call,
        part,
        dry_run,
        |_| Ok(object.clone()),
        |old, new| {
            ownership::record_update(&call.resource, Some(old), new, &writer);
            Ok(())
        },
    )?;
    Ok(Answer::object(200, object, warnings))
}

fn check_name(call: &Call<'_>, object: &Value) -> Result<(), ApiError> {
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

/// Reads the object, lets `make` build the new one from it, and commits; tries again when another
/// writer was faster and the new object asked for no revision of its own.
pub(super) fn change(
    call: &Call<'_>,
    part: Part,
    dry_run: bool,
    mut make: impl FnMut(&Value) -> Result<Value, ApiError>,
    mut own: impl FnMut(&Value, &mut Value) -> Result<(), ApiError>,
) -> Result<Arc<Stored>, ApiError> {
    loop {
        let old = call.existing()?;
        let mut new = make(&old.value)?;
        let asked = meta::resource_version(&new).to_owned();
        check_preconditions(call, part, &old.value, &new)?;
        prepare::keep_other_parts(&call.resource, part, &old.value, &mut new);
        kinds::default(call, Some(&old.value), &mut new)?;
        prepare::updated_metadata(&call.resource, &old.value, &mut new);
        own(&old.value, &mut new)?;
        kinds::validate(call, Some(&old.value), &new)?;
        meta::copy(&mut new, &old.value, "resourceVersion");
        let same = meta::without_bookkeeping(&new) == meta::without_bookkeeping(&old.value);
        if same && !delete::is_free(&new) {
            return Ok(old);
        }
        if dry_run {
            return Ok(Arc::new(Stored {
                revision: old.revision,
                value: new,
            }));
        }
        let collection = call.resource.storage();
        let result = if delete::is_free(&new) {
            call.core
                .store
                .remove(&collection, call.key(), old.revision, new)
        } else {
            call.core
                .store
                .replace(&collection, call.key(), old.revision, new)
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

fn check_preconditions(
    call: &Call<'_>,
    part: Part,
    old: &Value,
    new: &Value,
) -> Result<(), ApiError> {
    let (uid, was) = (meta::uid(new), meta::uid(old));
    if !uid.is_empty() && uid != was {
        return Err(ApiError::conflict(
            &call.subject(),
            format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {was}"),
        ));
    }
    let asked = meta::resource_version(new);
    if asked.is_empty() || asked == "0" {
        if part == Part::Main && prepare::needs_resource_version(&call.resource) {
            return Err(ApiError::invalid(
                &call.resource.group,
                &call.resource.kind,
                &call.path.name,
                vec![Cause {
                    reason: "FieldValueInvalid",
                    message: "Invalid value: 0: must be specified for an update".to_owned(),
                    field: "metadata.resourceVersion".to_owned(),
                }],
            ));
        }
        return Ok(());
    }
    if asked == meta::resource_version(old) {
        Ok(())
    } else if asked.parse::<u64>().is_err() {
        Err(ApiError::bad_request(format!(
            "invalid resource version {asked:?}: strconv.ParseUint: parsing {asked:?}: invalid syntax"
        )))
    } else {
        Err(ApiError::modified(&call.subject()))
    }
}

/// POST of a Binding: the scheduler's way to place a pod.
pub(super) fn bind(call: &Call<'_>) -> Result<Answer, ApiError> {
    let binding = body::parse(call.content_type, call.body)?;
    let node = binding
        .pointer("/target/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let writer = call.writer("binding");
    change(
        call,
        Part::Whole,
        call.query.dry_run()?,
        |old| {
            let mut pod = old.clone();
            meta::section(&mut pod, "spec").insert("nodeName".to_owned(), json!(node));
            Ok(pod)
        },
        |old, new| {
            ownership::record_update(&call.resource, Some(old), new, &writer);
            Ok(())
        },
    )?;
    Ok(Answer::other(201, success(None)))
}

/// A `Status` that says all went well.
pub(super) fn success(details: Option<Value>) -> Value {
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
    });
    if let Some(details) = details {
        meta::put(&mut status, "details", details);
    } else {
        meta::put(&mut status, "code", json!(201));
    }
    status
}
