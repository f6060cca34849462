//! From an `openAPIV3Schema` to a type.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::FieldError;
use super::node::{
    Additional, Arena, Declared, Field, GoFlags, List, ListKind, Node, NodeRef, Object, Patch,
    Scalar, Shape,
};
use super::rules::{Rules, children};
use super::{Type, structural};
use crate::builtin;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Type {
    /// The type that a structural schema describes, at any position.
    pub fn from_open_api(schema: &Value) -> Result<Self, Vec<FieldError>> {
        Self::parse(schema, false, "")
    }

    /// The type of the whole objects of a custom kind: `apiVersion`, `kind` and `metadata` are added to the schema.
    /// Errors name places below `path`.
    pub fn of_custom_kind(schema: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        Self::parse(schema, true, path)
    }

    fn parse(schema: &Value, is_root: bool, path: &str) -> Result<Self, Vec<FieldError>> {
        let problems = structural::check(schema, is_root, path);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut arena = Arena::default();
        let rules = Arc::new(Rules::parse(schema));
        let root = node(
            &mut arena,
            schema,
            &rules,
            Place {
                is_root,
                preserve: false,
            },
        );
        Ok(Self::custom(Arc::new(arena), root))
    }
}

#[derive(Clone, Copy)]
struct Place {
    is_root: bool,
    /// A node above lets unknown fields be: what it says of merging holds for all below it.
    preserve: bool,
}

fn node(arena: &mut Arena, schema: &Value, rules: &Arc<Rules>, place: Place) -> NodeRef {
    let nothing = Map::new();
    let map = schema.as_object().unwrap_or(&nothing);
    let flag = |name: &str| map.get(name).and_then(Value::as_bool).unwrap_or_default();
    let text = |name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default();
    let preserve_here = flag("x-kubernetes-preserve-unknown-fields");
    let below = Place {
        is_root: false,
        preserve: place.preserve || preserve_here,
    };
    let embedded = place.is_root || flag("x-kubernetes-embedded-resource");
    let shape = match text("type") {
        _ if flag("x-kubernetes-int-or-string") => Shape::Scalar(Scalar::IntOrString),
        "object" => Shape::Object(object(arena, map, rules, below, embedded)),
        "array" => Shape::List(list(arena, map, rules, below)),
        "string" => Shape::Scalar(match text("format") {
            "" => Scalar::String,
            "byte" => Scalar::Bytes,
            _ => Scalar::Formatted,
        }),
        "integer" => Shape::Scalar(match text("format") {
            "int32" => Scalar::Int32,
            "int64" => Scalar::Int64,
            _ => Scalar::Integer,
        }),
        "number" => Shape::Scalar(Scalar::Number),
        "boolean" => Shape::Scalar(Scalar::Boolean),
        _ => Shape::Untyped(object(arena, map, rules, below, embedded)),
    };
    arena.push(Node {
        rules: Some(Arc::clone(rules)),
        ..Node::new(shape)
    })
}

fn object(
    arena: &mut Arena,
    map: &Map<String, Value>,
    rules: &Arc<Rules>,
    below: Place,
    embedded: bool,
) -> Object {
    let mut fields = Vec::new();
    for (name, schema) in children(map, "properties") {
        let child = rules.properties.get(name).cloned().unwrap_or_default();
        let ty = node(arena, schema, &child, below);
        let required = rules.required.contains(name);
        let default = child
            .default
            .clone()
            .map_or(Declared::None, Declared::Value);
        fields.push(field(name.clone(), ty, required, default));
    }
    if embedded {
        let string = arena.push(Node::new(Shape::Scalar(Scalar::String)));
        let metadata = builtin::model(OBJECT_META).unwrap_or(string);
        for (name, ty) in [
            ("apiVersion", string),
            ("kind", string),
            ("metadata", metadata),
        ] {
            fields.retain(|field: &Field| field.name != name);
            fields.push(field(name.to_owned(), ty, false, Declared::None));
        }
    }
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    let preserve = map
        .get("x-kubernetes-preserve-unknown-fields")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let open = map
        .get("additionalProperties")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let additional = match map.get("additionalProperties") {
        Some(schema @ Value::Object(_)) => {
            let child = rules.additional.clone().unwrap_or_default();
            Additional::Of(node(arena, schema, &child, below))
        }
        Some(Value::Bool(false)) => Additional::Forbidden,
        _ if open || below.preserve || fields.is_empty() => Additional::Deduced,
        _ => Additional::Forbidden,
    };
    Object {
        fields,
        additional,
        atomic: map.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic"),
        preserve,
        open,
        embedded,
    }
}

fn field(name: String, ty: NodeRef, required: bool, default: Declared) -> Field {
    Field {
        name: name.into(),
        ty,
        required,
        default,
        go: GoFlags::default(),
        patch: Patch::default(),
    }
}

fn list(arena: &mut Arena, map: &Map<String, Value>, rules: &Arc<Rules>, below: Place) -> List {
    let child = rules.items.clone().unwrap_or_default();
    let nothing = Value::Null;
    let items = node(arena, map.get("items").unwrap_or(&nothing), &child, below);
    let kind = match map.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListKind::Set,
        Some("map") => ListKind::Map(
            map.get("x-kubernetes-list-map-keys")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|key| key.to_owned().into())
                .collect(),
        ),
        _ => ListKind::Atomic,
    };
    List { items, kind }
}
