use serde_json::json;

use super::*;
use crate::plan::tests::world::{desired, objects};

fn live(entries: &Value) -> Live {
    Live::new(json!({"metadata": {"resourceVersion": "7", "managedFields": entries}}))
}

fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
}

#[test]
fn both_sets_are_in_the_union_and_nodes_that_were_fields_stay_fields() {
    let cases = [
        (
            json!({"f:a": {}}),
            json!({"f:b": {}}),
            json!({"f:a": {}, "f:b": {}}),
        ),
        (
            json!({"f:a": {}}),
            json!({"f:a": {"f:b": {}}}),
            json!({"f:a": {".": {}, "f:b": {}}}),
        ),
        (
            json!({"f:a": {"f:b": {}}}),
            json!({"f:a": {}}),
            json!({"f:a": {".": {}, "f:b": {}}}),
        ),
        (
            json!({"f:a": {"f:b": {}}}),
            json!({"f:a": {"f:c": {}}}),
            json!({"f:a": {"f:b": {}, "f:c": {}}}),
        ),
        (
            json!({"f:a": {"v:1": {}}}),
            json!({"f:a": {"v:1": {}, "v:2": {}}}),
            json!({"f:a": {"v:1": {}, "v:2": {}}}),
        ),
    ];
    for (one, other, both) in cases {
        let mut united = one.as_object().unwrap().clone();
        unite(&mut united, other.as_object().unwrap().clone());
        assert_eq!(Value::Object(united), both, "{one} and {other}");
    }
}

#[test]
fn the_fields_of_tools_move_and_those_of_all_others_stay() {
    let edit = entry("kubectl-edit", "Update", &json!({"f:data": {"f:hand": {}}}));
    let mut scaled = entry("helm", "Update", &json!({"f:spec": {"f:replicas": {}}}));
    scaled["subresource"] = "scale".into();
    let before = live(&json!([
        entry(
            "helm",
            "Update",
            &json!({"f:data": {"f:a": {}}, "f:status": {"f:x": {}}})
        ),
        edit,
        scaled,
        entry(
            "kubectl-client-side-apply",
            "Update",
            &json!({"f:data": {".": {}, "f:b": {}}})
        ),
        entry("trueup", "Apply", &json!({"f:data": {"f:c": {}}})),
    ]));
    let migration = Migration::of(&before).unwrap();
    let from: Vec<(&str, usize)> = migration
        .from
        .iter()
        .map(|from| (from.manager.as_str(), from.fields))
        .collect();
    assert_eq!(from, [("helm", 2), ("kubectl-client-side-apply", 1)]);
    let after = migration.moved(&before);
    let ours = json!({"f:data": {".": {}, "f:a": {}, "f:b": {}, "f:c": {}}});
    assert_eq!(
        after.value()["metadata"]["managedFields"],
        json!([edit, scaled, entry("trueup", "Apply", &ours)])
    );
    assert!(
        Migration::of(&after).is_none(),
        "a second time there is nothing to move"
    );
    let Patch::Json(patch) = migration.patch() else {
        unreachable!()
    };
    assert_eq!(
        patch[1],
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"})
    );
}

#[test]
fn only_what_nobody_else_owns_and_no_manifest_sets_goes() {
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: web}
spec: {template: {spec: {containers: [{name: api, image: a}]}}}
";
    let object = objects(&desired(&[("app", text)])).unwrap().items.remove(0);
    let moved = json!({
        "f:metadata": {
            "f:annotations": {".": {}, "f:a/b": {}},
            "f:finalizers": {".": {}, "v:\"x\"": {}, "v:\"y\"": {}},
        },
        "f:spec": {"f:replicas": {}, "f:paused": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"api\"}": {".": {}, "f:name": {}, "f:image": {}, "f:tty": {}},
            "k:{\"name\":\"one\"}": {".": {}, "f:name": {}},
            "k:{\"name\":\"two\"}": {".": {}, "f:name": {}},
        }}}},
    });
    let other = json!({
        "f:metadata": {"f:annotations": {"f:other": {}}, "f:finalizers": {"v:\"y\"": {}}},
        "f:spec": {"f:paused": {}},
    });
    let live = Live::new(json!({
        "metadata": {
            "annotations": {"a/b": "1", "other": "2"}, "finalizers": ["x", "y"],
            "managedFields": [entry("helm", "Update", &moved), entry("controller", "Update", &other)],
        },
        "spec": {"replicas": 2, "paused": true, "template": {"spec": {"containers": [
            {"name": "one"}, {"name": "api", "image": "a", "tty": true}, {"name": "two"},
        ]}}},
    }));
    let migration = Migration::of(&live).unwrap();
    let pointers: Vec<String> = migration
        .leftovers(&object, &live)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/metadata/annotations/a~1b",
            "/metadata/finalizers/0",
            "/spec/replicas",
            "/spec/template/spec/containers/2",
            "/spec/template/spec/containers/1/tty",
            "/spec/template/spec/containers/0",
        ]
    );
}

#[test]
fn the_marks_of_a_tool_name_its_object() {
    let with = |metadata: Value| Live::new(json!({"metadata": metadata}));
    let argo = entry("argocd-controller", "Apply", &json!({}));
    let cases = [
        (
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "a", "kustomize.toolkit.fluxcd.io/namespace": "n"}}),
            "Flux Kustomization `n/a`",
        ),
        (
            json!({"labels": {"helm.toolkit.fluxcd.io/name": "a", "helm.toolkit.fluxcd.io/namespace": "n"}, "annotations": {"meta.helm.sh/release-name": "x", "meta.helm.sh/release-namespace": "y"}}),
            "Flux HelmRelease `n/a`",
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:web/api"}}),
            "Argo CD Application `shop`",
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:web/api"}}),
            "Argo CD Application `team/shop`",
        ),
        (
            json!({"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": [argo]}),
            "Argo CD Application `shop`",
        ),
        (
            json!({"labels": {"app.kubernetes.io/instance": "shop"}}),
            "",
        ),
        (
            json!({"annotations": {"meta.helm.sh/release-name": "x", "meta.helm.sh/release-namespace": "y"}}),
            "Helm release `y/x`",
        ),
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}),
            "",
        ),
    ];
    for (metadata, name) in cases {
        let claim = Claim::of(&with(metadata.clone())).map(|claim| claim.to_string());
        assert_eq!(claim.unwrap_or_default(), name, "{metadata}");
    }
}
