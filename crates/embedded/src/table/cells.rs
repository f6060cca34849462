//! Cells of everything but workloads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, workloads};
use crate::meta;

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// At most three words, then how many more there are.
fn some(words: &[String]) -> Value {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = words.iter().take(SHOWN).map(String::as_str).collect();
    let shown = shown.join(",");
    json!(match words.len() {
        0 => "<none>".to_owned(),
        n if n > SHOWN => format!("{shown} + {} more...", n - SHOWN),
        _ => shown,
    })
}

pub(super) fn data_count(object: &Value, _: Timestamp) -> Value {
    let count = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len)
    };
    json!(count("data") + count("binaryData"))
}

pub(super) fn phase(object: &Value, _: Timestamp) -> Value {
    json!(if meta::deleting(object) {
        "Terminating"
    } else {
        text(object, "/status/phase")
    })
}

pub(super) fn attributes_class(object: &Value, _: Timestamp) -> Value {
    json!(or(
        text(object, "/spec/volumeAttributesClassName"),
        "<unset>"
    ))
}

fn access_modes(modes: &[Value]) -> Value {
    let words: Vec<&str> = modes
        .iter()
        .filter_map(Value::as_str)
        .map(|mode| match mode {
            "ReadWriteOnce" => "RWO",
            "ReadOnlyMany" => "ROX",
            "ReadWriteMany" => "RWX",
            "ReadWriteOncePod" => "RWOP",
            other => other,
        })
        .collect();
    json!(words.join(","))
}

pub(super) fn claim_capacity(claim: &Value, _: Timestamp) -> Value {
    let bound = !text(claim, "/spec/volumeName").is_empty();
    json!(if bound {
        text(claim, "/status/capacity/storage")
    } else {
        ""
    })
}

pub(super) fn claim_access_modes(claim: &Value, _: Timestamp) -> Value {
    if text(claim, "/spec/volumeName").is_empty() {
        return json!("");
    }
    access_modes(list(claim, "/status/accessModes"))
}

pub(super) fn volume_access_modes(volume: &Value, _: Timestamp) -> Value {
    access_modes(list(volume, "/spec/accessModes"))
}

pub(super) fn volume_claim(volume: &Value, _: Timestamp) -> Value {
    if volume.pointer("/spec/claimRef").is_none() {
        return json!("");
    }
    let part = |field: &str| text(volume, &format!("/spec/claimRef/{field}")).to_owned();
    json!(format!("{}/{}", part("namespace"), part("name")))
}

pub(super) fn node_status(node: &Value, _: Timestamp) -> Value {
    let ready = list(node, "/status/conditions")
        .iter()
        .find(|c| text(c, "/type") == "Ready");
    let mut word = match ready {
        Some(condition) if text(condition, "/status") == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if node.pointer("/spec/unschedulable") == Some(&json!(true)) {
        word.push_str(",SchedulingDisabled");
    }
    json!(word)
}

pub(super) fn node_roles(node: &Value, _: Timestamp) -> Value {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .filter(|role| !role.is_empty())
        .collect();
    json!(or(&roles.join(","), "<none>"))
}

fn node_address(node: &Value, kind: &str) -> Value {
    let found = list(node, "/status/addresses")
        .iter()
        .find(|a| text(a, "/type") == kind);
    json!(or(
        found.map_or("", |address| text(address, "/address")),
        "<none>"
    ))
}

pub(super) fn node_internal_ip(node: &Value, _: Timestamp) -> Value {
    node_address(node, "InternalIP")
}

pub(super) fn node_external_ip(node: &Value, _: Timestamp) -> Value {
    node_address(node, "ExternalIP")
}

pub(super) fn cluster_ip(service: &Value, _: Timestamp) -> Value {
    let first = list(service, "/spec/clusterIPs")
        .first()
        .and_then(Value::as_str);
    json!(first.unwrap_or("<none>"))
}

pub(super) fn external_ip(service: &Value, _: Timestamp) -> Value {
    let mut addresses = match text(service, "/spec/type") {
        "ExternalName" => return json!(text(service, "/spec/externalName")),
        "LoadBalancer" => balancer(service),
        _ => Vec::new(),
    };
    let external = list(service, "/spec/externalIPs")
        .iter()
        .filter_map(Value::as_str);
    addresses.extend(external.map(str::to_owned));
    let none = if text(service, "/spec/type") == "LoadBalancer" {
        "<pending>"
    } else {
        "<none>"
    };
    json!(or(&addresses.join(","), none))
}

/// Addresses of a load balancer, sorted.
fn balancer(object: &Value) -> Vec<String> {
    let mut all: Vec<String> = list(object, "/status/loadBalancer/ingress")
        .iter()
        .map(|ingress| or(text(ingress, "/ip"), text(ingress, "/hostname")).to_owned())
        .filter(|address| !address.is_empty())
        .collect();
    all.sort();
    all.dedup();
    all
}

pub(super) fn service_ports(service: &Value, _: Timestamp) -> Value {
    let number = |port: &Value, field: &str| port.get(field).and_then(Value::as_i64).unwrap_or(0);
    let words: Vec<String> = list(service, "/spec/ports")
        .iter()
        .map(|port| {
            let protocol = text(port, "/protocol");
            match number(port, "nodePort") {
                0 => format!("{}/{protocol}", number(port, "port")),
                node => format!("{}:{node}/{protocol}", number(port, "port")),
            }
        })
        .collect();
    json!(or(&words.join(","), "<none>"))
}

pub(super) fn service_selector(service: &Value, _: Timestamp) -> Value {
    workloads::labels(service.pointer("/spec/selector"))
}

pub(super) fn endpoints(object: &Value, _: Timestamp) -> Value {
    let mut words = Vec::new();
    for subset in list(object, "/subsets") {
        let addresses = || list(subset, "/addresses").iter().map(|a| text(a, "/ip"));
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            words.extend(addresses().map(str::to_owned));
        }
        for port in ports.iter().filter_map(|port| port.get("port")?.as_i64()) {
            words.extend(addresses().map(|address| format!("{address}:{port}")));
        }
    }
    some(&words)
}

