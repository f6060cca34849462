use serde_json::json;

use super::*;
use crate::registry::Registry;

fn writer(manager: &str) -> Writer<'_> {
    Writer {
        manager,
        subresource: "",
        time: "2026-01-01T00:00:00Z".to_owned(),
    }
}

#[test]
fn what_a_manager_no_longer_applies_goes_and_what_others_own_stays() {
    let maps = Registry::new().get("", "v1", "configmaps").unwrap();
    let config = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data});
    let first = apply(
        &maps,
        None,
        &config(json!({"a": "1", "b": "2"})),
        &writer("one"),
        false,
    );
    let mut live = first.unwrap();
    live["data"]["c"] = json!("3");
    let mut old_without = live.clone();
    old_without["data"].as_object_mut().unwrap().remove("c");
    record_update(&maps, Some(&old_without), &mut live, &writer("hand"));
    let again = apply(
        &maps,
        Some(&live),
        &config(json!({"a": "1"})),
        &writer("one"),
        false,
    );
    assert_eq!(again.unwrap()["data"], json!({"a": "1", "c": "3"}));
    let error = apply(
        &maps,
        Some(&live),
        &config(json!({"c": "4"})),
        &writer("one"),
        false,
    )
    .unwrap_err();
    assert_eq!(error.code(), 409);
    assert_eq!(
        error.message(),
        "Apply failed with 1 conflict: conflict with \"hand\" using v1: .data.c"
    );
}
