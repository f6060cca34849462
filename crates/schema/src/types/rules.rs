//! What a custom resource's schema demands of a value: a JSON schema as the server validates by.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

use super::formats::Format;

/// The rules of one schema node and of the nodes below it.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The allowed JSON types; empty means any.
    pub(crate) types: Vec<&'static str>,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Value>,
    pub(crate) format: Option<Format>,
    pub(crate) enumeration: Vec<Value>,
    pub(crate) maximum: Option<Bound>,
    pub(crate) minimum: Option<Bound>,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) max_length: Option<usize>,
    pub(crate) min_length: Option<usize>,
    pub(crate) pattern: Option<(String, Result<Regex, String>)>,
    pub(crate) max_items: Option<usize>,
    pub(crate) min_items: Option<usize>,
    pub(crate) unique_items: bool,
    pub(crate) max_properties: Option<usize>,
    pub(crate) min_properties: Option<usize>,
    pub(crate) required: Vec<String>,
    pub(crate) properties: BTreeMap<String, Arc<Self>>,
    pub(crate) items: Option<Arc<Self>>,
    pub(crate) additional: Option<Arc<Self>>,
    pub(crate) all_of: Vec<Self>,
    pub(crate) any_of: Vec<Self>,
    pub(crate) one_of: Vec<Self>,
    pub(crate) not: Option<Box<Self>>,
    /// `set`, or `map` with its keys.
    pub(crate) list: Unique,
    /// CEL rules here and below: counted, not evaluated.
    pub(crate) cel: usize,
}

/// A numeric limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) limit: f64,
    pub(crate) exclusive: bool,
}

/// What must be unique in a list.
#[derive(Debug, Default)]
pub(crate) enum Unique {
    #[default]
    Nothing,
    Items,
    Keys(Vec<String>),
}

const TYPES: [&str; 6] = ["object", "array", "string", "integer", "number", "boolean"];

impl Rules {
    /// Reads a schema. What is malformed is left out: [`super::structural`] reports it.
    pub(crate) fn parse(schema: &Value) -> Self {
        let Some(map) = schema.as_object() else {
            return Self::default();
        };
        let mut rules = Self::of_value(map);
        rules.properties = children(map, "properties")
            .map(|(name, schema)| (name.clone(), Arc::new(Self::parse(schema))))
            .collect();
        let below = |name: &str| {
            map.get(name)
                .filter(|schema| schema.is_object())
                .map(|schema| Arc::new(Self::parse(schema)))
        };
        rules.items = below("items");
        rules.additional = below("additionalProperties");
        let list = |name: &str| -> Vec<Self> {
            map.get(name)
                .and_then(Value::as_array)
                .map(|schemas| schemas.iter().map(Self::parse).collect())
                .unwrap_or_default()
        };
        rules.all_of = list("allOf");
        rules.any_of = list("anyOf");
        rules.one_of = list("oneOf");
        rules.not = map.get("not").map(|schema| Box::new(Self::parse(schema)));
        rules.cel = map
            .get("x-kubernetes-validations")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
            + rules
                .properties
                .values()
                .map(|rules| rules.cel)
                .sum::<usize>()
            + [&rules.items, &rules.additional]
                .into_iter()
                .flatten()
                .map(|rules| rules.cel)
                .sum::<usize>()
            + rules.all_of.iter().map(|rules| rules.cel).sum::<usize>();
        rules
    }

    /// The rules that say nothing of what is below.
    fn of_value(map: &Map<String, Value>) -> Self {
        let flag = |name: &str| map.get(name).and_then(Value::as_bool).unwrap_or_default();
        let text = |name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default();
        let size = |name: &str| {
            map.get(name)
                .and_then(Value::as_u64)
                .and_then(|size| usize::try_from(size).ok())
        };
        let texts = |name: &str| -> Vec<String> {
            map.get(name)
                .and_then(Value::as_array)
                .map(|items| {
                    items
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default()
        };
        let number = |name: &str| map.get(name).and_then(Value::as_f64);
        let bound = |name: &str, exclusive: &str| {
            number(name).map(|limit| Bound {
                limit,
                exclusive: flag(exclusive),
            })
        };
        let types = if flag("x-kubernetes-int-or-string") {
            vec!["integer", "string"]
        } else {
            TYPES
                .into_iter()
                .filter(|known| *known == text("type"))
                .collect()
        };
        let pattern = text("pattern");
        Self {
            types,
            nullable: flag("nullable"),
            default: map
                .get("default")
                .filter(|default| !default.is_null())
                .cloned(),
            format: Format::named(text("format")),
            enumeration: map
                .get("enum")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            maximum: bound("maximum", "exclusiveMaximum"),
            minimum: bound("minimum", "exclusiveMinimum"),
            multiple_of: number("multipleOf"),
            max_length: size("maxLength"),
            min_length: size("minLength"),
            pattern: (!pattern.is_empty()).then(|| {
                let regex = Regex::new(pattern).map_err(|error| error.to_string());
                (pattern.to_owned(), regex)
            }),
            max_items: size("maxItems"),
            min_items: size("minItems"),
            unique_items: flag("uniqueItems"),
            max_properties: size("maxProperties"),
            min_properties: size("minProperties"),
            required: texts("required"),
            list: match text("x-kubernetes-list-type") {
                "set" => Unique::Items,
                "map" => Unique::Keys(texts("x-kubernetes-list-map-keys")),
                _ => Unique::Nothing,
            },
            ..Self::default()
        }
    }
}

pub(super) fn children<'a>(
    map: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    map.get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
