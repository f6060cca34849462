//! Whether a schema is structural: every field has a type, and nothing hides in the logic around it.
//!
//! The rules are those of `ValidateStructural` in `k8s.io/apiextensions-apiserver/pkg/apiserver/schema`.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::error::{FieldError, Reason};
use super::rules::children;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What keeps a schema from being structural, sorted by message.
pub(super) fn check(schema: &Value, is_root: bool, path: &str) -> Vec<FieldError> {
    let mut problems = Vec::new();
    let level = if is_root { Level::Root } else { Level::Field };
    invariants(schema, level, path, &mut problems);
    problems.sort_by_cached_key(ToString::to_string);
    problems
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn invariants(schema: &Value, level: Level, path: &str, out: &mut Vec<FieldError>) {
    let Some(map) = schema.as_object() else {
        out.push(FieldError::new(
            path,
            Reason::TypeInvalid,
            "must be a schema",
        ));
        return;
    };
    let items = join(path, "items");
    match map.get("items") {
        None if text(map, "type") == "array" => {
            out.push(FieldError::new(
                items,
                Reason::Required,
                "must be specified",
            ));
        }
        None => {}
        Some(Value::Array(_)) => {
            let detail = "items must be a schema object and not an array";
            out.push(FieldError::new(items, Reason::Forbidden, detail));
        }
        Some(schema) => invariants(schema, Level::Item, &items, out),
    }
    for (name, schema) in children(map, "properties") {
        invariants(
            schema,
            Level::Field,
            &join(path, &format!("properties[{name}]")),
            out,
        );
    }
    if let Some(additional) = map.get("additionalProperties") {
        let path = join(path, "additionalProperties");
        if level == Level::Root {
            out.push(FieldError::new(
                &path,
                Reason::Forbidden,
                "must not be used at the root",
            ));
        }
        if additional.is_object() {
            invariants(additional, Level::Field, &path, out);
        }
    }
    extensions(map, level, path, out);
    let skip_any_of = is_int_or_string(map.get("anyOf"));
    let skip_all_of = map
        .get("allOf")
        .and_then(Value::as_array)
        .and_then(|all| all.first())
        .is_some_and(|first| is_int_or_string(first.get("anyOf")));
    logic(map, (skip_any_of, skip_all_of), path, out);
    metadata(map, level, path, out);
}

fn extensions(map: &Map<String, Value>, level: Level, path: &str, out: &mut Vec<FieldError>) {
    let int_or_string = flag(map, "x-kubernetes-int-or-string");
    let preserve = flag(map, "x-kubernetes-preserve-unknown-fields");
    let embedded = flag(map, "x-kubernetes-embedded-resource");
    for (name, is_set) in [
        ("x-kubernetes-preserve-unknown-fields", preserve),
        ("x-kubernetes-embedded-resource", embedded),
    ] {
        if int_or_string && is_set {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            let error = FieldError::new(join(path, name), Reason::Invalid, detail);
            out.push(error.with_value(json!(true)));
        }
    }
    let kind = text(map, "type");
    let at = join(path, "type");
    if embedded && kind != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        out.push(if kind.is_empty() {
            FieldError::new(at, Reason::Required, detail)
        } else {
            FieldError::new(at, Reason::Invalid, detail).with_value(kind.into())
        });
    } else if kind.is_empty() && !int_or_string && !preserve {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        out.push(FieldError::new(at, Reason::Required, detail));
    } else if level == Level::Root && !kind.is_empty() && kind != "object" {
        let error = FieldError::new(at, Reason::Invalid, "must be object at the root");
        out.push(error.with_value(kind.into()));
    }
    if embedded && map.contains_key("additionalProperties") {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        out.push(FieldError::new(
            join(path, "additionalProperties"),
            Reason::Forbidden,
            detail,
        ));
    }
    if embedded && !preserve && children(map, "properties").next().is_none() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        out.push(FieldError::new(
            join(path, "properties"),
            Reason::Required,
            detail,
        ));
    }
}

