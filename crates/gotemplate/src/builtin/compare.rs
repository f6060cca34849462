//! `eq`, `lt` and `le`.

use crate::fmt;
use crate::value::{Kind, Str, Value};

/// What basic values are compared as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Invalid,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Value) -> Basic {
    match value.kind() {
        Kind::Bool => Basic::Bool,
        Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => Basic::Int,
        Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 => Basic::Uint,
        Kind::Float32 | Kind::Float64 => Basic::Float,
        Kind::Complex128 => Basic::Complex,
        Kind::String => Basic::String,
        _ => Basic::Invalid,
    }
}

const BAD_TYPE: &str = "invalid type for comparison";

/// Whether the first argument equals any other.
pub(super) fn eq(first: &Value, rest: &[Value]) -> Result<bool, String> {
    if rest.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in rest {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (basic(a), basic(b)) {
        (Basic::Int, Basic::Uint) => Ok(int_equals_uint(a, b)),
        (Basic::Uint, Basic::Int) => Ok(int_equals_uint(b, a)),
        (one, other) if one != other => {
            if a.is_nil() || b.is_nil() {
                return Ok(false);
            }
            Err(incompatible(a, b))
        }
        (Basic::Bool, _) => Ok(a.truth() == b.truth()),
        (Basic::Int, _) => Ok(a.as_int() == b.as_int()),
        (Basic::Uint, _) => Ok(a.as_uint() == b.as_uint()),
        (Basic::Float, _) => Ok(a.as_float() == b.as_float()),
        (Basic::String, _) => Ok(string(a) == string(b)),
        (Basic::Complex, _) => Ok(match (a, b) {
            (Value::Complex(a, b), Value::Complex(c, d)) => (a, b) == (c, d),
            _ => false,
        }),
        (Basic::Invalid, _) => equal_others(a, b),
    }
}

/// Maps, slices, structs and nil.
fn equal_others(a: &Value, b: &Value) -> Result<bool, String> {
    let (a_kind, b_kind) = (a.kind(), b.kind());
    if a_kind != b_kind && a_kind != Kind::Invalid && b_kind != Kind::Invalid {
        let (a_type, b_type) = (a.type_name(), b.type_name());
        let (a, b) = (shown(a), fmt::display(b));
        let b = b.to_text();
        return Err(format!("non-comparable types {a}: {a_type}, {b_type}: {b}"));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if matches!(b_kind, Kind::Struct | Kind::Ptr) => {
            Ok(a.type_name() == b.type_name() && a.equals(b.as_ref()))
        }
        _ => Err(format!(
            "non-comparable type {}: {}",
            shown(b),
            b.type_name()
        )),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        Value::Object(object) => object.is_nil(),
        _ => false,
    }
}

/// As `%s` prints it.
fn shown(value: &Value) -> String {
    let text = fmt::sprintf(&Str::from("%s"), std::slice::from_ref(value));
    text.to_text().into_owned()
}

fn incompatible(a: &Value, b: &Value) -> String {
    let (a, b) = (a.type_name(), b.type_name());
    format!("incompatible types for comparison: {a} and {b}")
}

fn int_equals_uint(int: &Value, uint: &Value) -> bool {
    let int = int.as_int().and_then(|int| u64::try_from(int).ok());
    int.is_some() && int == uint.as_uint()
}

fn string(value: &Value) -> Option<Str> {
    match value.underlying() {
        Some(Value::Str(text)) => Some(text),
        _ => None,
    }
}

/// Whether the first is less.
pub(super) fn lt(a: &Value, b: &Value) -> Result<bool, String> {
    let (a_basic, b_basic) = (basic(a), basic(b));
    if a_basic == Basic::Invalid || b_basic == Basic::Invalid {
        return Err(BAD_TYPE.to_owned());
    }
    match (a_basic, b_basic) {
        (Basic::Int, Basic::Uint) => {
            let a = a.as_int().unwrap_or_default();
            Ok(u64::try_from(a).is_ok_and(|a| Some(a) < b.as_uint()) || a < 0)
        }
        (Basic::Uint, Basic::Int) => {
            let b = u64::try_from(b.as_int().unwrap_or_default());
            Ok(b.is_ok_and(|b| a.as_uint() < Some(b)))
        }
        (one, other) if one != other => Err(incompatible(a, b)),
        (Basic::Int, _) => Ok(a.as_int() < b.as_int()),
        (Basic::Uint, _) => Ok(a.as_uint() < b.as_uint()),
        (Basic::Float, _) => Ok(a.as_float() < b.as_float()),
        (Basic::String, _) => Ok(string(a) < string(b)),
        _ => Err(BAD_TYPE.to_owned()),
    }
}

/// Whether the first is less or equal.
pub(super) fn le(a: &Value, b: &Value) -> Result<bool, String> {
    if lt(a, b)? {
        return Ok(true);
    }
    equal(a, b)
}
