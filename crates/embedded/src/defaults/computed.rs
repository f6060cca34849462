//! Defaults that depend on other fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::meta;

/// Where a DaemonSet's template generation is shown.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// What has to be there before the constants are filled in.
pub(super) fn before(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Pod") => {
            if let Some(spec) = object.pointer_mut("/spec") {
                pod_spec(spec);
            }
        }
        ("", "PodTemplate") => {
            if let Some(spec) = object.pointer_mut("/template/spec") {
                pod_spec(spec);
            }
        }
        ("apps", "StatefulSet") => {
            stateful_set(object);
            template(object);
        }
        ("batch", "Job") => {
            job(object);
            template(object);
        }
        ("batch", "CronJob") => {
            if let Some(spec) = object.pointer_mut("/spec/jobTemplate/spec/template/spec") {
                pod_spec(spec);
            }
        }
        ("apps", "DaemonSet") => {
            let annotations = meta::section_of(meta::map(object), "annotations");
            fill(annotations, TEMPLATE_GENERATION, json!("0"));
            template(object);
        }
        ("", "Secret") => secret(object),
        ("apps", _) | ("", "ReplicationController") => template(object),
        ("", "Namespace") => namespace(object),
        ("networking.k8s.io", "NetworkPolicy") => network_policy(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => {}
    }
}

/// What follows from the constants.
pub(super) fn after(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Pod") => pod(object),
        ("", "Service") => service(object),
        ("", "ReplicationController") => replication_controller(object),
        ("", "LimitRange") => limit_range(object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(object),
        _ => {}
    }
}

fn template(object: &mut Value) {
    if let Some(spec) = object.pointer_mut("/spec/template/spec") {
        pod_spec(spec);
    }
}

fn items<'a>(value: &'a mut Value, path: &str) -> impl Iterator<Item = &'a mut Value> {
    value
        .pointer_mut(path)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn absent(map: &Map<String, Value>, field: &str) -> bool {
    map.get(field).is_none_or(Value::is_null)
}

fn fill(map: &mut Map<String, Value>, field: &str, value: Value) {
    if absent(map, field) {
        map.insert(field.to_owned(), value);
    }
}

/// Image pull policies by tag, volumes without a source, and the old name of the service account.
fn pod_spec(spec: &mut Value) {
    if let Some(map) = spec.as_object_mut() {
        let name = map
            .get("serviceAccountName")
            .or_else(|| map.get("serviceAccount"))
            .cloned();
        if let Some(name) = name.filter(|name| name != "") {
            map.insert("serviceAccountName".to_owned(), name.clone());
            map.insert("serviceAccount".to_owned(), name);
        }
    }
    for list in ["/containers", "/initContainers", "/ephemeralContainers"] {
        for container in items(spec, list).filter_map(Value::as_object_mut) {
            let image = container
                .get("image")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let policy = if is_latest(image) {
                "Always"
            } else {
                "IfNotPresent"
            };
            fill(container, "imagePullPolicy", json!(policy));
        }
    }
    for volume in items(spec, "/volumes").filter_map(Value::as_object_mut) {
        if volume.keys().all(|key| key == "name") {
            volume.insert("emptyDir".to_owned(), json!({}));
        }
        if let Some(image) = volume.get_mut("image").and_then(Value::as_object_mut) {
            let reference = image
                .get("reference")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let policy = if is_latest(reference) {
                "Always"
            } else {
                "IfNotPresent"
            };
            fill(image, "pullPolicy", json!(policy));
        }
    }
}

/// True when the tag is `latest`, said or implied: no tag and no digest.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// Requests follow limits, host ports follow container ports; only on pods, not in templates.
fn pod(object: &mut Value) {
    let host_network = object
        .pointer("/spec/hostNetwork")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    for list in ["/spec/containers", "/spec/initContainers"] {
        for container in items(object, list) {
            if let Some(limits) = container.pointer("/resources/limits").cloned() {
                let resources = meta::section(container, "resources");
                let requests = resources.entry("requests").or_insert_with(|| json!({}));
                for (name, quantity) in limits.as_object().into_iter().flatten() {
                    fill(meta::as_map(requests), name, quantity.clone());
                }
            }
            if host_network {
                for port in items(container, "/ports").filter_map(Value::as_object_mut) {
                    if let Some(number) = port.get("containerPort").cloned() {
                        fill(port, "hostPort", number);
                    }
                }
            }
        }
    }
}

/// `stringData` is written into `data`.
fn secret(object: &mut Value) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = map.remove("stringData") else {
        return;
    };
    let data = meta::section_of(map, "data");
    for (key, value) in plain {
        let text = value.as_str().unwrap_or_default();
        data.insert(key, json!(STANDARD.encode(text)));
    }
}

fn namespace(object: &mut Value) {
    let name = meta::name(object).to_owned();
    if !name.is_empty() {
        meta::section_of(meta::map(object), "labels")
            .insert("kubernetes.io/metadata.name".to_owned(), json!(name));
    }
    meta::section(object, "status")
        .entry("phase")
        .or_insert_with(|| json!("Active"));
}

