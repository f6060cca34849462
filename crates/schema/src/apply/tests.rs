use serde_json::{Value, json};

use super::*;
use crate::{FieldSet, builtin};

const NOW: &str = "2026-01-02T03:04:05Z";
const LATER: &str = "2026-01-02T03:04:06Z";

fn deployments() -> KindVersions {
    let ty = builtin::kind("apps", "v1", "Deployment").unwrap();
    KindVersions::new().with("apps/v1", ty, FieldSet::of(&[&["status"]]))
}

fn endpoint(versions: &KindVersions) -> Endpoint<'_> {
    Endpoint {
        api_version: "apps/v1",
        kind: "Deployment",
        subresource: "",
        versions,
    }
}

fn writer<'a>(manager: &'a str, now: &'a str) -> Writer<'a> {
    Writer { manager, now }
}

fn config(replicas: Option<i64>, image: &str) -> Value {
    let mut config = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": image, "ports": [{"containerPort": 80}]}]}
            }
        }
    });
    if let Some(replicas) = replicas {
        config["spec"]["replicas"] = replicas.into();
    }
    config
}

#[test]
fn the_first_apply_owns_what_it_says() {
    let versions = deployments();
    let object = apply(
        &endpoint(&versions),
        None,
        &config(Some(2), "a:1"),
        &writer("one", NOW),
        false,
    )
    .unwrap();
    assert_eq!(
        object["metadata"]["managedFields"],
        json!([{
            "manager": "one", "operation": "Apply", "apiVersion": "apps/v1", "time": NOW, "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:replicas": {},
                    "f:selector": {},
                    "f:template": {
                        "f:metadata": {"f:labels": {"f:app": {}}},
                        "f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {
                            ".": {}, "f:name": {}, "f:image": {},
                            "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}
                        }}}
                    }
                }
            }
        }])
    );
    // Go prints these structs even when they are empty.
    assert_eq!(object["spec"]["strategy"], json!({}));
    assert_eq!(object["status"], json!({}));
    assert_eq!(
        object
            .pointer("/spec/template/spec/containers/0/ports/0/protocol")
            .unwrap(),
        "TCP"
    );
}

#[test]
fn a_contested_field_is_a_conflict_in_the_servers_words_until_forced() {
    let versions = deployments();
    let endpoint = endpoint(&versions);
    let live = apply(
        &endpoint,
        None,
        &config(Some(2), "a:1"),
        &writer("one", NOW),
        false,
    )
    .unwrap();
    let error = apply(
        &endpoint,
        Some(&live),
        &config(Some(3), "a:1"),
        &writer("two", LATER),
        false,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas"
    );
    let error = apply(
        &endpoint,
        Some(&live),
        &config(Some(3), "a:2"),
        &writer("two", LATER),
        false,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.replicas\n- .spec.template.spec.containers[name=\"app\"].image"
    );
    let forced = apply(
        &endpoint,
        Some(&live),
        &config(Some(3), "a:1"),
        &writer("two", LATER),
        true,
    )
    .unwrap();
    assert_eq!(forced["spec"]["replicas"], 3);
    let entries = crate::managed::decode(&forced).unwrap();
    let spec = |name: &str| crate::managed::FieldPath::of(&["spec", name]).0;
    assert!(
        !entries
            .iter()
            .any(|entry| entry.manager == "one" && entry.fields.has(&spec("replicas")))
    );
    assert!(
        entries
            .iter()
            .all(|entry| entry.fields.has(&spec("selector")))
    );
}

#[test]
fn what_is_no_longer_applied_goes_unless_someone_else_owns_it() {
    let versions = deployments();
    let endpoint = endpoint(&versions);
    let live = apply(
        &endpoint,
        None,
        &config(Some(2), "a:1"),
        &writer("one", NOW),
        false,
    )
    .unwrap();
    let gone = apply(
        &endpoint,
        Some(&live),
        &config(None, "a:1"),
        &writer("one", LATER),
        false,
    )
    .unwrap();
    assert_eq!(gone["spec"].get("replicas"), None);
    let shared = apply(
        &endpoint,
        Some(&live),
        &config(Some(2), "a:1"),
        &writer("two", NOW),
        false,
    )
    .unwrap();
    let kept = apply(
        &endpoint,
        Some(&shared),
        &config(None, "a:1"),
        &writer("one", LATER),
        false,
    )
    .unwrap();
    assert_eq!(kept["spec"]["replicas"], 2);
}

#[test]
fn applying_the_same_again_changes_nothing() {
    let versions = deployments();
    let endpoint = endpoint(&versions);
    let live = apply(
        &endpoint,
        None,
        &config(Some(2), "a:1"),
        &writer("one", NOW),
        false,
    )
    .unwrap();
    let again = apply(
        &endpoint,
        Some(&live),
        &config(Some(2), "a:1"),
        &writer("one", LATER),
        false,
    )
    .unwrap();
    assert_eq!(again, live);
}

#[test]
fn an_update_owns_what_it_changes_and_takes_it_from_others() {
    let versions = deployments();
    let endpoint = endpoint(&versions);
    let live = apply(
        &endpoint,
        None,
        &config(Some(2), "a:1"),
        &writer("one", NOW),
        false,
    )
    .unwrap();
    let mut new = live.clone();
    new["spec"]["replicas"] = 5.into();
    let new = update(&endpoint, Some(&live), new, &writer("kubectl-scale", LATER));
    let entries = crate::managed::decode(&new).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].fields, FieldSet::of(&[&["spec", "replicas"]]));
    assert_eq!(entries[1].time.as_deref(), Some(LATER));
}

#[test]
fn a_write_that_changes_only_times_is_undone() {
    let old = json!({"metadata": {"name": "a", "managedFields": [{"manager": "m", "time": NOW}]}});
    let mut new =
        json!({"metadata": {"name": "a", "managedFields": [{"manager": "m", "time": LATER}]}});
    keep_timestamps(&old, &mut new);
    assert_eq!(new, old);
    let mut other =
        json!({"metadata": {"name": "b", "managedFields": [{"manager": "m", "time": LATER}]}});
    keep_timestamps(&old, &mut other);
    assert_eq!(other["metadata"]["managedFields"][0]["time"], LATER);
}

#[test]
fn an_undeclared_field_is_refused_with_its_path() {
    let versions = deployments();
    let mut bad = config(None, "a:1");
    bad["spec"]["replica"] = 1.into();
    let error = apply(&endpoint(&versions), None, &bad, &writer("one", NOW), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema"
    );
}
