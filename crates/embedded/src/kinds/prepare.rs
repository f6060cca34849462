//! What the server itself adds to an object of a kind when it is written: what its strategy's
//! `PrepareForCreate` and `PrepareForUpdate` do beyond status and generation.

use serde_json::{Value, json};

use super::service;
use crate::defaults::TEMPLATE_GENERATION as GENERATION;
use crate::meta;
use crate::registry::Resource;
use crate::server::core::Core;
use crate::status::ApiError;

/// Prepares a new object, or a change of one.
pub(crate) fn prepare(
    core: &Core,
    resource: &Resource,
    old: Option<&Value>,
    new: &mut Value,
) -> Result<(), ApiError> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") if old.is_none() => namespace(new),
        ("", "services") => service::allocate(core, old, new)?,
        ("apiextensions.k8s.io", "customresourcedefinitions") => definition(old, new),
        ("batch", "jobs") if old.is_none() => job(new),
        ("apps", "daemonsets") => daemon_set(old, new),
        ("", "persistentvolumeclaims") if old.is_none() => {
            meta::add_finalizer(new, "kubernetes.io/pvc-protection");
        }
        ("", "persistentvolumes") if old.is_none() => {
            meta::add_finalizer(new, "kubernetes.io/pv-protection");
            let now = core.now();
            meta::section(new, "status").insert("lastPhaseTransitionTime".to_owned(), json!(now));
        }
        ("", "pods") if old.is_none() => pod(new),
        _ => {}
    }
    Ok(())
}

/// The finalizer that empties a namespace.
fn namespace(object: &mut Value) {
    let spec = meta::section(object, "spec");
    let finalizers = meta::array_of(spec, "finalizers");
    if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
        finalizers.push(json!("kubernetes"));
    }
}

/// The versions objects have been stored in.
fn definition(old: Option<&Value>, object: &mut Value) {
    let storage = object
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .and_then(|all| {
            all.iter()
                .find(|v| v.get("storage").and_then(Value::as_bool).unwrap_or(false))
        })
        .and_then(|version| version.get("name"))
        .cloned();
    let Some(storage) = storage else { return };
    if old.is_none() {
        meta::put(
            object,
            "status",
            json!({
                "conditions": null,
                "acceptedNames": {"plural": "", "kind": ""},
                "storedVersions": [storage],
            }),
        );
        return;
    }
    let stored = meta::array_of(meta::section(object, "status"), "storedVersions");
    if !stored.contains(&storage) {
        stored.push(storage);
    }
}

/// Counts the template's changes where old clients look for them.
fn daemon_set(old: Option<&Value>, object: &mut Value) {
    let count = |object: &Value| -> i64 {
        let annotations = object.pointer("/metadata/annotations");
        let text = annotations
            .and_then(|all| all.get(GENERATION))
            .and_then(Value::as_str);
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let generation = match old {
        None => 1,
        Some(old) if old.pointer("/spec/template") != object.pointer("/spec/template") => {
            count(old) + 1
        }
        Some(old) => count(old),
    };
    meta::section_of(meta::map(object), "annotations")
        .insert(GENERATION.to_owned(), json!(generation.to_string()));
}

/// What admission gives a new pod: service account, priority, tolerations; and its quality of
/// service.
fn pod(object: &mut Value) {
    let class = quality(object);
    let spec = meta::section(object, "spec");
    if spec.get("serviceAccountName").is_none() {
        for field in ["serviceAccountName", "serviceAccount"] {
            spec.insert(field.to_owned(), json!("default"));
        }
    }
    spec.entry("priority").or_insert_with(|| json!(0));
    spec.entry("preemptionPolicy")
        .or_insert_with(|| json!("PreemptLowerPriority"));
    let tolerations = meta::array_of(spec, "tolerations");
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let named = |toleration: &Value| toleration.get("key").is_some_and(|own| own == key);
        if !tolerations.iter().any(named) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
    meta::section(object, "status").insert("qosClass".to_owned(), json!(class));
}

/// `Guaranteed` when all containers limit CPU and memory and request just that, `BestEffort` when
/// none says anything, else `Burstable`.
fn quality(pod: &Value) -> &'static str {
    let lists = ["/spec/containers", "/spec/initContainers"];
    let containers: Vec<&Value> = lists
        .iter()
        .filter_map(|path| pod.pointer(path).and_then(Value::as_array))
        .flatten()
        .collect();
    let says = |container: &Value, kind: &str| {
        container
            .get("resources")
            .and_then(|r| r.get(kind))
            .cloned()
            .unwrap_or_default()
    };
    let nothing = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    if containers
        .iter()
        .all(|c| nothing(&says(c, "limits")) && nothing(&says(c, "requests")))
    {
        return "BestEffort";
    }
    let guaranteed = containers.iter().all(|container| {
        let (limits, requests) = (says(container, "limits"), says(container, "requests"));
        ["cpu", "memory"].iter().all(|resource| {
            limits.get(resource).is_some() && limits.get(resource) == requests.get(resource)
        })
    });
    if guaranteed {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Labels and selector by which a job knows its pods.
fn job(object: &mut Value) {
    if object
        .pointer("/spec/manualSelector")
        .and_then(Value::as_bool)
        == Some(true)
    {
        return;
    }
    let (uid, name) = (meta::uid(object).to_owned(), meta::name(object).to_owned());
    let before = object
        .pointer("/spec/template/metadata/labels")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let spec = meta::section(object, "spec");
    let template = meta::section_of(spec, "template");
    let labels = meta::section_of(meta::section_of(template, "metadata"), "labels");
    for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
        labels.entry(key).or_insert_with(|| json!(uid));
    }
    for key in ["job-name", "batch.kubernetes.io/job-name"] {
        labels.entry(key).or_insert_with(|| json!(name));
    }
    let labels = Value::Object(labels.clone());
    let selector = meta::section_of(meta::section_of(spec, "selector"), "matchLabels");
    selector
        .entry("batch.kubernetes.io/controller-uid")
        .or_insert_with(|| json!(uid));
    // A job without labels of its own shares those of its template, with what is added to them.
    let own = object
        .pointer("/metadata/labels")
        .cloned()
        .unwrap_or_else(|| json!({}));
    if own == before {
        meta::set(object, "labels", labels);
    }
}
