use serde_json::{Value, json};

use super::*;

/// The `weave-net` DaemonSet as kubectl has applied it.
fn weave() -> Live {
    Live::new(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "weave-net", "namespace": "kube-system", "managedFields": [
            {"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {
                "f:minReadySeconds": {},
                "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"weave\"}": {
                    ".": {}, "f:name": {}, "f:args": {},
                    "f:env": {"k:{\"name\":\"HOSTNAME\"}": {".": {}, "f:name": {}, "f:value": {}}},
                }}}},
            }}},
        ]},
        "spec": {"minReadySeconds": 5, "template": {"spec": {"containers": [
            {"name": "weave", "args": ["a"], "env": [{"name": "HOSTNAME", "value": "x"}]},
        ]}}},
    }))
}

fn split_paths(value: &Value, more: &Value) -> (Option<Value>, Option<Value>) {
    let live = weave();
    let split = Split::of(&live);
    let set = fields::set_by(Some(value), more, &split, "").unwrap();
    let old = set
        .as_ref()
        .and_then(|set| fields::overwritten(value, set, &split));
    (set, old)
}

#[test]
fn a_patch_comes_to_the_fields_that_it_sets_and_what_it_overwrites() {
    let live = weave();
    let before = live.value();
    let container = "/spec/template/spec/containers/0";
    let env = |value: Value| json!({"spec": {"template": {"spec": {"containers": [value]}}}});
    for (pointer, value, set, overwritten) in [
        (
            format!("{container}/env"),
            json!([{"name": "NEW", "value": "1"}, {"name": "HOSTNAME", "value": "x"}]),
            Some(env(
                json!({"name": "weave", "env": [{"name": "NEW", "value": "1"}]}),
            )),
            None,
        ),
        (
            format!("{container}/env"),
            json!([{"name": "HOSTNAME", "value": "y"}]),
            Some(env(
                json!({"name": "weave", "env": [{"name": "HOSTNAME", "value": "y"}]}),
            )),
            Some(env(
                json!({"name": "weave", "env": [{"name": "HOSTNAME", "value": "x"}]}),
            )),
        ),
        (
            format!("{container}/args"),
            json!(["a", "b"]),
            Some(env(json!({"name": "weave", "args": ["a", "b"]}))),
            Some(env(json!({"name": "weave", "args": ["a"]}))),
        ),
        (
            "/spec/minReadySeconds".to_owned(),
            json!(9),
            Some(json!({"spec": {"minReadySeconds": 9}})),
            Some(json!({"spec": {"minReadySeconds": 5}})),
        ),
        ("/spec/minReadySeconds".to_owned(), json!(5), None, None),
    ] {
        let mut after = before.clone();
        *after.pointer_mut(&pointer).unwrap() = value;
        assert_eq!(split_paths(before, &after), (set, overwritten), "{pointer}");
    }
}

#[test]
fn what_a_patch_takes_away_is_named() {
    let live = weave();
    let mut after = live.value().clone();
    after["spec"]["template"]["spec"]["containers"][0]["env"] = json!([]);
    let error = fields::set_by(Some(live.value()), &after, &Split::of(&live), "").unwrap_err();
    assert!(error.0.contains("HOSTNAME"), "{error:?}");
}

#[test]
fn without_our_fields_an_object_is_what_it_was() {
    let live = weave();
    let mut patched = live.value().clone();
    let container = &mut patched["spec"]["template"]["spec"]["containers"][0];
    container["env"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "NEW", "value": "1"}));
    patched["spec"]["minReadySeconds"] = json!(9);
    patched["spec"]["paused"] = json!(true);
    let own = json!({"f:spec": {"f:minReadySeconds": {}, "f:paused": {}, "f:template": {"f:spec": {"f:containers": {
        "k:{\"name\":\"weave\"}": {".": {}, "f:name": {}, "f:env": {"k:{\"name\":\"NEW\"}": {".": {}, "f:name": {}, "f:value": {}}}},
    }}}}});
    fields::strip(&mut patched, own.as_object().unwrap(), &[]);
    fields::fill(
        &mut patched,
        &json!({"spec": {"minReadySeconds": 5}}),
        &Split::of(&live),
    );
    assert_eq!(&patched, live.value());
}

#[test]
fn what_was_overwritten_is_put_back_by_place_and_only_where_no_patch_sets_it() {
    let live = weave();
    let originals = json!({"spec": {"minReadySeconds": 1, "template": {"spec": {"containers": [
        {"name": "weave", "env": [{"name": "HOSTNAME", "value": "old"}]},
    ]}}}});
    let mut operations = Vec::new();
    let kept = json!({"spec": {"minReadySeconds": 5}});
    fields::restore(
        live.value(),
        &originals,
        Some(&kept),
        &Split::of(&live),
        "",
        &mut operations,
    );
    let item = "/spec/template/spec/containers/0";
    assert_eq!(
        Value::Array(operations),
        json!([
            {"op": "test", "path": format!("{item}/name"), "value": "weave"},
            {"op": "test", "path": format!("{item}/env/0/name"), "value": "HOSTNAME"},
            {"op": "replace", "path": format!("{item}/env/0/value"), "value": "old"},
        ])
    );
}
