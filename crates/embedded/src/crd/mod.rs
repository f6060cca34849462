//! Custom resources: what a CustomResourceDefinition makes the server serve.
//!
//! In: CRD objects. Out: [`Resource`]s for the registry, accepted names and conditions. It must
//! never touch custom objects.

use std::sync::Arc;

use serde_json::{Value, json};
use trueup_schema::crd::{Column, Crd, CrdVersion, Scale};
use trueup_schema::{FieldSet, Type};

use crate::meta;
use crate::registry::{Resource, Scope, Subresource, version_rank};

mod names;

pub(crate) use names::{Taken, accept};

/// What a version of a CRD says of its resource besides the schema.
pub(crate) struct Custom {
    /// Paths of `selectableFields`, without the leading dot.
    pub(crate) selectable_fields: Vec<String>,
    /// The `scale` subresource, when it is on.
    pub(crate) scale: Option<Scale>,
    /// Printer columns.
    pub(crate) columns: Vec<Column>,
    /// The version objects are stored in.
    pub(crate) storage_version: String,
    /// The type of that version: what is read back is pruned and given defaults by it.
    pub(crate) storage_type: Type,
    /// The `openAPIV3Schema` as written.
    pub(crate) schema: Value,
    /// What to warn of, when the version is deprecated.
    pub(crate) deprecation: Option<String>,
    /// Fields that writes to the object do not change.
    pub(crate) reset_by_main: FieldSet,
    /// Fields that writes to its status do not change.
    pub(crate) reset_by_status: FieldSet,
}

/// Verbs of a custom resource in the order the real server lists them.
const VERBS: [&str; 8] = [
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];

/// The resources of the served versions of an established CRD, under its accepted names.
pub(crate) fn resources(object: &Value) -> Vec<Arc<Resource>> {
    // Validated when it was written: what does not parse now was never accepted.
    let Ok(crd) = Crd::parse(object) else {
        return Vec::new();
    };
    crd.versions
        .iter()
        .enumerate()
        .filter(|(_, version)| version.served)
        .map(|(index, version)| Arc::new(resource(object, &crd, index, version)))
        .collect()
}

fn resource(object: &Value, crd: &Crd, index: usize, version: &CrdVersion) -> Resource {
    let names = object
        .pointer("/status/acceptedNames")
        .unwrap_or(&Value::Null);
    let kind = text(names, "/kind");
    let mut subresources = Vec::new();
    let sub = |name: &str, group: &str, version: &str, kind: &str| Subresource {
        name: name.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
    };
    if version.status {
        subresources.push(sub("status", &crd.group, &version.name, kind));
    }
    if version.scale.is_some() {
        subresources.push(sub("scale", "autoscaling", "v1", "Scale"));
    }
    let fields = object
        .pointer(&format!("/spec/versions/{index}/selectableFields"))
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    Resource {
        group: crd.group.clone(),
        version: version.name.clone(),
        plural: text(names, "/plural").to_owned(),
        singular: text(names, "/singular").to_owned(),
        kind: kind.to_owned(),
        list_kind: text(names, "/listKind").to_owned(),
        scope: if crd.namespaced {
            Scope::Namespaced
        } else {
            Scope::Cluster
        },
        verbs: VERBS.map(str::to_owned).to_vec(),
        short_names: texts(names, "/shortNames"),
        categories: texts(names, "/categories"),
        subresources,
        ty: version.ty.clone(),
        custom: Some(Custom {
            selectable_fields: fields
                .iter()
                .map(|field| text(field, "/jsonPath").trim_start_matches('.').to_owned())
                .collect(),
            scale: version.scale.clone(),
            schema: object
                .pointer(&format!("/spec/versions/{index}/schema/openAPIV3Schema"))
                .cloned()
                .unwrap_or_default(),
            columns: version.columns.clone(),
            storage_version: crd
                .storage_version()
                .map_or(String::new(), |v| v.name.clone()),
            storage_type: crd
                .storage_version()
                .map_or_else(|| version.ty.clone(), |v| v.ty.clone()),
            deprecation: version.deprecation.as_ref().map(|own| {
                if own.is_empty() {
                    deprecation(crd, &version.name, kind)
                } else {
                    own.clone()
                }
            }),
            reset_by_main: version.reset_fields(""),
            reset_by_status: version.reset_fields("status"),
        }),
    }
}

/// The warning of a deprecated version that has no words of its own.
fn deprecation(crd: &Crd, version: &str, kind: &str) -> String {
    let group = &crd.group;
    let better = crd
        .versions
        .iter()
        .filter(|other| other.served && other.deprecation.is_none())
        .map(|other| (version_rank(&other.name), &other.name))
        .filter(|(rank, _)| *rank > version_rank(version))
        .max();
    match better {
        Some((_, newest)) => {
            format!("{group}/{version} {kind} is deprecated; use {group}/{newest} {kind}")
        }
        None => format!("{group}/{version} {kind} is deprecated"),
    }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn texts(value: &Value, path: &str) -> Vec<String> {
    let all = value
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    all.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// True when the object has the condition with status `True`.
pub(crate) fn condition_is_true(object: &Value, kind: &str) -> bool {
    let conditions = object
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    conditions.is_some_and(|all| {
        all.iter()
            .any(|c| text(c, "/type") == kind && text(c, "/status") == "True")
    })
}

/// A condition as the real server writes it.
pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({
        "type": kind,
        "status": status,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    })
}

/// Sets a condition; its transition time stays when its status does.
pub(crate) fn set_condition(object: &mut Value, mut condition: Value) {
    let status = meta::section(object, "status");
    let slot = status.entry("conditions").or_insert_with(|| json!([]));
    if !slot.is_array() {
        *slot = json!([]);
    }
    let Some(all) = slot.as_array_mut() else {
        return;
    };
    let kind = condition.get("type").cloned();
    match all
        .iter_mut()
        .find(|known| known.get("type") == kind.as_ref())
    {
        Some(known) => {
            if known.get("status") == condition.get("status")
                && let Some(time) = known.get("lastTransitionTime")
            {
                let time = time.clone();
                meta::put(&mut condition, "lastTransitionTime", time);
            }
            *known = condition;
        }
        None => all.push(condition),
    }
}
