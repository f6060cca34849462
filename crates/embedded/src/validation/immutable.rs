//! Fields that may not change once the object is there.

use serde_json::{Map, Value, json};

use super::flaw::{Flaws, forbidden, invalid};
use super::place::Place;
use crate::registry::Resource;

/// Group, plural, JSON pointer, and the path messages use where it is another one. From the
/// `Validate…Update` functions of each API group in k8s.io/kubernetes 1.36.
const FIELDS: &[(&str, &str, &str, &str)] = &[
    ("", "persistentvolumes", "/spec/volumeMode", "volumeMode"),
    ("", "secrets", "/type", "type"),
    ("apps", "daemonsets", "/spec/selector", "spec.selector"),
    ("apps", "deployments", "/spec/selector", "spec.selector"),
    ("apps", "replicasets", "/spec/selector", "spec.selector"),
    ("batch", "jobs", "/spec/completions", "spec.completions"),
    ("batch", "jobs", "/spec/selector", "spec.selector"),
    ("batch", "jobs", "/spec/template", "spec.template"),
    (
        "batch",
        "jobs",
        "/spec/completionMode",
        "spec.completionMode",
    ),
    (
        "batch",
        "jobs",
        "/spec/podFailurePolicy",
        "spec.podFailurePolicy",
    ),
    (
        "batch",
        "jobs",
        "/spec/backoffLimitPerIndex",
        "spec.backoffLimitPerIndex",
    ),
    ("batch", "jobs", "/spec/managedBy", "spec.managedBy"),
    ("batch", "jobs", "/spec/successPolicy", "spec.successPolicy"),
    (
        "discovery.k8s.io",
        "endpointslices",
        "/addressType",
        "addressType",
    ),
    (
        "networking.k8s.io",
        "ingressclasses",
        "/spec/controller",
        "spec.controller",
    ),
    ("node.k8s.io", "runtimeclasses", "/handler", "handler"),
    (
        "scheduling.k8s.io",
        "priorityclasses",
        "/preemptionPolicy",
        "preemptionPolicy",
    ),
    (
        "storage.k8s.io",
        "csidrivers",
        "/spec/attachRequired",
        "spec.attachedRequired",
    ),
    (
        "storage.k8s.io",
        "csidrivers",
        "/spec/volumeLifecycleModes",
        "spec.volumeLifecycleModes",
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        "/provisioner",
        "provisioner",
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        "/parameters",
        "parameters",
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        "/reclaimPolicy",
        "reclaimPolicy",
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        "/volumeBindingMode",
        "volumeBindingMode",
    ),
    ("storage.k8s.io", "volumeattachments", "/spec", "spec"),
    (
        "storage.k8s.io",
        "volumeattributesclasses",
        "/driverName",
        "driverName",
    ),
    (
        "storage.k8s.io",
        "volumeattributesclasses",
        "/parameters",
        "parameters",
    ),
    ("resource.k8s.io", "resourceclaims", "/spec", "spec"),
    ("resource.k8s.io", "resourceclaimtemplates", "/spec", "spec"),
    ("apps", "controllerrevisions", "/data", "data"),
];

const STATEFUL_SET: &str = "updates to statefulset spec for fields other than 'replicas', \
    'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', \
    'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const STATEFUL_SET_FREE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];
const CLAIM: &str = "spec is immutable after creation except resources.requests and \
    volumeAttributesClassName for bound claims";
const VOLUME: &str = "spec.persistentvolumesource is immutable after creation";
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
    additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set \
    to 1 if it was previously negative)";
const LOCKED: &str = "field is immutable when `immutable` is set";

/// What a change may not do.
pub(super) fn validate(resource: &Resource, old: &Value, new: &Value, flaws: &mut Flaws) {
    if resource.is("scheduling.k8s.io", "priorityclasses") && old.get("value") != new.get("value") {
        flaws.push(forbidden("value", "may not be changed in an update."));
    }
    for (_, _, pointer, path) in FIELDS.iter().filter(|row| resource.is(row.0, row.1)) {
        let (before, after) = (old.pointer(pointer), new.pointer(pointer));
        if before != after && !is_free(resource, pointer, old) {
            let value = after.cloned().unwrap_or_default();
            flaws.push(invalid(*path, value, "field is immutable"));
        }
    }
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "configmaps" | "secrets") => locked(old, new, flaws),
        ("", "persistentvolumeclaims") => claim(old, new, flaws),
        ("", "persistentvolumes") => volume(old, new, flaws),
        ("", "pods") => pod(old, new, flaws),
        ("", "services") => service(old, new, flaws),
        ("apps", "statefulsets")
            if without(old, &STATEFUL_SET_FREE) != without(new, &STATEFUL_SET_FREE) =>
        {
            flaws.push(forbidden("spec", STATEFUL_SET));
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings")
            if old.get("roleRef") != new.get("roleRef") =>
        {
            let field = |name: &str| new.pointer(&format!("/roleRef/{name}")).cloned();
            let value = json!({
                "APIGroup": field("apiGroup"), "Kind": field("kind"), "Name": field("name"),
            });
            flaws.push(invalid("roleRef", value, "cannot change roleRef"));
        }
        _ => {}
    }
}

