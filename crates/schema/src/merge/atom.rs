//! What a node is to a merge, given a value: a map, a list or a scalar.

use serde_json::Value;

use crate::managed::PathElement;
use crate::types::node::{
    Additional, Declared, ListKind, Object, Scalar, Shape, UNTYPED_OBJECT, View,
};
use crate::value::{equal, equal_options};

/// The part of a type that applies to a value.
pub(super) enum Atom<'a> {
    Map(MapAtom<'a>),
    List(ListAtom<'a>),
    Scalar(ScalarKind),
}

/// What a merge checks of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarKind {
    Numeric,
    String,
    Boolean,
    Untyped,
}

#[derive(Clone, Copy)]
pub(super) struct MapAtom<'a> {
    view: View<'a>,
    /// `None`: owned as a whole, holding anything.
    object: Option<&'a Object>,
}

#[derive(Clone, Copy)]
pub(super) struct ListAtom<'a> {
    view: View<'a>,
}

static ANYTHING: Object = UNTYPED_OBJECT;

impl<'a> Atom<'a> {
    /// The part that applies to `value`. Without a value, or with one of the wrong kind, a type that could be many
    /// things counts as a map, as it does in the merge library.
    pub(super) fn of(view: View<'a>, value: Option<&Value>) -> Self {
        match (&view.node.shape, value) {
            (Shape::Scalar(Scalar::IntOrString) | Shape::Untyped(_) | Shape::Raw, value) => {
                match value {
                    Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                        Self::Scalar(ScalarKind::Untyped)
                    }
                    Some(Value::Array(_)) => Self::List(ListAtom { view }),
                    Some(Value::Object(_) | Value::Null) | None => {
                        map_of(view).map_or(Self::Scalar(ScalarKind::Untyped), Self::Map)
                    }
                }
            }
            (Shape::Object(object), _) => Self::Map(MapAtom {
                view,
                object: Some(object),
            }),
            (Shape::List(_), _) => Self::List(ListAtom { view }),
            (Shape::Scalar(scalar), _) => Self::Scalar(match scalar {
                Scalar::String | Scalar::Bytes => ScalarKind::String,
                Scalar::Int32 | Scalar::Int64 | Scalar::Integer | Scalar::Number => {
                    ScalarKind::Numeric
                }
                Scalar::Boolean => ScalarKind::Boolean,
                Scalar::Formatted
                | Scalar::DateTime
                | Scalar::MicroTime
                | Scalar::IntOrString
                | Scalar::Quantity => ScalarKind::Untyped,
            }),
        }
    }

    /// Whether two values of one type are handled as the same kind of thing.
    pub(super) fn same_kind(view: View<'_>, a: &Value, b: &Value) -> bool {
        if !matches!(
            view.node.shape,
            Shape::Scalar(Scalar::IntOrString) | Shape::Untyped(_) | Shape::Raw
        ) {
            return true;
        }
        let class = |value: &Value| match value {
            Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
            Value::Array(_) => 1,
            Value::Object(_) => 2,
            Value::Null => 3,
        };
        class(a) == class(b)
    }
}

/// The map side of a type, if it can be a map.
pub(super) fn map_of(view: View<'_>) -> Option<MapAtom<'_>> {
    let object = match &view.node.shape {
        Shape::Object(object) | Shape::Untyped(object) => Some(object),
        Shape::Scalar(Scalar::IntOrString) => Some(&ANYTHING),
        Shape::Raw => None,
        Shape::Scalar(_) | Shape::List(_) => return None,
    };
    Some(MapAtom { view, object })
}

/// The list side of a type, if it can be a list.
pub(super) fn list_of(view: View<'_>) -> Option<ListAtom<'_>> {
    match &view.node.shape {
        Shape::List(_) | Shape::Untyped(_) | Shape::Raw | Shape::Scalar(Scalar::IntOrString) => {
            Some(ListAtom { view })
        }
        Shape::Scalar(_) | Shape::Object(_) => None,
    }
}

impl<'a> MapAtom<'a> {
    pub(super) fn is_atomic(&self) -> bool {
        self.object.is_none_or(|object| self.view.is_atomic(object))
    }

    /// The type at a key; `None` when the key is not declared and nothing else is allowed.
    pub(super) fn at(&self, key: &str) -> Option<View<'a>> {
        match self.object {
            Some(object) => self.view.at_key(object, key),
            None => Some(View::raw()),
        }
    }

    /// The type at a key, or of anything.
    pub(super) fn at_or_deduced(&self, key: &str) -> View<'a> {
        self.at(key).unwrap_or_else(View::deduced)
    }

    pub(super) fn declares(&self, key: &str) -> bool {
        self.object
            .is_some_and(|object| object.field(key).is_some())
    }

    /// Whether nothing is known of its keys, or of what they hold.
    pub(super) fn is_deduced(&self) -> bool {
        self.object.is_some_and(|object| {
            object.fields.is_empty()
                && match object.additional {
                    Additional::Forbidden => false,
                    Additional::Deduced => true,
                    Additional::Of(reference) => {
                        let node = self.view.to(reference).node;
                        node.model.is_empty()
                            && matches!(
                                node.shape,
                                Shape::Untyped(_)
                                    | Shape::Scalar(
                                        Scalar::IntOrString | Scalar::Formatted | Scalar::DateTime
                                    )
                            )
                    }
                }
        })
    }
}

