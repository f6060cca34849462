//! Rules for what runs pods.

use serde_json::Value;

use super::{Health, Object};

pub(super) fn deployment(object: Object<'_>) -> Health {
    let wanted = object.number(&["spec", "replicas"]).unwrap_or(1);
    if let Some(progress) = object.condition("Progressing")
        && progress.reason() == "ProgressDeadlineExceeded"
    {
        return Health::failed(progress.says());
    }
    if object.at(&["status", "observedGeneration"]).is_none() {
        return Health::in_progress("no controller has seen it yet");
    }
    let (updated, ready) = (
        object.count("updatedReplicas"),
        object.count("readyReplicas"),
    );
    let (available, total) = (object.count("availableReplicas"), object.count("replicas"));
    if updated < wanted {
        return Health::in_progress(format!("{updated} of {wanted} replicas are updated"));
    }
    if total > updated {
        return Health::in_progress(format!("{} old replicas are still there", total - updated));
    }
    if available < updated || ready < wanted {
        let held = object
            .condition("ReplicaFailure")
            .filter(|failure| failure.is("True"));
        let why = held
            .map(|failure| format!(" ({})", failure.says()))
            .unwrap_or_default();
        let best = ready.min(available);
        return Health::in_progress(format!("{best} of {wanted} replicas are available{why}"));
    }
    if let Some(condition) = object
        .condition("Available")
        .filter(|condition| !condition.is("True"))
    {
        return Health::in_progress(condition.says());
    }
    Health::current()
}

