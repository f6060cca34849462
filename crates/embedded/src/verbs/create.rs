//! POST to a collection.

use std::sync::Arc;

use serde_json::Value;

use super::{Answer, Call, body, prepare};
use crate::kinds;
use crate::meta;
use crate::ownership;
use crate::status::ApiError;
use crate::store::{Key, Stored, WriteError};

pub(super) fn create(call: &Call<'_>) -> Result<Answer, ApiError> {
    let dry_run = call.query.dry_run()?;
    if !call.path.name.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let mut object = body::object(call)?;
    let warnings = kinds::check_fields(call, &object)?;
    settle_namespace(call, &mut object)?;
    if !meta::resource_version(&object).is_empty() {
        return Err(ApiError::internal(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let generated = name(call, &mut object);
    meta::unset(&mut object, "managedFields");
    let object = store_new(call, object, dry_run, |object| {
        ownership::record_update(&call.resource, None, object, &call.writer(""));
        Ok(())
    })
    .map_err(|error| {
        if generated && error.reason() == "AlreadyExists" {
            ApiError::generated_name_taken(&call.subject())
        } else {
            error
        }
    })?;
    Ok(Answer::object(201, object, warnings))
}

/// Stores an object that was not there: by POST, by PUT or by apply.
pub(super) fn store_new(
    call: &Call<'_>,
    mut object: Value,
    dry_run: bool,
    own: impl FnOnce(&mut Value) -> Result<(), ApiError>,
) -> Result<Arc<Stored>, ApiError> {
    let (core, resource) = (call.core, &call.resource);
    let object_name = meta::name(&object).to_owned();
    prepare::new_metadata(core, resource, &mut object);
    prepare::new_status(resource, &mut object);
    kinds::default(call, None, &mut object)?;
    own(&mut object)?;
    prepare::namespace_takes(core, resource, &call.path.namespace, &object_name)?;
    kinds::validate(call, None, &object)?;
    let key = Key::new(&call.path.namespace, &object_name);
    if dry_run {
        return match core.store.get(&resource.storage(), &key) {
            Some(_) => Err(ApiError::already_exists(&call.subject_named(&object_name))),
            None => Ok(Arc::new(Stored {
                revision: 0,
                value: object,
            })),
        };
    }
    core.store
        .insert(&resource.storage(), key, object)
        .map_err(|error| match error {
            WriteError::Exists => ApiError::already_exists(&call.subject_named(&object_name)),
            _ => ApiError::internal("the object could not be stored"),
        })
}

/// The body's namespace is the path's.
pub(super) fn settle_namespace(call: &Call<'_>, object: &mut Value) -> Result<(), ApiError> {
    let (given, wanted) = (meta::namespace(object).to_owned(), &call.path.namespace);
    if !call.resource.namespaced() {
        meta::unset(object, "namespace");
        return Ok(());
    }
    if wanted.is_empty() {
        return Err(ApiError::bad_request(
            "an empty namespace may not be set during creation",
        ));
    }
    if given.is_empty() {
        meta::set(object, "namespace", wanted.as_str());
    } else if given != *wanted {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// The longest prefix that leaves room for the suffix, as the real name generator cuts it.
const ROOM: usize = 63 - 5;

/// Makes a name from `generateName`; true when it did.
pub(super) fn name(call: &Call<'_>, object: &mut Value) -> bool {
    let prefix = meta::text(object, "generateName").to_owned();
    if !meta::name(object).is_empty() || prefix.is_empty() {
        return false;
    }
    let prefix: String = prefix.chars().take(ROOM).collect();
    meta::set(
        object,
        "name",
        format!("{prefix}{}", call.core.ids.suffix(5)),
    );
    true
}
