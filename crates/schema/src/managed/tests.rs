use serde_json::json;

use super::*;

#[test]
fn fields_v1_is_read_and_written_unchanged() {
    let text = r#"{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:image":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}},"f:tags":{"v:\"a\"":{},"v:1":{},"i:3":{}}}}}}"#;
    let set = FieldSet::from_fields_v1(&serde_json::from_str(text).unwrap()).unwrap();
    let mut out = String::new();
    set.write_fields_v1(&mut out);
    // Numbers stand before strings in a set.
    assert_eq!(
        out,
        text.replace(r#""v:\"a\"":{},"v:1":{}"#, r#""v:1":{},"v:\"a\"":{}"#)
    );
    assert_eq!(FieldSet::from_fields_v1(&set.to_fields_v1()).unwrap(), set);
}

#[test]
fn a_path_is_shown_as_the_server_shows_it() {
    let set = FieldSet::from_fields_v1(&json!({
        "f:spec": {"f:containers": {"k:{\"name\":\"a\\\"b\"}": {"f:image": {}}}, "f:set": {"v:1": {}, "i:0": {}}}
    }))
    .unwrap();
    let shown: Vec<_> = set.paths().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            r#".spec.containers[name="a\"b"].image"#,
            ".spec.set[=1]",
            ".spec.set[0]"
        ]
    );
}

#[test]
fn set_operations_treat_parents_and_children_apart() {
    let a = FieldSet::of(&[&["spec"], &["spec", "a"], &["spec", "b"], &["status"]]);
    let b = FieldSet::of(&[&["spec"], &["spec", "b"], &["spec", "c"]]);
    assert_eq!(
        a.difference(&b),
        FieldSet::of(&[&["spec", "a"], &["status"]])
    );
    assert_eq!(a.recursive_difference(&b), FieldSet::of(&[&["status"]]));
    assert_eq!(
        a.intersection(&b),
        FieldSet::of(&[&["spec"], &["spec", "b"]])
    );
    assert_eq!(a.union(&b).len(), 5);
    assert_eq!(
        a.leaves(),
        FieldSet::of(&[&["spec", "a"], &["spec", "b"], &["status"]])
    );
}

#[test]
fn entries_are_sorted_as_the_server_sorts_them() {
    let entry = |manager: &str, operation, time: &str| Entry {
        manager: manager.to_owned(),
        operation,
        api_version: "v1".to_owned(),
        subresource: String::new(),
        time: Some(time.to_owned()),
        fields: FieldSet::of(&[&["data"]]),
    };
    let encoded = encode(&[
        entry("b", Operation::Update, "2020-01-01T00:00:00Z"),
        entry("a", Operation::Update, "2021-01-01T00:00:00Z"),
        entry("z", Operation::Apply, "2022-01-01T00:00:00Z"),
    ]);
    let managers: Vec<_> = encoded
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["manager"].as_str().unwrap())
        .collect();
    assert_eq!(managers, ["z", "b", "a"]);
    let object = json!({"metadata": {"managedFields": encoded}});
    assert_eq!(decode(&object).unwrap().len(), 3);
}
