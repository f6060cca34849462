//! What a Go server prints after decoding an object: the round trip through the builtin kinds' structs.

use serde_json::{Map, Value};

use super::Type;
use super::node::{Additional, Field, GoFlags, Object, Scalar, Shape, View};
use super::time;
use crate::quantity;

impl Type {
    /// Brings an object into the form that a Go server prints after decoding it.
    ///
    /// For builtin kinds: unknown fields and nulls go, quantities and times become canonical, empty fields that Go
    /// omits go, and the structs it always prints come (`strategy: {}`, `status: {}`, `resources: {}`). Of a custom
    /// kind only `metadata` has this treatment. An empty `metadata.managedFields` stays: by it a request asks to forget
    /// them, and [`update`](crate::apply::update) must see that.
    pub fn normalize(&self, object: &mut Value) {
        let asks_to_forget = object
            .pointer("/metadata/managedFields")
            .is_some_and(|list| list.as_array().is_some_and(Vec::is_empty));
        self.normalize_fields(object);
        if asks_to_forget
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("managedFields".to_owned(), Value::Array(Vec::new()));
        }
    }

    fn normalize_fields(&self, object: &mut Value) {
        let view = self.view();
        if self.is_builtin() {
            normalize(view, object);
        } else if let (Some(shape), Some(map)) = (view.object(), object.as_object_mut())
            && shape.embedded
            && let (Some(field), Some(metadata)) =
                (shape.field("metadata"), map.get_mut("metadata"))
        {
            normalize(view.to(field.ty), metadata);
        }
    }

    /// The empty object of a builtin kind as Go prints it; `{}` for a custom kind.
    pub fn zero(&self) -> Value {
        if self.is_builtin() {
            zero(self.view())
        } else {
            Value::Object(Map::new())
        }
    }
}

fn normalize(view: View<'_>, value: &mut Value) {
    match &view.node.shape {
        Shape::Object(object) if object.fields.is_empty() => {
            let Value::Object(map) = value else { return };
            if let Additional::Of(reference) = object.additional {
                let view = view.to(reference);
                for value in map.values_mut() {
                    normalize_item(view, value);
                }
            } else if !object.preserve {
                map.clear();
            }
        }
        Shape::Object(object) => {
            if let Value::Object(map) = value {
                normalize_struct(view, object, map);
            }
        }
        Shape::List(list) => {
            if let Value::Array(items) = value {
                let view = view.to(list.items);
                for value in items {
                    normalize_item(view, value);
                }
            }
        }
        Shape::Scalar(scalar) => normalize_scalar(*scalar, value),
        Shape::Untyped(_) | Shape::Raw => {}
    }
}

/// An item of a list or map: a null decodes to the zero value.
fn normalize_item(view: View<'_>, value: &mut Value) {
    if value.is_null() {
        *value = zero(view);
    } else {
        normalize(view, value);
    }
}

fn normalize_struct(view: View<'_>, object: &Object, map: &mut Map<String, Value>) {
    map.retain(|key, value| {
        let Some(field) = object.field(key) else {
            return false;
        };
        if value.is_null() {
            return false;
        }
        let ty = view.to(field.ty);
        normalize(ty, value);
        !(field.go.omit_empty && !field.go.pointer && is_empty(value) && !is_struct(ty)
            || field.go.omit_zero && !field.go.pointer && *value == zero(ty))
    });
    for field in &object.fields {
        if !map.contains_key(field.name.as_ref())
            && let Some(value) = zero_field(view, field)
        {
            map.insert(field.name.clone().into_owned(), value);
        }
    }
}

fn normalize_scalar(scalar: Scalar, value: &mut Value) {
    let canonical = match (scalar, &*value) {
        (Scalar::Quantity, Value::String(text)) => quantity::canonical(text),
        (Scalar::Quantity, Value::Number(number)) => quantity::canonical(&number.to_string()),
        (Scalar::DateTime, Value::String(text)) => time::canonical(text),
        (Scalar::MicroTime, Value::String(text)) => time::canonical_micro(text),
        _ => None,
    };
    if let Some(canonical) = canonical {
        *value = Value::String(canonical);
    }
}

/// Whether Go's `omitempty` leaves this out. A struct is never empty to it.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(bool) => !bool,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Whether Go holds it in a struct, whatever its JSON form.
fn is_struct(view: View<'_>) -> bool {
    match &view.node.shape {
        Shape::Object(object) => !object.fields.is_empty() || !view.node.model.is_empty(),
        Shape::Scalar(scalar) => matches!(
            scalar,
            Scalar::Quantity | Scalar::IntOrString | Scalar::DateTime | Scalar::MicroTime
        ),
        Shape::Untyped(_) | Shape::Raw => true,
        Shape::List(_) => false,
    }
}

/// What Go prints for an absent field, if anything.
fn zero_field(view: View<'_>, field: &Field) -> Option<Value> {
    let GoFlags {
        pointer,
        omit_empty,
        omit_zero,
    } = field.go;
    if pointer {
        return (!omit_empty && !omit_zero).then_some(Value::Null);
    }
    let ty = view.to(field.ty);
    if omit_zero || omit_empty && !is_struct(ty) {
        return None;
    }
    Some(zero(ty))
}

/// The zero value of a type as Go prints it.
fn zero(view: View<'_>) -> Value {
    match &view.node.shape {
        Shape::Object(object) if !object.fields.is_empty() => {
            let fields = object.fields.iter().filter_map(|field| {
                Some((field.name.clone().into_owned(), zero_field(view, field)?))
            });
            Value::Object(fields.collect())
        }
        Shape::Object(object) => match object.additional {
            Additional::Deduced if !view.node.model.is_empty() => Value::Object(Map::new()),
            _ => Value::Null,
        },
        Shape::List(_) | Shape::Untyped(_) | Shape::Raw => Value::Null,
        Shape::Scalar(scalar) => match scalar {
            Scalar::String | Scalar::Formatted => Value::from(""),
            Scalar::Bytes | Scalar::DateTime | Scalar::MicroTime => Value::Null,
            Scalar::Int32
            | Scalar::Int64
            | Scalar::Integer
            | Scalar::Number
            | Scalar::IntOrString => Value::from(0),
            Scalar::Boolean => Value::from(false),
            Scalar::Quantity => Value::from("0"),
        },
    }
}
