//! POST to a collection.

use std::sync::Arc;

use serde_json::Value;

use super::prepare::{self, Part};
use super::{Answer, Call, body};
use crate::kinds;
use crate::meta;
use crate::ownership;
use crate::status::ApiError;
use crate::store::{Key, Stored, WriteError};

/// The longest prefix that leaves room for the suffix, as the real name generator cuts it.
const ROOM: usize = 63 - 5;

pub(super) fn create(call: &Call<'_>) -> Result<Answer, ApiError> {
    if !call.path.name.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let dry_run = call.dry_run()?;
    let mut object = body::object(call)?;
    settle_namespace(call, &mut object)?;
    let object = ownership::record_update(
        &call.resource,
        &call.served(""),
        None,
        object,
        &call.writer(""),
    );
    let stored = store_new(call, object, dry_run)?;
    Ok(Answer::object(201, stored))
}

/// Stores an object that was not there and whose ownership is recorded: by POST, PUT or apply.
pub(super) fn store_new(
    call: &Call<'_>,
    mut object: Value,
    dry_run: bool,
) -> Result<Arc<Stored>, ApiError> {
    let (core, resource) = (call.core, &call.resource);
    let generated = generate_name(call, &mut object);
    let object_name = meta::name(&object).to_owned();
    prepare::namespace_takes(core, resource, &call.path.namespace, &object_name)?;
    let asked_revision = !matches!(meta::resource_version(&object), "" | "0");
    prepare::new_metadata(core, resource, &mut object);
    prepare::new_status(resource, &mut object);
    kinds::prepare(core, resource, None, &mut object)?;
    let flaws = kinds::validate(resource, Part::Main, None, &object);
    if !flaws.is_empty() {
        return Err(ApiError::invalid(
            &resource.group,
            &resource.kind,
            &object_name,
            &flaws,
        ));
    }
    let key = Key::new(&call.path.namespace, &object_name);
    let taken = || {
        if generated {
            ApiError::generated_name_taken(&call.subject_named(&object_name))
        } else {
            ApiError::already_exists(&call.subject_named(&object_name))
        }
    };
    if asked_revision && call.info.verb == "create" {
        return Err(ApiError::unexpected(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let object = call.to_storage(object);
    if dry_run {
        return match core.store.get(&resource.storage(), &key) {
            Some(_) => Err(taken()),
            None => Ok(Arc::new(Stored {
                revision: 0,
                value: object,
            })),
        };
    }
    core.store
        .insert(&resource.storage(), key, object)
        .map_err(|error| match error {
            WriteError::Exists => taken(),
            _ => ApiError::internal("the object could not be stored"),
        })
}

/// The body's namespace is the path's.
pub(super) fn settle_namespace(call: &Call<'_>, object: &mut Value) -> Result<(), ApiError> {
    let given = meta::namespace(object);
    let wanted = &call.path.namespace;
    let mismatch = || {
        ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )
    };
    if !call.resource.namespaced() {
        return if given.is_empty() {
            Ok(())
        } else {
            Err(mismatch())
        };
    }
    if wanted.is_empty() {
        return Err(ApiError::bad_request(
            "an empty namespace may not be set during creation",
        ));
    }
    if given.is_empty() {
        meta::set(object, "namespace", wanted.as_str());
        Ok(())
    } else if given == wanted {
        Ok(())
    } else {
        Err(mismatch())
    }
}

/// Makes a name from `generateName`; true when it did.
pub(super) fn generate_name(call: &Call<'_>, object: &mut Value) -> bool {
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
