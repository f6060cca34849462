//! What the server makes of an object of each kind: fields, defaults, versions, preparation.
//!
//! In: an object and, for an update, the one before. Out: the object in the form it is kept in, or
//! why it is refused. It must never store an object; the only others it looks at are the Services
//! whose addresses and ports are taken.

use serde_json::Value;

mod convert;
mod prepare;
mod service;

pub(crate) use crate::validation::{forbidden, invalid, not_supported, required, validate};
pub(crate) use convert::convert;
pub(crate) use prepare::prepare;

use crate::defaults;
use crate::registry::Resource;
use crate::status::ApiError;

/// What decoding a body finds.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    /// A value of a type its field cannot hold.
    pub(crate) error: Option<String>,
    /// `unknown field "spec.foo"` each.
    pub(crate) unknown: Vec<String>,
}

/// Compares an object with its schema, before it is pruned.
pub(crate) fn inspect(resource: &Resource, object: &Value) -> Inspection {
    Inspection {
        error: resource.ty.decode_error(object),
        unknown: resource.ty.unknown_fields(object),
    }
}

/// Brings an object into the form the server keeps: known fields only, defaults set, values as
/// the real server prints them.
pub(crate) fn settle(resource: &Resource, object: &mut Value) {
    let ty = &resource.ty;
    if resource.custom.is_some() {
        ty.prune(object);
        ty.drop_nulls(object);
        ty.default(object);
        ty.normalize(object);
    } else {
        ty.normalize(object);
        defaults::apply(&resource.group, &resource.kind, object);
        ty.default(object);
        ty.normalize(object);
    }
}

/// Brings what an apply made into the form the server keeps. Where it emptied a list or map of a custom
/// resource it left `null`, and that is validated as it is.
pub(crate) fn settle_applied(resource: &Resource, object: &mut Value) {
    if resource.custom.is_none() {
        return settle(resource, object);
    }
    let ty = &resource.ty;
    ty.prune(object);
    ty.default(object);
    ty.normalize(object);
}

/// The object with a strategic merge patch applied.
pub(crate) fn strategic(
    resource: &Resource,
    old: &Value,
    patch: &Value,
) -> Result<Value, ApiError> {
    trueup_schema::strategic::patch(old, patch, &resource.ty)
        .map_err(|error| ApiError::bad_request(error.to_string()))
}
