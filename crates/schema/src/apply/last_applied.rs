//! The annotation of client-side apply, which kubectl's server-side apply takes over.

use serde_json::{Map, Value};

use super::Endpoint;
use super::updater::view_at;
use crate::FieldSet;
use crate::merge::{self, Duplicates};

/// The only manager for which the annotation is looked at.
pub(super) const KUBECTL: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The size in bytes that all annotations together may have.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

fn annotation(object: &Value) -> Option<&str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(ANNOTATION)?
        .as_str()
        .filter(|text| !text.is_empty())
}

/// The fields that client-side apply set and that still have its values: server-side apply by kubectl may take them.
pub(super) fn allowed_conflicts(endpoint: &Endpoint<'_>, live: &Value) -> Option<FieldSet> {
    let view = view_at(endpoint, endpoint.api_version)?;
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(endpoint.api_version) {
        return None;
    }
    for object in [live, &last] {
        merge::check(view, object, Duplicates::Refused).ok()?;
    }
    let comparison = merge::compare(view, &last, live);
    let mut fields = merge::extract(view, &last);
    fields.subtract(&comparison.modified);
    fields.subtract(&comparison.added);
    fields.subtract(&comparison.removed);
    Some(fields)
}

/// Brings the annotation, where there is one, up to date with what was applied.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = config
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("annotations"))
        .and_then(Value::as_object_mut)
    {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{}\n", crate::value::go_json(&config));
    let Some(annotations) = object
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("annotations"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    annotations.insert(ANNOTATION.to_owned(), Value::String(text));
    if size(annotations) > ANNOTATIONS_LIMIT {
        annotations.remove(ANNOTATION);
    }
}

fn size(annotations: &Map<String, Value>) -> usize {
    annotations
        .iter()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum()
}