fn metadata(map: &Map<String, Value>, level: Level, path: &str, out: &mut Vec<FieldError>) {
    if level != Level::Root && !flag(map, "x-kubernetes-embedded-resource") {
        return;
    }
    for (name, schema) in children(map, "properties") {
        let path = join(path, &format!("properties[{name}]"));
        let Some(schema) = schema.as_object() else {
            continue;
        };
        let kind = text(schema, "type");
        let wanted = match name.as_str() {
            "kind" | "apiVersion" => "string",
            "metadata" => "object",
            _ => continue,
        };
        if kind != wanted {
            let detail = format!("must be {wanted}");
            let error = FieldError::new(join(&path, "type"), Reason::Invalid, detail);
            out.push(error.with_value(kind.into()));
        }
        let is_plain = |key: &String| {
            matches!(key.as_str(), "type" | "description" | "default")
                || key == "properties"
                    && children(schema, "properties")
                        .all(|(name, _)| name == "name" || name == "generateName")
        };
        if name == "metadata" && level == Level::Root && !schema.keys().all(is_plain) {
            let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            out.push(FieldError::new(path, Reason::Forbidden, detail));
        }
    }
}

/// Whether the clauses only say that a value is an integer or a string, which is how generators write that.
fn is_int_or_string(clauses: Option<&Value>) -> bool {
    clauses.is_some_and(|clauses| *clauses == json!([{"type": "integer"}, {"type": "string"}]))
}

/// Checks the clauses of `anyOf`, `allOf`, `oneOf` and `not`, which may only restrict values.
fn logic(
    map: &Map<String, Value>,
    (skip_any_of, skip_first_any_of): (bool, bool),
    path: &str,
    out: &mut Vec<FieldError>,
) {
    for name in ["anyOf", "allOf", "oneOf"] {
        if name == "anyOf" && skip_any_of {
            continue;
        }
        for (i, clause) in map
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let skip = name == "allOf" && i == 0 && skip_first_any_of;
            nested(clause, skip, &join(path, &format!("{name}[{i}]")), out);
        }
    }
    if let Some(clause) = map.get("not") {
        nested(clause, false, &join(path, "not"), out);
    }
    // Most nodes have none, and compiling even the empty pattern is dear.
    let pattern = text(map, "pattern");
    if !pattern.is_empty()
        && let Err(error) = Regex::new(pattern)
    {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        let error = FieldError::new(join(path, "pattern"), Reason::Invalid, detail);
        out.push(error.with_value(pattern.into()));
    }
}

/// What a clause must not say, with the words for it.
const FORBIDDEN: [(&str, &str); 13] = [
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (
        "x-kubernetes-preserve-unknown-fields",
        "must be false to be structural",
    ),
    (
        "x-kubernetes-embedded-resource",
        "must be false to be structural",
    ),
    (
        "x-kubernetes-int-or-string",
        "must be false to be structural",
    ),
    (
        "x-kubernetes-list-map-keys",
        "must be empty to be structural",
    ),
    (
        "x-kubernetes-list-type",
        "must be undefined to be structural",
    ),
    (
        "x-kubernetes-map-type",
        "must be undefined to be structural",
    ),
    ("x-kubernetes-validations", "must be empty to be structural"),
];

fn nested(clause: &Value, skip_any_of: bool, path: &str, out: &mut Vec<FieldError>) {
    let Some(map) = clause.as_object() else {
        return;
    };
    logic(map, (skip_any_of, false), path, out);
    if let Some(items) = map.get("items") {
        nested(items, false, &join(path, "items"), out);
    }
    for (name, schema) in children(map, "properties") {
        let path = join(path, &format!("properties[{name}]"));
        nested(schema, false, &path, out);
        if name == "metadata" {
            let detail = "must not be specified in a nested context";
            out.push(FieldError::new(path, Reason::Forbidden, detail));
        }
    }
    for (name, detail) in FORBIDDEN {
        let is_set = match map.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        };
        if is_set {
            out.push(FieldError::new(join(path, name), Reason::Forbidden, detail));
        }
    }
}
