//! The ordered objects of a build, found by any of their names without a search through all.

use std::sync::Arc;

use super::{Key, ResId, Resource};
use crate::HashMap;

/// Objects in order, no two with the same present id.
#[derive(Clone, Default)]
pub(crate) struct ResMap {
    items: Vec<Resource>,
    /// Present ids; dropped when an edit may have changed one.
    keys: Option<HashMap<Key, usize>>,
    /// Positions by any name an object ever had; may hold too many, never too few. Dropped when
    /// positions change or names may have.
    names: Option<HashMap<Arc<str>, Vec<usize>>>,
}

impl ResMap {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn as_slice(&self) -> &[Resource] {
        &self.items
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.items.iter()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Resource> {
        self.items.get(at)
    }

    /// All objects, for edits that may rename them.
    pub(crate) fn edit(&mut self) -> &mut Vec<Resource> {
        self.keys = None;
        self.names = None;
        &mut self.items
    }

    /// All objects, for edits that rename none.
    pub(crate) fn edit_fields(&mut self) -> &mut [Resource] {
        &mut self.items
    }

    /// One object, for an edit that may rename it; `names` it had are still found.
    pub(crate) fn edit_at<T>(
        &mut self,
        at: usize,
        edit: impl FnOnce(&mut Resource) -> T,
    ) -> Option<T> {
        let Self { items, keys, names } = self;
        let resource = items.get_mut(at)?;
        let before = resource.id().clone();
        let result = edit(resource);
        if *resource.id() != before {
            *keys = None;
            if let Some(names) = names {
                let positions = names.entry(Arc::clone(&resource.id().name)).or_default();
                if !positions.contains(&at) {
                    positions.push(at);
                    positions.sort_unstable();
                }
            }
        }
        Some(result)
    }

    pub(crate) fn remove(&mut self, at: usize) {
        if at < self.items.len() {
            self.edit().remove(at);
        }
    }

    pub(crate) fn into_items(self) -> Vec<Resource> {
        self.items
    }

    /// Replaces all objects.
    pub(crate) fn set_items(&mut self, items: Vec<Resource>) {
        *self.edit() = items;
    }

    /// Puts the objects in the order of these places, which hold each place once.
    pub(crate) fn reorder(&mut self, places: impl Iterator<Item = usize>) {
        let mut old: Vec<Option<Resource>> =
            std::mem::take(self.edit()).into_iter().map(Some).collect();
        let take = |at| old.get_mut(at).and_then(Option::take);
        self.items = places.filter_map(take).collect();
    }

    /// Adds an object; gives it back with the one in its way where its id is taken.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<(), Box<(Resource, usize)>> {
        let at = self.items.len();
        let keys = self.keys.get_or_insert_with(|| keys_of(&self.items));
        match keys.entry(resource.id().key()) {
            std::collections::hash_map::Entry::Occupied(taken) => {
                return Err(Box::new((resource, *taken.get())));
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(at);
            }
        }
        if let Some(names) = &mut self.names {
            add_names(names, &resource, at);
        }
        self.items.push(resource);
        Ok(())
    }

    /// Two objects with the same present id, where there are any: an edit may have renamed one.
    pub(crate) fn duplicate(&mut self) -> Option<(usize, usize)> {
        if self.keys.is_some() {
            return None;
        }
        let mut keys = crate::map_with_room(self.items.len());
        for (at, resource) in self.items.iter().enumerate() {
            if let Some(first) = keys.insert(resource.id().key(), at) {
                return Some((first, at));
            }
        }
        self.keys = Some(keys);
        None
    }

    /// Puts an object in the place of another.
    pub(crate) fn replace(&mut self, at: usize, resource: Resource) {
        if let Some(slot) = self.edit().get_mut(at) {
            *slot = resource;
        }
    }

    /// Positions of the objects that had or have a name which `wanted` accepts, in order.
    pub(crate) fn find_by_any_id(
        &mut self,
        name: &str,
        wanted: impl Fn(&ResId) -> bool,
    ) -> Vec<usize> {
        let names = self.names.get_or_insert_with(|| {
            let mut names = HashMap::default();
            for (at, resource) in self.items.iter().enumerate() {
                add_names(&mut names, resource, at);
            }
            names
        });
        let positions = names.get(name).map_or(&[][..], Vec::as_slice);
        positions
            .iter()
            .copied()
            .filter(|at| {
                self.items
                    .get(*at)
                    .is_some_and(|resource| resource.any_ids().any(|id| wanted(&id)))
            })
            .collect()
    }
}

fn keys_of(items: &[Resource]) -> HashMap<Key, usize> {
    let mut keys = crate::map_with_room(items.len());
    for (at, resource) in items.iter().enumerate() {
        keys.entry(resource.id().key()).or_insert(at);
    }
    keys
}

fn add_names(names: &mut HashMap<Arc<str>, Vec<usize>>, resource: &Resource, at: usize) {
    let former = resource.book.previous.iter().map(|previous| &previous.name);
    for name in former.chain(std::iter::once(&resource.id().name)) {
        let positions = names.entry(Arc::clone(name)).or_default();
        if positions.last() != Some(&at) {
            positions.push(at);
        }
    }
}
