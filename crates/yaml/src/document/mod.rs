//! One YAML document as an arena of 16-byte nodes.
//!
//! Nodes point into tables of children (`entries` of mappings, `items` of sequences), and their text
//! is a range of a source or of the document's own heap, so that a document is a few flat vectors:
//! cloning it is a few copies of memory and no scalar is ever an allocation. Every node keeps the
//! source and offset it came from, also after [`Document::import`] into another document.
//!
//! Replaced and removed nodes stay behind as garbage until [`Document::compact`]; a [`NodeId`] stays
//! valid until then. Nothing here reads or prints YAML: that is for `parse` and `emit`.

mod edit;
mod import;
mod index;
mod merge;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use read::resolve_untagged;
pub use read::{Entries, Items};

use crate::comments::Comments;
use crate::node::{COMMENTED, Entry, Kind, Node, NodeId, Style, TAGGED, Text};
use crate::source::{Source, saturating_u32};
pub(crate) use index::{MapIndex, SMALL};

/// One YAML document.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) sources: Vec<Source>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) items: Vec<NodeId>,
    pub(crate) heap: String,
    pub(crate) root: NodeId,
    /// Rare things beside the nodes.
    pub(crate) extras: Extras,
}

/// Rows for the few nodes that have a tag, an anchor, a comment or many keys, ordered by node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) tags: Vec<(NodeId, Text)>,
    pub(crate) anchors: Vec<(NodeId, Text)>,
    pub(crate) comments: Vec<(NodeId, Comments)>,
    pub(crate) indexes: Vec<(NodeId, MapIndex)>,
    pub(crate) duplicates: Vec<(NodeId, NodeId)>,
    /// Whether some mapping may hold a key twice. True also of what was copied from such a document.
    pub(crate) keeps_equal_keys: bool,
    /// Comments above and below the whole document.
    pub(crate) document: Comments,
}

impl Document {
    /// A document whose root is an empty mapping.
    pub fn empty_mapping() -> Self {
        Self::of(Node::new(Kind::Mapping, Style::Block))
    }

    /// A document whose root is an empty sequence.
    pub fn empty_sequence() -> Self {
        Self::of(Node::new(Kind::Sequence, Style::Block))
    }

    pub(crate) fn of(root: Node) -> Self {
        Self {
            sources: Vec::new(),
            nodes: vec![root],
            entries: Vec::new(),
            items: Vec::new(),
            heap: String::new(),
            root: NodeId(0),
            extras: Extras::default(),
        }
    }

    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> Node {
        match self.nodes.get(id.0 as usize) {
            Some(node) => *node,
            // A foreign id: an empty plain scalar.
            None => Node::new(Kind::Scalar, Style::Plain),
        }
    }

    #[inline]
    pub(crate) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)
    }

    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(saturating_u32(self.nodes.len()));
        self.nodes.push(node);
        id
    }

    #[inline]
    pub(crate) fn text_of(&self, node: Node) -> &str {
        let text = node.text();
        let whole = if text.heap {
            self.heap.as_str()
        } else {
            match self.sources.get(node.source().wrapping_sub(1)) {
                Some(source) => source.text(),
                None => "",
            }
        };
        let start = text.start as usize;
        whole.get(start..start + text.len as usize).unwrap_or("")
    }

    pub(crate) fn heap_text(&self, text: Text) -> &str {
        let start = text.start as usize;
        self.heap
            .get(start..start + text.len as usize)
            .unwrap_or("")
    }

    /// Puts text on the heap.
    pub(crate) fn store(&mut self, text: &str) -> Text {
        let start = saturating_u32(self.heap.len());
        self.heap.push_str(text);
        Text {
            start,
            len: saturating_u32(text.len()),
            heap: true,
        }
    }

    /// The number of nodes in the arena, garbage included.
    pub fn arena_len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn set_tag_text(&mut self, id: NodeId, tag: Option<Text>) {
        set_row(&mut self.extras.tags, id, tag);
        if let Some(node) = self.node_mut(id) {
            node.put(TAGGED, tag.is_some());
        }
    }

    /// Sets or drops the comments of a node.
    pub fn set_comments(&mut self, id: NodeId, comments: Option<Comments>) {
        let comments = comments.filter(|c| !c.is_empty());
        let some = comments.is_some();
        set_row(&mut self.extras.comments, id, comments);
        if let Some(node) = self.node_mut(id) {
            node.put(COMMENTED, some);
        }
    }
}

/// The row of a node in a table ordered by node.
pub(crate) fn row<T>(table: &[(NodeId, T)], id: NodeId) -> Option<&T> {
    let at = table.binary_search_by_key(&id, |row| row.0).ok()?;
    table.get(at).map(|row| &row.1)
}

pub(crate) fn set_row<T>(table: &mut Vec<(NodeId, T)>, id: NodeId, value: Option<T>) {
    match (table.binary_search_by_key(&id, |row| row.0), value) {
        (Ok(at), Some(value)) => {
            if let Some(row) = table.get_mut(at) {
                row.1 = value;
            }
        }
        (Ok(at), None) => {
            table.remove(at);
        }
        (Err(at), Some(value)) => table.insert(at, (id, value)),
        (Err(_), None) => {}
    }
}
