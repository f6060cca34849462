//! Changing a document. Every method is a no-op where the node is not of the right kind.

use super::{Document, set_row};
use crate::hash::{key_hash, seed};
use crate::node::{
    ANCHORED, COMMENTED, EXPLICIT_TAG, Entry, GROWN, INDEXED, Kind, Node, NodeId, SIMPLE, STRING,
    Style, TAGGED, UNTYPED,
};
use crate::resolve::{Resolved, Schema, resolve_plain};
use crate::source::saturating_u32;

impl Document {
    /// A new string: plain where its text reads back as a string, else quoted on emit.
    pub fn new_str(&mut self, text: &str) -> NodeId {
        let text = self.store(text);
        self.add(Node::scalar(Style::Plain, text).with(STRING))
    }

    /// A new scalar in the given style. A plain one without a tag means what its text means. A tag is
    /// kept as `yaml.v3` keeps a node's `Tag`: printed only where the text would not imply it.
    pub fn new_scalar(&mut self, text: &str, style: Style, tag: Option<&str>) -> NodeId {
        let style = match style {
            Style::Flow | Style::Block => Style::Plain,
            style => style,
        };
        let text = self.store(text);
        let id = self.add(Node::scalar(style, text));
        self.set_tag(id, tag);
        id
    }

    /// A new plain scalar that means what its text looks like: see [`Self::is_untyped`].
    pub fn new_untyped(&mut self, text: &str) -> NodeId {
        let text = self.store(text);
        self.add(Node::scalar(Style::Plain, text).with(UNTYPED))
    }

    /// A new integer.
    pub fn new_int(&mut self, value: i64) -> NodeId {
        self.new_scalar(&value.to_string(), Style::Plain, None)
    }

    /// A new boolean.
    pub fn new_bool(&mut self, value: bool) -> NodeId {
        self.new_scalar(if value { "true" } else { "false" }, Style::Plain, None)
    }

    /// A new null.
    pub fn new_null(&mut self) -> NodeId {
        self.new_scalar("null", Style::Plain, None)
    }

    /// A new empty sequence in block style.
    pub fn new_sequence(&mut self) -> NodeId {
        self.add(Node::new(Kind::Sequence, Style::Block))
    }

    /// A new empty mapping in block style.
    pub fn new_mapping(&mut self) -> NodeId {
        self.add(Node::new(Kind::Mapping, Style::Block))
    }

    /// Makes a node the root.
    pub fn set_root(&mut self, id: NodeId) {
        self.root = id;
    }

    /// Sets the style; one that does not fit the kind of node is ignored.
    pub fn set_style(&mut self, id: NodeId, style: Style) {
        let fits = self.node(id).is_collection() == matches!(style, Style::Flow | Style::Block);
        if let Some(node) = self.node_mut(id)
            && fits
        {
            node.set_style(style);
        }
    }

    /// Sets or drops the tag, as `yaml.v3` keeps a node's `Tag`: it decides what the scalar is, and is
    /// printed only where the text would not imply it. Takes the short form (`!!str`).
    pub fn set_tag(&mut self, id: NodeId, tag: Option<&str>) {
        let string = tag == Some("!!str");
        let tag = tag
            .filter(|tag| !string && !tag.is_empty())
            .map(|tag| self.store(tag));
        self.set_tag_text(id, tag);
        if let Some(node) = self.node_mut(id) {
            node.put(STRING, string);
            node.put(EXPLICIT_TAG, false);
        }
    }

    /// Replaces a scalar's text. A string stays a string whatever the text looks like; any other plain
    /// scalar means what its new text means. The style is kept.
    pub fn set_text(&mut self, id: NodeId, text: &str) {
        if self.kind(id) != Kind::Scalar {
            return;
        }
        let was_string = matches!(self.resolve(id, Schema::Kyaml), Resolved::Str(_));
        let text = self.store(text);
        if let Some(node) = self.node_mut(id) {
            node.set_text(text);
            node.put(SIMPLE, false);
            if was_string && !node.has(TAGGED) {
                node.put(STRING, true);
            }
        }
    }

    /// Takes the type off a string that was read, which keeps its place: see [`Self::is_untyped`]. Quotes still
    /// make a string of it.
    pub fn forget_type(&mut self, id: NodeId) {
        let is_string = matches!(self.resolve(id, Schema::Kyaml), Resolved::Str(_));
        if let Some(node) = self.node_mut(id)
            && is_string
            && !node.has(TAGGED)
        {
            node.put(STRING, false);
            node.put(UNTYPED, true);
        }
    }

