//! What the server knows of each kind: fields, defaults, validation, immutability.
//!
//! In: an object and, for an update, the one before. Out: the object with its defaults, or the
//! causes why it is refused. It must never store or fetch an object of another kind, but for the
//! addresses and ports a Service is given.

use serde_json::Value;

mod crd;
mod namespace;

use crate::status::ApiError;
use crate::verbs::Call;

/// Unknown fields of a body: an error when strict, warnings when asked to warn.
pub(crate) fn check_fields(call: &Call<'_>, _object: &Value) -> Result<Vec<String>, ApiError> {
    call.query.field_validation()?;
    Ok(Vec::new())
}

/// The same for the result of a patch.
pub(crate) fn check_patched_fields(
    call: &Call<'_>,
    object: &Value,
) -> Result<Vec<String>, ApiError> {
    check_fields(call, object)
}

/// Fills in what the object leaves open.
pub(crate) fn default(
    call: &Call<'_>,
    old: Option<&Value>,
    object: &mut Value,
) -> Result<(), ApiError> {
    match (call.resource.group.as_str(), call.resource.plural.as_str()) {
        ("apiextensions.k8s.io", "customresourcedefinitions") => crd::default(old, object),
        ("", "namespaces") => namespace::default(old, object),
        _ => {}
    }
    Ok(())
}

/// Refuses what the kind does not allow.
pub(crate) fn validate(
    _call: &Call<'_>,
    _old: Option<&Value>,
    _object: &Value,
) -> Result<(), ApiError> {
    Ok(())
}

/// The object with a strategic merge patch applied.
pub(crate) fn strategic(_call: &Call<'_>, old: &Value, patch: &Value) -> Result<Value, ApiError> {
    let mut new = old.clone();
    json_patch::merge(&mut new, patch);
    Ok(new)
}
