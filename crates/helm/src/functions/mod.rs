//! Helm's own functions for templates that need nothing but their arguments: `toYaml` and its like.
//!
//! Flows in: values and texts. Flows out: texts and values; where one cannot be made, Helm's answer: an empty text, or the
//! error as a value. They must never fail.

#[cfg(test)]
mod corpus;
mod marks;
mod pretty;
mod toml;

use std::sync::Arc;

use trueup_gotemplate::{
    Call, Functions, Map, Signature, Type, Value,
    sprig::{Expected, Layout, decode_json, encode_json},
};
use trueup_yaml::{Document, NodeId, Source, Style, emit};

use crate::{values::Values, yaml};

/// Adds them.
pub fn add(functions: &mut Functions) {
    const ANY: Signature = Signature::of(&[Type::Any]);
    const TEXT: Signature = Signature::of(&[Type::String]);
    functions.add("toYaml", ANY, |call| {
        Ok(with_marks(call, to_yaml(call.value(0))))
    });
    functions.add("toJson", ANY, |call| {
        let layout = Layout {
            escape_html: true,
            indent: false,
        };
        Ok(encode_json(call.value(0), layout).map_or_else(|_| Value::from(""), Value::Str))
    });
    functions.add("fromYaml", TEXT, |call| {
        let map = match Values::parse("fromYaml", call.bytes(0)) {
            Ok(values) => values.fresh(),
            Err(error) => error_map(error.text()),
        };
        Ok(Value::Map(map))
    });
    functions.add("fromYamlArray", TEXT, |call| {
        Ok(from_yaml_array(&call.text(0)))
    });
    functions.add("fromJson", TEXT, |call| {
        Ok(match decode_json(call.bytes(0), Expected::Map) {
            Ok(Value::Nil) => Value::Map(Map::nil(Type::Any)),
            Ok(value) => value,
            Err((Value::Map(map), error)) => {
                map.insert("Error", Value::from(error));
                Value::Map(map)
            }
            Err((_, error)) => Value::Map(error_map(&error)),
        })
    });
    functions.add("toToml", ANY, |call| {
        if call.value(0).is_nil() {
            return Err("reflect: call of reflect.Value.Type on zero Value".into());
        }
        Ok(toml::encode(call.value(0)).map_or_else(Value::from, Value::Str))
    });
    functions.add("fromToml", TEXT, |call| {
        let map = toml::decode(call.bytes(0));
        Ok(Value::Map(map.unwrap_or_else(|error| error_map(&error))))
    });
    functions.add("toYamlPretty", ANY, |call| {
        Ok(with_marks(call, pretty::encode(call.value(0))))
    });
    functions.add("fromJsonArray", TEXT, |call| {
        Ok(match decode_json(call.bytes(0), Expected::List) {
            Ok(value) => value,
            Err((_, error)) => Value::list([Value::from(error)]),
        })
    });
}

/// A text with the marks of the argument that it was printed from.
fn with_marks(call: &mut Call<'_, '_>, text: Option<String>) -> Value {
    let (text, value) = (text.unwrap_or_default(), call.args().value(0));
    if call.context().has_secrets() {
        marks::carry(text, value)
    } else {
        Value::from(text)
    }
}

fn error_map(text: &str) -> Map {
    [("Error".into(), Value::from(text))].into_iter().collect()
}

fn from_yaml_array(text: &str) -> Value {
    let wrong = |error: &str| Value::list([Value::from(error)]);
    match yaml::parse(&Source::new("fromYamlArray", text)) {
        Err(error) => wrong(error.text()),
        Ok(document) => {
            let root = document.root();
            let null = document.is_null(root);
            match Value::from_yaml(&Arc::new(document), root) {
                _ if null => Value::list([]),
                Value::List(list) => Value::List(list),
                other => {
                    let found = match other {
                        Value::Map(_) => "object",
                        Value::Bool(_) => "bool",
                        Value::Float(_) => "number",
                        _ => "string",
                    };
                    wrong(&format!(
                        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
                         {found} into Go value of type []interface {{}}"
                    ))
                }
            }
        }
    }
}

/// `sigs.k8s.io/yaml.Marshal` without the line end; none where Go cannot marshal the value.
pub(crate) fn to_yaml(value: &Value) -> Option<String> {
    let mut doc = Document::empty_mapping();
    let root = node(&mut doc, value, 0)?;
    let mut out = String::new();
    emit::sigs(&doc, root, &mut out).ok()?;
    if out.ends_with('\n') {
        out.pop();
    }
    Some(out)
}

/// Deeper values are taken to hold themselves.
const MAX_DEPTH: usize = 1000;

/// Takes a step into a value, on a stack that grows where it has to: frames of a debug build are large.
fn deeper<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 << 10, 1 << 20, step)
}

fn node(doc: &mut Document, value: &Value, depth: usize) -> Option<NodeId> {
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match value {
        Value::Nil => doc.new_null(),
        Value::Bool(flag) => doc.new_bool(*flag),
        Value::Str(text) => doc.new_str(&text.to_text()),
        Value::Float(number) => return float(doc, *number),
        Value::Map(map) => {
            if map.is_nil() {
                return Some(doc.new_null());
            }
            let mut pairs = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                let key = doc.new_str(&key.to_text());
                pairs.push((key, deeper(|| node(doc, &value, depth + 1))?));
            }
            let mapping = doc.new_mapping();
            doc.set_pairs(mapping, &pairs);
            mapping
        }
        Value::List(list) => {
            if list.is_nil() {
                return Some(doc.new_null());
            }
            let mut items = Vec::with_capacity(list.len());
            for item in list.items() {
                items.push(deeper(|| node(doc, item, depth + 1))?);
            }
            let sequence = doc.new_sequence();
            doc.set_items(sequence, &items);
            sequence
        }
        // Structs, bytes and the rarer numbers: by way of their JSON, as Go goes for all.
        other => {
            let layout = Layout {
                escape_html: false,
                indent: false,
            };
            let json = encode_json(other, layout).ok()?;
            let inner = Document::from_json(&json.to_text()).ok()?;
            doc.import(&inner, inner.root())
        }
    })
}

/// A float as Go's JSON writes it, which YAML then reads as a whole number where it looks like one.
fn float(doc: &mut Document, number: f64) -> Option<NodeId> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small"
    )]
    if number.fract() == 0.0 && number.abs() < 1e15 && !(number == 0.0 && number.is_sign_negative())
    {
        return Some(doc.new_int(number as i64));
    }
    let layout = Layout {
        escape_html: false,
        indent: false,
    };
    let text = encode_json(&Value::Float(number), layout).ok()?;
    Some(doc.new_scalar(&text.to_text(), Style::Plain, None))
}