    /// Gives `id` the content of `with`; parents keep pointing at `id`.
    pub fn replace(&mut self, id: NodeId, with: NodeId) {
        if id == with {
            return;
        }
        let source = self.node(with);
        if let Some(node) = self.node_mut(id) {
            *node = source;
        }
        copy_row(&mut self.extras.tags, source.has(TAGGED), with, id);
        copy_row(&mut self.extras.anchors, source.has(ANCHORED), with, id);
        copy_row(&mut self.extras.comments, source.has(COMMENTED), with, id);
        copy_row(&mut self.extras.indexes, source.has(INDEXED), with, id);
        // The range of children now has two owners: neither may grow in place.
        for owner in [id, with] {
            if let Some(node) = self.node_mut(owner) {
                node.put(GROWN, false);
            }
        }
        if source.is_collection() {
            self.move_children(id);
        }
    }

    /// Gives a collection a range of its own at the end of the table.
    fn move_children(&mut self, id: NodeId) {
        let node = self.node(id);
        let (start, end) = (node.a as usize, node.a as usize + node.b as usize);
        let at = if node.kind() == Kind::Mapping {
            let at = self.entries.len();
            self.entries.extend_from_within(start..end);
            at
        } else {
            let at = self.items.len();
            self.items.extend_from_within(start..end);
            at
        };
        if let Some(node) = self.node_mut(id) {
            node.a = saturating_u32(at);
            node.put(GROWN, false);
        }
    }

    /// Sets a key: replaces its value in place, or appends the pair.
    pub fn set(&mut self, map: NodeId, key: &str, value: NodeId) {
        if let Some((at, _)) = self.find(map, key) {
            let start = self.node(map).a as usize;
            if let Some(entry) = self.entries.get_mut(start + at) {
                entry.value = value;
            }
        } else {
            let len = self.len(map);
            self.insert_entry(map, len, key, value);
        }
    }

    /// Inserts a pair at a position, without a look for an equal key.
    pub fn insert_entry(&mut self, map: NodeId, index: usize, key: &str, value: NodeId) {
        if self.kind(map) != Kind::Mapping {
            return;
        }
        let key = self.new_str(key);
        self.insert_pair(map, index, key, value);
    }

    /// Inserts a pair of nodes at a position, without a look for an equal key.
    pub fn insert_pair(&mut self, map: NodeId, index: usize, key: NodeId, value: NodeId) {
        if self.kind(map) != Kind::Mapping {
            return;
        }
        let entry = Entry {
            hash: self.hash_of(key),
            key,
            value,
        };
        let start = self.grow_by_one(map);
        let len = self.len(map);
        let index = index.min(len - 1);
        if let Some(range) = self.entries.get_mut(start + index..start + len) {
            range.rotate_right(1);
            if let Some(slot) = range.first_mut() {
                *slot = entry;
            }
        }
        if index + 1 == len {
            self.index_last(map);
        } else {
            self.reindex(map);
        }
    }

    pub(crate) fn hash_of(&self, key: NodeId) -> u32 {
        let node = self.node(key);
        if node.kind() == Kind::Scalar {
            key_hash(seed(), self.text_of(node).as_bytes())
        } else {
            0
        }
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, map: NodeId, key: &str) -> Option<NodeId> {
        let (at, entry) = self.find(map, key)?;
        let start = self.node(map).a as usize;
        let len = self.len(map);
        self.entries
            .get_mut(start + at..start + len)?
            .rotate_left(1);
        self.shrink_by_one(map);
        self.set_index(map, None);
        Some(entry.value)
    }

    /// Renames a key in place; false if `old` is absent or `new` is there already.
    pub fn rename_key(&mut self, map: NodeId, old: &str, new: &str) -> bool {
        if old == new || self.find(map, new).is_some() {
            return false;
        }
        let Some((at, entry)) = self.find(map, old) else {
            return false;
        };
        self.set_text(entry.key, new);
        let start = self.node(map).a as usize;
        let hash = self.hash_of(entry.key);
        if let Some(entry) = self.entries.get_mut(start + at) {
            entry.hash = hash;
        }
        self.reindex(map);
        true
    }

    /// Keeps the pairs that `keep` accepts.
    pub fn retain_entries(&mut self, map: NodeId, mut keep: impl FnMut(NodeId, NodeId) -> bool) {
        let node = self.node(map);
        if node.kind() != Kind::Mapping {
            return;
        }
        let kept: Vec<Entry> = self
            .entry_slice(node)
            .iter()
            .copied()
            .filter(|entry| keep(entry.key, entry.value))
            .collect();
        if kept.len() < node.b as usize {
            self.set_entries(map, &kept);
        }
    }

    /// Replaces all pairs of a mapping.
    pub fn set_pairs(&mut self, map: NodeId, pairs: &[(NodeId, NodeId)]) {
        if self.kind(map) != Kind::Mapping {
            return;
        }
        let entries: Vec<Entry> = pairs
            .iter()
            .map(|&(key, value)| Entry {
                hash: self.hash_of(key),
                key,
                value,
            })
            .collect();
        self.set_entries(map, &entries);
    }

