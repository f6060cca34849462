use serde_json::json;

use super::*;

fn findings(schema: &serde_json::Value, values: &serde_json::Value) -> String {
    match Checker::read(schema.to_string().as_bytes()).map(|checker| checker.check(values)) {
        Ok(None) => "fits".to_owned(),
        Ok(Some(findings)) => print(&findings),
        Err(error) => error,
    }
}

#[test]
fn findings_are_worded_as_by_the_validator_of_helm() {
    for (schema, values, expected) in [
        (
            json!({"type": "string"}),
            json!(1),
            "- at '': got number, want string\n",
        ),
        (
            json!({"type": ["null", "integer"]}),
            json!("a"),
            "- at '': got string, want null or integer\n",
        ),
        (json!({"type": "integer"}), json!(3.0), "fits"),
        (
            json!({"enum": ["a", 1, null]}),
            json!("b"),
            "- at '': value must be one of 'a', 1, <nil>\n",
        ),
        (
            json!({"const": "x"}),
            json!("b"),
            "- at '': value must be 'x'\n",
        ),
        (
            json!({"properties": {"a/b": {"minLength": 3}}}),
            json!({"a/b": "x"}),
            "- at '/a~1b': minLength: got 1, want 3\n",
        ),
        (
            json!({"required": ["a", "b"], "additionalProperties": false}),
            json!({"c": 1}),
            "- at '': missing properties 'a', 'b'\n- at '': additional properties 'c' not allowed\n",
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"minimum": 5}]}),
            json!(3),
            "- at '': 'oneOf' failed, none matched\n  - at '': got number, want string\n  - at '': minimum: got 3, want 5\n",
        ),
        (
            json!({"oneOf": [{"type": "number"}, {"minimum": 2}]}),
            json!(3),
            "- at '': 'oneOf' failed, subschemas 0, 1 matched\n",
        ),
        (
            json!({"not": {"type": "number"}}),
            json!(3),
            "- at '': 'not' failed\n",
        ),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}),
            json!(3),
            "- at '': got number, want string\n",
        ),
        (
            json!({"pattern": "^a'$"}),
            json!("b"),
            "- at '': 'b' does not match pattern '^a\\'$'\n",
        ),
        (
            json!({"maxItems": 1}),
            json!([1, 2]),
            "- at '': maxItems: got 2, want 1\n",
        ),
        (
            json!({"minimum": 1500}),
            json!(3),
            "- at '': minimum: got 3, want 1,500\n",
        ),
        (
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
            json!({"a": 1}),
            "- at '': missing property 'b'\n",
        ),
        (
            json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}),
            json!({"a": 1, "b": 2}),
            "- at '/b': false schema\n",
        ),
    ] {
        assert_eq!(findings(&schema, &values), expected, "{schema} {values}");
    }
}

#[test]
fn a_circle_of_references_ends() {
    let schema = json!({"$ref": "#"});
    assert!(findings(&schema, &json!(1)).contains("circle"));
    let tree = json!({"properties": {"child": {"$ref": "#"}}, "required": ["name"]});
    let values = json!({"name": "a", "child": {"name": "b", "child": {}}});
    assert_eq!(
        findings(&tree, &values),
        "- at '/child/child': missing property 'name'\n"
    );
}

#[test]
fn a_reference_to_another_document_is_not_fetched() {
    let schema = json!({"properties": {"a": {"$ref": "https://example.com/a.json"}}});
    assert!(findings(&schema, &json!({})).contains("not fetched"));
}
