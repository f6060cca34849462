//! PATCH in its four forms.

use serde_json::Value;

use super::{Answer, Call, Part, body, create, update};
use crate::kinds;
use crate::meta;
use crate::ownership;
use crate::status::{ApiError, Cause};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

const TYPES: &str =
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
const TYPES_BUILTIN: &str = "application/json-patch+json, application/merge-patch+json, \
    application/strategic-merge-patch+json, application/apply-patch+yaml";

/// The real server's bound on the operations of one JSON patch.
const MAX_OPERATIONS: usize = 10_000;

pub(super) fn patch(call: &Call<'_>, part: Part) -> Result<Answer, ApiError> {
    let kind = kind(call)?;
    check_options(call, kind)?;
    let dry_run = call.query.dry_run()?;
    if kind == Kind::Apply {
        return apply(call, part, dry_run);
    }
    let writer = call.writer(part.subresource());
    let mut warnings = Vec::new();
    let object = update::change(
        call,
        part,
        dry_run,
        |old| {
            let new = patched(call, kind, old)?;
            warnings = kinds::check_patched_fields(call, &new)?;
            check_identity(call, old, &new)?;
            Ok(new)
        },
        |old, new| {
            ownership::record_update(&call.resource, Some(old), new, &writer);
            Ok(())
        },
    )?;
    Ok(Answer::object(200, object, warnings))
}

fn kind(call: &Call<'_>) -> Result<Kind, ApiError> {
    let custom = call.resource.custom.is_some();
    match call
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
    {
        "application/json-patch+json" => Ok(Kind::Json),
        "application/merge-patch+json" => Ok(Kind::Merge),
        "application/strategic-merge-patch+json" if !custom => Ok(Kind::Strategic),
        "application/apply-patch+yaml" => Ok(Kind::Apply),
        _ => Err(ApiError::unsupported_media_type(if custom {
            TYPES
        } else {
            TYPES_BUILTIN
        })),
    }
}

fn check_options(call: &Call<'_>, kind: Kind) -> Result<(), ApiError> {
    let cause = |reason, message: &str, field: &str| Cause {
        reason,
        message: message.to_owned(),
        field: field.to_owned(),
    };
    let mut causes = Vec::new();
    if kind == Kind::Apply {
        if call.query.get("fieldManager").is_empty() {
            causes.push(cause(
                "FieldValueRequired",
                "Required value: is required for apply patch",
                "fieldManager",
            ));
        }
    } else if call.query.has("force") {
        causes.push(cause(
            "FieldValueForbidden",
            "Forbidden: may not be specified for non-apply patch",
            "force",
        ));
    }
    if causes.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", causes))
    }
}

/// The object with a JSON, merge or strategic patch applied.
fn patched(call: &Call<'_>, kind: Kind, old: &Value) -> Result<Value, ApiError> {
    let malformed =
        |error: serde_json::Error| ApiError::bad_request(format!("error decoding patch: {error}"));
    match kind {
        Kind::Json => {
            let patch: json_patch::Patch = serde_json::from_slice(call.body).map_err(malformed)?;
            if patch.0.len() > MAX_OPERATIONS {
                return Err(ApiError::too_large(format!(
                    "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
                    patch.0.len()
                )));
            }
            let mut new = old.clone();
            json_patch::patch(&mut new, &patch).map_err(|error| {
                // The real server answers 422 with the library's words and no details.
                ApiError::unprocessable(error.to_string())
            })?;
            Ok(new)
        }
        Kind::Merge => {
            let patch: Value = serde_json::from_slice(call.body).map_err(malformed)?;
            let mut new = old.clone();
            json_patch::merge(&mut new, &patch);
            Ok(new)
        }
        Kind::Strategic => {
            let patch: Value = serde_json::from_slice(call.body).map_err(malformed)?;
            kinds::strategic(call, old, &patch)
        }
        Kind::Apply => Err(ApiError::internal("apply has a way of its own")),
    }
}

/// A patch may not turn an object into another one.
fn check_identity(call: &Call<'_>, old: &Value, new: &Value) -> Result<(), ApiError> {
    let (name, namespace) = (meta::name(new), meta::namespace(new));
    if name != meta::name(old) {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.path.name
        )));
    }
    if call.resource.namespaced() && namespace != meta::namespace(old) {
        return Err(ApiError::bad_request(format!(
            "the namespace of the object ({namespace}) does not match the namespace on the request ({})",
            call.path.namespace
        )));
    }
    Ok(())
}

fn apply(call: &Call<'_>, part: Part, dry_run: bool) -> Result<Answer, ApiError> {
    let force = call.query.flag("force");
    let mut config = body::parse("application/yaml", call.body)
        .map_err(|e| ApiError::bad_request(format!("error decoding YAML: {}", e.message())))?;
    check_config(call, &mut config)?;
    let warnings = kinds::check_fields(call, &config)?;
    let writer = call.writer(part.subresource());
    let missing = call
        .core
        .store
        .get(&call.resource.storage(), &call.key())
        .is_none();
    if missing {
        if part != Part::Main {
            return Err(ApiError::not_found(&call.subject()));
        }
        if !meta::uid(&config).is_empty() {
            return Err(ApiError::uid_of_missing(
                &call.subject(),
                meta::uid(&config),
            ));
        }
        let object = ownership::apply(&call.resource, None, &config, &writer, force)?;
        let created = create::store_new(call, object, dry_run, |_| Ok(()))?;
        return Ok(Answer::object(201, created, warnings));
    }
    let object = update::change(
        call,
        part,
        dry_run,
        |old| {
            let mut new = ownership::apply(&call.resource, Some(old), &config, &writer, force)?;
            for field in ["uid", "resourceVersion"] {
                if !meta::text(&config, field).is_empty() {
                    meta::copy(&mut new, &config, field);
                }
            }
            Ok(new)
        },
        |_, _| Ok(()),
    )?;
    Ok(Answer::object(200, object, warnings))
}

/// What an applied configuration must say of itself.
fn check_config(call: &Call<'_>, config: &mut Value) -> Result<(), ApiError> {
    body::check_kind(&call.resource, config)?;
    if config
        .pointer("/metadata/managedFields")
        .is_some_and(|m| !m.is_null())
    {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    if meta::name(config).is_empty() {
        meta::set(config, "name", call.path.name.as_str());
    }
    if meta::name(config) != call.path.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            meta::name(config),
            call.path.name
        )));
    }
    create::settle_namespace(call, config)
}
