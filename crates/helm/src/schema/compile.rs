//! From the JSON of a schema to what is validated with.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regex::Regex;
use serde_json::{Map, Value};

use super::verify;

/// A schema of the arena [`Schemas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(usize);

/// All schemas of one document; references are resolved to indices, so that they may be circular.
///
/// A schema is compiled when a value first meets it: of the thousands that some charts bring, few are met.
#[derive(Debug)]
pub(super) struct Schemas {
    document: Value,
    known: Mutex<Known>,
    draft: u16,
}

#[derive(Debug, Default)]
struct Known {
    by_place: HashMap<Arc<str>, Id>,
    nodes: Vec<Arc<Node>>,
}

/// A place in the document, and the schema there once it was met.
#[derive(Debug)]
struct Node {
    place: Arc<str>,
    schema: OnceLock<Option<Arc<Schema>>>,
}

/// The keywords of one schema.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) always: Option<bool>,
    pub(super) types: Vec<String>,
    pub(super) constant: Option<Value>,
    pub(super) variants: Option<Vec<Value>>,
    pub(super) format: Option<String>,
    pub(super) reference: Option<Id>,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) required: Vec<String>,
    pub(super) dependencies: Vec<(String, Needs)>,
    pub(super) properties: HashMap<String, Id>,
    pub(super) patterns: Vec<(Regex, Id)>,
    pub(super) additional: Option<Id>,
    pub(super) names: Option<Id>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) unique: bool,
    pub(super) first_items: Vec<Id>,
    pub(super) items: Option<Id>,
    pub(super) contains: Option<Id>,
    pub(super) min_contains: Option<usize>,
    pub(super) max_contains: Option<usize>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<(Regex, String)>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) multiple_of: Option<f64>,
    pub(super) not: Option<Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) unevaluated_properties: Option<Id>,
}

/// What a property asks of its siblings.
#[derive(Debug)]
pub(super) enum Needs {
    /// These properties.
    Properties(Vec<String>),
    /// This schema.
    Schema(Id),
}

impl Schemas {
    /// The schemas of a document, whose root is the first; everything in it that can be wrong is looked at.
    pub(super) fn compile(document: Value) -> Result<Self, String> {
        verify::document(&document)?;
        let schemas = Self {
            draft: draft(&document),
            document,
            known: Mutex::default(),
        };
        schemas.add("#".into());
        Ok(schemas)
    }

    pub(super) fn root() -> Id {
        Id(0)
    }

    pub(super) fn get(&self, id: Id) -> Option<Arc<Schema>> {
        let node = Arc::clone(self.lock().nodes.get(id.0)?);
        let schema = node.schema.get_or_init(|| self.at(&node.place));
        schema.clone()
    }

