//! `len`, `index` and `slice`.

use crate::value::{Kind, List, Str, Type, Value};

/// The length of what has one.
pub(super) fn length(value: &Value, is_nil_interface: bool) -> Result<Value, String> {
    let len = match value {
        Value::Nil if is_nil_interface => return Err("len of nil pointer".to_owned()),
        Value::Nil => {
            return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
        }
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Object(object) => match object.underlying() {
            Some(inner) if matches!(inner.kind(), Kind::Map | Kind::Slice | Kind::String) => {
                return length(&inner, false);
            }
            _ if object.is_nil() => return Err("len of nil pointer".to_owned()),
            _ => return Err(format!("len of type {}", value.type_name())),
        },
        _ => return Err(format!("len of type {}", value.type_name())),
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}

/// An index or bound, up to a length.
fn position(index: &Value, limit: usize) -> Result<usize, String> {
    let number = match (index, index.as_int(), index.as_uint()) {
        (Value::Nil, _, _) => return Err("cannot index slice/array with nil".to_owned()),
        (_, Some(int), _) => int,
        (_, _, Some(uint)) => uint.cast_signed(),
        _ => {
            let name = index.type_name();
            return Err(format!("cannot index slice/array with type {name}"));
        }
    };
    match usize::try_from(number) {
        Ok(at) if at <= limit => Ok(at),
        _ => Err(format!("index out of range: {number}")),
    }
}

/// `index x 1 "a"` is `x[1]["a"]`.
pub(super) fn index(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    if item.is_nil() {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.clone();
    for index in indexes {
        if item.is_nil() {
            return Err("index of nil pointer".to_owned());
        }
        item = element(&item, index)?;
    }
    Ok(item)
}

fn element(item: &Value, index: &Value) -> Result<Value, String> {
    match item {
        Value::Str(text) => byte(text, index, "string"),
        Value::Bytes(bytes) => byte(bytes, index, "slice"),
        Value::List(list) => {
            let at = position(index, list.len())?;
            let found = list.items().get(at).cloned();
            found.ok_or_else(|| "reflect: slice index out of range".to_owned())
        }
        Value::Map(map) => {
            let key = match index.underlying() {
                Some(Value::Str(key)) if matches!(index, Value::Str(_)) => key,
                Some(Value::Nil) => return Err("value is nil; should be of type string".to_owned()),
                _ => {
                    let name = index.type_name();
                    return Err(format!("value has type {name}; should be string"));
                }
            };
            let found = map.get_bytes(key.as_bytes());
            Ok(found.unwrap_or_else(|| zero(map.elem())))
        }
        Value::Object(object) => match object.underlying() {
            Some(inner) => element(&inner, index),
            None if object.is_nil() => Err("index of nil pointer".to_owned()),
            None => Err(format!("can't index item of type {}", item.type_name())),
        },
        _ => Err(format!("can't index item of type {}", item.type_name())),
    }
}

fn byte(text: &Str, index: &Value, what: &str) -> Result<Value, String> {
    let at = position(index, text.len())?;
    match text.as_bytes().get(at) {
        Some(&byte) => Ok(Value::byte(byte)),
        None => Err(format!("reflect: {what} index out of range")),
    }
}

/// The zero value of a type.
pub(crate) fn zero(of: Type) -> Value {
    match of {
        Type::Any | Type::Reflect | Type::Named(_) => Value::Nil,
        Type::Bool => Value::Bool(false),
        Type::String => Value::Str(Str::default()),
        Type::Number(Kind::Int) => Value::Int(0),
        Type::Number(Kind::Int64) => Value::Int64(0),
        Type::Number(kind @ (Kind::Int8 | Kind::Int16 | Kind::Int32)) => Value::SmallInt(kind, 0),
        Type::Number(Kind::Float32) => Value::Float32(0.0),
        Type::Number(Kind::Float64) => Value::Float(0.0),
        Type::Number(Kind::Complex128) => Value::Complex(0.0, 0.0),
        Type::Number(kind) => Value::Uint(kind, 0),
        Type::List(elem) => Value::List(List::nil(*elem)),
        Type::Map(elem) => Value::Map(crate::value::Map::nil(*elem)),
    }
}

/// `slice x 1 2 3` is `x[1:2:3]`.
pub(super) fn slice(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    match item {
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        Value::Object(object) => {
            if let Some(inner) = object.underlying() {
                return slice(&inner, indexes);
            }
        }
        _ => {}
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let (len, capacity) = match item {
        Value::Str(_) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::Str(text) => (text.len(), text.len()),
        Value::Bytes(bytes) => (bytes.len(), bytes.len()),
        Value::List(list) => (list.len(), list.capacity()),
        _ => return Err(format!("can't slice item of type {}", item.type_name())),
    };
    let mut bounds = [0, len, capacity];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, capacity)?;
    }
    let [from, to, end] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if indexes.len() == 3 && to > end {
        return Err(format!("invalid slice index: {to} > {end}"));
    }
    Ok(match item {
        Value::Str(text) => Value::Str(text.slice(from..to)),
        Value::Bytes(bytes) => Value::Bytes(bytes.slice(from..to).into()),
        Value::List(list) => Value::List(list.slice(from, to, end)),
        other => other.clone(),
    })
}
