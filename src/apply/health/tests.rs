use serde_json::{Value, json};

use super::*;

fn status_of(value: Value) -> Health {
    health(&Live::new(value))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a `json!` reads best as it stands"
)]
fn object(api_version: &str, kind: &str, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "generation": 2},
        "spec": spec, "status": status,
    })
}

fn condition(name: &str, status: &str, reason: &str) -> Value {
    json!({"type": name, "status": status, "reason": reason, "message": "because"})
}

#[test]
fn a_controller_that_is_behind_is_waited_for() {
    let live = object(
        "apps/v1",
        "Deployment",
        json!({}),
        json!({"observedGeneration": 1}),
    );
    let health = status_of(live);
    assert_eq!(health.status, Status::InProgress);
    assert!(health.message.contains("generation 2"));
}

#[test]
fn an_object_that_is_being_deleted_names_its_finalizers() {
    let health = status_of(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"],
        }}),
    );
    assert_eq!(health.status, Status::Terminating);
    assert!(health.message.contains("a/b"));
}

#[test]
fn deployments_are_current_when_every_replica_is_new_and_available() {
    let deployment = |status: Value| {
        let mut status = status;
        status["observedGeneration"] = json!(2);
        status_of(object(
            "apps/v1",
            "Deployment",
            json!({"replicas": 2}),
            status,
        ))
    };
    let full =
        json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
    assert_eq!(deployment(full).status, Status::Current);
    for (status, message) in [
        (
            json!({"replicas": 2, "updatedReplicas": 1}),
            "1 of 2 replicas are updated",
        ),
        (
            json!({"replicas": 3, "updatedReplicas": 2}),
            "1 old replicas are still there",
        ),
        (
            json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}),
            "1 of 2 replicas are available",
        ),
    ] {
        let health = deployment(status);
        assert_eq!(
            (health.status, health.message.as_str()),
            (Status::InProgress, message)
        );
    }
    let stuck =
        json!({"conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded")]});
    assert_eq!(deployment(stuck).status, Status::Failed);
    let unseen = object("apps/v1", "Deployment", json!({"replicas": 0}), json!({}));
    assert_eq!(status_of(unseen).status, Status::InProgress);
}

#[test]
fn stateful_sets_follow_revision_and_partition() {
    let set = |spec: Value, status: Value| {
        let mut status = status;
        status["observedGeneration"] = json!(2);
        status_of(object("apps/v1", "StatefulSet", spec, status)).status
    };
    let full = json!({"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2,
        "currentRevision": "a", "updateRevision": "a"});
    assert_eq!(set(json!({"replicas": 2}), full.clone()), Status::Current);
    let mut rolling = full;
    rolling["updateRevision"] = json!("b");
    assert_eq!(
        set(json!({"replicas": 2}), rolling.clone()),
        Status::InProgress
    );
    let partition = json!({"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}});
    assert_eq!(set(partition.clone(), rolling.clone()), Status::Current);
    rolling["updatedReplicas"] = json!(0);
    assert_eq!(set(partition, rolling), Status::InProgress);
    let manual = json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}});
    assert_eq!(set(manual, json!({})), Status::Current);
}

#[test]
fn what_runs_to_an_end_is_current_at_its_end() {
    for (conditions, status) in [
        (json!([condition("Complete", "True", "")]), Status::Current),
        (
            json!([condition("Failed", "True", "BackoffLimitExceeded")]),
            Status::Failed,
        ),
        (json!([condition("Suspended", "True", "")]), Status::Current),
        (json!([]), Status::InProgress),
    ] {
        let job = object(
            "batch/v1",
            "Job",
            json!({}),
            json!({"conditions": conditions, "active": 1}),
        );
        assert_eq!(status_of(job).status, status);
    }
}

#[test]
fn a_pod_says_which_container_keeps_it() {
    let pod = object(
        "v1",
        "Pod",
        json!({}),
        json!({"phase": "Pending", "containerStatuses": [
            {"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
        ]}),
    );
    let health = status_of(pod);
    assert_eq!(health.status, Status::InProgress);
    assert_eq!(
        health.message,
        "container `web`: ImagePullBackOff: no such image"
    );
}

#[test]
fn other_kinds_follow_their_own_sign() {
    let table = [
        (
            object(
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({"phase": "Bound"}),
            ),
            Status::Current,
        ),
        (
            object(
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({"phase": "Pending"}),
            ),
            Status::Current,
        ),
        (
            object(
                "v1",
                "PersistentVolumeClaim",
                json!({"volumeName": "v"}),
                json!({"phase": "Pending"}),
            ),
            Status::InProgress,
        ),
        (
            object(
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({"phase": "Lost"}),
            ),
            Status::Failed,
        ),
        (
            object("v1", "Service", json!({"type": "LoadBalancer"}), json!({})),
            Status::InProgress,
        ),
        (
            object("v1", "Service", json!({"type": "ClusterIP"}), json!({})),
            Status::Current,
        ),
        (
            object(
                "v1",
                "Service",
                json!({"type": "LoadBalancer"}),
                json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}),
            ),
            Status::Current,
        ),
        (
            object(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                json!({}),
                json!({"conditions": [condition("Established", "True", "")]}),
            ),
            Status::Current,
        ),
        (
            object(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                json!({}),
                json!({"conditions": [condition("NamesAccepted", "False", "Conflict")]}),
            ),
            Status::Failed,
        ),
        (
            object(
                "apiregistration.k8s.io/v1",
                "APIService",
                json!({}),
                json!({"conditions": [condition("Available", "False", "MissingEndpoints")]}),
            ),
            Status::InProgress,
        ),
        (
            object("example.com/v1", "Thing", json!({}), json!({})),
            Status::Current,
        ),
        (
            object(
                "example.com/v1",
                "Thing",
                json!({}),
                json!({"conditions": [condition("Ready", "False", "x")]}),
            ),
            Status::InProgress,
        ),
        (
            object(
                "example.com/v1",
                "Thing",
                json!({}),
                json!({"conditions": [condition("Stalled", "True", "x")]}),
            ),
            Status::Failed,
        ),
        (
            object("v1", "ConfigMap", json!({}), json!({})),
            Status::Current,
        ),
    ];
    for (live, status) in table {
        let text = live.to_string();
        assert_eq!(status_of(live).status, status, "{text}");
    }
}
