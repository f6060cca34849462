//! `CustomResourceDefinition` objects: their schemas are `trueup-schema`'s to judge.

use serde_json::Value;
use trueup_schema::FieldError;
use trueup_schema::crd::Crd;

use super::flaw::{Flaws, invalid};
use super::place::Place;
use crate::crd::condition_is_true;

pub(super) fn definition(old: Option<&Value>, new: &Value, flaws: &mut Flaws) {
    let root = Place::root(new);
    let spec = root.at("spec");
    let (group, names) = (spec.at("group"), spec.at("names"));
    let wanted = format!("{}.{}", names.at("plural").text(), group.text());
    // The name is looked at when the definition is made; its parts do not change afterwards.
    if old.is_none() && root.at("metadata").at("name").text() != wanted {
        let name = Place::named("metadata.name", new.pointer("/metadata/name"));
        flaws.invalid(&name, "must be spec.names.plural+\".\"+spec.group");
    }
    flaws.need(&group);
    let scope = spec.at("scope");
    if flaws.need(&scope) {
        flaws.one_of(&scope, &["Cluster", "Namespaced"], false);
    }
    // Judged when it was written: most writes are of the status.
    let is_known = old.is_some_and(|old| old.get("spec") == new.get("spec"));
    if !is_known && let Err(found) = Crd::parse(new) {
        let schemas = found
            .into_iter()
            .filter(|flaw| flaw.path.contains("openAPIV3Schema"));
        flaws.extend(schemas.map(|flaw| at_the_top(new, flaw)));
    }
    let versions = spec.at("versions");
    let storage = versions
        .items()
        .iter()
        .filter(|version| version.at("storage").flag())
        .count();
    if storage != 1 {
        flaws.invalid(
            &versions,
            "must have exactly one version marked as storage version",
        );
    }
    for field in ["plural", "singular", "kind", "listKind"] {
        flaws.need(&names.at(field));
    }
    if let Some(old) = old {
        established(old, new, flaws);
    }
    stored_versions(new, flaws);
}

/// The real server keeps a schema that all versions share in one place, and names that place.
fn at_the_top(definition: &Value, mut flaw: FieldError) -> FieldError {
    const INSIDE: &str = ".schema.openAPIV3Schema.";
    let versions = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array);
    let schemas: Vec<Option<&Value>> = versions
        .into_iter()
        .flatten()
        .map(|version| version.get("schema"))
        .collect();
    let shared = schemas
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b));
    if shared
        && flaw.path.starts_with("spec.versions[")
        && let Some((_, rest)) = flaw.path.split_once(INSIDE)
    {
        flaw.path = format!("spec.validation.openAPIV3Schema.{rest}");
    }
    flaw
}

/// What stays as it is once objects may be there.
fn established(old: &Value, new: &Value, flaws: &mut Flaws) {
    let mut fixed = vec![("/spec/group", "spec.group")];
    if condition_is_true(old, "Established") {
        fixed.push(("/spec/scope", "spec.scope"));
        fixed.push(("/spec/names/kind", "spec.names.kind"));
        fixed.push(("/spec/names/plural", "spec.names.plural"));
    }
    for (pointer, path) in fixed {
        if old.pointer(pointer) != new.pointer(pointer) {
            let value = new.pointer(pointer).cloned().unwrap_or_default();
            flaws.push(invalid(path, value, "field is immutable"));
        }
    }
}

fn stored_versions(new: &Value, flaws: &mut Flaws) {
    let list = |path: &str| {
        new.pointer(path)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let versions: Vec<Value> = list("/spec/versions")
        .iter()
        .filter_map(|version| version.get("name").cloned())
        .collect();
    if list("/status/storedVersions").is_empty() {
        let place = Place::named(
            "status.storedVersions",
            new.pointer("/status/storedVersions"),
        );
        flaws.invalid(&place, "must have at least one stored version");
    }
    for (index, stored) in list("/status/storedVersions").iter().enumerate() {
        if !versions.contains(stored) {
            let name = stored.as_str().unwrap_or_default();
            flaws.push(invalid(
                format!("status.storedVersions[{index}]"),
                name,
                format!(
                    "missing from spec.versions; {name} was previously a storage version, and must \
                     remain in spec.versions until a storage migration ensures no data remains \
                     persisted in {name} and removes {name} from status.storedVersions"
                ),
            ));
        }
    }
}