    /// The draft: 4, 6, 7, 2019 or 2020.
    pub(super) fn draft(&self) -> u16 {
        self.draft
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The schema that will be at a place.
    fn add(&self, place: Arc<str>) -> Id {
        let mut known = self.lock();
        if let Some(id) = known.by_place.get(&place) {
            return *id;
        }
        let id = Id(known.nodes.len());
        known.nodes.push(Arc::new(Node {
            place: Arc::clone(&place),
            schema: OnceLock::new(),
        }));
        known.by_place.insert(place, id);
        id
    }

    /// Compiles the schema at a place; nothing where there is none, which was told before.
    fn at(&self, place: &str) -> Option<Arc<Schema>> {
        let schema = self.document.pointer(place.strip_prefix('#')?)?;
        let compiled = match schema {
            Value::Bool(always) => Schema {
                always: Some(*always),
                ..Schema::default()
            },
            Value::Object(fields) => Compiler {
                schemas: self,
                place,
                fields,
            }
            .compile()
            .ok()?,
            _ => return None,
        };
        Some(Arc::new(compiled))
    }
}

/// The place in a document that a `$ref` names, and what is there.
pub(super) fn refer<'d>(
    document: &'d Value,
    reference: &str,
) -> Result<(String, &'d Value), String> {
    let own = document
        .get("$id")
        .or_else(|| document.get("id"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let local = reference
        .strip_prefix(own)
        .filter(|_| !own.is_empty())
        .unwrap_or(reference);
    let Some(pointer) = local
        .strip_prefix('#')
        .or_else(|| local.is_empty().then_some(""))
    else {
        return Err(format!(
            "`$ref` to `{reference}` leads to another document, which is not fetched"
        ));
    };
    let pointer = percent_decoded(pointer);
    if pointer.is_empty() {
        return Ok(("#".to_owned(), document));
    }
    let found = if pointer.starts_with('/') {
        let found = document.pointer(&pointer);
        found.map(|found| (format!("#{pointer}"), found))
    } else {
        anchor(document, &pointer, "#")
    };
    found.ok_or_else(|| format!("`$ref` to `{reference}` leads nowhere"))
}

/// `%25` and its like in the fragment of an address.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = hex {
            out.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The schema with this `$anchor`, or `$id: "#name"` before draft 2019.
fn anchor<'v>(value: &'v Value, name: &str, place: &str) -> Option<(String, &'v Value)> {
    match value {
        Value::Object(fields) => {
            let named =
                |key: &str, text: &str| fields.get(key).and_then(Value::as_str) == Some(text);
            if named("$anchor", name) || named("$id", &format!("#{name}")) {
                return Some((place.to_owned(), value));
            }
            fields
                .iter()
                .find_map(|(key, value)| anchor(value, name, &format!("{place}/{}", escaped(key))))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, value)| anchor(value, name, &format!("{place}/{index}"))),
        _ => None,
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

pub(super) fn draft(document: &Value) -> u16 {
    let named = document
        .get("$schema")
        .and_then(Value::as_str)
        .unwrap_or_default();
    [
        ("draft-04", 4),
        ("draft-06", 6),
        ("draft-07", 7),
        ("2019-09", 2019),
    ]
    .iter()
    .find(|(part, _)| named.contains(part))
    .map_or(2020, |(_, draft)| *draft)
}

const OF_OBJECTS: [&str; 11] = [
    "properties",
    "additionalProperties",
    "required",
    "patternProperties",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "unevaluatedProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
];
const OF_LISTS: [&str; 9] = [
    "items",
    "additionalItems",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
];
const OF_SCALARS: [&str; 8] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
const OF_CONDITIONS: [&str; 7] = ["not", "allOf", "anyOf", "oneOf", "if", "then", "else"];

/// Compiles the keywords of one schema.
struct Compiler<'c> {
    schemas: &'c Schemas,
    place: &'c str,
    fields: &'c Map<String, Value>,
}

impl Compiler<'_> {
    fn compile(self) -> Result<Schema, String> {
        let draft = self.schemas.draft;
        let mut schema = Schema {
            types: self.types(),
            constant: (draft >= 6)
                .then(|| self.fields.get("const").cloned())
                .flatten(),
            variants: self.fields.get("enum").and_then(Value::as_array).cloned(),
            format: self.word("format").filter(|_| draft < 2019),
            reference: self.reference()?,
            ..Schema::default()
        };
        // Most schemas have a type and a description and nothing of these: a look at the keys spares them.
        let has = |keys: &[&str]| self.fields.keys().any(|key| keys.contains(&key.as_str()));
        if has(&OF_OBJECTS) {
            self.of_objects(&mut schema)?;
        }
        if has(&OF_LISTS) {
            self.of_lists(&mut schema);
        }
        if has(&OF_SCALARS) {
            self.of_scalars(&mut schema)?;
        }
        if has(&OF_CONDITIONS) {
            self.of_conditions(&mut schema);
        }
        Ok(schema)
    }

    fn types(&self) -> Vec<String> {
        let types: Vec<&str> = match self.fields.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        // The validator keeps types as a set of bits and prints them in this order.
        [
            "null", "boolean", "number", "integer", "string", "array", "object",
        ]
        .iter()
        .filter(|known| types.contains(*known))
        .map(|known| (*known).to_owned())
        .collect()
    }

    fn word(&self, key: &str) -> Option<String> {
        self.fields
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    fn words(&self, key: &str) -> Vec<String> {
        self.fields
            .get(key)
            .and_then(Value::as_array)
            .map(|items| {
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default()
    }

    fn count(&self, key: &str) -> Option<usize> {
        let number = self.fields.get(key)?.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a negative count is 0, one too large cannot be reached"
        )]
        let count = number as usize;
        Some(count)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.fields.get(key).and_then(Value::as_f64)
    }

    fn reference(&self) -> Result<Option<Id>, String> {
        let Some(reference) = reference(self.fields) else {
            return Ok(None);
        };
        let (place, _) = refer(&self.schemas.document, reference)?;
        Ok(Some(self.schemas.add(place.into())))
    }

    fn below(&self, key: &str) -> Id {
        let place = format!("{}/{key}", self.place);
        self.schemas.add(place.into())
    }

    fn one(&self, key: &str) -> Option<Id> {
        self.fields.get(key).map(|_| self.below(key))
    }

    fn several(&self, key: &str) -> Vec<Id> {
        let items = self.fields.get(key).and_then(Value::as_array);
        let count = items.map_or(0, Vec::len);
        (0..count)
            .map(|index| self.below(&format!("{key}/{index}")))
            .collect()
    }

    fn named(&self, key: &str) -> BTreeMap<String, Id> {
        let fields = self.fields.get(key).and_then(Value::as_object);
        fields
            .into_iter()
            .flatten()
            .map(|(name, _)| {
                let id = self.below(&format!("{key}/{}", escaped(name)));
                (name.clone(), id)
            })
            .collect()
    }

    fn of_objects(&self, schema: &mut Schema) -> Result<(), String> {
        schema.min_properties = self.count("minProperties");
        schema.max_properties = self.count("maxProperties");
        schema.required = self.words("required");
        schema.properties = self.named("properties").into_iter().collect();
        for (pattern, id) in self.named("patternProperties") {
            schema.patterns.push((regex(&pattern)?, id));
        }
        schema.additional = self.one("additionalProperties");
        schema.names = self.one("propertyNames");
        schema.unevaluated_properties = self.one("unevaluatedProperties");
        for key in ["dependencies", "dependentRequired", "dependentSchemas"] {
            let Some(fields) = self.fields.get(key).and_then(Value::as_object) else {
                continue;
            };
            for (name, needs) in fields {
                let needs = match needs {
                    Value::Array(names) => Needs::Properties(
                        names
                            .iter()
                            .filter_map(Value::as_str)
                            .map(str::to_owned)
                            .collect(),
                    ),
                    _ => Needs::Schema(self.below(&format!("{key}/{}", escaped(name)))),
                };
                schema.dependencies.push((name.clone(), needs));
            }
        }
        Ok(())
    }

    fn of_lists(&self, schema: &mut Schema) {
        schema.min_items = self.count("minItems");
        schema.max_items = self.count("maxItems");
        schema.unique = self.fields.get("uniqueItems") == Some(&Value::Bool(true));
        let listed = self.fields.get("items").is_some_and(Value::is_array);
        if listed {
            schema.first_items = self.several("items");
            schema.items = self.one("additionalItems");
        } else {
            schema.first_items = self.several("prefixItems");
            schema.items = self.one("items");
        }
        schema.contains = self.one("contains");
        schema.min_contains = self.count("minContains");
        schema.max_contains = self.count("maxContains");
    }

    fn of_scalars(&self, schema: &mut Schema) -> Result<(), String> {
        schema.min_length = self.count("minLength");
        schema.max_length = self.count("maxLength");
        if let Some(pattern) = self.word("pattern") {
            schema.pattern = Some((regex(&pattern)?, pattern));
        }
        schema.minimum = self.number("minimum");
        schema.maximum = self.number("maximum");
        schema.above = self.number("exclusiveMinimum");
        schema.below = self.number("exclusiveMaximum");
        // Draft 4 has flags that change the meaning of the border.
        if self.fields.get("exclusiveMinimum") == Some(&Value::Bool(true)) {
            schema.above = schema.minimum.take();
        }
        if self.fields.get("exclusiveMaximum") == Some(&Value::Bool(true)) {
            schema.below = schema.maximum.take();
        }
        schema.multiple_of = self.number("multipleOf");
        Ok(())
    }

    fn of_conditions(&self, schema: &mut Schema) {
        schema.not = self.one("not");
        schema.all_of = self.several("allOf");
        schema.any_of = self.several("anyOf");
        schema.one_of = self.several("oneOf");
        if self.schemas.draft >= 7 {
            schema.condition = self.one("if");
            schema.then = self.one("then");
            schema.otherwise = self.one("else");
        }
    }
}

/// What a schema refers to.
pub(super) fn reference(fields: &Map<String, Value>) -> Option<&str> {
    let of = |key: &str| fields.get(key).and_then(Value::as_str);
    of("$ref")
        .or_else(|| of("$dynamicRef").map(|to| if to == "#meta" { "#" } else { to }))
        .or_else(|| of("$recursiveRef"))
}

pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|_| format!("`{pattern}` is no regular expression"))
}
