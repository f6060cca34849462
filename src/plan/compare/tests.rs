use serde_json::{Value, json};

use super::*;

/// The differences of `desired` with a live object that has `live` beside its own fields, `owned` in our
/// entry.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a `json!` reads best as it stands"
)]
fn differences(desired: &Value, live: Value, owned: Value) -> Vec<String> {
    let mut live = live;
    live["metadata"]["managedFields"] = json!([
        {"manager": "other", "operation": "Update", "fieldsV1": {"f:status": {}}},
        {"manager": "trueup", "operation": "Apply", "apiVersion": desired["apiVersion"], "fieldsV1": owned},
    ]);
    compare(desired, &Live::new(live), "trueup", true)
        .iter()
        .map(|difference| format!("{} {:?}", difference.path, difference.kind))
        .collect()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a `json!` reads best as it stands"
)]
fn deployment(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "p"}, "spec": spec})
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a `json!` reads best as it stands"
)]
fn typed(spec: Value, live: Value, owned: Value) -> Vec<String> {
    let owned = json!({"f:spec": owned});
    differences(&deployment(spec), deployment(live), owned)
}

const NONE: [&str; 0] = [];

/// What kube-apiserver 1.36.3 stored of such a Deployment, and the entry it made.
#[test]
fn what_a_server_adds_and_drops_is_no_difference() {
    let desired = json!({
        "replicas": 0,
        "paused": false,
        "strategy": {},
        "selector": {"matchLabels": {"app": "p"}},
        "template": {
            "metadata": {"labels": {"app": "p"}, "creationTimestamp": null},
            "spec": {
                "nodeSelector": {}, "tolerations": [], "imagePullSecrets": [], "securityContext": {},
                "volumes": [
                    {"name": "v", "emptyDir": {}},
                    {"name": "pr", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
                ],
                "containers": [{
                    "name": "c", "image": "x", "command": [], "args": ["a"],
                    "ports": [{"containerPort": 80}, {"containerPort": 90, "name": "z"}],
                    "resources": {"limits": {"cpu": "1000m", "memory": "0.5Gi"}, "requests": {"cpu": 0.1}},
                    "env": [
                        {"name": "A", "value": ""},
                        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "C", "value": null},
                    ],
                    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": false}],
                }],
            },
        },
    });
    let live = json!({
        "progressDeadlineSeconds": 600, "replicas": 0, "revisionHistoryLimit": 10,
        "selector": {"matchLabels": {"app": "p"}},
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"},
        "template": {"metadata": {"labels": {"app": "p"}}, "spec": {
            "containers": [{
                "args": ["a"],
                "env": [
                    {"name": "A"},
                    {"name": "B", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                    {"name": "C"},
                ],
                "image": "x", "imagePullPolicy": "Always", "name": "c",
                "ports": [
                    {"containerPort": 80, "protocol": "TCP"},
                    {"containerPort": 90, "name": "z", "protocol": "TCP"},
                ],
                "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m"}},
                "volumeMounts": [{"mountPath": "/v", "name": "v"}],
            }],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "securityContext": {},
            "volumes": [
                {"emptyDir": {}, "name": "v"},
                {"name": "pr", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3600, "path": "t"}},
                ]}},
            ],
        }},
    });
    let owned = json!({
        "f:paused": {}, "f:replicas": {}, "f:selector": {}, "f:strategy": {},
        "f:template": {
            "f:metadata": {"f:creationTimestamp": {}, "f:labels": {"f:app": {}}},
            "f:spec": {
                "f:containers": {"k:{\"name\":\"c\"}": {
                    ".": {}, "f:args": {}, "f:command": {},
                    "f:env": {
                        "k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}},
                        "k:{\"name\":\"B\"}": {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}},
                        "k:{\"name\":\"C\"}": {".": {}, "f:name": {}, "f:value": {}},
                    },
                    "f:image": {}, "f:name": {},
                    "f:ports": {
                        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}},
                        "k:{\"containerPort\":90,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:name": {}},
                    },
                    "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}, "f:requests": {"f:cpu": {}}},
                    "f:volumeMounts": {
                        "k:{\"mountPath\":\"/v\"}": {".": {}, "f:mountPath": {}, "f:name": {}, "f:readOnly": {}},
                    },
                }},
                "f:nodeSelector": {}, "f:securityContext": {}, "f:tolerations": {},
                "f:volumes": {
                    "k:{\"name\":\"pr\"}": {".": {}, "f:name": {}, "f:projected": {"f:sources": {}}},
                    "k:{\"name\":\"v\"}": {".": {}, "f:emptyDir": {}, "f:name": {}},
                },
            },
        },
    });
    assert_eq!(typed(desired, live, owned), NONE);
}

#[test]
fn a_changed_value_is_found_at_its_path() {
    let containers = |image: &str| json!({"template": {"spec": {"containers": [{"name": "c", "image": image}]}}});
    let owned = json!({"f:template": {"f:spec": {"f:containers": {
        "k:{\"name\":\"c\"}": {".": {}, "f:image": {}, "f:name": {}},
    }}}});
    assert_eq!(
        typed(containers("x:2"), containers("x:1"), owned),
        ["spec.template.spec.containers[name=c].image Value"]
    );
}

