//! Defaults that a schema declares.

use serde_json::Value;

use super::Type;
use super::node::{Additional, Declared, Shape, View};

impl Type {
    /// Sets the defaults that the schema declares, as the server does for custom resources.
    ///
    /// Nulls where the schema allows none are replaced by the default. For builtin kinds these are the few defaults
    /// that OpenAPI states (`protocol: TCP`); a server sets many more in code.
    pub fn default(&self, object: &mut Value) {
        default(self.view(), object);
    }

    /// Drops nulls where the schema allows none and has no default, as the server does before defaulting.
    pub fn drop_nulls(&self, object: &mut Value) {
        drop_nulls(self.view(), object);
    }
}

fn is_nullable(view: View<'_>) -> bool {
    view.rules().is_some_and(|rules| rules.nullable)
}

fn default(view: View<'_>, value: &mut Value) {
    match (&view.node.shape, value) {
        (Shape::Object(object) | Shape::Untyped(object), Value::Object(map)) => {
            for field in &object.fields {
                let Declared::Value(declared) = &field.default else {
                    continue;
                };
                let found = map.get(field.name.as_ref());
                if found.is_none_or(|found| found.is_null() && !is_nullable(view.to(field.ty))) {
                    map.insert(field.name.clone().into_owned(), declared.clone());
                }
            }
            for (key, value) in map.iter_mut() {
                if let Some(field) = object.field(key) {
                    default(view.to(field.ty), value);
                } else if let Additional::Of(reference) = object.additional {
                    default_item(view.to(reference), value);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for item in items {
                default_item(view.to(list.items), item);
            }
        }
        _ => {}
    }
}

/// An item of a list or map, which has its default on its own schema.
fn default_item(view: View<'_>, value: &mut Value) {
    if value.is_null()
        && let Some(rules) = view.rules()
        && !rules.nullable
        && let Some(declared) = &rules.default
    {
        *value = declared.clone();
    }
    default(view, value);
}

fn drop_nulls(view: View<'_>, value: &mut Value) {
    match (&view.node.shape, value) {
        (Shape::Object(object) | Shape::Untyped(object), Value::Object(map)) => {
            map.retain(|key, value| match (object.field(key), object.additional) {
                (Some(field), _) => {
                    let ty = view.to(field.ty);
                    let has_default = field.default != Declared::None;
                    if value.is_null() && !is_nullable(ty) && !has_default {
                        return false;
                    }
                    drop_nulls(ty, value);
                    true
                }
                (None, Additional::Of(reference)) => {
                    let ty = view.to(reference);
                    let has_default = ty.rules().is_some_and(|rules| rules.default.is_some());
                    if value.is_null() && !is_nullable(ty) && !has_default {
                        return false;
                    }
                    drop_nulls(ty, value);
                    true
                }
                _ => true,
            });
        }
        (Shape::List(list), Value::Array(items)) => {
            for item in items {
                drop_nulls(view.to(list.items), item);
            }
        }
        _ => {}
    }
}