pub(super) fn stateful_set(object: Object<'_>) -> Health {
    if object.text(&["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Health::currently("its pods are updated when they are deleted");
    }
    let wanted = object.number(&["spec", "replicas"]).unwrap_or(1);
    if object.at(&["status", "observedGeneration"]).is_none() && wanted > 0 {
        return Health::in_progress("no controller has seen it yet");
    }
    let (total, ready) = (object.count("replicas"), object.count("readyReplicas"));
    let (current, updated) = (
        object.count("currentReplicas"),
        object.count("updatedReplicas"),
    );
    if total < wanted || ready < wanted {
        return Health::in_progress(format!(
            "{} of {wanted} replicas are ready",
            ready.min(total)
        ));
    }
    if total > wanted {
        return Health::in_progress(format!("{} replicas are to go", total - wanted));
    }
    let partition = object.number(&["spec", "updateStrategy", "rollingUpdate", "partition"]);
    if let Some(partition) = partition.filter(|partition| *partition > 0) {
        let due = (wanted - partition).max(0);
        if updated < due {
            return Health::in_progress(format!("{updated} of {due} replicas are updated"));
        }
        return Health::currently(format!(
            "{updated} replicas are updated, the partition keeps the rest"
        ));
    }
    let (now, next) = (
        object.text(&["status", "currentRevision"]),
        object.text(&["status", "updateRevision"]),
    );
    if current < wanted || now != next {
        return Health::in_progress(format!("{updated} of {wanted} replicas are updated"));
    }
    Health::current()
}

pub(super) fn daemon_set(object: Object<'_>) -> Health {
    if object.at(&["status", "observedGeneration"]).is_none() {
        return Health::in_progress("no controller has seen it yet");
    }
    let wanted = object.count("desiredNumberScheduled");
    let steps = [
        ("currentNumberScheduled", "scheduled"),
        ("updatedNumberScheduled", "updated"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ];
    let on_delete = object.text(&["spec", "updateStrategy", "type"]) == "OnDelete";
    for (key, word) in steps {
        let count = object.count(key);
        if count < wanted && !(on_delete && word == "updated") {
            return Health::in_progress(format!("{count} of {wanted} pods are {word}"));
        }
    }
    Health::current()
}

pub(super) fn replica_set(object: Object<'_>) -> Health {
    let wanted = object.number(&["spec", "replicas"]).unwrap_or(1);
    if let Some(failure) = object
        .condition("ReplicaFailure")
        .filter(|condition| condition.is("True"))
    {
        return Health::in_progress(failure.says());
    }
    if object.at(&["status", "observedGeneration"]).is_none() && wanted > 0 {
        return Health::in_progress("no controller has seen it yet");
    }
    let (available, total) = (object.count("availableReplicas"), object.count("replicas"));
    if available < wanted {
        return Health::in_progress(format!("{available} of {wanted} replicas are available"));
    }
    if total > wanted {
        return Health::in_progress(format!("{} replicas are to go", total - wanted));
    }
    Health::current()
}

/// Unlike kstatus, which calls a running Job current: what comes after a Job needs what it does.
pub(super) fn job(object: Object<'_>) -> Health {
    let holds = |name: &str| {
        object
            .condition(name)
            .filter(|condition| condition.is("True"))
    };
    if let Some(failed) = holds("Failed") {
        return Health::failed(failed.says());
    }
    if holds("Complete").is_some() || holds("SuccessCriteriaMet").is_some() {
        return Health::currently("it is complete");
    }
    if holds("Suspended").is_some() || object.at(&["spec", "suspend"]) == Some(&Value::Bool(true)) {
        return Health::currently("it is suspended");
    }
    let failures = match object.count("failed") {
        0 => String::new(),
        count => format!(", {count} failed"),
    };
    match object.count("active") {
        0 => Health::in_progress(format!("no pod of it runs yet{failures}")),
        active => Health::in_progress(format!("{active} pods of it run{failures}")),
    }
}

pub(super) fn pod(object: Object<'_>) -> Health {
    match object.text(&["status", "phase"]) {
        "Succeeded" => Health::currently("it is complete"),
        "Failed" => Health::failed(first_reason(object)),
        "Running" => match object.condition("Ready") {
            Some(ready) if ready.is("True") => Health::current(),
            Some(ready) if ready.reason() == "PodCompleted" => Health::currently("it is complete"),
            _ => Health::in_progress(first_reason(object)),
        },
        "Pending" => match object.condition("PodScheduled") {
            Some(scheduled) if scheduled.is("False") => Health::in_progress(scheduled.says()),
            _ => Health::in_progress(first_reason(object)),
        },
        _ => Health::in_progress("no kubelet has seen it yet"),
    }
}

/// How a container ended the last time, which says more than that it is started again and again.
fn last_end(status: Object<'_>) -> String {
    let reason = status.text(&["lastState", "terminated", "reason"]);
    if reason.is_empty() {
        return String::new();
    }
    let code = status.number(&["lastState", "terminated", "exitCode"]);
    let code = code
        .map(|code| format!(", exit code {code}"))
        .unwrap_or_default();
    let message = status.text(&["lastState", "terminated", "message"]).trim();
    let colon = if message.is_empty() { "" } else { ": " };
    let times = match status.number(&["restartCount"]) {
        Some(times) if times > 0 => format!(" ({times} restarts)"),
        _ => String::new(),
    };
    format!("; it ended with {reason}{code}{colon}{message}{times}")
}

/// Why a pod is not ready: what its first waiting or failed container says.
fn first_reason(object: Object<'_>) -> String {
    for list in ["initContainerStatuses", "containerStatuses"] {
        let statuses = object.at(&["status", list]).and_then(Value::as_array);
        for status in statuses.into_iter().flatten().map(Object) {
            let name = status.text(&["name"]);
            for state in ["waiting", "terminated"] {
                let reason = status.text(&["state", state, "reason"]);
                if reason.is_empty() || reason == "Completed" {
                    continue;
                }
                let message = status.text(&["state", state, "message"]);
                let colon = if message.is_empty() { "" } else { ": " };
                let last = last_end(status);
                return format!("container `{name}`: {reason}{colon}{message}{last}");
            }
        }
    }
    match (
        object.text(&["status", "reason"]),
        object.text(&["status", "message"]),
    ) {
        ("", "") => "its containers are not ready".to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}
