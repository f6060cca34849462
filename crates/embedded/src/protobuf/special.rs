//! Messages that are no objects in JSON: times, quantities, numbers or strings, raw JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire::{Content, Fields};
use crate::server::ids::{micro, rfc3339};

/// The value of such a message, `None` for any other.
pub(super) fn value(name: &str, bytes: &[u8]) -> Result<Option<Value>, String> {
    Ok(Some(match name {
        "~apis.meta.v1.Time" => time(bytes, rfc3339)?,
        "~apis.meta.v1.MicroTime" => time(bytes, micro)?,
        "~api.resource.Quantity" => json!(super::utf8(first(bytes)?)?),
        "~util.intstr.IntOrString" => int_or_string(bytes)?,
        "~apis.meta.v1.FieldsV1" | "~runtime.RawExtension" => {
            let raw = first(bytes)?;
            if raw.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(raw).map_err(|error| format!("embedded JSON: {error}"))?
            }
        }
        _ => return Ok(None),
    }))
}

/// The bytes of field 1.
fn first(bytes: &[u8]) -> Result<&[u8], String> {
    for field in Fields::new(bytes) {
        if let (1, Content::Bytes(content)) = field? {
            return Ok(content);
        }
    }
    Ok(&[])
}

/// Go's zero time, which is how a client says none.
const GO_ZERO: i64 = -62_135_596_800;

fn time(bytes: &[u8], print: fn(Timestamp) -> String) -> Result<Value, String> {
    let (mut seconds, mut nanos) = (0_i64, 0_i32);
    for field in Fields::new(bytes) {
        match field? {
            (1, Content::Number(number)) => seconds = number.cast_signed(),
            (2, Content::Number(number)) => nanos = i32::try_from(number).unwrap_or(0),
            _ => {}
        }
    }
    if bytes.is_empty() || seconds == GO_ZERO {
        return Ok(Value::Null);
    }
    let time = Timestamp::new(seconds, nanos).map_err(|error| error.to_string())?;
    Ok(json!(print(time)))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0_i64, String::new());
    for field in Fields::new(bytes) {
        match field? {
            (1, Content::Number(kind)) => is_text = kind == 1,
            (2, Content::Number(value)) => number = value.cast_signed(),
            (3, Content::Bytes(value)) => text = super::utf8(value)?,
            _ => {}
        }
    }
    Ok(if is_text { json!(text) } else { json!(number) })
}
