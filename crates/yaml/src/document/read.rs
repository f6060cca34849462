//! Looking at a document.

use super::{Document, row};
use crate::comments::Comments;
use crate::hash::{Key, key_hash, seed};
use crate::node::{
    ANCHORED, COMMENTED, Entry, HEAP, INDEXED, Kind, Node, NodeId, STRING, Style, TAGGED, UNTYPED,
};
use crate::resolve::{Resolved, Schema, resolve_plain, resolve_tagged};
use crate::source::{Location, Source, Span};

/// The pairs of a mapping, in order: key node, value node.
#[derive(Clone, Debug)]
pub struct Entries<'a>(std::slice::Iter<'a, Entry>);

impl Iterator for Entries<'_> {
    type Item = (NodeId, NodeId);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (entry.key, entry.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|entry| (entry.key, entry.value))
    }
}

impl ExactSizeIterator for Entries<'_> {}

/// The items of a sequence, in order.
pub type Items<'a> = std::iter::Copied<std::slice::Iter<'a, NodeId>>;

/// The most rows of a table that a walk asks the cache for in advance; more would push out the first.
const MOST_PRELOADED: usize = 4_096;
/// Nodes, entries and items in a line of the cache, at least.
const NODES_A_LINE: usize = 64 / size_of::<Node>();
const ENTRIES_A_LINE: usize = 64 / size_of::<Entry>();
const ITEMS_A_LINE: usize = 64 / size_of::<NodeId>();

impl Document {
    /// Brings the tables into the cache, for a walk over the whole document: one pass from front to
    /// back waits for many lines at once, where the walk, which finds each node by the one before,
    /// would wait for each.
    pub(crate) fn preload(&self) {
        let nodes = self.nodes.iter().take(MOST_PRELOADED).step_by(NODES_A_LINE);
        let entries = self.entries.iter().take(MOST_PRELOADED);
        let items = self.items.iter().take(MOST_PRELOADED).step_by(ITEMS_A_LINE);
        let sum = nodes.fold(0, |sum, node| sum ^ node.at)
            ^ entries
                .step_by(ENTRIES_A_LINE)
                .fold(0, |sum, entry| sum ^ entry.hash)
            ^ items.fold(0, |sum, item| sum ^ item.0);
        std::hint::black_box(sum);
    }

    /// The root node. An empty document has a null scalar.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// What the node is.
    pub fn kind(&self, id: NodeId) -> Kind {
        self.node(id).kind()
    }

    /// How the node is written.
    pub fn style(&self, id: NodeId) -> Style {
        self.node(id).style()
    }

