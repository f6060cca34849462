//! PATCH in its four forms.

use json_patch::{PatchOperation, ReplaceOperation};
use serde_json::Value;

use super::prepare::Part;
use super::{Answer, Call, body, create, json, update};
use crate::http::query::FieldValidation;
use crate::kinds;
use crate::meta;
use crate::ownership;
use crate::status::ApiError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

const TYPES: &str =
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

/// The real server's bound on the operations of one JSON patch.
const MAX_OPERATIONS: usize = 10_000;

pub(super) fn patch(call: &Call<'_>, part: Part) -> Result<Answer, ApiError> {
    let kind = kind(call)?;
    check_options(call, kind)?;
    let dry_run = call.dry_run()?;
    let validation = call.field_validation()?;
    if kind == Kind::Apply {
        return apply(call, part, dry_run);
    }
    let subresource = call.path.subresource.as_str();
    let (served, writer) = (call.served(subresource), call.writer(subresource));
    let object = update::change(call, part, dry_run, |old| {
        let (mut new, odd) = patched(call, kind, old)?;
        check_fields(call, validation, &new, odd)?;
        kinds::settle(&call.resource, &mut new);
        create::settle_namespace(call, &mut new)?;
        update::check_name(call, &new)?;
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

fn kind(call: &Call<'_>) -> Result<Kind, ApiError> {
    match call
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
    {
        "application/json-patch+json" => Ok(Kind::Json),
        "application/merge-patch+json" => Ok(Kind::Merge),
        "application/strategic-merge-patch+json" if call.resource.custom.is_none() => {
            Ok(Kind::Strategic)
        }
        "application/apply-patch+yaml" => Ok(Kind::Apply),
        _ if call.resource.custom.is_some() => Err(ApiError::unsupported_media_type(TYPES)),
        _ => Err(ApiError::unknown_media_type()),
    }
}

fn check_options(call: &Call<'_>, kind: Kind) -> Result<(), ApiError> {
    let flaw = if kind == Kind::Apply {
        call.query
            .get("fieldManager")
            .is_empty()
            .then(|| kinds::required("fieldManager", "is required for apply patch"))
    } else {
        call.query
            .has("force")
            .then(|| kinds::forbidden("force", "may not be specified for non-apply patch"))
    };
    match flaw {
        Some(flaw) => Err(ApiError::invalid_options("PatchOptions", flaw)),
        None => Ok(()),
    }
}

/// Fields of a patched object that its schema does not know or cannot hold. Built-in kinds quote
/// the whole object, as the real server does, but for the content of a Secret.
fn check_fields(
    call: &Call<'_>,
    validation: FieldValidation,
    new: &Value,
    mut odd: Vec<String>,
) -> Result<(), ApiError> {
    let inspection = kinds::inspect(&call.resource, new);
    let refuse = |why: String| {
        let shown = if call.resource.is("", "secrets") {
            "***".to_owned()
        } else {
            new.to_string()
        };
        ApiError::invalid("", "", "", &[kinds::invalid("patch", shown, why)])
    };
    if let Some(error) = inspection.error {
        return Err(refuse(error));
    }
    odd.extend(inspection.unknown);
    match validation {
        FieldValidation::Ignore => {}
        FieldValidation::Strict if !odd.is_empty() => {
            return Err(refuse(format!("strict decoding error: {}", odd.join(", "))));
        }
        _ => odd.into_iter().for_each(|odd| call.warnings.add(odd)),
    }
    Ok(())
}

/// The object with a JSON, merge or strategic patch applied, and the duplicate keys of the patch.
fn patched(call: &Call<'_>, kind: Kind, old: &Value) -> Result<(Value, Vec<String>), ApiError> {
    let document = json::parse(call.body)
        .map_err(|why| ApiError::bad_request(format!("error decoding patch: {why}")))?;
    let odd = document
        .duplicates
        .iter()
        .map(|path| format!("duplicate field {path:?}"))
        .collect();
    let patch = document.value;
    let new = match kind {
        Kind::Json => json_patch_of(&patch, old)?,
        Kind::Merge => {
            if !patch.is_object() {
                return Err(ApiError::bad_request("Invalid JSON Patch"));
            }
            let mut new = old.clone();
            json_patch::merge(&mut new, &patch);
            new
        }
        Kind::Strategic => kinds::strategic(&call.resource, old, &patch)?,
        Kind::Apply => return Err(ApiError::internal("apply has a way of its own")),
    };
    Ok((new, odd))
}

fn json_patch_of(patch: &Value, old: &Value) -> Result<Value, ApiError> {
    if !patch.is_array() {
        let word = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            _ => "bool",
        };
        return Err(ApiError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {word} into Go value of type []handlers.jsonPatchOp"
        )));
    }
    let json_patch::Patch(operations) = serde_json::from_value(patch.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(ApiError::too_large(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut new = old.clone();
    for operation in operations {
        let operation = lenient(operation, &new);
        json_patch::patch(&mut new, &[operation]).map_err(|_| ApiError::patch_does_not_apply())?;
    }
    Ok(new)
}

/// The library of the real server takes `replace` of a missing member of an object for `add`.
fn lenient(operation: PatchOperation, object: &Value) -> PatchOperation {
    let PatchOperation::Replace(ReplaceOperation { path, value }) = operation else {
        return operation;
    };
    let parent = path
        .parent()
        .and_then(|parent| object.pointer(parent.as_str()));
    if parent.is_some_and(Value::is_object) && object.pointer(path.as_str()).is_none() {
        PatchOperation::Add(json_patch::AddOperation { path, value })
    } else {
        PatchOperation::Replace(ReplaceOperation { path, value })
    }
}

fn apply(call: &Call<'_>, part: Part, dry_run: bool) -> Result<Answer, ApiError> {
    let force = call.query.flag("force");
    let body::Text {
        value: config,
        duplicates,
    } = body::yaml(call.body)
        .map_err(|why| ApiError::bad_request(format!("error decoding YAML: {why}")))?;
    check_config(call, &config)?;
    check_duplicates(call, &duplicates)?;
    let subresource = call.path.subresource.as_str();
    let (served, writer) = (call.served(subresource), call.writer(subresource));
    let merge = |old: Option<&Value>| {
        let mut new = ownership::apply(&call.resource, &served, old, &config, &writer, force)?;
        create::settle_namespace(call, &mut new)?;
        if meta::name(&new).is_empty() {
            meta::set(&mut new, "name", call.path.name.as_str());
        }
        update::check_name(call, &new)?;
        Ok(new)
    };
    let missing = call
        .core
        .store
        .get(&call.resource.storage(), &call.key())
        .is_none();
    if missing {
        if part != Part::Main {
            return Err(ApiError::not_found(&call.subject()));
        }
        let new = merge(None)?;
        if !meta::uid(&config).is_empty() {
            return Err(ApiError::uid_of_missing(
                &call.subject(),
                meta::uid(&config),
            ));
        }
        let created = create::store_new(call, new, dry_run)?;
        return Ok(Answer::object(201, created));
    }
    let object = update::change(call, part, dry_run, |old| {
        let mut new = merge(Some(old))?;
        for field in ["uid", "resourceVersion"] {
            if !meta::text(&config, field).is_empty() {
                meta::copy(&mut new, &config, field);
            }
        }
        Ok(new)
    })?;
    Ok(Answer::object(200, object))
}

fn check_duplicates(call: &Call<'_>, duplicates: &[String]) -> Result<(), ApiError> {
    match call.field_validation()? {
        FieldValidation::Ignore => {}
        FieldValidation::Strict if !duplicates.is_empty() => {
            return Err(ApiError::bad_request(format!(
                "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  {}",
                duplicates.join("\n  ")
            )));
        }
        _ => duplicates.iter().for_each(|odd| call.warnings.add(odd)),
    }
    Ok(())
}

/// What an applied configuration must say of itself.
fn check_config(call: &Call<'_>, config: &Value) -> Result<(), ApiError> {
    let text = |field: &str| {
        config
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (kind, version) = (text("kind"), text("apiVersion"));
    if !config.is_object() || kind.is_empty() || version.is_empty() {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        return Err(ApiError::bad_request(format!(
            "invalid object type: {group}/{version}, Kind={kind}"
        )));
    }
    if kind != call.resource.kind || version != call.resource.api_version() {
        let (group, bare) = version.split_once('/').unwrap_or(("", version));
        return Err(ApiError::bad_request(format!(
            "invalid object type: {group}/{bare}, Kind={kind}"
        )));
    }
    if config
        .pointer("/metadata/managedFields")
        .is_some_and(|m| !m.is_null())
    {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}
