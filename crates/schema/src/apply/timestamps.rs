//! Writes that change nothing but a time change nothing.

use serde_json::Value;

use crate::value::equal;

/// Restores the old times of managed fields when nothing else differs, so that the write leaves no trace.
///
/// Call it last, when `new` is what would be stored.
pub fn keep_timestamps(live: &Value, new: &mut Value) {
    let (Some(old_list), Some(new_list)) = (list(live), list(new)) else {
        return;
    };
    if old_list.len() != new_list.len()
        || new_list.is_empty()
        || !old_list
            .iter()
            .zip(new_list)
            .all(|(a, b)| same_but_time(a, b))
        || !same_but_managed_fields(live, new)
    {
        return;
    }
    let old_list = old_list.clone();
    if let Some(entries) = new.pointer_mut("/metadata/managedFields") {
        *entries = Value::Array(old_list);
    }
}

fn list(object: &Value) -> Option<&Vec<Value>> {
    object.pointer("/metadata/managedFields")?.as_array()
}

fn same_but_time(a: &Value, b: &Value) -> bool {
    same_but(a, b, "time", |_, _| true)
}

fn same_but_managed_fields(a: &Value, b: &Value) -> bool {
    same_but(a, b, "metadata", |a, b| {
        same_but(a, b, "managedFields", |_, _| true)
    })
}

/// Whether two objects have the same keys and values, but for one key that is compared otherwise.
fn same_but(a: &Value, b: &Value, key: &str, compare: impl Fn(&Value, &Value) -> bool) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else {
        return false;
    };
    let others =
        |map: &serde_json::Map<String, Value>| map.len() - usize::from(map.contains_key(key));
    others(a) == others(b)
        && a.iter().all(|(name, a)| match b.get(name) {
            Some(b) if name == key => compare(a, b),
            Some(b) => equal(a, b),
            None => name == key,
        })
}
