//! Values of YAML documents, as Helm reads them: `sigs.k8s.io/yaml` into JSON, JSON into Go.
//!
//! All numbers become `float64`, `y` and `on` are booleans, keys that are numbers or booleans become
//! strings, merge keys are applied. Collections are converted when they are first looked at.

use std::sync::Arc;

use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema};

use super::{List, Map, Str, Value};

/// A collection of a document, not converted yet.
#[derive(Clone)]
pub(super) struct Node {
    document: Arc<Document>,
    id: NodeId,
    secret: bool,
}

impl Value {
    /// The value of a node of a document, as Helm reads it. The document must have been parsed with its
    /// aliases expanded.
    pub fn from_yaml(document: &Arc<Document>, id: NodeId) -> Self {
        Node::new(document, id, false).value(id)
    }

    /// As [`from_yaml`](Self::from_yaml), with all strings marked secret.
    pub fn from_secret_yaml(document: &Arc<Document>, id: NodeId) -> Self {
        Node::new(document, id, true).value(id)
    }
}

impl Node {
    fn new(document: &Arc<Document>, id: NodeId, secret: bool) -> Self {
        let document = Arc::clone(document);
        Self {
            document,
            id,
            secret,
        }
    }

    pub(super) fn items(&self) -> Vec<Value> {
        let items = self.document.items(self.id);
        items.map(|id| self.value(id)).collect()
    }

    /// The entries in the order of the document; a later one of the same key wins.
    pub(super) fn entries(&self) -> Vec<(Str, Value)> {
        let mut out = Vec::with_capacity(self.document.len(self.id));
        self.fields(self.id, 0, &mut out);
        out
    }

    fn fields(&self, map: NodeId, depth: u32, out: &mut Vec<(Str, Value)>) {
        for (key, value) in self.document.entries(map) {
            let text = match self.document.resolve(key, Schema::Sigs) {
                Resolved::Merge if depth < 64 => {
                    self.merge(value, depth + 1, out);
                    continue;
                }
                Resolved::Str(text) | Resolved::Timestamp(text) => Str::from(text),
                Resolved::Bool(b) => Str::from(if b { "true" } else { "false" }),
                Resolved::Int(n) => Str::from(n.to_string()),
                Resolved::Uint(n) => Str::from(n.to_string()),
                Resolved::Float(n) => Str::from(n.to_string()),
                Resolved::Null | Resolved::Binary(_) | Resolved::Merge => {
                    Str::from(self.document.text(key).unwrap_or_default())
                }
            };
            out.push((text, self.value(value)));
        }
    }

    fn merge(&self, from: NodeId, depth: u32, out: &mut Vec<(Str, Value)>) {
        match self.document.kind(from) {
            Kind::Mapping => self.fields(from, depth, out),
            // The first of several wins.
            Kind::Sequence => {
                for item in self.document.items(from).rev() {
                    self.fields(item, depth, out);
                }
            }
            Kind::Alias => self.merge(self.document.target(from), depth + 1, out),
            Kind::Scalar => {}
        }
    }

    fn value(&self, id: NodeId) -> Value {
        match self.document.kind(id) {
            Kind::Mapping => Value::Map(Map::lazy(Self::new(&self.document, id, self.secret))),
            Kind::Sequence => Value::List(List::lazy(Self::new(&self.document, id, self.secret))),
            Kind::Alias => self.value(self.document.target(id)),
            Kind::Scalar => self.scalar(id),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "Go reads JSON numbers as float64"
    )]
    fn scalar(&self, id: NodeId) -> Value {
        let text = match self.document.resolve(id, Schema::Sigs) {
            Resolved::Null => return Value::Nil,
            Resolved::Bool(b) => return Value::Bool(b),
            Resolved::Int(n) => return Value::Float(n as f64),
            Resolved::Uint(n) => return Value::Float(n as f64),
            Resolved::Float(n) => return Value::Float(n),
            Resolved::Str(text) | Resolved::Timestamp(text) | Resolved::Binary(text) => {
                Str::from(text)
            }
            Resolved::Merge => Str::from("<<"),
        };
        Value::Str(if self.secret { Str::secret(text) } else { text })
    }
}
