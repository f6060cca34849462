//! Scheduler and kubelet: pods are placed at once and get ready, or not, after the delay.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Fate, Look, Next, cluster, owned};
use crate::meta;
use crate::registry::GroupResource;
use crate::store::Key;
use crate::verbs::{Inside, Part};

/// The names of the claims a pod mounts.
pub(super) fn claims(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str())
}

pub(super) fn look(look: &Look<'_>) -> Next {
    let pod = look.object;
    if pod.pointer("/spec/nodeName").is_none() {
        place(look);
        return Next::Again(Duration::ZERO);
    }
    let phase = pod
        .pointer("/status/phase")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if matches!(phase, "Succeeded" | "Failed") || owned::is_ready(pod) {
        return Next::Settled;
    }
    match fate(look) {
        Fate::Hold => {
            write(look, &waiting(pod, "ContainerCreating", "", &look.now()));
            Next::Settled
        }
        Fate::Fail { reason, message } => {
            fail(look, &reason, &message);
            Next::Settled
        }
        Fate::Ready => {
            let left = look.remaining();
            if left > Duration::ZERO {
                write(look, &waiting(pod, "ContainerCreating", "", &look.now()));
                return Next::Again(left);
            }
            let done = owned::controller(pod)
                .is_some_and(|owner| owner.get("kind").is_some_and(|kind| kind == "Job"));
            write(
                look,
                &if done {
                    finished(pod, 0, &look.now())
                } else {
                    running(look)
                },
            );
            Next::Settled
        }
    }
}

/// The fate of a pod: its own, or that of what controls it, or of what controls that.
fn fate(look: &Look<'_>) -> Fate {
    let simulation = &look.core.simulation;
    if let Some(fate) = simulation.fate("pods", look.key) {
        return fate;
    }
    let mut owner = owned::controller(look.object).cloned();
    while let Some(current) = owner {
        let Some(collection) = owned::collection_of(&current) else {
            break;
        };
        let name = current
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let key = Key::new(&look.key.namespace, name);
        if let Some(fate) = simulation.fate(&collection.resource, &key) {
            return fate;
        }
        let stored = look.core.store.get(&collection, &key);
        owner = stored.and_then(|stored| owned::controller(&stored.value).cloned());
    }
    Fate::Ready
}

fn place(look: &Look<'_>) {
    let scheduler = Inside {
        core: look.core,
        manager: "kube-scheduler",
    };
    let now = look.now();
    let result = scheduler.edit(look.collection, look.key, Part::Whole, |pod| {
        meta::section(pod, "spec").insert("nodeName".to_owned(), json!(cluster::NODE));
        let scheduled = condition("PodScheduled", true, &now);
        meta::section(pod, "status").insert("conditions".to_owned(), json!([scheduled]));
    });
    super::report(result, look.collection, look.key);
}

/// Writes a pod's status as its kubelet.
fn write(look: &Look<'_>, status: &Value) {
    let kubelet = Inside {
        core: look.core,
        manager: "kubelet",
    };
    let result = kubelet.edit(look.collection, look.key, Part::Status, |pod| {
        let own = meta::section(pod, "status");
        for (field, value) in status.as_object().into_iter().flatten() {
            own.insert(field.clone(), value.clone());
        }
    });
    super::report(result, look.collection, look.key);
}

fn condition(kind: &str, holds: bool, now: &str) -> Value {
    json!({
        "type": kind,
        "status": if holds { "True" } else { "False" },
        "lastProbeTime": null,
        "lastTransitionTime": now,
    })
}

/// Conditions of a pod whose containers are up or not; those that hold already keep their time.
fn conditions(pod: &Value, up: bool, now: &str) -> Value {
    let rows = [
        ("PodReadyToStartContainers", true),
        ("Initialized", true),
        ("Ready", up),
        ("ContainersReady", up),
        ("PodScheduled", true),
    ];
    let before = pod.pointer("/status/conditions").and_then(Value::as_array);
    let all: Vec<Value> = rows
        .into_iter()
        .map(|(kind, holds)| {
            let made = condition(kind, holds, now);
            let same = before.into_iter().flatten().find(|old| {
                old.get("type") == made.get("type") && old.get("status") == made.get("status")
            });
            same.cloned().unwrap_or(made)
        })
        .collect();
    json!(all)
}