/// Parts of a job that are free while it is suspended, or that only an indexed job may change.
fn is_free(resource: &Resource, pointer: &str, old: &Value) -> bool {
    if !resource.is("batch", "jobs") {
        return false;
    }
    let suspended = old.pointer("/spec/suspend") == Some(&json!(true))
        && old.pointer("/status/startTime").is_none();
    let indexed = old.pointer("/spec/completionMode") == Some(&json!("Indexed"));
    (pointer == "/spec/template" && suspended) || (pointer == "/spec/completions" && indexed)
}

fn without(object: &Value, free: &[&str]) -> Map<String, Value> {
    let mut spec = object
        .get("spec")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    spec.retain(|key, _| !free.contains(&key.as_str()));
    spec
}

fn locked(old: &Value, new: &Value, flaws: &mut Flaws) {
    if old.get("immutable") != Some(&json!(true)) {
        return;
    }
    if new.get("immutable") != Some(&json!(true)) {
        flaws.push(forbidden("immutable", LOCKED));
    }
    for field in ["data", "binaryData"] {
        if old.get(field) != new.get(field) {
            flaws.push(forbidden(field, LOCKED));
        }
    }
}

/// A bound claim may grow and change its attributes; one that has no volume yet may be given one.
fn claim(old: &Value, new: &Value, flaws: &mut Flaws) {
    let bound = old
        .pointer("/status/phase")
        .is_some_and(|phase| phase == "Bound");
    let unbound = old.pointer("/spec/volumeName").is_none();
    let mut free = Vec::new();
    if bound {
        free.extend(["resources", "volumeAttributesClassName"]);
    }
    if unbound {
        free.push("volumeName");
    }
    if without(old, &free) != without(new, &free) {
        flaws.push(forbidden("spec", CLAIM));
    }
    if bound {
        let size = |object: &Value| {
            let text = object
                .pointer("/spec/resources/requests/storage")
                .and_then(Value::as_str)?;
            trueup_schema::quantity::Quantity::parse(text).ok()
        };
        if size(new) < size(old) {
            let why = "field can not be less than status.capacity";
            flaws.push(forbidden("spec.resources.requests.storage", why));
        }
    }
}

fn volume(old: &Value, new: &Value, flaws: &mut Flaws) {
    const FREE: [&str; 9] = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    if without(old, &FREE) != without(new, &FREE) {
        flaws.push(forbidden("spec.persistentvolumesource", VOLUME));
    }
}

fn pod(old: &Value, new: &Value, flaws: &mut Flaws) {
    let (before, after) = (pod_shape(old), pod_shape(new));
    for list in ["containers", "initContainers"] {
        let count = |spec: &Map<String, Value>| {
            spec.get(list).and_then(Value::as_array).map_or(0, Vec::len)
        };
        if count(&before) != count(&after) {
            let path = format!("spec.{list}");
            flaws.push(forbidden(
                path,
                "pod updates may not add or remove containers",
            ));
            return;
        }
    }
    if before != after {
        flaws.push(forbidden("spec", POD));
    }
}

/// The pod's spec without what may change.
fn pod_shape(pod: &Value) -> Map<String, Value> {
    const FREE: [&str; 6] = [
        "activeDeadlineSeconds",
        "ephemeralContainers",
        "nodeName",
        "schedulingGates",
        "terminationGracePeriodSeconds",
        "tolerations",
    ];
    let mut spec = without(pod, &FREE);
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            container.remove("image");
        }
    }
    spec
}

fn service(old: &Value, new: &Value, flaws: &mut Flaws) {
    let kind = |object: &Value| object.pointer("/spec/type").cloned().unwrap_or_default();
    let addresses = |object: &Value| object.pointer("/spec/clusterIPs").cloned();
    if kind(old) == "ExternalName" || kind(new) == "ExternalName" {
        return;
    }
    let first = |object: &Value| object.pointer("/spec/clusterIPs/0").cloned();
    let Some(before) = first(old) else { return };
    let place = Place::named("spec.clusterIPs[0]", new.pointer("/spec/clusterIPs"));
    match first(new) {
        Some(after) if after == before => {}
        Some(_) => flaws.invalid(&place, "may not change once set"),
        None if addresses(old).is_some() => {
            flaws.invalid(&place, "primary clusterIP can not be unset");
        }
        None => {}
    }
}