    fn set_entries(&mut self, map: NodeId, entries: &[Entry]) {
        let at = saturating_u32(self.entries.len());
        self.entries.extend_from_slice(entries);
        if let Some(node) = self.node_mut(map) {
            node.a = at;
            node.b = saturating_u32(entries.len());
            node.put(GROWN, false);
        }
        self.reindex(map);
    }

    /// Appends an item.
    pub fn push(&mut self, seq: NodeId, value: NodeId) {
        let len = self.len(seq);
        self.insert_item(seq, len, value);
    }

    /// Inserts an item at a position; past the end, appends it.
    pub fn insert_item(&mut self, seq: NodeId, index: usize, value: NodeId) {
        if self.kind(seq) != Kind::Sequence {
            return;
        }
        let start = self.grow_by_one(seq);
        let len = self.len(seq);
        let index = index.min(len - 1);
        if let Some(range) = self.items.get_mut(start + index..start + len) {
            range.rotate_right(1);
            if let Some(slot) = range.first_mut() {
                *slot = value;
            }
        }
    }

    /// Removes an item and returns it.
    pub fn remove_item(&mut self, seq: NodeId, index: usize) -> Option<NodeId> {
        let item = self.item(seq, index)?;
        let start = self.node(seq).a as usize;
        let len = self.len(seq);
        self.items
            .get_mut(start + index..start + len)?
            .rotate_left(1);
        self.shrink_by_one(seq);
        Some(item)
    }

    /// Replaces an item; a no-op past the end.
    pub fn set_item(&mut self, seq: NodeId, index: usize, value: NodeId) {
        if index < self.len(seq) && self.kind(seq) == Kind::Sequence {
            let start = self.node(seq).a as usize;
            if let Some(slot) = self.items.get_mut(start + index) {
                *slot = value;
            }
        }
    }

    /// Replaces all items of a sequence.
    pub fn set_items(&mut self, seq: NodeId, items: &[NodeId]) {
        if self.kind(seq) != Kind::Sequence {
            return;
        }
        let at = saturating_u32(self.items.len());
        self.items.extend_from_slice(items);
        if let Some(node) = self.node_mut(seq) {
            node.a = at;
            node.b = saturating_u32(items.len());
            node.put(GROWN, false);
        }
    }

    /// Sorts the keys of every mapping below a node by Go's order of strings (bytes), stable.
    pub fn sort_keys(&mut self, id: NodeId) {
        let node = self.node(id);
        match node.kind() {
            Kind::Scalar | Kind::Alias => {}
            Kind::Sequence => {
                for item in self.item_slice(node).to_vec() {
                    self.sort_keys(item);
                }
            }
            Kind::Mapping => {
                let mut entries = self.entry_slice(node).to_vec();
                entries.sort_by(|a, b| self.text(a.key).cmp(&self.text(b.key)));
                let start = node.a as usize;
                if let Some(range) = self.entries.get_mut(start..start + entries.len()) {
                    range.copy_from_slice(&entries);
                }
                self.reindex(id);
                for entry in entries {
                    self.sort_keys(entry.value);
                }
            }
        }
    }

    /// Makes room for one more child at the end of a collection's range and counts it; returns where
    /// the range starts. The range moves to the end of its table when it is full, with twice the room.
    fn grow_by_one(&mut self, id: NodeId) -> usize {
        let node = self.node(id);
        let (start, len) = (node.a as usize, node.b as usize);
        let mapping = node.kind() == Kind::Mapping;
        let table = if mapping {
            self.entries.len()
        } else {
            self.items.len()
        };
        let has_room = node.has(GROWN) && !len.is_power_of_two() && len > 0;
        let mut at = start;
        let mut grown = node.has(GROWN);
        if !has_room {
            at = if start + len == table { start } else { table };
            let room = (len + 1).next_power_of_two();
            let filler = Entry {
                hash: 0,
                key: id,
                value: id,
            };
            if mapping {
                if at != start {
                    self.entries.extend_from_within(start..start + len);
                }
                self.entries.resize(at + room, filler);
            } else {
                if at != start {
                    self.items.extend_from_within(start..start + len);
                }
                self.items.resize(at + room, id);
            }
            grown = true;
        }
        if let Some(node) = self.node_mut(id) {
            node.a = saturating_u32(at);
            node.b = saturating_u32(len + 1);
            node.put(GROWN, grown);
        }
        at
    }

    fn shrink_by_one(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.b = node.b.saturating_sub(1);
        }
    }

    /// Whether a text, written plain, is a string under both schemas.
    pub fn reads_as_string(text: &str) -> bool {
        [Schema::Kyaml, Schema::Sigs]
            .iter()
            .all(|&schema| matches!(resolve_plain(schema, text), Resolved::Str(_)))
    }
}

fn copy_row<T: Clone>(table: &mut Vec<(NodeId, T)>, some: bool, from: NodeId, to: NodeId) {
    let value = if some {
        super::row(table, from).cloned()
    } else {
        None
    };
    set_row(table, to, value);
}
