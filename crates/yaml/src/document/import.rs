//! Deep copies within and between documents. Text that lies in a source stays there.

use std::collections::HashMap;

use super::{Document, row};
use crate::error::Error;
use crate::node::{
    ANCHORED, COMMENTED, Entry, GROWN, HEAP, INDEXED, Kind, MAX_SOURCES, NodeId, TAGGED,
};
use crate::parse::DuplicateKeys;
use crate::source::saturating_u32;

impl Document {
    /// Copies a node of another document, with all below it, into this one. Positions are kept;
    /// aliases become copies of what they stand for.
    pub fn import(&mut self, from: &Self, id: NodeId) -> NodeId {
        let mut sources = vec![0; from.sources.len() + 1];
        self.extras.keeps_equal_keys |= from.extras.keeps_equal_keys;
        self.import_node(from, id, &mut sources)
    }

    /// Copies a node and all below it within the document.
    pub fn duplicate(&mut self, id: NodeId) -> NodeId {
        let id = self.target(id);
        let mut node = self.node(id);
        for flag in [TAGGED, ANCHORED, COMMENTED, INDEXED, GROWN] {
            node.put(flag, false);
        }
        let copy = self.add(node);
        match node.kind() {
            Kind::Scalar | Kind::Alias => {}
            Kind::Sequence => {
                let items: Vec<NodeId> = self.items(id).collect();
                let items: Vec<NodeId> =
                    items.into_iter().map(|item| self.duplicate(item)).collect();
                self.set_items(copy, &items);
            }
            Kind::Mapping => {
                let pairs: Vec<(NodeId, NodeId)> = self.entries(id).collect();
                let pairs: Vec<(NodeId, NodeId)> = pairs
                    .into_iter()
                    .map(|(key, value)| (self.duplicate(key), self.duplicate(value)))
                    .collect();
                self.set_pairs(copy, &pairs);
            }
        }
        if let Some(&tag) = row(&self.extras.tags, id) {
            self.set_tag_text(copy, Some(tag));
        }
        if let Some(comments) = self.comments(id).cloned() {
            self.set_comments(copy, Some(comments));
        }
        copy
    }

    /// Copies a node and all below it into a document of its own.
    pub fn extract(&self, id: NodeId) -> Self {
        let mut document = Self {
            nodes: Vec::new(),
            ..Self::empty_mapping()
        };
        document.root = document.import(self, id);
        document
    }

    /// The document with aliases turned to copies, which may add up to `limit` nodes. Two keys may be
    /// equal only then.
    pub fn expand_aliases(&self, limit: u32, duplicates: DuplicateKeys) -> Result<Self, Error> {
        let mut sizes = HashMap::new();
        let size = self.expanded_size(self.root, &mut sizes);
        if size.saturating_sub(self.nodes.len()) > limit as usize {
            let message = format!("aliases add more than {limit} nodes to the document");
            return Err(Error::new(message, self.place(self.root)));
        }
        let mut document = self.extract(self.root);
        document.extras.document = self.extras.document.clone();
        document.extras.duplicates.clear();
        let has_alias_key = |entry: &Entry| self.node(entry.key).kind() == Kind::Alias;
        if self.entries.iter().any(has_alias_key) {
            document.settle_duplicates(document.root, duplicates)?;
        }
        Ok(document)
    }

    /// Refuses equal keys, or keeps the last value in the place of the first.
    fn settle_duplicates(&mut self, id: NodeId, duplicates: DuplicateKeys) -> Result<(), Error> {
        for (at, (key, value)) in self.entries(id).collect::<Vec<_>>().into_iter().enumerate() {
            self.settle_duplicates(value, duplicates)?;
            let Some(text) = self.text(key).map(str::to_owned) else {
                continue;
            };
            let Some(first) = self.position(id, &text).filter(|&first| first < at) else {
                continue;
            };
            match duplicates {
                DuplicateKeys::Error => {
                    let message = format!("the key `{text}` is set twice");
                    return Err(Error::new(message, self.place(key)));
                }
                DuplicateKeys::Keep => {
                    self.extras.keeps_equal_keys = true;
                    continue;
                }
                DuplicateKeys::LastWins => {}
            }
            if let Some(&(first, _)) = self.entries(id).collect::<Vec<_>>().get(first) {
                self.extras.duplicates.push((first, key));
            }
            self.set(id, &text, value);
        }
        let dropped: Vec<NodeId> = self.extras.duplicates.iter().map(|&(_, key)| key).collect();
        self.retain_entries(id, |key, _| !dropped.contains(&key));
        for item in self.items(id).collect::<Vec<_>>() {
            self.settle_duplicates(item, duplicates)?;
        }
        Ok(())
    }

