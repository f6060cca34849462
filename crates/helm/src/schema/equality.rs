//! When JSON values are equal: `1` is `1.0`.

use serde_json::Value;

use super::document::{Document, Id, Json};

/// Whether a value is one of a schema's document.
pub(super) fn equals(document: &Document, id: Id, value: &Value) -> bool {
    match (value, document.get(id)) {
        (value, Json::Scalar(scalar)) => equal(value, scalar),
        (Value::Array(values), Json::Array(items)) => {
            let pairs = || values.iter().zip(items);
            values.len() == items.len() && pairs().all(|(value, id)| equals(document, *id, value))
        }
        (Value::Object(values), Json::Object(fields)) => {
            let has = |name: &str, id: Id| {
                let value = values.get(name);
                value.is_some_and(|value| equals(document, id, value))
            };
            values.len() == fields.len() && fields.iter().all(|(name, id)| has(name, *id))
        }
        _ => false,
    }
}

/// The first two equal items.
pub(super) fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    items.iter().enumerate().find_map(|(b, item)| {
        let a = items.iter().take(b).position(|other| equal(item, other))?;
        Some((a, b))
    })
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b
                || a.as_f64()
                    .zip(b.as_f64())
                    .is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (a, b) => a == b,
    }
}
