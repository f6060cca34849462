//! Custom resources: what a CustomResourceDefinition makes the server serve.
//!
//! In: CRD objects. Out: [`Resource`]s for the registry, accepted names and conditions. It must
//! never touch custom objects.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::meta;
use crate::registry::{Resource, Scope, Subresource};

mod names;

pub(crate) use names::{Taken, accept};

/// What a version of a CRD says of its resource.
#[derive(Debug, Default)]
pub(crate) struct CrdVersion {
    /// Paths of `selectableFields`, without the leading dot.
    pub(crate) selectable_fields: Vec<String>,
    /// The `scale` subresource, when it is on.
    pub(crate) scale: Option<ScalePaths>,
    /// Printer columns.
    pub(crate) columns: Vec<Column>,
    /// The version objects are stored in.
    pub(crate) storage_version: String,
    /// What to warn of, when the version is deprecated.
    pub(crate) deprecation: Option<String>,
}

/// Where a custom resource keeps what its Scale shows.
#[derive(Debug, Clone)]
pub(crate) struct ScalePaths {
    /// As `.spec.replicas`.
    pub(crate) spec: String,
    /// As `.status.replicas`.
    pub(crate) status: String,
    /// As `.status.selector`, or empty.
    pub(crate) selector: String,
}

/// An additional printer column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Title.
    pub(crate) name: String,
    /// OpenAPI type.
    pub(crate) kind: String,
    /// OpenAPI format.
    pub(crate) format: String,
    /// What it shows.
    pub(crate) description: String,
    /// 0 for always shown.
    pub(crate) priority: i64,
    /// Where it is read.
    pub(crate) json_path: String,
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
pub(crate) fn resources(crd: &Value) -> Vec<Arc<Resource>> {
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    let all = versions.map_or(&[][..], Vec::as_slice);
    let storage = all
        .iter()
        .find(|version| flag(version, "storage"))
        .map_or("", |version| text(version, "/name"));
    all.iter()
        .filter(|version| flag(version, "served"))
        .map(|version| Arc::new(resource(crd, version, storage)))
        .collect()
}

fn resource(crd: &Value, version: &Value, storage: &str) -> Resource {
    let names = crd.pointer("/status/acceptedNames").unwrap_or(&Value::Null);
    let (group, name) = (text(crd, "/spec/group"), text(version, "/name"));
    let kind = text(names, "/kind");
    let mut subresources = Vec::new();
    let sub = |name: &str, group: &str, version: &str, kind: &str| Subresource {
        name: name.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
    };
    if version.pointer("/subresources/status").is_some() {
        subresources.push(sub("status", "", "", kind));
    }
    if version.pointer("/subresources/scale").is_some() {
        subresources.push(sub("scale", "autoscaling", "v1", "Scale"));
    }
    Resource {
        group: group.to_owned(),
        version: name.to_owned(),
        plural: text(names, "/plural").to_owned(),
        singular: text(names, "/singular").to_owned(),
        kind: kind.to_owned(),
        list_kind: text(names, "/listKind").to_owned(),
        scope: if text(crd, "/spec/scope") == "Cluster" {
            Scope::Cluster
        } else {
            Scope::Namespaced
        },
        verbs: VERBS.map(str::to_owned).to_vec(),
        short_names: texts(names, "/shortNames"),
        categories: texts(names, "/categories"),
        subresources,
        custom: Some(Arc::new(details(crd, version, storage))),
    }
}

fn details(crd: &Value, version: &Value, storage: &str) -> CrdVersion {
    let list = |path: &str| version.pointer(path).and_then(Value::as_array);
    let columns = list("/additionalPrinterColumns").map_or(&[][..], Vec::as_slice);
    let fields = list("/selectableFields").map_or(&[][..], Vec::as_slice);
    let (group, kind, name) = (
        text(crd, "/spec/group"),
        text(crd, "/spec/names/kind"),
        text(version, "/name"),
    );
    CrdVersion {
        selectable_fields: fields
            .iter()
            .map(|field| text(field, "/jsonPath").trim_start_matches('.').to_owned())
            .collect(),
        scale: version
            .pointer("/subresources/scale")
            .map(|scale| ScalePaths {
                spec: text(scale, "/specReplicasPath").to_owned(),
                status: text(scale, "/statusReplicasPath").to_owned(),
                selector: text(scale, "/labelSelectorPath").to_owned(),
            }),
        columns: columns
            .iter()
            .map(|column| Column {
                name: text(column, "/name").to_owned(),
                kind: text(column, "/type").to_owned(),
                format: text(column, "/format").to_owned(),
                description: text(column, "/description").to_owned(),
                priority: column.get("priority").and_then(Value::as_i64).unwrap_or(0),
                json_path: text(column, "/jsonPath").to_owned(),
            })
            .collect(),
        storage_version: storage.to_owned(),
        deprecation: flag(version, "deprecated").then(|| {
            match text(version, "/deprecationWarning") {
                "" => format!("{group}/{name} {kind} is deprecated"),
                own => own.to_owned(),
            }
        }),
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

fn flag(value: &Value, field: &str) -> bool {
    value.get(field).and_then(Value::as_bool).unwrap_or(false)
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
