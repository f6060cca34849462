//! Values that a Go server could not decode into its structs, in the words of its JSON library.

use serde_json::{Map, Number, Value};

use super::Type;
use super::node::{Additional, Object, Scalar, Shape, View};
use super::time;
use crate::quantity::Quantity;
use crate::value::quote;

impl Type {
    /// Why a server could not read an object of this kind, if it could not: the text after `cannot be handled as a
    /// Deployment: `.
    ///
    /// Of a custom kind only `metadata` is read into a struct. The path lacks the names of structs that Go embeds
    /// (`ProbeHandler` in `livenessProbe.ProbeHandler.httpGet`), which OpenAPI does not tell.
    pub fn decode_error(&self, object: &Value) -> Option<String> {
        let mut walk = Walk {
            owner: "",
            path: Vec::new(),
        };
        if self.is_builtin() {
            return walk.value(self.view(), object).err();
        }
        let metadata = object.get("metadata")?;
        let shape = self.view().object()?;
        let field = shape.field("metadata").filter(|_| shape.embedded)?;
        walk.value(self.view().to(field.ty), metadata).err()
    }
}

struct Walk<'a> {
    /// The struct that holds the field at hand.
    owner: &'static str,
    /// The names of the fields on the way; items and map keys are not among them.
    path: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn refuse(&self, value: &Value, go_type: &str, with_number: bool) -> Result<(), String> {
        let kind = match value {
            Value::Null => return Ok(()),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if with_number => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        Err(if self.path.is_empty() {
            format!("json: cannot unmarshal {kind} into Go value of type {go_type}")
        } else {
            let place = format!("{}.{}", self.owner, self.path.join("."));
            format!("json: cannot unmarshal {kind} into Go struct field {place} of type {go_type}")
        })
    }

    fn value(&mut self, view: View<'_>, value: &'a Value) -> Result<(), String> {
        match (&view.node.shape, value) {
            (_, Value::Null) | (Shape::Untyped(_) | Shape::Raw, _) => Ok(()),
            (Shape::Scalar(scalar), value) => self.scalar(*scalar, value),
            (Shape::List(list), Value::Array(items)) => {
                let view = view.to(list.items);
                items.iter().try_for_each(|item| self.value(view, item))
            }
            (Shape::Object(object), Value::Object(map)) => self.object(view, object, map),
            (Shape::List(_) | Shape::Object(_), value) => self.refuse(value, &go_type(view), false),
        }
    }

    fn object(
        &mut self,
        view: View<'_>,
        object: &Object,
        map: &'a Map<String, Value>,
    ) -> Result<(), String> {
        if let Additional::Of(reference) = object.additional {
            let view = view.to(reference);
            return map.values().try_for_each(|value| self.value(view, value));
        }
        for (key, value) in map {
            if let Some(field) = object.field(key) {
                let owner = std::mem::replace(&mut self.owner, view.node.model);
                self.path.push(key);
                self.value(view.to(field.ty), value)?;
                self.path.pop();
                self.owner = owner;
            }
        }
        Ok(())
    }

    fn scalar(&self, scalar: Scalar, value: &Value) -> Result<(), String> {
        match (scalar, value) {
            (Scalar::String | Scalar::Formatted | Scalar::IntOrString, Value::String(_))
            | (Scalar::Number, Value::Number(_))
            | (Scalar::Boolean, Value::Bool(_)) => Ok(()),
            (Scalar::Boolean, value) => self.refuse(value, "bool", false),
            (Scalar::Number, value) => self.refuse(value, "float64", false),
            (Scalar::Int32 | Scalar::IntOrString, value) => {
                self.integer(value, "int32", |number| i32::try_from(number).is_ok())
            }
            (Scalar::Int64 | Scalar::Integer, value) => self.integer(value, "int64", |_| true),
            (Scalar::Quantity, value) => {
                let text = match value {
                    Value::String(text) => text.trim().to_owned(),
                    other => other.to_string(),
                };
                Quantity::parse(&text)
                    .map(|_| ())
                    .map_err(|error| error.to_string())
            }
            (Scalar::Bytes, Value::String(text)) => match illegal_base64(text) {
                Some(at) => Err(format!("illegal base64 data at input byte {at}")),
                None => Ok(()),
            },
            (Scalar::Bytes, value) => self.refuse(value, "[]uint8", false),
            (Scalar::DateTime | Scalar::MicroTime, Value::String(text)) => {
                if time::is_date_time(text) {
                    return Ok(());
                }
                let layout = if scalar == Scalar::DateTime {
                    "2006-01-02T15:04:05Z07:00"
                } else {
                    "2006-01-02T15:04:05.000000Z07:00"
                };
                let text = quote(text);
                Err(format!(
                    "parsing time {text} as \"{layout}\": cannot parse {text} as \"2006\""
                ))
            }
            (Scalar::String | Scalar::Formatted | Scalar::DateTime | Scalar::MicroTime, value) => {
                self.refuse(value, "string", false)
            }
        }
    }

    fn integer(&self, value: &Value, go_type: &str, fits: fn(i64) -> bool) -> Result<(), String> {
        match value {
            Value::Number(number) if Number::as_i64(number).is_some_and(fits) => Ok(()),
            other => self.refuse(other, go_type, true),
        }
    }
}

/// A type as Go names it: `v1.PodSpec`, `[]v1.Container`, `map[string]string`.
fn go_type(view: View<'_>) -> String {
    match &view.node.shape {
        Shape::List(list) => format!("[]{}", go_type(view.to(list.items))),
        Shape::Object(object) => match object.additional {
            Additional::Of(reference) if view.node.model.is_empty() => {
                format!("map[string]{}", go_type(view.to(reference)))
            }
            _ => format!("{}.{}", view.node.package, view.node.model),
        },
        Shape::Scalar(scalar) => match scalar {
            Scalar::String | Scalar::Formatted => "string",
            Scalar::Bytes => "[]uint8",
            Scalar::DateTime => "v1.Time",
            Scalar::MicroTime => "v1.MicroTime",
            Scalar::Int32 => "int32",
            Scalar::Int64 | Scalar::Integer => "int64",
            Scalar::Number => "float64",
            Scalar::Boolean => "bool",
            Scalar::IntOrString => "intstr.IntOrString",
            Scalar::Quantity => "resource.Quantity",
        }
        .to_owned(),
        Shape::Untyped(_) | Shape::Raw => format!("{}.{}", view.node.package, view.node.model),
    }
}

/// The place of the first byte that is not base64, if there is one.
fn illegal_base64(text: &str) -> Option<usize> {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    body.bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/'))
        .or_else(|| (!text.len().is_multiple_of(4) || padding > 2).then_some(text.len()))
}
