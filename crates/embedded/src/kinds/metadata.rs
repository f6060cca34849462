//! Rules every object's `metadata` obeys, by `k8s.io/apimachinery/pkg/api/validation`.

use serde_json::{Map, Value};
use trueup_schema::FieldError;

use super::flaw::{forbidden, invalid, required};
use super::{identity, names};
use crate::meta;
use crate::registry::Resource;

/// Bound on all annotations of an object together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// What is wrong with the metadata of a new object or of a change.
pub(super) fn validate(resource: &Resource, old: Option<&Value>, new: &Value) -> Vec<FieldError> {
    let Some(old) = old else {
        let mut flaws = name(resource, new);
        flaws.extend(common(new));
        flaws.extend(finalizer_names(new));
        return flaws;
    };
    let mut flaws = changed(old, new);
    flaws.extend(common(new));
    // Built-in strategies check metadata again by themselves: each flaw is told twice.
    if resource.custom.is_none() {
        flaws = flaws
            .into_iter()
            .flat_map(|flaw| [flaw.clone(), flaw])
            .collect();
    }
    let names = finalizer_names(new);
    let twice = resource.custom.is_none();
    flaws.extend(names.into_iter().flat_map(|flaw| {
        if twice {
            vec![flaw.clone(), flaw]
        } else {
            vec![flaw]
        }
    }));
    flaws
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

fn common(object: &Value) -> Vec<FieldError> {
    let mut flaws = Vec::new();
    for (key, value) in entries(object, "labels").into_iter().flatten() {
        for why in names::qualified_name(key) {
            flaws.push(invalid("metadata.labels", key.as_str(), why));
        }
        let value = value.as_str().unwrap_or_default();
        for why in names::label_value(value) {
            flaws.push(invalid("metadata.labels", value, why));
        }
    }
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
            reason: trueup_schema::Reason::TooLong,
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
        if owner.get("controller").and_then(Value::as_bool) == Some(true) {
            let this = format!("{}/{}", text("kind"), text("name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => flaws.push(invalid(
                    PATH,
                    Value::Array(meta::owners(object).to_vec()),
                    format!("Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"),
                )),
            }
        }
    }
    flaws
}

fn finalizer_names(object: &Value) -> Vec<FieldError> {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    let mut flaws = Vec::new();
    for (index, finalizer) in meta::finalizers(object).into_iter().enumerate() {
        let at = |why: String| invalid("metadata.finalizers", finalizer, why);
        flaws.extend(names::qualified_name(finalizer).into_iter().map(at));
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
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
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