    /// The number of nodes below a node with aliases expanded.
    fn expanded_size(&self, id: NodeId, sizes: &mut HashMap<NodeId, usize>) -> usize {
        let target = self.target(id);
        if let Some(&size) = sizes.get(&target) {
            return size;
        }
        let mut size: usize = 1;
        for (key, value) in self.entries(target) {
            size = size.saturating_add(self.expanded_size(key, sizes));
            size = size.saturating_add(self.expanded_size(value, sizes));
        }
        for item in self.items(target) {
            size = size.saturating_add(self.expanded_size(item, sizes));
        }
        if target != id || self.anchor(target).is_some() {
            sizes.insert(target, size);
        }
        size
    }

    /// Drops garbage. Every `NodeId` of this document becomes meaningless, but for `root()`.
    pub fn compact(&mut self) {
        *self = self.extract(self.root);
    }

    /// `sources` maps source indexes of `from` to ours; 0 where not known yet.
    fn import_node(&mut self, from: &Self, id: NodeId, sources: &mut [usize]) -> NodeId {
        let id = from.target(id);
        let mut node = from.node(id);
        if node.kind() == Kind::Scalar && node.has(HEAP) {
            node.set_text(self.store(from.text_of(node)));
        }
        let index = self.import_source(from, node.source(), sources);
        if index == 0 && node.kind() == Kind::Scalar && !node.has(HEAP) {
            node.set_text(self.store(from.text_of(node)));
        }
        node.set_source(index, node.at);
        for flag in [TAGGED, ANCHORED, COMMENTED, INDEXED, GROWN] {
            node.put(flag, false);
        }
        let copy = self.add(node);
        match node.kind() {
            Kind::Scalar | Kind::Alias => {}
            Kind::Sequence => {
                let items: Vec<NodeId> = from
                    .items(id)
                    .map(|item| self.import_node(from, item, sources))
                    .collect();
                self.set_items(copy, &items);
            }
            Kind::Mapping => self.import_entries(from, id, copy, sources),
        }
        if let Some(tag) = from.tag(id) {
            let tag = self.store(tag);
            self.set_tag_text(copy, Some(tag));
        }
        if let Some(comments) = from.comments(id) {
            self.set_comments(copy, Some(comments.clone()));
        }
        copy
    }

    fn import_entries(&mut self, from: &Self, id: NodeId, copy: NodeId, sources: &mut [usize]) {
        let entries: Vec<Entry> = from
            .entry_slice(from.node(id))
            .iter()
            .map(|entry| {
                let key = self.import_node(from, entry.key, sources);
                Entry {
                    // An alias as a key has no hash until it is a copy of a text.
                    hash: if entry.hash == 0 {
                        self.hash_of(key)
                    } else {
                        entry.hash
                    },
                    key,
                    value: self.import_node(from, entry.value, sources),
                }
            })
            .collect();
        let at = saturating_u32(self.entries.len());
        self.entries.extend_from_slice(&entries);
        if let Some(node) = self.node_mut(copy) {
            node.a = at;
        }
        if row(&from.extras.indexes, id).is_some() {
            self.reindex(copy);
        }
    }

    fn import_source(&mut self, from: &Self, index: usize, sources: &mut [usize]) -> usize {
        let Some(known) = sources.get_mut(index).filter(|_| index > 0) else {
            return 0;
        };
        if *known > 0 {
            return *known;
        }
        let Some(source) = from.sources.get(index - 1) else {
            return 0;
        };
        *known = match self.sources.iter().position(|have| have == source) {
            Some(at) => at + 1,
            None if self.sources.len() < MAX_SOURCES => {
                self.sources.push(source.clone());
                self.sources.len()
            }
            None => 0,
        };
        *known
    }
}
