//! Collects the nodes of the document being read, in tables that are reused for the next one.

use super::DuplicateKeys;
use crate::document::{Document, Extras};
use crate::document::{MapIndex, SMALL};
use crate::hash::{key_hash, seed};
use crate::node::{
    ANCHORED, EXPLICIT_TAG, Entry, INDEXED, Kind, Node, NodeId, Style, TAGGED, Text,
};
use crate::source::{Source, saturating_u32};

/// The one source of a parsed document.
const SOURCE: usize = 1;

/// Bytes of text for each node that room is left for.
const SPARE_TEXT: usize = 8;

fn copied<T: Copy>(table: &[T], spare: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(table.len() + spare);
    copy.extend_from_slice(table);
    copy
}

pub(super) struct Builder {
    pub(super) nodes: Vec<Node>,
    pub(super) entries: Vec<Entry>,
    pub(super) items: Vec<NodeId>,
    pub(super) heap: String,
    /// Entries and items of the collections that are not complete.
    pub(super) open_entries: Vec<Entry>,
    pub(super) open_items: Vec<NodeId>,
    pub(super) extras: Extras,
    duplicate_keys: DuplicateKeys,
    pub(super) seed: u64,
}

impl Builder {
    pub(super) fn new(duplicate_keys: DuplicateKeys) -> Self {
        Self {
            nodes: Vec::new(),
            entries: Vec::new(),
            items: Vec::new(),
            heap: String::new(),
            open_entries: Vec::new(),
            open_items: Vec::new(),
            extras: Extras::default(),
            duplicate_keys,
            seed: seed(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.entries.clear();
        self.items.clear();
        self.heap.clear();
        self.open_entries.clear();
        self.open_items.clear();
        self.extras = Extras::default();
    }

    #[inline]
    pub(super) fn add(&mut self, mut node: Node, at: usize) -> NodeId {
        node.set_source(SOURCE, saturating_u32(at));
        let id = NodeId(saturating_u32(self.nodes.len()));
        self.nodes.push(node);
        id
    }

    /// A plain scalar that is a range of the source.
    #[inline]
    pub(super) fn plain(&mut self, start: usize, len: usize, simple: bool) -> NodeId {
        let id = NodeId(saturating_u32(self.nodes.len()));
        self.nodes.push(Node::plain_of_first_source(
            saturating_u32(start),
            saturating_u32(len),
            simple,
        ));
        id
    }

    #[inline]
    pub(super) fn scalar(&mut self, style: Style, text: Text, at: usize) -> NodeId {
        self.add(Node::scalar(style, text), at)
    }

    /// Text in the heap from `start` to its end.
    #[inline]
    pub(super) fn heap_since(&self, start: usize) -> Text {
        Text {
            start: saturating_u32(start),
            len: saturating_u32(self.heap.len() - start),
            heap: true,
        }
    }

    pub(super) fn node(&self, id: NodeId) -> Node {
        self.nodes
            .get(id.0 as usize)
            .copied()
            .unwrap_or_else(|| Node::new(Kind::Scalar, Style::Plain))
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)
    }

    pub(super) fn set_tag(&mut self, id: NodeId, tag: Text) {
        if let Some(node) = self.node_mut(id) {
            *node = node.with(TAGGED).with(EXPLICIT_TAG);
        }
        crate::document::set_row(&mut self.extras.tags, id, Some(tag));
    }

    pub(super) fn set_anchor(&mut self, id: NodeId, name: Text) {
        if let Some(node) = self.node_mut(id) {
            *node = node.with(ANCHORED);
        }
        crate::document::set_row(&mut self.extras.anchors, id, Some(name));
    }

    /// Completes a sequence with the open items from `base` on.
    #[inline]
    pub(super) fn close_sequence(&mut self, id: NodeId, base: usize) {
        let start = self.items.len();
        self.items
            .extend_from_slice(self.open_items.get(base..).unwrap_or(&[]));
        self.open_items.truncate(base);
        let len = self.items.len() - start;
        if let Some(node) = self.node_mut(id) {
            node.a = saturating_u32(start);
            node.b = saturating_u32(len);
        }
    }

    #[inline]
    pub(super) fn push_entry(&mut self, key: NodeId, hash: u32, value: NodeId) {
        self.open_entries.push(Entry { hash, key, value });
    }

    /// The hash of a key node that is a scalar, else 0.
    #[inline]
    pub(super) fn hash_of(&self, key: NodeId, source: &str) -> u32 {
        let node = self.node(key);
        if node.kind() != Kind::Scalar {
            return 0;
        }
        key_hash(self.seed, self.text(node, source).as_bytes())
    }

    #[inline]
    pub(super) fn text<'a>(&'a self, node: Node, source: &'a str) -> &'a str {
        let text = node.text();
        let whole = if text.heap { &self.heap } else { source };
        let start = text.start as usize;
        whole.get(start..start + text.len as usize).unwrap_or("")
    }

    /// Completes a mapping with the open entries from `base` on. An equal pair of keys that is not
    /// allowed is returned.
    #[inline]
    pub(super) fn close_mapping(
        &mut self,
        id: NodeId,
        base: usize,
        source: &str,
    ) -> Result<(), (NodeId, NodeId)> {
        let len = self.open_entries.len() - base;
        if len > SMALL {
            self.index_entries(id, base, source)?;
        } else {
            self.check_small(base, source)?;
        }
        let start = self.entries.len();
        self.entries
            .extend_from_slice(self.open_entries.get(base..).unwrap_or(&[]));
        self.open_entries.truncate(base);
        let len = self.entries.len() - start;
        if let Some(node) = self.node_mut(id) {
            node.a = saturating_u32(start);
            node.b = saturating_u32(len);
        }
        Ok(())
    }

    #[inline]
    fn check_small(&mut self, base: usize, source: &str) -> Result<(), (NodeId, NodeId)> {
        let mut suspect = false;
        let entries = self.open_entries.get(base..).unwrap_or(&[]);
        for (at, entry) in entries.iter().enumerate() {
            let before = entries.get(..at).unwrap_or(&[]);
            suspect |= before.iter().any(|other| other.hash == entry.hash);
        }
        if suspect {
            self.check_all(base, source)
        } else {
            Ok(())
        }
    }

    #[cold]
    fn check_all(&mut self, base: usize, source: &str) -> Result<(), (NodeId, NodeId)> {
        let mut at = base + 1;
        while let Some(entry) = self.open_entries.get(at).copied() {
            let before = self.open_entries.get(base..at).unwrap_or(&[]);
            match before
                .iter()
                .position(|other| self.same(other, &entry, source))
            {
                Some(first) => {
                    self.replace_value(base + first, &entry)?;
                    if self.duplicate_keys == DuplicateKeys::Keep {
                        at += 1;
                    } else {
                        self.open_entries.remove(at);
                    }
                }
                None => at += 1,
            }
        }
        Ok(())
    }

    fn same(&self, a: &Entry, b: &Entry, source: &str) -> bool {
        let (key_a, key_b) = (self.node(a.key), self.node(b.key));
        a.hash == b.hash
            && key_a.kind() == Kind::Scalar
            && key_b.kind() == Kind::Scalar
            && self.text(key_a, source) == self.text(key_b, source)
    }

    /// Gives the entry at `first` the value of a later one with an equal key.
    fn replace_value(&mut self, first: usize, later: &Entry) -> Result<(), (NodeId, NodeId)> {
        let Some(entry) = self.open_entries.get_mut(first) else {
            return Ok(());
        };
        let pair = (entry.key, later.key);
        match self.duplicate_keys {
            DuplicateKeys::Error => return Err(pair),
            DuplicateKeys::LastWins => entry.value = later.value,
            DuplicateKeys::Keep => self.extras.keeps_equal_keys = true,
        }
        self.extras.duplicates.push(pair);
        Ok(())
    }

    fn index_entries(
        &mut self,
        id: NodeId,
        base: usize,
        source: &str,
    ) -> Result<(), (NodeId, NodeId)> {
        let len = self.open_entries.len() - base;
        let mut index = MapIndex::with_room(len);
        let mut kept = 0;
        for at in base..base + len {
            let Some(entry) = self.open_entries.get(at).copied() else {
                break;
            };
            let found = index.find(entry.hash, |other| {
                self.open_entries
                    .get(base + other)
                    .is_some_and(|other| self.same(other, &entry, source))
            });
            if let Some(first) = found {
                self.replace_value(base + first, &entry)?;
            }
            if found.is_none() || self.duplicate_keys == DuplicateKeys::Keep {
                index.insert(entry.hash, kept);
                if let Some(slot) = self.open_entries.get_mut(base + kept) {
                    *slot = entry;
                }
                kept += 1;
            }
        }
        self.open_entries.truncate(base + kept);
        if kept > SMALL {
            self.extras.indexes.push((id, index));
            if let Some(node) = self.node_mut(id) {
                *node = node.with(INDEXED);
            }
        }
        Ok(())
    }

    /// The document, in vectors of its exact size and room for so many more nodes.
    pub(super) fn finish(&mut self, root: NodeId, source: &Source, spare: usize) -> Document {
        let mut extras = std::mem::take(&mut self.extras);
        extras.indexes.sort_by_key(|row| row.0);
        Document {
            sources: vec![source.clone()],
            nodes: copied(&self.nodes, spare),
            entries: copied(&self.entries, spare),
            items: copied(&self.items, 0),
            heap: {
                let mut heap = String::with_capacity(self.heap.len() + spare * SPARE_TEXT);
                heap.push_str(&self.heap);
                heap
            },
            root,
            extras,
        }
    }
}