    /// A scalar's text after unescaping, an alias's name; `None` for collections.
    #[inline]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        let node = self.node(id);
        match node.kind() {
            Kind::Scalar => Some(self.text_of(node)),
            Kind::Alias => self.anchor(id),
            Kind::Sequence | Kind::Mapping => None,
        }
    }

    /// A scalar's text where it resolves to a string under [`Schema::Kyaml`].
    pub fn str(&self, id: NodeId) -> Option<&str> {
        match self.resolve(id, Schema::Kyaml) {
            Resolved::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a scalar under a schema. Collections and aliases resolve to null; a scalar whose
    /// tag does not fit resolves to its text.
    pub fn resolve(&self, id: NodeId, schema: Schema) -> Resolved<'_> {
        let node = self.node(id);
        if node.kind() != Kind::Scalar {
            return Resolved::Null;
        }
        let text = self.text_of(node);
        if node.has(TAGGED) {
            let tag = self.tag(id).unwrap_or("");
            if tag == "!" && node.style() != Style::Plain {
                return Resolved::Str(text);
            }
            return resolve_tagged(schema, tag, text).unwrap_or(Resolved::Str(text));
        }
        resolve_untagged(node, text, schema)
    }

    /// The tag that was written or set, in the short form `!!str`, `!local` or a full URI. `!` is the
    /// non-specific tag.
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        if !self.node(id).has(TAGGED) {
            return None;
        }
        row(&self.extras.tags, id).map(|&text| self.heap_text(text))
    }

    /// The anchor of a node, or the name that an alias refers to; only where aliases were not expanded.
    pub fn anchor(&self, id: NodeId) -> Option<&str> {
        if !self.node(id).has(ANCHORED) {
            return None;
        }
        row(&self.extras.anchors, id).map(|&text| self.heap_text(text))
    }

    /// The node that an alias stands for; any other node stands for itself.
    pub fn target(&self, id: NodeId) -> NodeId {
        let node = self.node(id);
        match node.kind() {
            Kind::Alias => NodeId(node.a),
            _ => id,
        }
    }

    /// The comments of a node, where they were kept.
    pub fn comments(&self, id: NodeId) -> Option<&Comments> {
        if !self.node(id).has(COMMENTED) {
            return None;
        }
        row(&self.extras.comments, id)
    }

    /// Whether some mapping may hold a key twice: see [`Self::equal_keys`].
    pub fn may_hold_equal_keys(&self) -> bool {
        self.extras.keeps_equal_keys
    }

    /// The first key below a node that its mapping holds twice, and the one it equals, where
    /// [`DuplicateKeys::Keep`](crate::DuplicateKeys::Keep) let it in and no edit has taken it away. Costs nothing
    /// for other documents.
    pub fn equal_keys(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        if !self.extras.keeps_equal_keys {
            return None;
        }
        self.equal_keys_below(id)
    }

    fn equal_keys_below(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        let mut seen = std::collections::HashMap::new();
        for (key, value) in self.entries(id) {
            let text = self.text(key).filter(|_| self.kind(key) == Kind::Scalar);
            if let Some(first) = text.and_then(|text| seen.insert(text, key)) {
                return Some((first, key));
            }
            if let Some(found) = self.equal_keys_below(value) {
                return Some(found);
            }
        }
        self.items(id).find_map(|item| self.equal_keys_below(item))
    }

    /// Pairs of key nodes, the first and a later equal one, met where duplicates were allowed.
    pub fn duplicate_keys(&self) -> &[(NodeId, NodeId)] {
        &self.extras.duplicates
    }

    /// The value of a key; `None` if absent or not a mapping.
    pub fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        self.find(map, key).map(|(_, entry)| entry.value)
    }

    /// [`Self::get`] for a key that is looked up often.
    pub fn get_key(&self, map: NodeId, key: &Key) -> Option<NodeId> {
        self.find_hashed(map, key.as_str(), key.hash())
            .map(|(_, entry)| entry.value)
    }

    /// The key and value nodes of a key.
    pub fn get_entry(&self, map: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        self.find(map, key)
            .map(|(_, entry)| (entry.key, entry.value))
    }

    /// The position of a key in its mapping, from 0.
    pub fn position(&self, map: NodeId, key: &str) -> Option<usize> {
        self.find(map, key).map(|(at, _)| at)
    }

    /// The pairs of a mapping in order; empty for anything else.
    pub fn entries(&self, map: NodeId) -> Entries<'_> {
        Entries(self.entry_slice(self.node(map)).iter())
    }

    /// The items of a sequence in order; empty for anything else.
    pub fn items(&self, seq: NodeId) -> Items<'_> {
        self.item_slice(self.node(seq)).iter().copied()
    }

    /// The number of entries or items; 0 for scalars.
    pub fn len(&self, id: NodeId) -> usize {
        let node = self.node(id);
        if node.is_collection() {
            node.b as usize
        } else {
            0
        }
    }

    /// Whether a collection has no children; true for scalars.
    pub fn is_empty(&self, id: NodeId) -> bool {
        self.len(id) == 0
    }

    /// An item of a sequence.
    pub fn item(&self, seq: NodeId, index: usize) -> Option<NodeId> {
        self.item_slice(self.node(seq)).get(index).copied()
    }

    /// The node at a path of mapping keys.
    pub fn at(&self, from: NodeId, path: &[&str]) -> Option<NodeId> {
        path.iter().try_fold(from, |node, key| self.get(node, key))
    }

    /// Whether a node is null: an empty, `~` or `null` plain scalar, or one tagged so.
    pub fn is_null(&self, id: NodeId) -> bool {
        self.kind(id) == Kind::Scalar && matches!(self.resolve(id, Schema::Kyaml), Resolved::Null)
    }

    /// Where a node was read; `None` for nodes made in memory.
    pub fn location(&self, id: NodeId) -> Option<Location> {
        let node = self.node(id);
        let source = self.sources.get(node.source().wrapping_sub(1))?;
        let end = self.span_end(node).max(node.at);
        Some(Location {
            source: source.clone(),
            span: Span::new(node.at, end),
        })
    }

    /// Whether this is a plain scalar without a type, as a node of `yaml.v3` with no `Tag`: it means what its text
    /// looks like, whatever that becomes. [`Self::new_untyped`] makes them.
    pub fn is_untyped(&self, id: NodeId) -> bool {
        let node = self.node(id);
        node.has(UNTYPED) && node.style() == Style::Plain && !node.has(STRING) && !node.has(TAGGED)
    }

    /// Whether [`Self::forget_type`] was at this scalar, or it was made without a type, whatever its style.
    pub fn forgot_type(&self, id: NodeId) -> bool {
        self.node(id).has(UNTYPED)
    }

    /// As `location`, with an empty source named `<memory>` for nodes made in memory.
    pub(crate) fn place(&self, id: NodeId) -> Location {
        self.location(id).unwrap_or_else(|| Location {
            source: Source::new("<memory>", ""),
            span: Span::new(0, 0),
        })
    }

    /// The end of a scalar is known where its text lies in the source; that of anything else is the
    /// end of its first line.
    fn span_end(&self, node: Node) -> u32 {
        if node.kind() == Kind::Scalar && !node.has(HEAP) {
            let quoted = matches!(node.style(), Style::SingleQuoted | Style::DoubleQuoted);
            return node.a + node.b + u32::from(quoted);
        }
        let text = self
            .sources
            .get(node.source().wrapping_sub(1))
            .map_or("", Source::text);
        let rest = text.get(node.at as usize..).unwrap_or("");
        let line = rest.split(['\n', '\r']).next().unwrap_or("").trim_end();
        node.at + crate::source::saturating_u32(line.len())
    }

    /// Whether two nodes have the same value: same structure, same texts and same kinds of scalars
    /// under [`Schema::Kyaml`]; style, comments, places and the order of keys are ignored.
    pub fn eq_value(&self, a: NodeId, other: &Self, b: NodeId) -> bool {
        let (a, b) = (self.target(a), other.target(b));
        match (self.kind(a), other.kind(b)) {
            (Kind::Scalar, Kind::Scalar) => {
                self.resolve(a, Schema::Kyaml) == other.resolve(b, Schema::Kyaml)
            }
            (Kind::Sequence, Kind::Sequence) => {
                self.len(a) == other.len(b)
                    && self
                        .items(a)
                        .zip(other.items(b))
                        .all(|(a, b)| self.eq_value(a, other, b))
            }
            (Kind::Mapping, Kind::Mapping) => {
                self.len(a) == other.len(b)
                    && self.entries(a).all(|(key, value)| {
                        other
                            .find_equal(b, self, key)
                            .is_some_and(|with| self.eq_value(value, other, with))
                    })
            }
            _ => false,
        }
    }

    /// The value of the key that equals a key of another document.
    fn find_equal(&self, map: NodeId, other: &Self, key: NodeId) -> Option<NodeId> {
        if let Some(text) = other.text(key)
            && let Some((_, entry)) = self.find(map, text)
            && other.eq_value(key, self, entry.key)
        {
            return Some(entry.value);
        }
        self.entries(map)
            .find(|&(mine, _)| other.eq_value(key, self, mine))
            .map(|(_, value)| value)
    }

    #[inline]
    pub(crate) fn entry_slice(&self, node: Node) -> &[Entry] {
        if node.kind() != Kind::Mapping {
            return &[];
        }
        let start = node.a as usize;
        self.entries
            .get(start..start + node.b as usize)
            .unwrap_or(&[])
    }

    #[inline]
    pub(crate) fn item_slice(&self, node: Node) -> &[NodeId] {
        if node.kind() != Kind::Sequence {
            return &[];
        }
        let start = node.a as usize;
        self.items
            .get(start..start + node.b as usize)
            .unwrap_or(&[])
    }

    /// Position and entry of a scalar key.
    pub(crate) fn find(&self, map: NodeId, key: &str) -> Option<(usize, Entry)> {
        if self.len(map) == 0 {
            return None;
        }
        self.find_hashed(map, key, key_hash(seed(), key.as_bytes()))
    }

    fn find_hashed(&self, map: NodeId, key: &str, hash: u32) -> Option<(usize, Entry)> {
        let node = self.node(map);
        let entries = self.entry_slice(node);
        if node.has(INDEXED)
            && let Some(index) = row(&self.extras.indexes, map)
        {
            let at = index.find(hash, |at| {
                entries
                    .get(at)
                    .is_some_and(|entry| entry.hash == hash && self.is_key(entry.key, key))
            })?;
            return entries.get(at).map(|entry| (at, *entry));
        }
        entries
            .iter()
            .position(|entry| entry.hash == hash && self.is_key(entry.key, key))
            .and_then(|at| entries.get(at).map(|entry| (at, *entry)))
    }

    #[inline]
    fn is_key(&self, id: NodeId, key: &str) -> bool {
        let node = self.node(id);
        node.kind() == Kind::Scalar && self.text_of(node) == key
    }
}

/// The value of a scalar node without a tag.
#[inline]
pub(crate) fn resolve_untagged(node: Node, text: &str, schema: Schema) -> Resolved<'_> {
    if node.has(STRING) || node.style() != Style::Plain {
        Resolved::Str(text)
    } else {
        resolve_plain(schema, text)
    }
}
