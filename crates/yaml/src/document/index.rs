//! An index of the keys of a mapping with more than [`SMALL`] keys.

use super::{Document, set_row};
use crate::node::{INDEXED, NodeId};
use crate::source::saturating_u32;

/// Mappings up to this many keys are searched one by one.
pub(crate) const SMALL: usize = 32;

const EMPTY: u32 = u32::MAX;

/// Open addressing from key hashes to positions in the mapping.
#[derive(Clone, Debug)]
pub(crate) struct MapIndex {
    slots: Vec<u32>,
    used: usize,
}

impl MapIndex {
    /// An index with room for `len` keys and some more.
    pub(crate) fn with_room(len: usize) -> Self {
        let slots = (len.max(SMALL) * 4).next_power_of_two();
        Self {
            slots: vec![EMPTY; slots],
            used: 0,
        }
    }

    /// Whether one more key keeps it at most half full.
    pub(crate) fn has_room(&self) -> bool {
        (self.used + 1) * 2 <= self.slots.len()
    }

    /// The first position with this hash that `is` accepts.
    pub(crate) fn find(&self, hash: u32, mut is: impl FnMut(usize) -> bool) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let at = *self.slots.get(slot)?;
            if at == EMPTY {
                return None;
            }
            if is(at as usize) {
                return Some(at as usize);
            }
            slot = (slot + 1) & mask;
        }
    }

    pub(crate) fn insert(&mut self, hash: u32, at: usize) {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(found) = self.slots.get_mut(slot) {
            if *found == EMPTY {
                *found = saturating_u32(at);
                self.used += 1;
                return;
            }
            slot = (slot + 1) & mask;
        }
    }
}

impl Document {
    /// Builds the index of a large mapping; drops that of a small one.
    pub(crate) fn reindex(&mut self, map: NodeId) {
        let entries = self.entry_slice(self.node(map));
        let index = (entries.len() > SMALL).then(|| {
            let mut index = MapIndex::with_room(entries.len());
            for (at, entry) in entries.iter().enumerate() {
                index.insert(entry.hash, at);
            }
            index
        });
        self.set_index(map, index);
    }

    pub(crate) fn set_index(&mut self, map: NodeId, index: Option<MapIndex>) {
        let some = index.is_some();
        if !some && !self.node(map).has(INDEXED) {
            return;
        }
        set_row(&mut self.extras.indexes, map, index);
        if let Some(node) = self.node_mut(map) {
            node.put(INDEXED, some);
        }
    }

    /// Adds the last entry of a mapping to its index, or builds one when the mapping has grown large.
    pub(crate) fn index_last(&mut self, map: NodeId) {
        let node = self.node(map);
        let len = node.b as usize;
        if len <= SMALL {
            return;
        }
        let Some(last) = self.entry_slice(node).last().copied() else {
            return;
        };
        if node.has(INDEXED)
            && let Ok(row) = self.extras.indexes.binary_search_by_key(&map, |row| row.0)
            && let Some((_, index)) = self.extras.indexes.get_mut(row)
            && index.has_room()
        {
            index.insert(last.hash, len - 1);
            return;
        }
        self.reindex(map);
    }
}
