//! Freeing nested values without recursion: templates can nest lists deeper than any stack.

use super::Value;

/// Drops values, and what only they hold, one after the other.
pub(super) fn release(values: Vec<Value>) {
    if !values.iter().any(is_collection) {
        return;
    }
    let mut pending = values;
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => list.take_items(&mut pending),
            Value::Map(map) => map.take_values(&mut pending),
            _ => {}
        }
    }
}

pub(super) fn is_collection(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}
