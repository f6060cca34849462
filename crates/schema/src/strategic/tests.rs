use serde_json::json;

use super::*;
use crate::builtin;

fn pod_spec() -> Type {
    builtin::named("io.k8s.api.core.v1.PodSpec").unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    let items = value.as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[test]
fn keyed_lists_merge_by_their_key() {
    let original = json!({"containers": [{"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]});
    let patched = patch(
        &original,
        &json!({"containers": [{"name": "a", "image": "a:2", "env": [{"name": "Y", "value": "2"}]}, {"name": "c"}]}),
        &pod_spec(),
    )
    .unwrap();
    assert_eq!(patched["containers"][0]["image"], "a:2");
    assert_eq!(names(&patched["containers"][0]["env"]), ["Y", "X"]);
    assert_eq!(names(&patched["containers"]), ["a", "c", "b"]);
}

#[test]
fn directives_delete_replace_and_order() {
    let original = json!({
        "containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
        "tolerations": [{"key": "old"}],
        "nodeSelector": {"x": "1", "y": "2"},
    });
    for (change, path, expected) in [
        (
            json!({"containers": [{"name": "b", "$patch": "delete"}]}),
            "/containers",
            json!([{"name": "a"}, {"name": "c"}]),
        ),
        (
            json!({"containers": [{"$patch": "replace"}, {"name": "z"}]}),
            "/containers",
            json!([{"name": "z"}]),
        ),
        (
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}),
            "/containers",
            json!([{"name": "b"}, {"name": "c"}, {"name": "a"}]),
        ),
        (
            json!({"tolerations": [{"key": "new"}]}),
            "/tolerations",
            json!([{"key": "new"}]),
        ),
        (
            json!({"nodeSelector": {"$patch": "replace", "z": "3"}}),
            "/nodeSelector",
            json!({"z": "3"}),
        ),
        (
            json!({"nodeSelector": {"$retainKeys": ["y"], "y": "4"}}),
            "/nodeSelector",
            json!({"y": "4"}),
        ),
        (
            json!({"nodeSelector": {"x": null}}),
            "/nodeSelector",
            json!({"y": "2"}),
        ),
    ] {
        let patched = patch(&original, &change, &pod_spec()).unwrap();
        assert_eq!(patched.pointer(path), Some(&expected), "{change}");
    }
}

#[test]
fn lists_of_scalars_merge_by_value() {
    let meta = builtin::named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap();
    let original = json!({"finalizers": ["a", "b", "c"]});
    let change = json!({"$deleteFromPrimitiveList/finalizers": ["b"], "$setElementOrder/finalizers": ["a", "d", "c"], "finalizers": ["d"]});
    let patched = patch(&original, &change, &meta).unwrap();
    assert_eq!(patched["finalizers"], json!(["a", "d", "c"]));
}

#[test]
fn malformed_patches_are_refused_in_the_servers_words() {
    let original = json!({"containers": [{"name": "a"}], "nodeSelector": {"x": "1"}});
    for (change, message) in [
        (
            json!({"containers": [{"image": "x"}]}),
            "map: {\"image\":\"x\"} does not contain declared merge key: name",
        ),
        (
            json!({"nodeSelector": {"$patch": "upsert"}}),
            "unknown patch type: upsert in map: {\"$patch\":\"upsert\"}",
        ),
        (
            json!({"nodeSelector": {"$retainKeys": ["y"], "z": "1"}}),
            "invalid patch format of retainKeys",
        ),
    ] {
        assert_eq!(
            patch(&original, &change, &pod_spec())
                .unwrap_err()
                .to_string(),
            message
        );
    }
}

#[test]
fn a_merge_patch_merges_objects_and_replaces_the_rest() {
    let mut value = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
    merge_patch(
        &mut value,
        &json!({"a": {"b": null, "d": {"e": null, "f": 3}}, "l": [3]}),
    );
    assert_eq!(value, json!({"a": {"c": 2, "d": {"f": 3}}, "l": [3]}));
}
