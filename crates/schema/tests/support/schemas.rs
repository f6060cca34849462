//! Random structural schemas.

use serde_json::{Map, Value, json};

use super::random::Random;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The field of `spec` in `v1` and in `v2`.
pub(crate) const RENAMED: [&str; 2] = ["a", "z"];

/// A definition with versions `v1` and `v2` of one random schema, which differ in the name of a field.
pub(crate) fn definition(random: &mut Random) -> Value {
    let schema = root(random, false);
    let mut renamed = schema.clone();
    if let Some(fields) = renamed["properties"]["spec"]["properties"].as_object_mut()
        && let Some(field) = fields.remove(RENAMED[0])
    {
        fields.insert(RENAMED[1].to_owned(), field);
    }
    let version = |name: &str, storage: bool, schema: &Value| {
        json!({
            "name": name, "served": true, "storage": storage,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}},
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
            "scope": "Namespaced",
            "versions": [version("v1", false, &schema), version("v2", true, &renamed)],
        },
    })
}

/// A schema of a whole object.
pub(crate) fn root(random: &mut Random, with_rules: bool) -> Value {
    json!({
        "type": "object",
        "properties": {"spec": object(random, 3, with_rules), "status": object(random, 1, with_rules)},
    })
}

fn object(random: &mut Random, depth: usize, with_rules: bool) -> Value {
    let mut properties = Map::new();
    for _ in 0..=random.below(5) {
        let name = *random.pick(&NAMES);
        properties.insert(name.to_owned(), node(random, depth, with_rules));
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if random.one_in(6) {
        schema["x-kubernetes-map-type"] = "atomic".into();
    }
    if random.one_in(6) {
        schema["x-kubernetes-preserve-unknown-fields"] = true.into();
    }
    if with_rules {
        if random.one_in(3) {
            schema["required"] = json!([random.pick(&NAMES)]);
        }
        if random.one_in(6) {
            schema["minProperties"] = random.below(3).into();
        }
        if random.one_in(6) {
            schema["maxProperties"] = random.below(4).into();
        }
    }
    schema
}

fn node(random: &mut Random, depth: usize, with_rules: bool) -> Value {
    let mut schema = match random.below(if depth == 0 { 6 } else { 12 }) {
        0 => json!({"type": "string"}),
        1 => json!({"type": "integer"}),
        2 => json!({"type": "boolean"}),
        3 => json!({"x-kubernetes-int-or-string": true}),
        4 => json!({"type": "number"}),
        5 => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        6 => object(random, depth - 1, with_rules),
        7 => {
            let items = node(random, depth - 1, with_rules);
            json!({"type": "array", "items": items})
        }
        8 => {
            let kind = *random.pick(&["string", "integer"]);
            json!({"type": "array", "items": {"type": kind}, "x-kubernetes-list-type": "set"})
        }
        9 => keyed_list(random, depth - 1, with_rules),
        10 => {
            let value = node(random, depth - 1, with_rules);
            json!({"type": "object", "additionalProperties": value})
        }
        _ => json!({"x-kubernetes-preserve-unknown-fields": true}),
    };
    if with_rules {
        rules(random, &mut schema);
    }
    schema
}

fn keyed_list(random: &mut Random, depth: usize, with_rules: bool) -> Value {
    let mut items = object(random, depth, with_rules);
    items["properties"]["k"] = json!({"type": "string"});
    items["properties"]["p"] = json!({"type": "integer"});
    items
        .as_object_mut()
        .unwrap()
        .remove("x-kubernetes-map-type");
    let keys = if random.one_in(2) {
        json!(["k"])
    } else {
        items["properties"]["p"]["default"] = 1.into();
        json!(["k", "p"])
    };
    json!({"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys})
}

/// Adds value rules that some random values keep and some break.
fn rules(random: &mut Random, schema: &mut Value) {
    match schema["type"].as_str() {
        Some("string") => match random.below(8) {
            0 => schema["enum"] = json!(["a", "b"]),
            1 => schema["pattern"] = "^[ab]+$".into(),
            2 => schema["maxLength"] = 1.into(),
            3 => schema["minLength"] = 2.into(),
            4 => schema["default"] = "c".into(),
            5 => {
                schema["format"] = (*random.pick(&["date-time", "ipv4", "unknown", "uuid"])).into();
            }
            _ => {}
        },
        Some("integer" | "number") => match random.below(9) {
            6 => schema["maximum"] = 1.5.into(),
            7 => schema["multipleOf"] = 0.5.into(),
            0 => schema["minimum"] = 1.into(),
            1 => schema["maximum"] = 2.into(),
            2 => {
                schema["maximum"] = 2.into();
                schema["exclusiveMaximum"] = true.into();
            }
            3 => schema["multipleOf"] = 2.into(),
            4 => schema["enum"] = json!([1, 2]),
            5 => schema["default"] = 3.into(),
            _ => {}
        },
        Some("array") => match random.below(4) {
            0 => schema["maxItems"] = 1.into(),
            1 => schema["minItems"] = 2.into(),
            _ => {}
        },
        Some("object") => match random.below(6) {
            0 => schema["anyOf"] = json!([{"required": ["a"]}, {"required": ["b", "c"]}]),
            1 => schema["oneOf"] = json!([{"required": ["a"]}, {"required": ["b"]}]),
            2 => schema["not"] = json!({"required": ["d"]}),
            3 => schema["allOf"] = json!([{"minProperties": 1}, {"maxProperties": 2}]),
            _ => {}
        },
        _ => {}
    }
    if random.one_in(6) {
        schema["nullable"] = true.into();
    }
}
