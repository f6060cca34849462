//! Bodies of requests: media type, syntax, kind, fields.

use serde_json::Value;
use trueup_yaml::{Document, DuplicateKeys, ParseOptions, Schema, Source};

use super::{Call, json};
use crate::http::query::FieldValidation;
use crate::kinds;
use crate::meta;
use crate::protobuf;
use crate::status::ApiError;

const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// A value and what was odd about its text, `duplicate field "a.b"` each.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) value: Value,
    pub(super) duplicates: Vec<String>,
}

/// The body as a value, by its media type.
pub(super) fn parse(call: &Call<'_>) -> Result<Text, ApiError> {
    let kind = &call.resource.kind;
    match call
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
    {
        "" | "application/json" => {
            let document = json::parse(call.body).map_err(|why| {
                ApiError::bad_request(format!(
                    "the object provided is unrecognized (must be of type {kind}): \
                     couldn't get version/kind; json parse error: {why} ({})",
                    summary(call.body)
                ))
            })?;
            Ok(Text {
                value: document.value,
                duplicates: duplicate_fields(document.duplicates),
            })
        }
        "application/yaml" => yaml(call.body).map_err(|why| {
            ApiError::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): {why}"
            ))
        }),
        "application/vnd.kubernetes.protobuf" if call.resource.custom.is_none() => {
            let value = protobuf::parse(call.body).map_err(|why| {
                ApiError::bad_request(format!(
                    "the object provided is unrecognized (must be of type {kind}): {why}"
                ))
            })?;
            Ok(Text {
                value,
                duplicates: Vec::new(),
            })
        }
        _ => Err(ApiError::unsupported_media_type(ACCEPTED)),
    }
}

/// JSON or YAML, with scalars as Go's loader resolves them. JSON is read as such, because it is what
/// clients send.
pub(super) fn yaml(body: &[u8]) -> Result<Text, String> {
    if let Ok(document) = json::parse(body) {
        return Ok(Text {
            value: document.value,
            duplicates: duplicate_fields(document.duplicates),
        });
    }
    let text = std::str::from_utf8(body).map_err(|_| "yaml: invalid leading UTF-8 octet")?;
    let source = Source::new("body", text);
    let options = ParseOptions {
        duplicate_keys: DuplicateKeys::LastWins,
        ..ParseOptions::default()
    };
    let documents = Document::parse_with(&source, &options).map_err(|errors| {
        let first = errors.first().map_or_else(String::new, |error| {
            format!(
                "line {}: {}",
                error.location().line_col().0,
                error.message()
            )
        });
        format!("error converting YAML to JSON: yaml: {first}")
    })?;
    let Some(document) = documents.first() else {
        return Ok(Text {
            value: Value::Null,
            duplicates: Vec::new(),
        });
    };
    let duplicates = document.duplicate_keys().iter().filter_map(|(_, later)| {
        let line = document.location(*later)?.line_col().0;
        let key = document.text(*later).unwrap_or_default();
        Some(format!("line {line}: key {key:?} already set in map"))
    });
    let duplicates = duplicates.collect();
    let value = document
        .to_json(document.root(), Schema::Sigs)
        .map_err(|error| format!("error converting YAML to JSON: yaml: {error}"))?;
    Ok(Text { value, duplicates })
}

fn duplicate_fields(paths: Vec<String>) -> Vec<String> {
    paths
        .into_iter()
        .map(|path| format!("duplicate field {path:?}"))
        .collect()
}

/// The start of a body as the real server quotes it: text of an object, else hexadecimal.
fn summary(body: &[u8]) -> String {
    const LIMIT: usize = 30;
    match body {
        [] => "<empty>".to_owned(),
        [b'{', ..] => {
            let text = String::from_utf8_lossy(body);
            let start: String = text.chars().take(LIMIT).collect();
            if start.len() == text.len() {
                start
            } else {
                format!("{start} ...")
            }
        }
        other => {
            let start = other.get(..LIMIT).unwrap_or(other);
            let text = crate::http::hex(start);
            if start.len() == other.len() {
                text
            } else {
                format!("{text} ...")
            }
        }
    }
}

