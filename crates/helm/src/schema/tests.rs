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
            json!({"const": {"a": [1, 2.0]}}),
            json!({"a": [1.0, 2]}),
            "fits",
        ),
        (
            json!({"enum": [{"a": 1}, [1]]}),
            json!([2]),
            "- at '': 'enum' failed\n",
        ),
        (
            json!({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": false}),
            json!({"x1": 1, "y": 2}),
            "- at '/x1': got number, want string\n- at '': additional properties 'y' not allowed\n",
        ),
        (
            json!({"items": [{"type": "string"}], "additionalItems": {"type": "null"}}),
            json!(["a", 1]),
            "- at '/0': got number, want null\n",
        ),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "null"}}),
            json!([1, null]),
            "- at '/0': got number, want string\n",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": true}),
            json!(3),
            "- at '': exclusiveMinimum: got 3, want 3\n",
        ),
        (
            json!({"$ref": "#/definitions/a~1b%25", "definitions": {"a/b%": {"$ref": "#here"}, "c": {"$anchor": "here", "maximum": 2}}}),
            json!(3),
            "- at '': maximum: got 3, want 2\n",
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

#[test]
fn what_is_no_schema_is_told_with_its_place() {
    for (schema, expected) in [
        (
            json!({"properties": {"a/b": {"items": [1]}}}),
            "#/properties/a~1b/items/0 is no schema: it must be an object or a boolean",
        ),
        (json!({"pattern": "("}), "`(` is no regular expression"),
        (
            json!({"patternProperties": {"[": {}}}),
            "`[` is no regular expression",
        ),
        (
            json!({"not": {"$ref": "#/definitions/a"}}),
            "`$ref` to `#/definitions/a` leads nowhere",
        ),
        (
            json!({"not": {"$ref": "#/x"}, "x": "y"}),
            "#/x is no schema: it must be an object or a boolean",
        ),
    ] {
        assert_eq!(findings(&schema, &json!({})), expected, "{schema}");
    }
    assert!(Checker::read(b"{\"a\": 1,}").is_err());
    assert!(Checker::read(b"{} {}").is_err());
    let last = Checker::read(b"{\"type\": \"string\", \"type\": \"null\"}").unwrap();
    assert!(last.check(&json!(null)).is_none());
}
