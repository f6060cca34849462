//! Bodies of requests: media type, syntax, kind.

use bytes::Bytes;
use serde_json::Value;

use super::Call;
use crate::registry::Resource;
use crate::status::ApiError;

const ACCEPTED: &str = "application/json, application/yaml";

/// The body as a JSON value.
pub(super) fn parse(content_type: &str, body: &Bytes) -> Result<Value, ApiError> {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let malformed = |why: &dyn std::fmt::Display| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON or YAML): {why}"
        ))
    };
    match media {
        "" | "application/json" => serde_json::from_slice(body).map_err(|e| malformed(&e)),
        "application/yaml" => serde_yaml::from_slice(body).map_err(|e| malformed(&e)),
        _ => Err(ApiError::unsupported_media_type(ACCEPTED)),
    }
}

/// The body as an object of the call's resource, with `apiVersion` and `kind` filled in.
pub(super) fn object(call: &Call<'_>) -> Result<Value, ApiError> {
    let mut value = parse(call.content_type, call.body)?;
    check_kind(&call.resource, &mut value)?;
    Ok(value)
}

/// The kind must be the resource's; an object without one is taken to be of it.
pub(super) fn check_kind(resource: &Resource, value: &mut Value) -> Result<(), ApiError> {
    let want = resource.api_version();
    let Some(map) = value.as_object_mut() else {
        return Err(ApiError::bad_request(
            "the object provided is unrecognized (must be of type JSON or YAML): \
             json: cannot unmarshal into Go value of type struct",
        ));
    };
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
    let version = map
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if (kind.is_empty() || kind == resource.kind) && (version.is_empty() || version == want) {
        map.insert("apiVersion".into(), want.into());
        map.insert("kind".into(), resource.kind.clone().into());
        return Ok(());
    }
    if kind != resource.kind && !kind.is_empty() && resource.custom.is_none() {
        let version = version.rsplit('/').next().unwrap_or_default();
        return Err(ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {}: no kind {kind:?} is registered for this resource",
            resource.kind
        )));
    }
    Err(ApiError::bad_request(format!(
        "the API version in the data ({version}) does not match the expected API version ({want})"
    )))
}
