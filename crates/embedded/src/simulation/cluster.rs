//! The one node, what every namespace has, load balancers and API services.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Fate, Look, Next};
use crate::crd::{condition, set_condition};
use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::Key;
use crate::verbs::{Inside, Part};

/// The name of the one node.
pub(super) const NODE: &str = "embedded";
/// Its address, of the block RFC 5737 keeps for documents.
pub(super) const NODE_IP: &str = "192.0.2.1";

/// Makes what a cluster has by itself: the node, and in every namespace the default service account
/// and the certificate of the cluster.
pub(crate) fn furnish(core: &Arc<Core>) {
    let nodes = GroupResource::new("", "nodes");
    if core.store.get(&nodes, &Key::new("", NODE)).is_none() {
        make_node(core, &nodes);
    }
    let (_, namespaces) = core.store.list(&GroupResource::new("", "namespaces"), "");
    for namespace in namespaces.iter().filter(|n| !meta::deleting(&n.value)) {
        furnish_namespace(core, meta::name(&namespace.value));
    }
}

fn furnish_namespace(core: &Arc<Core>, namespace: &str) {
    let inside = Inside {
        core,
        manager: "kube-controller-manager",
    };
    let rows = [
        ("serviceaccounts", "default", json!({})),
        (
            "configmaps",
            "kube-root-ca.crt",
            json!({"data": {"ca.crt": ""}}),
        ),
    ];
    for (plural, name, mut object) in rows {
        let collection = GroupResource::new("", plural);
        if core
            .store
            .get(&collection, &Key::new(namespace, name))
            .is_some()
        {
            continue;
        }
        meta::set(&mut object, "namespace", namespace);
        meta::set(&mut object, "name", name);
        let key = Key::new(namespace, name);
        super::report(inside.create(&collection, object), &collection, &key);
    }
}

fn make_node(core: &Arc<Core>, nodes: &GroupResource) {
    let kubelet = Inside {
        core,
        manager: "kubelet",
    };
    let key = Key::new("", NODE);
    let labels = json!({
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/control-plane": "",
    });
    let node = json!({"metadata": {"name": NODE, "labels": labels}, "spec": {}});
    super::report(kubelet.create(nodes, node), nodes, &key);
    let now = core.now();
    let mut ready = condition(
        "Ready",
        "True",
        "KubeletReady",
        "kubelet is posting ready status",
        &now,
    );
    meta::put(&mut ready, "lastHeartbeatTime", now);
    let room = json!({"cpu": "64", "memory": "256Gi", "pods": "1000"});
    let status = json!({
        "addresses": [
            {"type": "InternalIP", "address": NODE_IP},
            {"type": "Hostname", "address": NODE},
        ],
        "capacity": room,
        "allocatable": room,
        "conditions": [ready],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "",
            "containerRuntimeVersion": "embedded://0",
            "kernelVersion": "0",
            "kubeProxyVersion": "",
            "kubeletVersion": "v1.36.3",
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": "embedded",
            "systemUUID": "",
        },
    });
    let result = kubelet.edit(nodes, &key, Part::Status, |node| {
        meta::put(node, "status", status.clone());
    });
    super::report(result, nodes, &key);
}

/// Whether the node takes pods of a template: its node selector must hold.
pub(super) fn takes(core: &Core, template: &Value) -> bool {
    let nodes = GroupResource::new("", "nodes");
    let Some(node) = core.store.get(&nodes, &Key::new("", NODE)) else {
        return false;
    };
    let labels = node.value.pointer("/metadata/labels");
    let wanted = template
        .pointer("/spec/nodeSelector")
        .and_then(Value::as_object);
    wanted
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.and_then(|all| all.get(key)) == Some(value))
}

/// Gives load balancers an address.
pub(super) fn balancer(look: &Look<'_>) -> Next {
    let service = look.collection.resource == "services";
    let wants = !service
        || look
            .object
            .pointer("/spec/type")
            .is_some_and(|t| t == "LoadBalancer");
    let has = look
        .object
        .pointer("/status/loadBalancer/ingress")
        .and_then(Value::as_array)
        .is_some_and(|all| !all.is_empty());
    if has && !wants {
        look.write_status(&json!({"loadBalancer": {}}));
    }
    if has || !wants || look.fate() != Fate::Ready {
        return Next::Settled;
    }
    let left = look.remaining();
    if left > Duration::ZERO {
        return Next::Again(left);
    }
    let address = format!("203.0.113.{}", look.core.ids.next() % 250 + 1);
    let ingress = if service {
        json!({"ip": address, "ipMode": "VIP"})
    } else {
        json!({"ip": address})
    };
    look.write_status(&json!({"loadBalancer": {"ingress": [ingress]}}));
    Next::Settled
}

/// Says whether an API service is available.
pub(super) fn api_service(look: &Look<'_>) -> Next {
    let (status, reason, message) = match look.fate() {
        Fate::Hold => return Next::Settled,
        Fate::Fail { reason, message } => ("False", reason, message),
        Fate::Ready => {
            let left = look.remaining();
            if left > Duration::ZERO {
                return Next::Again(left);
            }
            let local = look
                .object
                .pointer("/spec/service")
                .is_none_or(Value::is_null);
            if local {
                (
                    "True",
                    "Local".to_owned(),
                    "Local APIServices are always available".to_owned(),
                )
            } else {
                ("True", "Passed".to_owned(), "all checks passed".to_owned())
            }
        }
    };
    let made = condition("Available", status, &reason, &message, &look.now());
    let result = look
        .manager()
        .edit(look.collection, look.key, Part::Status, |service| {
            set_condition(service, made.clone());
        });
    super::report(result, look.collection, look.key);
    Next::Settled
}
