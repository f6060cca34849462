//! Sprig's questions about types, and Go's deep equality and deep copies.

use super::bind::{ANY, STRING, deeper};
use crate::{
    error::Error,
    function::{Context, Functions, Signature},
    value::{List, Map, Value},
};

/// How deep values may nest before they are taken for a cycle.
const DEPTH: usize = 1000;

pub(super) fn add(functions: &mut Functions) {
    functions.add("typeOf", Signature::of(&[ANY]), |call| {
        Ok(Value::from(call.value(0).type_name().into_owned()))
    });
    functions.add("kindOf", Signature::of(&[ANY]), |call| {
        Ok(Value::from(call.value(0).kind().name()))
    });
    functions.add("typeIs", Signature::of(&[STRING, ANY]), |call| {
        Ok(Value::Bool(
            call.value(1).type_name().as_bytes() == call.bytes(0),
        ))
    });
    functions.add("typeIsLike", Signature::of(&[STRING, ANY]), |call| {
        let name = call.value(1).type_name();
        let name = name.as_bytes();
        Ok(Value::Bool(
            name == call.bytes(0) || name.strip_prefix(b"*") == Some(call.bytes(0)),
        ))
    });
    functions.add("kindIs", Signature::of(&[STRING, ANY]), |call| {
        Ok(Value::Bool(
            call.value(1).kind().name().as_bytes() == call.bytes(0),
        ))
    });
    functions.add("deepEqual", Signature::of(&[ANY, ANY]), |call| {
        Ok(Value::Bool(deep_equal(call.value(0), call.value(1))))
    });
}

/// Go's `reflect.DeepEqual`: one type, and equal all the way down.
pub(super) fn deep_equal(left: &Value, right: &Value) -> bool {
    equal(left, right, DEPTH)
}

#[expect(clippy::float_cmp, reason = "Go compares with ==")]
fn equal(left: &Value, right: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::SmallInt(kind, a), Value::SmallInt(other, b)) => kind == other && a == b,
        (Value::Uint(kind, a), Value::Uint(other, b)) => kind == other && a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Float32(a), Value::Float32(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a.as_bytes() == b.as_bytes(),
        (Value::List(a), Value::List(b)) => {
            let items = || a.items().iter().zip(b.items());
            a.elem() == b.elem()
                && a.is_nil() == b.is_nil()
                && a.len() == b.len()
                && (a.is_same(b) || items().all(|(a, b)| deeper(|| equal(a, b, depth))))
        }
        (Value::Map(a), Value::Map(b)) => maps_equal(a, b, depth),
        (Value::Object(a), Value::Object(b)) => {
            a.type_name() == b.type_name()
                && match (a.underlying(), b.underlying()) {
                    (Some(a), Some(b)) => equal(&a, &b, depth),
                    _ => a.is_nil() == b.is_nil() && (a.is_nil() || a.equals(&**b)),
                }
        }
        _ => false,
    }
}

fn maps_equal(a: &Map, b: &Map, depth: usize) -> bool {
    if a.is_same(b) {
        return true;
    }
    if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
        return false;
    }
    let (a, b) = (a.entries(), b.entries());
    a.iter()
        .zip(&b)
        .all(|((key, value), (other, with))| key == other && deeper(|| equal(value, with, depth)))
}

/// A value that shares nothing that can be changed with the first.
pub(super) fn deep_copy(value: &Value, context: &mut Context<'_>) -> Result<Value, Error> {
    copy(value, DEPTH, context)
}

fn copy(value: &Value, depth: usize, context: &mut Context<'_>) -> Result<Value, Error> {
    let depth = depth.checked_sub(1).ok_or("the value contains itself")?;
    context.spend(1)?;
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let items: Result<_, Error> = list
                .items()
                .iter()
                .map(|item| deeper(|| copy(item, depth, context)))
                .collect();
            Value::List(List::typed(list.elem(), items?))
        }
        Value::Map(map) if !map.is_nil() => {
            let mut entries = map.entries();
            for (_, value) in &mut entries {
                *value = deeper(|| copy(value, depth, context))?;
            }
            Value::Map(Map::typed(map.elem(), entries))
        }
        // A named type of a map or a list (`chartutil.Values`) can be changed through as well.
        Value::Object(object) => match object.underlying() {
            Some(inner @ (Value::Map(_) | Value::List(_))) => {
                let inner = copy(&inner, depth, context)?;
                object.with_underlying(inner.clone()).unwrap_or(inner)
            }
            _ => value.clone(),
        },
        other => other.clone(),
    })
}