#[test]
fn a_field_that_somebody_else_took_is_unowned() {
    let spec = |replicas: i64| json!({"replicas": replicas, "paused": true});
    let found = typed(spec(3), spec(5), json!({"f:paused": {}}));
    assert_eq!(found, ["spec.replicas Unowned"]);
}

#[test]
fn a_field_that_left_git_is_surplus() {
    let found = typed(
        json!({"replicas": 3}),
        json!({"replicas": 3, "paused": true}),
        json!({"f:replicas": {}, "f:paused": {}}),
    );
    assert_eq!(found, ["spec.paused Surplus"]);
}

#[test]
fn items_are_matched_by_the_keys_that_the_server_names() {
    let env = |names: &[&str]| {
        let env: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "value": name}))
            .collect();
        json!({"env": env})
    };
    let owned = |names: &[&str]| {
        let entry = |name: &&str| {
            (
                format!("k:{{\"name\":\"{name}\"}}"),
                json!({".": {}, "f:name": {}, "f:value": {}}),
            )
        };
        json!({"f:env": names.iter().map(entry).collect::<serde_json::Map<_, _>>()})
    };
    for (desired, live, ours, expected) in [
        (&["a", "b"][..], &["a", "b"][..], &["a", "b"][..], &[][..]),
        (&["a", "b"], &["x", "a", "b"], &["a", "b"], &[]),
        (&["a", "b"], &["a"], &["a"], &["spec.env[1] Unowned"]),
        (
            &["a"],
            &["a", "b"],
            &["a", "b"],
            &["spec.env[name=b] Surplus"],
        ),
        (&["b", "a"], &["a", "b"], &["a", "b"], &["spec.env Order"]),
        (&["a"], &[], &["a"], &["spec.env[name=a] Value"]),
    ] {
        assert_eq!(
            typed(env(desired), env(live), owned(ours)),
            expected,
            "{desired:?} {live:?}"
        );
    }
}

#[test]
fn members_of_a_set_are_matched_by_value() {
    let finalizers = |names: &[&str]| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "finalizers": names}});
    let owned = json!({"f:metadata": {"f:finalizers": {"v:\"a/b\"": {}}}});
    let found = |desired: &[&str], live: &[&str]| {
        differences(&finalizers(desired), finalizers(live), owned.clone())
    };
    assert_eq!(found(&["a/b"], &["other/x", "a/b"]), NONE);
    assert_eq!(
        found(&["a/b", "c/d"], &["a/b"]),
        ["metadata.finalizers[1] Unowned"]
    );
    assert_eq!(found(&[], &["a/b"]), ["metadata.finalizers[a/b] Surplus"]);
}

#[test]
fn what_is_owned_as_a_whole_must_be_the_same_as_a_whole() {
    let selector = |labels: Value| json!({"selector": {"matchLabels": labels}});
    let owned = json!({"f:selector": {}});
    let found =
        |desired: Value, live: Value| typed(selector(desired), selector(live), owned.clone());
    assert_eq!(found(json!({"a": "b"}), json!({"a": "b"})), NONE);
    assert_eq!(
        found(json!({"a": "b"}), json!({"a": "b", "c": "d"})),
        ["spec.selector Value"]
    );
    assert_eq!(
        found(json!({"a": "b", "c": "d"}), json!({"a": "b"})),
        ["spec.selector Value"]
    );
}

#[test]
fn only_quantities_are_read_as_quantities() {
    let config = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"limits": text}});
    let owned = json!({"f:data": {"f:limits": {}}});
    assert_eq!(
        differences(&config("1000m"), config("1"), owned),
        ["data.limits Value"]
    );
    let custom = |text: &str| {
        json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "c"},
            "spec": {"limits": {"cpu": text}}})
    };
    let owned = json!({"f:spec": {"f:limits": {"f:cpu": {}}}});
    assert_eq!(
        differences(&custom("1000m"), custom("1"), owned),
        ["spec.limits.cpu Value"]
    );
}

#[test]
fn the_bytes_of_a_secret_count_and_not_their_line_breaks() {
    let secret = |text: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": text}});
    let owned = json!({"f:data": {"f:a": {}}});
    let found =
        |desired: &str, live: &str| differences(&secret(desired), secret(live), owned.clone());
    assert_eq!(found("aGVs\nbG8=\n", "aGVsbG8="), NONE);
    assert_eq!(found("aGVsbG8=", "aGVsbG9v"), ["data.a Value"]);
}

#[test]
fn nothing_of_ours_or_another_version_is_a_difference_of_ownership() {
    let desired = deployment(json!({}));
    let nobody = Live::new(deployment(json!({})));
    let found = compare(&desired, &nobody, "trueup", true);
    assert_eq!(found[0].kind, DifferenceKind::Ownership);
    let mut live = deployment(json!({}));
    live["metadata"]["managedFields"] = json!([{"manager": "trueup", "operation": "Apply", "apiVersion": "apps/v1beta1", "fieldsV1": {}}]);
    let found = compare(&desired, &Live::new(live), "trueup", true);
    assert_eq!(found[0].kind, DifferenceKind::Ownership);
}

#[test]
fn a_status_in_git_is_nobodys_business_where_it_is_written_apart() {
    let mut desired = deployment(json!({"replicas": 1}));
    desired["status"] = json!({"replicas": 9});
    let owned = json!({"f:spec": {"f:replicas": {}}});
    assert_eq!(
        differences(&desired, deployment(json!({"replicas": 1})), owned),
        NONE
    );
}