impl<'a> ListAtom<'a> {
    pub(super) fn items(&self) -> View<'a> {
        match self.view.list() {
            Some(list) => self.view.to(list.items),
            None => View::raw(),
        }
    }

    fn kind(&self) -> Option<&'a ListKind> {
        self.view.list().map(|list| &list.kind)
    }

    pub(super) fn is_atomic(&self) -> bool {
        matches!(self.kind(), None | Some(ListKind::Atomic))
    }

    /// The step to an item of a set or keyed list.
    pub(super) fn step(&self, item: &Value) -> Result<PathElement, String> {
        match self.kind() {
            Some(ListKind::Set) => match item {
                Value::Object(_) => {
                    Err("associative list without keys has an element that's a map type".to_owned())
                }
                Value::Array(_) => {
                    Err("not supported: associative list with lists as elements".to_owned())
                }
                Value::Null => Err(
                    "associative list without keys has an element that's an explicit null"
                        .to_owned(),
                ),
                scalar => Ok(PathElement::Value(scalar.clone())),
            },
            Some(ListKind::Map(keys)) => self.keyed_step(keys, item),
            Some(ListKind::Atomic) | None => {
                Err("invalid indexing of non-associative list".to_owned())
            }
        }
    }

    /// Whether two items have the same step. An item without one has it in common with no other.
    pub(super) fn same_step(&self, a: &Value, b: &Value) -> bool {
        match self.kind() {
            Some(ListKind::Set) => equal(a, b),
            Some(ListKind::Map(keys)) => {
                let mut is_known = false;
                let same = keys.iter().all(|key| {
                    let key = key.as_ref();
                    if let (Some(a), Some(b)) = (a.get(key), b.get(key)) {
                        is_known = true;
                        return equal(a, b);
                    }
                    let default = self.key_default(key).ok().flatten();
                    let a = a.get(key).or(default.as_ref());
                    let b = b.get(key).or(default.as_ref());
                    is_known |= a.is_some() || b.is_some();
                    equal_options(a, b)
                });
                same && is_known
            }
            Some(ListKind::Atomic) | None => false,
        }
    }

    /// Whether two of the items have the same step.
    pub(super) fn has_repeats(&self, items: &[Value]) -> bool {
        const FEW: usize = 12;
        if items.len() <= FEW {
            return items
                .iter()
                .enumerate()
                .any(|(i, a)| items.iter().take(i).any(|b| self.same_step(a, b)));
        }
        let mut steps: Vec<_> = items
            .iter()
            .filter_map(|item| self.step(item).ok())
            .collect();
        steps.sort_unstable();
        steps
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a == b))
    }

    /// Whether an item has a step, without making it.
    pub(super) fn check_step(&self, item: &Value) -> Result<(), String> {
        match (self.kind(), item) {
            (Some(ListKind::Map(keys)), Value::Object(map))
                if keys.iter().any(|key| map.contains_key(key.as_ref())) =>
            {
                Ok(())
            }
            (Some(ListKind::Set), Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(()),
            _ => self.step(item).map(|_| ()),
        }
    }

    fn keyed_step(
        &self,
        keys: &[crate::types::node::Text],
        item: &Value,
    ) -> Result<PathElement, String> {
        let map = match item {
            Value::Object(map) => map,
            Value::Null => {
                return Err("associative list with keys may not have a null element".to_owned());
            }
            _ => {
                return Err("associative list with keys may not have non-map elements".to_owned());
            }
        };
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let value = match map.get(key.as_ref()) {
                Some(value) => Some(value.clone()),
                None => self.key_default(key)?,
            };
            if let Some(value) = value {
                found.push((compact_str::CompactString::new(key), value));
            }
        }
        if found.is_empty() {
            let names: Vec<_> = keys
                .iter()
                .map(|key| crate::value::quote(key.as_bytes()))
                .collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                names.join(" ")
            ));
        }
        Ok(PathElement::key(found))
    }

    fn key_default(&self, key: &str) -> Result<Option<Value>, String> {
        let items = self.items();
        if map_of(items).is_none() {
            return Err(format!(
                "couldn't find default value for {key}: associative list may not have non-map types"
            ));
        }
        let Some(field) = items.object().and_then(|object| object.field(key)) else {
            return Ok(None);
        };
        Ok(match &field.default {
            Declared::None => None,
            Declared::Value(value) => Some(value.clone()),
            Declared::Zero => match &items.to(field.ty).node.shape {
                Shape::Scalar(Scalar::Boolean) => Some(Value::Bool(false)),
                Shape::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::Integer | Scalar::Number) => {
                    Some(Value::from(0))
                }
                _ => Some(Value::from("")),
            },
        })
    }
}
