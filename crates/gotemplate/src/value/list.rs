//! Slices.

use std::sync::{Arc, OnceLock};

use super::release::release;
use super::yaml::Node;
use super::{Type, Value};

/// A Go slice. It never changes and is shared by its clones.
#[derive(Clone)]
pub struct List(Arc<Data>);

struct Data {
    elem: Type,
    is_nil: bool,
    /// How far Go would let it be sliced, where that is not its length.
    capacity: Option<usize>,
    /// Set when the items were first looked at.
    items: OnceLock<Vec<Value>>,
    /// Where the items are read from.
    node: Option<Node>,
}

impl List {
    /// A slice of a type; the caller answers for its items being of that type.
    pub fn typed(elem: Type, items: Vec<Value>) -> Self {
        Self(Arc::new(Data {
            elem,
            is_nil: false,
            capacity: None,
            items: OnceLock::from(items),
            node: None,
        }))
    }

    /// The nil slice of a type: empty, prints as `[]`, is `null` in JSON.
    pub fn nil(elem: Type) -> Self {
        Self(Arc::new(Data {
            elem,
            is_nil: true,
            capacity: None,
            items: OnceLock::from(Vec::new()),
            node: None,
        }))
    }

    pub(super) fn lazy(node: Node) -> Self {
        Self(Arc::new(Data {
            elem: Type::Any,
            is_nil: false,
            capacity: None,
            items: OnceLock::new(),
            node: Some(node),
        }))
    }

    /// The items.
    pub fn items(&self) -> &[Value] {
        self.0.items.get_or_init(|| match &self.0.node {
            Some(node) => node.items(),
            None => Vec::new(),
        })
    }

    /// The type of the items.
    pub fn elem(&self) -> Type {
        self.0.elem
    }

    /// Whether this is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.is_nil
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items().len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What Go's `cap` says: decoders grow their slices by doubling them.
    pub(crate) fn capacity(&self) -> usize {
        match (self.0.capacity, self.len()) {
            (Some(capacity), _) => capacity,
            (None, len) if self.0.node.is_some() && len > 0 => len.next_power_of_two(),
            (None, len) => len,
        }
    }

    /// The items from one index to another, with what lies beyond up to a third. What is beyond the
    /// length, but not the capacity, is nil.
    pub(crate) fn slice(&self, from: usize, to: usize, end: usize) -> Self {
        let items = self
            .items()
            .iter()
            .cloned()
            .chain(std::iter::repeat(Value::Nil));
        let items: Vec<Value> = items.skip(from).take(to - from).collect();
        Self(Arc::new(Data {
            elem: self.0.elem,
            is_nil: false,
            capacity: Some(end - from),
            items: OnceLock::from(items),
            node: None,
        }))
    }

    /// Whether both are the same slice, not only equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl List {
    /// Moves the items out, if nobody else holds them.
    pub(super) fn take_items(self, into: &mut Vec<Value>) {
        if let Some(mut data) = Arc::into_inner(self.0) {
            into.extend(data.items.take().unwrap_or_default());
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Some(items) = self.items.take() {
            release(items);
        }
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::typed(Type::Any, items.into_iter().collect())
    }
}