pub(super) fn slice_ports(slice: &Value, _: Timestamp) -> Value {
    let words: Vec<String> = list(slice, "/ports")
        .iter()
        .map(|port| match port.get("port").and_then(Value::as_i64) {
            Some(number) => number.to_string(),
            None => or(text(port, "/name"), "*").to_owned(),
        })
        .collect();
    if words.is_empty() {
        json!("<unset>")
    } else {
        some(&words)
    }
}

pub(super) fn slice_endpoints(slice: &Value, _: Timestamp) -> Value {
    let words: Vec<String> = list(slice, "/endpoints")
        .iter()
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        json!("<unset>")
    } else {
        some(&words)
    }
}

pub(super) fn ingress_class(ingress: &Value, _: Timestamp) -> Value {
    json!(or(text(ingress, "/spec/ingressClassName"), "<none>"))
}

pub(super) fn ingress_hosts(ingress: &Value, _: Timestamp) -> Value {
    let hosts: Vec<String> = list(ingress, "/spec/rules")
        .iter()
        .map(|rule| text(rule, "/host").to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.is_empty() {
        json!("*")
    } else {
        some(&hosts)
    }
}

pub(super) fn ingress_address(ingress: &Value, _: Timestamp) -> Value {
    json!(balancer(ingress).join(","))
}

pub(super) fn ingress_ports(ingress: &Value, _: Timestamp) -> Value {
    json!(if list(ingress, "/spec/tls").is_empty() {
        "80"
    } else {
        "80, 443"
    })
}

/// The name, marked when the class is the default one.
pub(super) fn name_or_default(class: &Value, _: Timestamp) -> Value {
    const MARKS: [&str; 3] = [
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
        "ingressclass.kubernetes.io/is-default-class",
    ];
    let annotations = class.pointer("/metadata/annotations");
    let default = MARKS.iter().any(|mark| {
        annotations
            .and_then(|a| a.get(*mark))
            .is_some_and(|value| value == "true")
    });
    let name = meta::name(class);
    json!(if default {
        format!("{name} (default)")
    } else {
        name.to_owned()
    })
}

pub(super) fn class_parameters(class: &Value, _: Timestamp) -> Value {
    let part = |field: &str| text(class, &format!("/spec/parameters/{field}")).to_owned();
    if class.pointer("/spec/parameters").is_none() {
        return json!("<none>");
    }
    let group = part("apiGroup");
    let dot = if group.is_empty() { "" } else { "." };
    json!(format!("{}{dot}{group}/{}", part("kind"), part("name")))
}

pub(super) fn pod_selector(policy: &Value, _: Timestamp) -> Value {
    let words = policy
        .pointer("/spec/podSelector")
        .map(super::selector_text)
        .unwrap_or_default();
    json!(or(&words, "<none>"))
}

pub(super) fn cidrs(object: &Value, _: Timestamp) -> Value {
    let words: Vec<&str> = list(object, "/spec/cidrs")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    json!(words.join(","))
}

pub(super) fn volume_expansion(class: &Value, _: Timestamp) -> Value {
    json!(
        class
            .get("allowVolumeExpansion")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    )
}

pub(super) fn drivers(node: &Value, _: Timestamp) -> Value {
    json!(list(node, "/spec/drivers").len())
}

pub(super) fn webhooks(object: &Value, _: Timestamp) -> Value {
    json!(list(object, "/webhooks").len())
}

pub(super) fn global_default(class: &Value, _: Timestamp) -> Value {
    json!(
        class
            .get("globalDefault")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    )
}

pub(super) fn controller(revision: &Value, _: Timestamp) -> Value {
    let owner = meta::owners(revision)
        .iter()
        .find(|owner| owner.get("controller") == Some(&json!(true)));
    let Some(owner) = owner else {
        return json!("<none>");
    };
    let group = text(owner, "/apiVersion")
        .split_once('/')
        .map_or("", |(group, _)| group);
    let dot = if group.is_empty() { "" } else { "." };
    let kind = text(owner, "/kind").to_lowercase();
    json!(format!("{kind}{dot}{group}/{}", text(owner, "/name")))
}

fn quota(object: &Value, limits: bool) -> Value {
    let hard = object.pointer("/status/hard").and_then(Value::as_object);
    let words: Vec<String> = hard
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("limits.") == limits)
        .map(|(name, hard)| {
            let used = object
                .pointer("/status/used")
                .and_then(|used| used.get(name));
            let used = used.and_then(Value::as_str).unwrap_or("0");
            format!("{name}: {used}/{}", hard.as_str().unwrap_or_default())
        })
        .collect();
    json!(words.join(", "))
}

