//! kyaml's way of reading and editing YAML nodes, on [`Document`]s.
//!
//! Flows in: documents and paths. Flows out: nodes, values set, or why a path does not lead anywhere.
//! Upstream's habits are kept on purpose where the output shows them: a value written over another
//! takes the other's quotes, a value may be shared by two fields of an object, null counts as absent.
//! It must never know of Kubernetes beyond `metadata`.

mod lookup;
mod path;
mod walk;
mod write;

use trueup_yaml::{Document, Kind, NodeId};

pub(crate) use self::{
    lookup::{
        append_selected, element_with, kind_before, lookup, lookup_create, new_of, split_selector,
    },
    path::{is_index, is_selector, smart_split, split_path},
    walk::{Create, FieldPath, Trail, each_field},
    write::{
        Write, append_field, clear, put_scalar, quote_odd, set_field, write_over, write_scalar,
    },
};

/// Null by its type, as upstream asks: a `null` that was written without a type is a word until it is printed.
pub(crate) fn is_null(doc: &Document, node: NodeId) -> bool {
    doc.is_null(node) && !doc.is_untyped(node)
}

/// Absent or null.
pub(crate) fn is_missing(doc: &Document, node: Option<NodeId>) -> bool {
    node.is_none_or(|node| is_null(doc, node))
}

/// Absent, null, or a collection with nothing in it.
pub(crate) fn is_empty(doc: &Document, node: Option<NodeId>) -> bool {
    node.is_none_or(|node| {
        is_null(doc, node) || (doc.kind(node) != Kind::Scalar && doc.len(node) == 0)
    })
}

/// The raw text of a scalar; empty for null, absent nodes and collections.
pub(crate) fn value(doc: &Document, node: Option<NodeId>) -> &str {
    node.filter(|node| !is_null(doc, *node))
        .and_then(|node| doc.text(node))
        .unwrap_or_default()
}

/// The text of a scalar at a path of keys, empty where there is none: how kyaml reads `kind`, names
/// and namespaces.
pub(crate) fn value_at<'a>(doc: &'a Document, path: &[&str]) -> &'a str {
    doc.at(doc.root(), path)
        .and_then(|node| doc.text(node))
        .unwrap_or_default()
}

/// A collection of the wrong kind, or a path that cannot be followed.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// A node of another kind than the path or operation needs.
    Kind { expected: Kind, found: NodeId },
    /// A part of a path that makes no sense where it stands.
    Path(String),
}

/// How to say a kind of node.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "a scalar",
        Kind::Sequence => "a list",
        Kind::Mapping => "a mapping",
        Kind::Alias => "an alias",
    }
}

impl Misfit {
    /// What is wrong, for a message.
    pub(crate) fn describe(&self, doc: &Document) -> String {
        match self {
            Self::Kind { expected, found } => {
                format!(
                    "expected {}, found {}",
                    kind_name(*expected),
                    kind_name(doc.kind(*found))
                )
            }
            Self::Path(why) => why.clone(),
        }
    }

    /// The node that is wrong, where there is one.
    pub(crate) fn node(&self) -> Option<NodeId> {
        match self {
            Self::Kind { found, .. } => Some(*found),
            Self::Path(_) => None,
        }
    }
}

/// Refuses a node that is neither null nor of the kind.
pub(crate) fn expect(doc: &Document, node: NodeId, kind: Kind) -> Result<(), Misfit> {
    if doc.is_null(node) || doc.kind(node) == kind {
        Ok(())
    } else {
        Err(Misfit::Kind {
            expected: kind,
            found: node,
        })
    }
}
