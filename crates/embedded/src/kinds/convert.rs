//! Conversion between the versions of the few built-in kinds whose versions differ.
//!
//! Every other kind is converted by its `apiVersion` alone.

use serde_json::{Map, Value, json};
use trueup_schema::Type;

use crate::meta;
use crate::registry::Resource;

/// Metrics `autoscaling/v1` has no field for are kept here, as the real server keeps them.
const OTHER_METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// The object as another version of its kind has it.
pub(crate) fn convert(object: &Value, to: &Resource) -> Value {
    let wanted = to.api_version();
    let from = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut new = object.clone();
    if let Some(custom) = &to.custom {
        coerce(&custom.storage_type, &mut new);
    }
    if from == wanted {
        return new;
    }
    match (from, wanted.as_str()) {
        ("autoscaling/v1", "autoscaling/v2") => autoscaler_up(&mut new),
        ("autoscaling/v2", "autoscaling/v1") => autoscaler_down(&mut new),
        ("events.k8s.io/v1", "v1") => rename(&mut new, false),
        ("v1", "events.k8s.io/v1") => rename(&mut new, true),
        _ => {}
    }
    let map = meta::as_map(&mut new);
    map.insert("apiVersion".to_owned(), json!(wanted));
    map.insert("kind".to_owned(), json!(to.kind));
    if to.custom.is_some() {
        to.ty.prune(&mut new);
    } else {
        to.ty.normalize(&mut new);
    }
    new
}

/// What a definition says now holds for objects stored before it did: the real server prunes and
/// defaults a custom resource by the storage version's schema each time it is read.
fn coerce(storage: &Type, object: &mut Value) {
    storage.prune(object);
    storage.drop_nulls(object);
    storage.default(object);
}

/// Fields of an Event in the core group and their names in `events.k8s.io`.
const EVENT_FIELDS: [(&str, &str); 8] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

fn rename(event: &mut Value, to_new: bool) {
    let map = meta::as_map(event);
    for (core, new) in EVENT_FIELDS {
        let (from, to) = if to_new { (core, new) } else { (new, core) };
        if let Some(value) = map.remove(from) {
            map.insert(to.to_owned(), value);
        }
    }
}

fn is_cpu_utilization(metric: &Value) -> bool {
    metric
        .pointer("/resource/name")
        .is_some_and(|name| name == "cpu")
        && metric
            .pointer("/resource/target/averageUtilization")
            .is_some()
}

fn autoscaler_down(hpa: &mut Value) {
    let mut kept = Map::new();
    let spec = meta::section(hpa, "spec");
    if let Some(Value::Array(metrics)) = spec.remove("metrics") {
        let (cpu, others): (Vec<Value>, Vec<Value>) =
            metrics.into_iter().partition(is_cpu_utilization);
        let percent = cpu
            .first()
            .and_then(|m| m.pointer("/resource/target/averageUtilization"));
        if let Some(percent) = percent {
            spec.insert("targetCPUUtilizationPercentage".to_owned(), percent.clone());
        }
        if !others.is_empty() {
            kept.insert(OTHER_METRICS.to_owned(), json!(json!(others).to_string()));
        }
    }
    if let Some(behavior) = spec.remove("behavior") {
        kept.insert(BEHAVIOR.to_owned(), json!(behavior.to_string()));
    }
    if !kept.is_empty() {
        meta::section_of(meta::map(hpa), "annotations").extend(kept);
    }
    let status = meta::section(hpa, "status");
    let current = status.remove("currentMetrics");
    status.remove("conditions");
    let percent = current
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find_map(|m| m.pointer("/resource/current/averageUtilization"));
    if let Some(percent) = percent {
        status.insert(
            "currentCPUUtilizationPercentage".to_owned(),
            percent.clone(),
        );
    }
}

fn autoscaler_up(hpa: &mut Value) {
    let annotations = meta::section_of(meta::map(hpa), "annotations");
    let mut kept = |key: &str| {
        let text = annotations.remove(key)?;
        serde_json::from_str::<Value>(text.as_str()?).ok()
    };
    let (others, behavior) = (kept(OTHER_METRICS), kept(BEHAVIOR));
    if annotations.is_empty() {
        meta::unset(hpa, "annotations");
    }
    let spec = meta::section(hpa, "spec");
    let mut metrics = Vec::new();
    if let Some(percent) = spec.remove("targetCPUUtilizationPercentage") {
        metrics.push(json!({
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": percent},
            },
        }));
    }
    if let Some(Value::Array(others)) = others {
        metrics.extend(others);
    }
    if !metrics.is_empty() {
        spec.insert("metrics".to_owned(), Value::Array(metrics));
    }
    if let Some(behavior) = behavior {
        spec.insert("behavior".to_owned(), behavior);
    }
    let status = meta::section(hpa, "status");
    if let Some(percent) = status.remove("currentCPUUtilizationPercentage") {
        status.insert(
            "currentMetrics".to_owned(),
            json!([{
                "type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": percent}},
            }]),
        );
    }
}
