//! The type model shared by builtin and custom kinds, and what can be asked of a type.
//!
//! In flow the builtin data file and the `openAPIV3Schema` of custom resource definitions; out flow answers about
//! values: are they valid, which defaults and which fields are missing or unknown, what a Go server would print.
//! A [`Type`] is a cheap handle to an immutable arena of nodes. This module never evaluates CEL
//! (`x-kubernetes-validations`): [`Type::unevaluated_rules`] says how many rules went unevaluated.

mod decode;
mod defaults;
mod error;
mod formats;
mod golang;
pub(crate) mod node;
mod parse;
pub(crate) mod rules;
mod structural;
#[cfg(test)]
mod tests;
mod time;
mod unknown;
mod validate;

use std::sync::Arc;

use serde_json::Value;

use crate::managed::FieldSet;
use crate::merge::{self, Duplicates, MergeError};
pub use error::{FieldError, Reason};
use node::{Additional, Arena, ListKind, NodeRef, Scalar, Shape, View};

/// The form of a type's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything; maps are granular, lists atomic.
    Any,
    /// Anything, owned as a whole.
    Raw,
    /// Text; a custom resource's text of any named format too.
    String,
    /// Base64.
    Bytes,
    /// RFC 3339 in whole seconds.
    DateTime,
    /// RFC 3339 in microseconds.
    MicroTime,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// An integer of no stated width.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// An integer or text.
    IntOrString,
    /// An amount such as `100m` or `1Gi`.
    Quantity,
    /// A struct or map.
    Object,
    /// A list.
    List,
}

/// How the items of a list belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListType {
    /// The list is owned as a whole.
    Atomic,
    /// Each scalar is owned by itself.
    Set,
    /// Each item is owned by itself and known by these fields.
    Map(Vec<String>),
}

/// One schema node, builtin or from a custom resource definition. Cloning is cheap.
#[derive(Clone)]
pub struct Type {
    arena: Owner,
    root: NodeRef,
}

#[derive(Clone)]
enum Owner {
    Builtin(&'static Arena),
    Custom(Arc<Arena>),
}

impl Type {
    pub(crate) fn builtin(arena: &'static Arena, root: NodeRef) -> Self {
        Self {
            arena: Owner::Builtin(arena),
            root,
        }
    }

    pub(crate) fn custom(arena: Arc<Arena>, root: NodeRef) -> Self {
        Self {
            arena: Owner::Custom(arena),
            root,
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        let arena = match &self.arena {
            Owner::Builtin(arena) => arena,
            Owner::Custom(arena) => arena.as_ref(),
        };
        View::new(arena, self.root)
    }

    /// A node that this one refers to: what a builtin node refers to is builtin.
    fn at(&self, reference: NodeRef) -> Self {
        let is_builtin = self.root.is_builtin();
        Self {
            arena: self.arena.clone(),
            root: if is_builtin {
                reference.in_builtin()
            } else {
                reference
            },
        }
    }

    pub(crate) fn is_builtin(&self) -> bool {
        matches!(self.arena, Owner::Builtin(_)) || self.root.is_builtin()
    }

    /// The type of values that no schema describes: maps are granular, lists atomic.
    pub fn deduced() -> Self {
        Self::custom(Arc::default(), NodeRef::new(0))
    }

    /// The type of a declared field.
    pub fn field(&self, name: &str) -> Option<Self> {
        let field = self.view().object()?.field(name)?;
        Some(self.at(field.ty))
    }

    /// The names of the declared fields, sorted.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let object = self.view().object();
        object
            .into_iter()
            .flat_map(|object| object.fields.iter().map(|field| field.name.as_ref()))
    }

    /// Whether OpenAPI says that a field must be there.
    pub fn requires(&self, name: &str) -> bool {
        let field = self.view().object().and_then(|object| object.field(name));
        field.is_some_and(|field| field.required)
    }

    /// The type of a list's items.
    pub fn items(&self) -> Option<Self> {
        Some(self.at(self.view().list()?.items))
    }

    /// The type of a map's values.
    pub fn additional(&self) -> Option<Self> {
        match self.view().object()?.additional {
            Additional::Of(reference) => Some(self.at(reference)),
            Additional::Deduced => Some(Self::deduced()),
            Additional::Forbidden => None,
        }
    }

    /// The form of the values.
    pub fn kind(&self) -> Kind {
        match &self.view().node.shape {
            Shape::Untyped(_) => Kind::Any,
            Shape::Raw => Kind::Raw,
            Shape::Object(_) => Kind::Object,
            Shape::List(_) => Kind::List,
            Shape::Scalar(scalar) => match scalar {
                Scalar::String | Scalar::Formatted => Kind::String,
                Scalar::Bytes => Kind::Bytes,
                Scalar::DateTime => Kind::DateTime,
                Scalar::MicroTime => Kind::MicroTime,
                Scalar::Int32 => Kind::Int32,
                Scalar::Int64 => Kind::Int64,
                Scalar::Integer => Kind::Integer,
                Scalar::Number => Kind::Number,
                Scalar::Boolean => Kind::Boolean,
                Scalar::IntOrString => Kind::IntOrString,
                Scalar::Quantity => Kind::Quantity,
            },
        }
    }

    /// How a list's items belong together; `None` for what is no list.
    pub fn list_type(&self) -> Option<ListType> {
        Some(match &self.view().list()?.kind {
            ListKind::Atomic => ListType::Atomic,
            ListKind::Set => ListType::Set,
            ListKind::Map(keys) => ListType::Map(keys.iter().map(ToString::to_string).collect()),
        })
    }

    /// Whether a map or list is owned as a whole.
    pub fn is_atomic(&self) -> bool {
        let view = self.view();
        match &view.node.shape {
            Shape::Object(object) | Shape::Untyped(object) => view.is_atomic(object),
            Shape::List(list) => list.kind == ListKind::Atomic,
            Shape::Raw => true,
            Shape::Scalar(_) => false,
        }
    }

    /// The fields that a value mentions, as a manager that applies it would own them.
    pub fn extract(&self, value: &Value) -> Result<FieldSet, MergeError> {
        merge::check(self.view(), value, Duplicates::Allowed)?;
        Ok(merge::extract(self.view(), value))
    }
}