fn containers(pod: &Value, state: &Value, ready: bool, restarts: i64) -> Value {
    let list = pod.pointer("/spec/containers").and_then(Value::as_array);
    let all: Vec<Value> = list
        .into_iter()
        .flatten()
        .map(|container| {
            json!({
                "name": container.get("name"),
                "image": container.get("image"),
                "imageID": "",
                "ready": ready,
                "started": ready,
                "restartCount": restarts,
                "state": state,
                "lastState": {},
            })
        })
        .collect();
    json!(all)
}

fn waiting(pod: &Value, reason: &str, message: &str, now: &str) -> Value {
    let mut state = json!({"waiting": {"reason": reason}});
    if !message.is_empty() {
        meta::section(&mut state, "waiting").insert("message".to_owned(), json!(message));
    }
    json!({
        "phase": "Pending",
        "conditions": conditions(pod, false, now),
        "containerStatuses": containers(pod, &state, false, 0),
        "observedGeneration": meta::generation(pod),
    })
}

fn running(look: &Look<'_>) -> Value {
    let (pod, now) = (look.object, look.now());
    let number = look.core.ids.next();
    let address = format!("10.244.{}.{}", number / 250 % 250, number % 250 + 1);
    json!({
        "phase": "Running",
        "conditions": conditions(pod, true, &now),
        "containerStatuses":
            containers(pod, &json!({"running": {"startedAt": now}}), true, 0),
        "hostIP": cluster::NODE_IP,
        "hostIPs": [{"ip": cluster::NODE_IP}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "observedGeneration": meta::generation(pod),
    })
}

fn finished(pod: &Value, code: i64, now: &str) -> Value {
    let reason = if code == 0 { "Completed" } else { "Error" };
    let state = json!({"terminated": {
        "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now,
    }});
    json!({
        "phase": if code == 0 { "Succeeded" } else { "Failed" },
        "conditions": conditions(pod, false, now),
        "containerStatuses": containers(pod, &state, false, 0),
        "startTime": now,
        "observedGeneration": meta::generation(pod),
    })
}

/// A pod of a job ends badly; any other waits with the reason, and an event tells of it.
fn fail(look: &Look<'_>, reason: &str, message: &str) {
    let (pod, now) = (look.object, look.now());
    let told = pod.pointer("/status/containerStatuses/0/state/waiting/reason");
    if told.is_some_and(|told| told == reason) {
        return;
    }
    let of_job = owned::controller(pod)
        .is_some_and(|owner| owner.get("kind").is_some_and(|kind| kind == "Job"));
    if of_job {
        write(look, &finished(pod, 1, &now));
    } else {
        let mut status = waiting(pod, reason, message, &now);
        // A container that crashes has been started; one without an image has not.
        if reason.contains("Crash") {
            meta::put(&mut status, "phase", "Running");
            let state = json!({"waiting": {"reason": reason, "message": message}});
            meta::put(
                &mut status,
                "containerStatuses",
                containers(pod, &state, false, 1),
            );
        }
        write(look, &status);
    }
    event(look, "Failed", message);
}

fn event(look: &Look<'_>, reason: &str, message: &str) {
    let now = look.now();
    let name = format!("{}.{:016x}", look.key.name, look.core.ids.next());
    let event = json!({
        "metadata": {"namespace": look.key.namespace, "name": name},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": look.key.namespace,
            "name": look.key.name,
            "uid": meta::uid(look.object),
            "resourceVersion": meta::resource_version(look.object),
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "source": {"component": "kubelet", "host": cluster::NODE},
        "reportingComponent": "kubelet",
        "reportingInstance": cluster::NODE,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    });
    let kubelet = Inside {
        core: look.core,
        manager: "kubelet",
    };
    let result = kubelet.create(&GroupResource::new("", "events"), event);
    super::report(result, look.collection, look.key);
}
