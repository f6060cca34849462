//! A node with a schema, for serde.

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::document::Document;
use crate::node::{Kind, NodeId};
use crate::resolve::Schema;
use crate::value::{Field, Scalar, Walk};

/// A node whose scalars a schema resolves; serialises straight from the document, in its order.
#[derive(Clone, Copy, Debug)]
pub struct NodeView<'d> {
    doc: &'d Document,
    id: NodeId,
    schema: Schema,
}

impl Document {
    /// A view of a node for serde.
    pub fn view(&self, id: NodeId, schema: Schema) -> NodeView<'_> {
        NodeView {
            doc: self,
            id,
            schema,
        }
    }

    #[cfg(feature = "json")]
    /// A node as a `serde_json` value. Fails as [`emit::json`](crate::emit::json) does.
    pub fn to_json(
        &self,
        id: NodeId,
        schema: Schema,
    ) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self.view(id, schema))
    }

    #[cfg(feature = "json")]
    /// Adds a `serde_json` value to the document, strings as strings.
    pub fn add_json(&mut self, value: &serde_json::Value) -> NodeId {
        use serde_json::Value;
        match value {
            Value::Null => self.new_null(),
            Value::Bool(b) => self.new_bool(*b),
            Value::Number(number) => {
                self.new_scalar(&number.to_string(), crate::node::Style::Plain, None)
            }
            Value::String(text) => self.new_str(text),
            Value::Array(values) => {
                let items: Vec<NodeId> = values.iter().map(|value| self.add_json(value)).collect();
                let sequence = self.new_sequence();
                self.set_items(sequence, &items);
                sequence
            }
            Value::Object(fields) => {
                let pairs: Vec<(NodeId, NodeId)> = fields
                    .iter()
                    .map(|(key, value)| (self.new_str(key), self.add_json(value)))
                    .collect();
                let mapping = self.new_mapping();
                self.set_pairs(mapping, &pairs);
                mapping
            }
        }
    }

    #[cfg(feature = "json")]
    /// A document that holds a `serde_json` value.
    pub fn from_json_value(value: &serde_json::Value) -> Self {
        let mut document = Self {
            nodes: Vec::new(),
            ..Self::empty_mapping()
        };
        document.root = document.add_json(value);
        document
    }
}

impl Serialize for NodeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let walk = std::cell::RefCell::new(Walk::new(self.doc, self.schema));
        let node = Inner {
            walk: &walk,
            id: self.id,
            root: false,
        };
        node.serialize(serializer)
    }
}

/// A node within one walk, so that its bounds hold for the whole.
struct Inner<'w, 'd> {
    walk: &'w std::cell::RefCell<Walk<'d>>,
    id: NodeId,
    root: bool,
}

impl Inner<'_, '_> {
    fn child(&self, id: NodeId) -> Self {
        Self {
            walk: self.walk,
            id,
            root: false,
        }
    }
}

impl Serialize for Inner<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entered = self.walk.borrow_mut().enter(self.id);
        let (target, node) = entered.map_err(S::Error::custom)?;
        let done = match node.kind() {
            Kind::Scalar => {
                let scalar = self.walk.borrow().scalar(target, node);
                match scalar.map_err(S::Error::custom)? {
                    Scalar::Null => serializer.serialize_unit(),
                    Scalar::Bool(b) => serializer.serialize_bool(b),
                    Scalar::Int(n) => serializer.serialize_i64(n),
                    Scalar::Uint(n) => serializer.serialize_u64(n),
                    Scalar::Float(n) => serializer.serialize_f64(n),
                    Scalar::Str(text) => serializer.serialize_str(&text),
                }
            }
            Kind::Sequence => {
                let doc = self.walk.borrow().doc;
                let items = doc.item_slice(node);
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for &item in items {
                    sequence.serialize_element(&self.child(item))?;
                }
                sequence.end()
            }
            Kind::Mapping => {
                let mut fields: Vec<Field<'_>> = Vec::new();
                let result = self.walk.borrow_mut().fields(node, self.root, &mut fields);
                result.map_err(S::Error::custom)?;
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for field in &fields {
                    map.serialize_entry(&field.key, &self.child(field.value))?;
                }
                map.end()
            }
            Kind::Alias => serializer.serialize_unit(),
        };
        self.walk.borrow_mut().leave(self.id);
        done
    }
}