/// The body as an object of the resource: of its kind, known fields only, defaults set.
pub(super) fn object(call: &Call<'_>) -> Result<Value, ApiError> {
    let validation = call.field_validation()?;
    let Text {
        mut value,
        duplicates,
    } = parse(call)?;
    check_kind(call, &mut value)?;
    let inspection = kinds::inspect(&call.resource, &value);
    let handled = |why: &str| {
        ApiError::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: {why}",
            call.resource.version,
            kind = call.resource.kind,
        ))
    };
    if let Some(error) = inspection.error {
        return Err(handled(&error));
    }
    let mut odd = duplicates;
    odd.extend(inspection.unknown);
    match validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => odd.into_iter().for_each(|odd| call.warnings.add(odd)),
        FieldValidation::Strict if odd.is_empty() => {}
        FieldValidation::Strict => {
            return Err(handled(&format!(
                "strict decoding error: {}",
                odd.join(", ")
            )));
        }
    }
    kinds::settle(&call.resource, &mut value);
    Ok(value)
}

/// The kind must be the resource's; a built-in object without one is taken to be of it.
fn check_kind(call: &Call<'_>, value: &mut Value) -> Result<(), ApiError> {
    let resource = &call.resource;
    let want = resource.api_version();
    let unrecognized = |why: String| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why} ({})",
            resource.kind,
            summary(call.body)
        ))
    };
    let word = match value {
        Value::Object(_) | Value::Null => "",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    let Some(map) = value.as_object_mut() else {
        return Err(unrecognized(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {word} into Go \
             value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
             Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        )));
    };
    let text = |field: &str| {
        map.get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, version) = (text("kind"), text("apiVersion"));
    if resource.custom.is_some() {
        let name = meta::name(value);
        return custom_kind(call, (&kind, &version), name, &want, &unrecognized);
    }
    if (kind.is_empty() || kind == resource.kind) && (version.is_empty() || version == want) {
        map.insert("apiVersion".into(), want.into());
        map.insert("kind".into(), resource.kind.clone().into());
        return Ok(());
    }
    let kind = if kind.is_empty() {
        resource.kind.clone()
    } else {
        kind
    };
    let version = if version.is_empty() {
        want.clone()
    } else {
        version
    };
    let (group, bare) = version.split_once('/').unwrap_or(("", &version));
    let known = call.core.registry().by_kind(group, bare, &kind).is_some();
    if known && kind == resource.kind {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({want})"
        )));
    }
    let why = if known {
        format!(
            "converting ({bare}.{kind}) to ({}.{}): unknown conversion",
            package(&resource.group),
            resource.kind
        )
    } else {
        format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )
    };
    Err(ApiError::bad_request(format!(
        "{kind} in version {bare:?} cannot be handled as a {}: {why}",
        resource.kind
    )))
}

/// The Go package of a group's internal types.
fn package(group: &str) -> &str {
    match group.split('.').next().unwrap_or_default() {
        "" => "core",
        first => first,
    }
}

fn custom_kind(
    call: &Call<'_>,
    (kind, version): (&str, &str),
    name: &str,
    want: &str,
    unrecognized: &dyn Fn(String) -> ApiError,
) -> Result<(), ApiError> {
    if kind.is_empty() {
        let text = String::from_utf8_lossy(call.body);
        return Err(unrecognized(format!(
            "Object 'Kind' is missing in '{text}'"
        )));
    }
    if version != want {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({want})"
        )));
    }
    if kind != call.resource.kind {
        let flaw = kinds::invalid("kind", kind, format!("must be {}", call.resource.kind));
        return Err(ApiError::invalid(&call.resource.group, kind, name, &[flaw]));
    }
    Ok(())
}
