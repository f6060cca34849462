//! Patches of the kinds that need a schema, or nearly none: strategic merge patch, and RFC 7386 merge patch.
//!
//! In flow an object, a patch and the object's type, out flows the patched object. The strategic rules are those of
//! `k8s.io/apimachinery/pkg/util/strategicpatch` 0.36.3: lists merge by the key that the schema names, and
//! directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say the rest. Only
//! builtin kinds have such schemas; a server refuses strategic patches of custom resources.

mod lists;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use crate::types::Type;
use crate::types::node::{Additional, Patch, Shape, View};
use crate::value::quote;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder";
const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList";

/// Why a patch cannot be applied, in the words of the real server where it has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError(pub String);

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatchError {}

fn error<T>(message: impl Into<String>) -> Result<T, PatchError> {
    Err(PatchError(message.into()))
}

/// Applies a strategic merge patch to an object of this type.
pub fn patch(original: &Value, patch: &Value, ty: &Type) -> Result<Value, PatchError> {
    let (Value::Object(original), Value::Object(patch)) = (original, patch) else {
        return error("invalid JSON document");
    };
    merge_map(original.clone(), patch.clone(), ty.view()).map(Value::Object)
}

/// Applies an RFC 7386 merge patch: objects merge, null removes, all else replaces.
pub fn merge_patch(original: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *original = patch.clone();
        return;
    };
    if !original.is_object() {
        *original = Value::Object(Map::new());
    }
    if let Value::Object(map) = original {
        for (key, value) in patch {
            if value.is_null() {
                map.remove(key);
            } else {
                merge_patch(map.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

/// What the schema says of a field: its type and its patch strategy.
fn look_up<'a>(view: View<'a>, key: &str) -> Result<(View<'a>, Patch), PatchError> {
    let unknown = || {
        error(format!(
            "unable to find api field in struct {} for the json field {}",
            view.node.model,
            quote(key)
        ))
    };
    match &view.node.shape {
        Shape::Object(object) => match (object.field(key), object.additional) {
            (Some(field), _) => Ok((view.to(field.ty), field.patch)),
            // What a map holds cannot be merged: the real server knows the way into structs only.
            (None, Additional::Of(_)) => {
                error("merging an object in json but data type is not struct, instead is: map")
            }
            (None, _) => unknown(),
        },
        Shape::Untyped(_) | Shape::Raw => unknown(),
        Shape::Scalar(_) | Shape::List(_) => {
            error("merging an object in json but data type is not struct")
        }
    }
}

/// The same for a list, with the type of its items.
fn look_up_list<'a>(view: View<'a>, key: &str) -> Result<(View<'a>, Patch), PatchError> {
    let (list, patch) = look_up(view, key)?;
    match list.list() {
        Some(found) => Ok((list.to(found.items), patch)),
        None => error("expected slice or array type, but got: struct"),
    }
}

fn merge_map(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    view: View<'_>,
) -> Result<Map<String, Value>, PatchError> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Map::new()),
            _ => error(format!(
                "unknown patch type: {} in map: {}",
                directive.as_str().unwrap_or_default(),
                Value::Object(patch.clone())
            )),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    lists::merge_ordered(&mut original, &mut patch, view)?;
    // Items are added before any are deleted from the same list.
    let (deletes, fields): (Vec<_>, Vec<_>) = patch
        .into_iter()
        .partition(|(key, _)| key.starts_with(DELETE_PRIMITIVES));
    for (key, value) in fields {
        merge_field(&mut original, key, value, view)?;
    }
    for (key, gone) in deletes {
        let Some(name) = key
            .strip_prefix(DELETE_PRIMITIVES)
            .and_then(|key| key.strip_prefix('/'))
        else {
            return error("invalid patch format of primitive list");
        };
        if gone.is_null() {
            original.remove(name);
        } else if let (Some(Value::Array(items)), Value::Array(gone)) =
            (original.get_mut(name), gone)
        {
            look_up_list(view, name)?;
            items.retain(|item| !gone.contains(item));
        }
    }
    Ok(original)
}

fn merge_field(
    original: &mut Map<String, Value>,
    key: String,
    mut value: Value,
    view: View<'_>,
) -> Result<(), PatchError> {
    if value.is_null() {
        original.remove(&key);
        return Ok(());
    }
    let merged = match (original.remove(&key), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let (view, patch) = look_up(view, &key)?;
            Some(Value::Object(if patch.replace {
                new
            } else {
                merge_map(old, new, view)?
            }))
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            let (view, patch) = look_up_list(view, &key)?;
            Some(Value::Array(lists::merge(old, new, view, patch)?))
        }
        (old, new) => {
            value = new;
            let same_kind = old
                .is_some_and(|old| std::mem::discriminant(&old) == std::mem::discriminant(&value));
            if !same_kind {
                discard_nulls(&mut value);
            }
            without_directives(value)
        }
    };
    if let Some(merged) = merged {
        original.insert(key, merged);
    }
    Ok(())
}

/// Clears the fields that `$retainKeys` does not name.
fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), PatchError> {
    let Some(directive) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(keys) = directive else {
        return error("invalid patch format of retainKeys");
    };
    let named = |key: &str| keys.iter().any(|kept| kept.as_str() == Some(key));
    let is_directive = |key: &str| key.starts_with(DELETE_PRIMITIVES) || key.starts_with(SET_ORDER);
    if patch
        .iter()
        .any(|(key, value)| !value.is_null() && !is_directive(key) && !named(key))
    {
        return error("invalid patch format of retainKeys");
    }
    original.retain(|key, _| named(key));
    Ok(())
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// What is left of a patch that has nothing to merge with; `None` when it is a directive itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter()
                .filter_map(|(key, value)| Some((key, without_directives(value)?)))
                .collect(),
        )),
        Value::Array(items) => Some(Value::Array(
            items.into_iter().filter_map(without_directives).collect(),
        )),
        other => Some(other),
    }
}
