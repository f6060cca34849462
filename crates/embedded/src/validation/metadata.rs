//! Rules every object's `metadata` obeys, by `k8s.io/apimachinery/pkg/api/validation`.

use serde_json::{Map, Value};
use trueup_schema::{FieldError, Reason};

use super::flaw::{Flaws, forbidden, invalid, required};
use super::{identity, names};
use crate::meta;
use crate::registry::Resource;

/// Bound on all annotations of an object together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// What is wrong with the metadata of a new object or of a change.
pub(super) fn validate(resource: &Resource, old: Option<&Value>, new: &Value, flaws: &mut Flaws) {
    let Some(old) = old else {
        flaws.extend(name(resource, new));
        flaws.extend(common(new));
        flaws.extend(finalizer_names(new));
        return;
    };
    // Built-in strategies check metadata again by themselves: each flaw is told twice.
    let times = if resource.custom.is_some() { 1 } else { 2 };
    for flaw in changed(old, new)
        .into_iter()
        .chain(common(new))
        .chain(finalizer_names(new))
    {
        for _ in 0..times {
            flaws.push(flaw.clone());
        }
    }
}

fn name(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let mut flaws = Vec::new();
    let prefix = meta::text(object, "generateName");
    if !prefix.is_empty() {
        for why in identity::flaws(resource, prefix, true) {
            flaws.push(invalid("metadata.generateName", prefix, why));
        }
    }
    let name = meta::name(object);
    if name.is_empty() {
        flaws.push(required(
            "metadata.name",
            "name or generateName is required",
        ));
    } else {
        for why in identity::flaws(resource, name, false) {
            flaws.push(invalid("metadata.name", name, why));
        }
    }
    flaws
}

fn entries<'a>(object: &'a Value, field: &str) -> Option<&'a Map<String, Value>> {
    object.get("metadata")?.get(field)?.as_object()
}

/// What is wrong with labels at a path.
pub(super) fn labels(path: &str, labels: Option<&Map<String, Value>>, flaws: &mut Vec<FieldError>) {
    for (key, value) in labels.into_iter().flatten() {
        for why in names::qualified_name(key) {
            flaws.push(invalid(path, key.as_str(), why));
        }
        let value = value.as_str().unwrap_or_default();
        for why in names::label_value(value) {
            flaws.push(invalid(path, value, why));
        }
    }
}

fn common(object: &Value) -> Vec<FieldError> {
    let mut flaws = Vec::new();
    labels("metadata.labels", entries(object, "labels"), &mut flaws);
    let mut size = 0;
    for (key, value) in entries(object, "annotations").into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        for why in names::qualified_name(&key.to_lowercase()) {
            flaws.push(invalid("metadata.annotations", key.as_str(), why));
        }
    }
    if size > MAX_ANNOTATIONS {
        flaws.push(FieldError {
            path: "metadata.annotations".to_owned(),
            reason: Reason::TooLong,
            detail: format!("may not be more than {MAX_ANNOTATIONS} bytes"),
            bad_value: None,
        });
    }
    flaws.extend(owner_references(object));
    flaws
}

fn owner_references(object: &Value) -> Vec<FieldError> {
    const PATH: &str = "metadata.ownerReferences";
    let mut flaws = Vec::new();
    let mut controller: Option<String> = None;
    for owner in meta::owners(object) {
        let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
        if text("apiVersion").is_empty() {
            flaws.push(invalid(
                format!("{PATH}.apiVersion"),
                "",
                "version must not be empty",
            ));
        }
        for field in ["kind", "name", "uid"] {
            if text(field).is_empty() {
                flaws.push(invalid(format!("{PATH}.{field}"), "", "must not be empty"));
            }
        }
        if text("apiVersion") == "v1" && text("kind") == "Event" {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            flaws.push(invalid(PATH, owner.clone(), why));
        }
        if owner.get("controller").and_then(Value::as_bool) == Some(true) {
            let this = format!("{}/{}", text("kind"), text("name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => flaws.push(invalid(
                    PATH,
                    Value::Array(meta::owners(object).to_vec()),
                    format!(
                        "Only one reference can have Controller set to true. \
                         Found \"true\" in references for {first} and {this}"
                    ),
                )),
            }
        }
    }
    flaws
}

/// Syntax of all finalizers first, then whether each is a name the server knows or is qualified.
fn finalizer_names(object: &Value) -> Vec<FieldError> {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    let finalizers = meta::finalizers(object);
    let mut flaws = Vec::new();
    for finalizer in &finalizers {
        for why in names::qualified_name(finalizer) {
            flaws.push(invalid("metadata.finalizers", *finalizer, why));
        }
    }
    for (index, finalizer) in finalizers.into_iter().enumerate() {
        if !finalizer.contains('/') && !STANDARD.contains(&finalizer) {
            flaws.push(invalid(
                format!("metadata.finalizers[{index}]"),
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
    flaws
}

fn changed(old: &Value, new: &Value) -> Vec<FieldError> {
    let mut flaws = Vec::new();
    if meta::deleting(old) {
        let before = meta::finalizers(old);
        let mut added: Vec<&str> = meta::finalizers(new)
            .into_iter()
            .filter(|f| !before.contains(f))
            .collect();
        added.sort_unstable();
        if !added.is_empty() {
            let words: Vec<String> = added.iter().map(|f| format!("{f:?}")).collect();
            flaws.push(forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, \
                     found new finalizers []string{{{}}}",
                    words.join(", ")
                ),
            ));
        }
    }
    for field in ["name", "namespace", "uid"] {
        let (before, after) = (meta::text(old, field), meta::text(new, field));
        if before != after {
            flaws.push(invalid(
                format!("metadata.{field}"),
                after,
                "field is immutable",
            ));
        }
    }
    flaws
}
