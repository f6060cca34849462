//! The builtin kinds as OpenAPI v3 schemas, for servers that publish them.
//!
//! In flows the data file, out flow component schemas with their `x-kubernetes` extensions. Descriptions are not in
//! the file, and neither are they here.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// A model of the data file: the kind it is of, its expression, the lines of its fields.
struct Model {
    kind: Option<&'static str>,
    expression: &'static str,
    fields: Vec<&'static str>,
}

static MODELS: LazyLock<HashMap<&'static str, Model>> =
    LazyLock::new(|| read(include_str!("kinds.txt")));

fn read(text: &'static str) -> HashMap<&'static str, Model> {
    let mut models: HashMap<&'static str, Model> = HashMap::new();
    let (mut kind, mut current) = (None, None);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("kind ") {
            kind = Some(rest);
        } else if let Some(rest) = line.strip_prefix("type ") {
            let (name, expression) = rest.split_once(' ').unwrap_or((rest, "object"));
            let model = Model {
                kind: kind.take(),
                expression,
                fields: Vec::new(),
            };
            models.insert(name, model);
            current = Some(name);
        } else if let Some(field) = line.strip_prefix(' ') {
            if let Some(model) = current.and_then(|name| models.get_mut(name)) {
                model.fields.push(field);
            }
        } else {
            current = None;
        }
    }
    models
}

/// `io.k8s.api.apps.v1.Deployment` of `apps.v1.Deployment`.
fn long(name: &str) -> String {
    if let Some(rest) = name.strip_prefix('~') {
        format!("io.k8s.apimachinery.pkg.{rest}")
    } else if name.starts_with("io.k8s.") {
        name.to_owned()
    } else {
        format!("io.k8s.api.{name}")
    }
}

/// The OpenAPI model of a builtin kind, such as `io.k8s.api.apps.v1.Deployment`.
pub fn model_name(group: &str, version: &str, kind: &str) -> Option<String> {
    let group = if group.is_empty() { "core" } else { group };
    let key = format!("{group}/{version} {kind}");
    MODELS
        .iter()
        .find(|(_, model)| model.kind == Some(key.as_str()))
        .map(|(name, _)| long(name))
}

/// The component schemas of these models and of all they refer to, by name.
pub fn open_api<'a>(models: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, Value> {
    let mut schemas = BTreeMap::new();
    let mut wanted: Vec<String> = models.into_iter().map(super::short).collect();
    while let Some(name) = wanted.pop() {
        if schemas.contains_key(&long(&name)) {
            continue;
        }
        if let Some(model) = MODELS.get(name.as_str()) {
            schemas.insert(long(&name), component(&name, model, &mut wanted));
        }
    }
    schemas
}

fn component(name: &str, model: &Model, wanted: &mut Vec<String>) -> Value {
    let mut schema = match name {
        "~api.resource.Quantity" => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        "~util.intstr.IntOrString" => {
            json!({"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"})
        }
        _ if model.expression.starts_with("object") => object(model, wanted),
        _ => expression(model.expression, wanted),
    };
    if let (Some(kind), Some(map)) = (model.kind, schema.as_object_mut())
        && let Some((place, kind)) = kind.split_once(' ')
    {
        let (group, version) = place.split_once('/').unwrap_or(("", place));
        let group = if group == "core" { "" } else { group };
        map.insert(
            "x-kubernetes-group-version-kind".to_owned(),
            json!([{"group": group, "version": version, "kind": kind}]),
        );
    }
    schema
}

fn object(model: &Model, wanted: &mut Vec<String>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for line in &model.fields {
        let mut words = line.split(' ');
        let (Some(name), Some(flags), Some(text)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if flags.contains('!') {
            required.push(name);
        }
        properties.insert(name.to_owned(), property(text, words, wanted));
    }
    let mut schema = json!({"type": "object"});
    if let Some(map) = schema.as_object_mut() {
        if !properties.is_empty() {
            map.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            map.insert("required".to_owned(), json!(required));
        }
        if model.expression.ends_with("map=atomic") {
            map.insert("x-kubernetes-map-type".to_owned(), json!("atomic"));
        }
    }
    schema
}

fn property<'a>(
    text: &str,
    attributes: impl Iterator<Item = &'a str>,
    wanted: &mut Vec<String>,
) -> Value {
    let mut schema = expression(text, wanted);
    let mut put = |key: &str, value: Value| {
        // Beside a reference only `allOf` keeps what else is said.
        if let Some(map) = schema.as_object_mut() {
            if let Some(reference) = map.remove("$ref") {
                map.insert("allOf".to_owned(), json!([{"$ref": reference}]));
            }
            map.insert(key.to_owned(), value);
        }
    };
    for attribute in attributes {
        match attribute.split_once('=') {
            Some(("list", list)) => match list.strip_prefix("map:") {
                Some(keys) => {
                    put("x-kubernetes-list-type", json!("map"));
                    let keys: Vec<&str> = keys.split(',').collect();
                    put("x-kubernetes-list-map-keys", json!(keys));
                }
                None => put("x-kubernetes-list-type", json!(list)),
            },
            Some(("patch", patch)) => {
                let (strategy, key) = patch.split_once(':').unwrap_or((patch, ""));
                put("x-kubernetes-patch-strategy", json!(strategy));
                if !key.is_empty() {
                    put("x-kubernetes-patch-merge-key", json!(key));
                }
            }
            Some(("map", kind)) => put("x-kubernetes-map-type", json!(kind)),
            Some(("default", text)) => {
                put("default", serde_json::from_str(text).unwrap_or_default());
            }
            _ => {}
        }
    }
    schema
}

/// A type expression: a word, a model, `[item]`, `{value}`.
fn expression(text: &str, wanted: &mut Vec<String>) -> Value {
    let inside = |open, close| text.strip_prefix(open)?.strip_suffix::<char>(close);
    if let Some(item) = inside('[', ']') {
        return json!({"type": "array", "items": expression(item, wanted)});
    }
    if let Some(value) = inside('{', '}') {
        return json!({"type": "object", "additionalProperties": expression(value, wanted)});
    }
    match text {
        "string" => json!({"type": "string"}),
        "byte" => json!({"type": "string", "format": "byte"}),
        "date-time" => json!({"type": "string", "format": "date-time"}),
        "int32" | "int64" => json!({"type": "integer", "format": text}),
        "integer" => json!({"type": "integer"}),
        "number" => json!({"type": "number", "format": "double"}),
        "boolean" => json!({"type": "boolean"}),
        "int-or-string" => json!({"x-kubernetes-int-or-string": true}),
        "object" => json!({"type": "object"}),
        model if MODELS.contains_key(model) => {
            wanted.push(model.to_owned());
            json!({"$ref": format!("#/components/schemas/{}", long(model))})
        }
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_brings_all_the_schemas_it_refers_to() {
        let name = model_name("apps", "v1", "Deployment").unwrap();
        assert_eq!(name, "io.k8s.api.apps.v1.Deployment");
        let schemas = open_api([name.as_str()]);
        let pod = &schemas["io.k8s.api.core.v1.PodSpec"];
        assert_eq!(pod["required"], json!(["containers"]));
        let containers = &pod["properties"]["containers"];
        assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
        assert_eq!(containers["x-kubernetes-list-map-keys"], json!(["name"]));
        assert_eq!(
            schemas[&name]["x-kubernetes-group-version-kind"],
            json!([{"group": "apps", "version": "v1", "kind": "Deployment"}])
        );
        let text = serde_json::to_string(&schemas).unwrap();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
    }
}