/// Only an update strategy without a type gets the parameters of a rolling update.
fn stateful_set(object: &mut Value) {
    let strategy = meta::section_of(meta::section(object, "spec"), "updateStrategy");
    if absent(strategy, "type") {
        strategy.insert("type".to_owned(), json!("RollingUpdate"));
        fill(strategy, "rollingUpdate", json!({}));
    }
    for claim in items(object, "/spec/volumeClaimTemplates") {
        meta::put(claim, "apiVersion", "v1");
        meta::put(claim, "kind", "PersistentVolumeClaim");
    }
}

fn job(object: &mut Value) {
    let labels = object.pointer("/spec/template/metadata/labels").cloned();
    let spec = meta::section(object, "spec");
    if absent(spec, "completions") && absent(spec, "parallelism") {
        spec.insert("completions".to_owned(), json!(1));
    }
    fill(spec, "parallelism", json!(1));
    if !absent(spec, "backoffLimitPerIndex") {
        fill(spec, "backoffLimit", json!(i32::MAX));
    }
    let replacement = if absent(spec, "podFailurePolicy") {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    fill(spec, "podReplacementPolicy", json!(replacement));
    labels_from_template(object, labels);
}

fn labels_from_template(object: &mut Value, labels: Option<Value>) {
    let own = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    if own.is_none_or(Map::is_empty)
        && let Some(labels) = labels.filter(Value::is_object)
    {
        meta::set(object, "labels", labels);
    }
}

fn replication_controller(object: &mut Value) {
    let Some(labels) = object.pointer("/spec/template/metadata/labels").cloned() else {
        return;
    };
    let spec = meta::section(object, "spec");
    fill(spec, "selector", labels.clone());
    labels_from_template(object, Some(labels));
}

fn network_policy(object: &mut Value) {
    let spec = meta::section(object, "spec");
    let some = |field: &str| {
        spec.get(field)
            .and_then(Value::as_array)
            .is_some_and(|l| !l.is_empty())
    };
    if some("policyTypes") {
        return;
    }
    let types = if some("egress") {
        json!(["Ingress", "Egress"])
    } else {
        json!(["Ingress"])
    };
    spec.insert("policyTypes".to_owned(), types);
}

fn definition(object: &mut Value) {
    let names = meta::section_of(meta::section(object, "spec"), "names");
    let kind = names
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !kind.is_empty() {
        fill(names, "singular", json!(kind.to_lowercase()));
        fill(names, "listKind", json!(format!("{kind}List")));
    }
}

fn service(object: &mut Value) {
    let spec = meta::section(object, "spec");
    let text = |spec: &Map<String, Value>, field: &str| {
        spec.get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    match text(spec, "sessionAffinity").as_str() {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            let config = meta::section_of(spec, "sessionAffinityConfig");
            fill(
                meta::section_of(config, "clientIP"),
                "timeoutSeconds",
                json!(10800),
            );
        }
        _ => {}
    }
    let kind = text(spec, "type");
    let exposed = matches!(kind.as_str(), "NodePort" | "LoadBalancer");
    let external_ips = spec
        .get("externalIPs")
        .and_then(Value::as_array)
        .is_some_and(|ips| !ips.is_empty());
    if exposed || (kind == "ClusterIP" && external_ips) {
        fill(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if exposed || kind == "ClusterIP" {
        fill(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    let ports = spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    for port in ports.filter_map(Value::as_object_mut) {
        let open = port
            .get("targetPort")
            .is_none_or(|target| target.is_null() || *target == json!(0) || *target == json!(""));
        if open && let Some(number) = port.get("port").cloned() {
            port.insert("targetPort".to_owned(), number);
        }
    }
}

/// Container limits: default from max, default request from default, then from min.
fn limit_range(object: &mut Value) {
    for item in items(object, "/spec/limits").filter_map(Value::as_object_mut) {
        if item.get("type").and_then(Value::as_str) != Some("Container") {
            continue;
        }
        for (into, from) in [
            ("default", "max"),
            ("defaultRequest", "default"),
            ("defaultRequest", "min"),
        ] {
            let Some(source) = item.get(from).and_then(Value::as_object).cloned() else {
                continue;
            };
            let target = meta::section_of(item, into);
            for (name, quantity) in source {
                fill(target, &name, quantity);
            }
        }
    }
}

/// A utilisation of 80 % where no metric is named, and whole scaling rules where some are.
fn autoscaler(object: &mut Value) {
    if object
        .get("apiVersion")
        .is_some_and(|version| version == "autoscaling/v1")
    {
        return;
    }
    let spec = meta::section(object, "spec");
    let none = spec
        .get("metrics")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty);
    if none {
        spec.insert("metrics".to_owned(), json!([{
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
        }]));
    }
    let Some(behavior) = spec.get_mut("behavior").and_then(Value::as_object_mut) else {
        return;
    };
    let up = meta::section_of(behavior, "scaleUp");
    fill(up, "stabilizationWindowSeconds", json!(0));
    fill(up, "selectPolicy", json!("Max"));
    fill(
        up,
        "policies",
        json!([
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ]),
    );
    let down = meta::section_of(behavior, "scaleDown");
    fill(down, "selectPolicy", json!("Max"));
    fill(
        down,
        "policies",
        json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]),
    );
}
