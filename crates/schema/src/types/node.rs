//! The nodes a [`Type`](super::Type) is made of: an arena, with references that may point into the builtin one.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::rules::Rules;
use crate::builtin;

/// Text that is static for builtin kinds and owned for custom ones.
pub(crate) type Text = Cow<'static, str>;

/// A reference to a node, in the same arena or in the builtin one, with the field's own word on atomicity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeRef(u32);

impl NodeRef {
    const BUILTIN: u32 = 1 << 31;
    const ATOMIC: u32 = 1 << 30;
    const GRANULAR: u32 = 1 << 29;

    pub(crate) fn new(index: usize) -> Self {
        // Arenas hold thousands of nodes; an index past the flag bits cannot resolve and reads as untyped.
        Self(u32::try_from(index).unwrap_or(Self::GRANULAR - 1))
    }

    /// The same node seen from another arena.
    pub(crate) fn in_builtin(self) -> Self {
        Self(self.0 | Self::BUILTIN)
    }

    /// The same node with its map type set by the field that refers to it.
    pub(crate) fn with_atomic(self, atomic: bool) -> Self {
        Self(self.0 | if atomic { Self::ATOMIC } else { Self::GRANULAR })
    }

    pub(crate) fn is_builtin(self) -> bool {
        self.0 & Self::BUILTIN != 0
    }

    fn index(self) -> usize {
        (self.0 & (Self::GRANULAR - 1)) as usize
    }
}

/// Where nodes live.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(crate) nodes: Vec<Node>,
}

impl Arena {
    pub(crate) fn node_mut(&mut self, reference: NodeRef) -> Option<&mut Node> {
        self.nodes.get_mut(reference.index())
    }

    pub(crate) fn push(&mut self, node: Node) -> NodeRef {
        self.nodes.push(node);
        NodeRef::new(self.nodes.len() - 1)
    }
}

static NOTHING: Arena = Arena { nodes: Vec::new() };

static UNTYPED: Node = Node {
    shape: Shape::Untyped(UNTYPED_OBJECT),
    model: "",
    package: "",
    rules: None,
};

static RAW: Node = Node {
    shape: Shape::Raw,
    model: "",
    package: "",
    rules: None,
};

/// The object shape of values that no schema describes.
pub(crate) const UNTYPED_OBJECT: Object = Object {
    fields: Vec::new(),
    additional: Additional::Deduced,
    atomic: false,
    preserve: true,
    open: false,
    embedded: false,
};

/// One schema node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    /// The OpenAPI model's name without its package, for builtin kinds' error texts.
    pub(crate) model: &'static str,
    /// The last part of its package's name: `v1`.
    pub(crate) package: &'static str,
    /// What a custom resource's schema demands beyond the shape.
    pub(crate) rules: Option<Arc<Rules>>,
}

impl Node {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            model: "",
            package: "",
            rules: None,
        }
    }
}

/// The form of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any value; maps are granular, lists atomic. May declare fields (a typeless schema with properties).
    Untyped(Object),
    /// Any value, owned as a whole (`RawExtension`).
    Raw,
    Scalar(Scalar),
    Object(Object),
    List(List),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    /// A string whose format is not merged as a plain string by the server (any named format).
    Formatted,
    Bytes,
    DateTime,
    MicroTime,
    Int32,
    Int64,
    Integer,
    Number,
    Boolean,
    IntOrString,
    Quantity,
}

/// A struct, a map, or both.
#[derive(Debug, Default)]
pub(crate) struct Object {
    /// Sorted by name.
    pub(crate) fields: Vec<Field>,
    pub(crate) additional: Additional,
    pub(crate) atomic: bool,
    /// Unknown fields survive pruning here.
    pub(crate) preserve: bool,
    /// Unknown fields may hold scalars, and what is below them is dropped: `additionalProperties: true`.
    pub(crate) open: bool,
    /// An object in its own right, with `apiVersion`, `kind` and `metadata`.
    pub(crate) embedded: bool,
}

impl Object {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .binary_search_by(|field| field.name.as_ref().cmp(name))
            .ok()
            .and_then(|at| self.fields.get(at))
    }
}

/// What a key that is no declared field may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Additional {
    #[default]
    Forbidden,
    /// Anything, with granular maps and atomic lists.
    Deduced,
    Of(NodeRef),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Text,
    pub(crate) ty: NodeRef,
    /// Whether the object is invalid without it, by OpenAPI.
    pub(crate) required: bool,
    pub(crate) default: Declared,
    pub(crate) go: GoFlags,
    pub(crate) patch: Patch,
}

/// A declared default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Declared {
    #[default]
    None,
    /// The zero value of the Go type: it completes list map keys and is never written into an object.
    Zero,
    Value(Value),
}

/// What Go's JSON tags say of a builtin field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoFlags {
    pub(crate) pointer: bool,
    pub(crate) omit_empty: bool,
    pub(crate) omit_zero: bool,
}

/// What strategic merge patch does with a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) merge: bool,
    pub(crate) replace: bool,
    pub(crate) retain_keys: bool,
    pub(crate) merge_key: Option<&'static str>,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) items: NodeRef,
    pub(crate) kind: ListKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    Map(Vec<Text>),
}

/// A node together with the arena it refers to: what walks over a value carry.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    arena: &'a Arena,
    pub(crate) node: &'a Node,
    atomic: Option<bool>,
}

impl<'a> View<'a> {
    pub(crate) fn new(arena: &'a Arena, reference: NodeRef) -> Self {
        let arena = if reference.is_builtin() {
            builtin::arena()
        } else {
            arena
        };
        let atomic = match reference.0 & (NodeRef::ATOMIC | NodeRef::GRANULAR) {
            0 => None,
            flag => Some(flag == NodeRef::ATOMIC),
        };
        let node = arena.nodes.get(reference.index()).unwrap_or(&UNTYPED);
        Self {
            arena,
            node,
            atomic,
        }
    }

    /// The type of what no schema describes.
    pub(crate) fn deduced() -> Self {
        Self {
            arena: &NOTHING,
            node: &UNTYPED,
            atomic: None,
        }
    }

    /// The type of what is owned as a whole.
    pub(crate) fn raw() -> Self {
        Self {
            arena: &NOTHING,
            node: &RAW,
            atomic: None,
        }
    }

    pub(crate) fn to(self, reference: NodeRef) -> Self {
        Self::new(self.arena, reference)
    }

    /// Whether this object is owned as a whole.
    pub(crate) fn is_atomic(self, object: &Object) -> bool {
        self.atomic.unwrap_or(object.atomic)
    }

    /// The type of a key of this object, or `None` when the key is not declared and nothing else is allowed.
    pub(crate) fn at_key(self, object: &Object, key: &str) -> Option<Self> {
        match object.field(key) {
            Some(field) => Some(self.to(field.ty)),
            None => match object.additional {
                Additional::Forbidden => None,
                Additional::Deduced => Some(Self::deduced()),
                Additional::Of(reference) => Some(self.to(reference)),
            },
        }
    }

    /// The object shape, if it has one.
    pub(crate) fn object(self) -> Option<&'a Object> {
        match &self.node.shape {
            Shape::Object(object) | Shape::Untyped(object) => Some(object),
            _ => None,
        }
    }

    /// The list shape, if it has one.
    pub(crate) fn list(self) -> Option<&'a List> {
        match &self.node.shape {
            Shape::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn rules(self) -> Option<&'a Rules> {
        self.node.rules.as_deref()
    }
}