pub(super) fn quota_requests(object: &Value, _: Timestamp) -> Value {
    quota(object, false)
}

pub(super) fn quota_limits(object: &Value, _: Timestamp) -> Value {
    quota(object, true)
}

pub(super) fn role_ref(binding: &Value, _: Timestamp) -> Value {
    json!(format!(
        "{}/{}",
        text(binding, "/roleRef/kind"),
        text(binding, "/roleRef/name")
    ))
}

fn subjects(binding: &Value, kind: &str) -> Value {
    let words: Vec<String> = list(binding, "/subjects")
        .iter()
        .filter(|subject| text(subject, "/kind") == kind)
        .map(|subject| match text(subject, "/namespace") {
            "" => text(subject, "/name").to_owned(),
            namespace => format!("{namespace}/{}", text(subject, "/name")),
        })
        .collect();
    json!(words.join(", "))
}

pub(super) fn users(binding: &Value, _: Timestamp) -> Value {
    subjects(binding, "User")
}

pub(super) fn groups(binding: &Value, _: Timestamp) -> Value {
    subjects(binding, "Group")
}

pub(super) fn service_accounts(binding: &Value, _: Timestamp) -> Value {
    subjects(binding, "ServiceAccount")
}

pub(super) fn api_service(object: &Value, _: Timestamp) -> Value {
    json!(if object
        .pointer("/spec/service")
        .is_some_and(Value::is_object)
    {
        format!(
            "{}/{}",
            text(object, "/spec/service/namespace"),
            text(object, "/spec/service/name")
        )
    } else {
        "Local".to_owned()
    })
}

pub(super) fn api_available(object: &Value, _: Timestamp) -> Value {
    let conditions = list(object, "/status/conditions");
    let available = conditions.iter().find(|c| text(c, "/type") == "Available");
    json!(
        match available.map(|c| (text(c, "/status"), text(c, "/reason"))) {
            None => "Unknown".to_owned(),
            Some(("True", _)) => "True".to_owned(),
            Some((status, "")) => status.to_owned(),
            Some((status, reason)) => format!("{status} ({reason})"),
        }
    )
}

fn event_time<'a>(event: &'a Value, paths: &[&str]) -> &'a str {
    paths
        .iter()
        .map(|path| text(event, path))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

pub(super) fn event_last_seen(event: &Value, now: Timestamp) -> Value {
    let paths = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/firstTimestamp",
        "/eventTime",
    ];
    json!(age::since(event_time(event, &paths), now))
}

pub(super) fn event_first_seen(event: &Value, now: Timestamp) -> Value {
    json!(age::since(
        event_time(event, &["/firstTimestamp", "/eventTime"]),
        now
    ))
}

pub(super) fn event_object(event: &Value, _: Timestamp) -> Value {
    let kind = text(event, "/involvedObject/kind").to_lowercase();
    match text(event, "/involvedObject/name") {
        "" => json!(kind),
        name => json!(format!("{kind}/{name}")),
    }
}

pub(super) fn event_source(event: &Value, _: Timestamp) -> Value {
    let component = or(
        text(event, "/source/component"),
        text(event, "/reportingComponent"),
    );
    let host = or(
        text(event, "/source/host"),
        text(event, "/reportingInstance"),
    );
    json!(if host.is_empty() {
        component.to_owned()
    } else {
        format!("{component}, {host}")
    })
}

pub(super) fn event_count(event: &Value, _: Timestamp) -> Value {
    let count = |path: &str| event.pointer(path).and_then(Value::as_i64);
    json!(
        count("/series/count")
            .or_else(|| count("/count"))
            .unwrap_or(1)
    )
}
