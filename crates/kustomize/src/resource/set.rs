//! The ordered objects of a build, found by any of their names without a search through all.

use std::{collections::BTreeSet, sync::Arc};

use super::{Key, ResId, Resource};
use crate::HashMap;

/// Objects in order, no two with the same present id.
///
/// One that is removed leaves a gap until [`Self::settle`], so that a patch which deletes one object of
/// many costs no look at the others. A lookup by name minds no gaps; whatever looks at all objects
/// does, and comes after a `settle`.
#[derive(Clone, Default)]
pub(crate) struct ResMap {
    items: Vec<Resource>,
    /// Positions of those that are removed, and still in `items`.
    gaps: BTreeSet<usize>,
    /// Present ids; dropped when an edit may have changed several.
    keys: Option<HashMap<Key, usize>>,
    /// Positions by any name an object ever had; may hold too many, never too few. Dropped when
    /// positions change or names may have.
    names: Option<HashMap<Arc<str>, Vec<usize>>>,
}

impl ResMap {
    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[Resource] {
        debug_assert!(self.gaps.is_empty(), "whoever sees all objects settles");
        &self.items
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.as_slice().iter()
    }

    /// Closes the gaps that removed objects left. Positions change.
    pub(crate) fn settle(&mut self) {
        if self.gaps.is_empty() {
            return;
        }
        let gaps = std::mem::take(&mut self.gaps);
        let mut at = 0;
        self.items.retain(|_| {
            at += 1;
            !gaps.contains(&(at - 1))
        });
        self.keys = None;
        self.names = None;
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Resource> {
        self.items.get(at)
    }

    /// All objects, for edits that may rename them.
    pub(crate) fn edit(&mut self) -> &mut Vec<Resource> {
        self.settle();
        self.keys = None;
        self.names = None;
        &mut self.items
    }

    /// All objects, for edits that rename none.
    pub(crate) fn edit_fields(&mut self) -> &mut [Resource] {
        self.settle();
        &mut self.items
    }

    /// One object, for an edit that may rename it; `names` it had are still found.
    pub(crate) fn edit_at<T>(
        &mut self,
        at: usize,
        edit: impl FnOnce(&mut Resource) -> T,
    ) -> Option<T> {
        let resource = self.items.get_mut(at)?;
        let before = resource.id().clone();
        let result = edit(resource);
        if *resource.id() != before {
            self.has_renamed(at, &before);
        }
        Some(result)
    }

    /// Notes that the object at a position has another id than `before`.
    fn has_renamed(&mut self, at: usize, before: &ResId) {
        let Some(resource) = self.items.get(at) else {
            return;
        };
        if let Some(names) = &mut self.names {
            add_names(names, resource, at);
        }
        let Some(keys) = &mut self.keys else { return };
        if keys.get(&before.key()) == Some(&at) {
            keys.remove(&before.key());
        }
        let taken = keys.insert(resource.id().key(), at);
        if taken.is_some_and(|other| other != at) {
            // Two of one id: whoever asks for duplicates finds them by a look at all.
            self.keys = None;
        }
    }

    /// Takes an object out; the others keep their positions until [`Self::settle`].
    pub(crate) fn remove(&mut self, at: usize) {
        let Some(resource) = self.items.get(at) else {
            return;
        };
        if let Some(keys) = &mut self.keys {
            let key = resource.id().key();
            if keys.get(&key) == Some(&at) {
                keys.remove(&key);
            }
        }
        self.gaps.insert(at);
    }

    pub(crate) fn into_items(mut self) -> Vec<Resource> {
        self.settle();
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
        let Self { items, gaps, .. } = self;
        let keys = self.keys.get_or_insert_with(|| keys_of(items, gaps));
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
        for (at, resource) in present(&self.items, &self.gaps) {
            if let Some(first) = keys.insert(resource.id().key(), at) {
                return Some((first, at));
            }
        }
        self.keys = Some(keys);
        None
    }

    /// Puts an object in the place of another.
    pub(crate) fn replace(&mut self, at: usize, resource: Resource) {
        let Some(slot) = self.items.get_mut(at) else {
            return;
        };
        let before = slot.id().clone();
        *slot = resource;
        self.has_renamed(at, &before);
    }

    /// Positions of the objects that had or have a name which `wanted` accepts, in order.
    pub(crate) fn find_by_any_id(
        &mut self,
        name: &str,
        wanted: impl Fn(&ResId) -> bool,
    ) -> Vec<usize> {
        let Self { items, gaps, .. } = self;
        let names = self.names.get_or_insert_with(|| {
            let mut names = HashMap::default();
            for (at, resource) in present(items, gaps) {
                add_names(&mut names, resource, at);
            }
            names
        });
        let positions = names.get(name).map_or(&[][..], Vec::as_slice);
        let is_wanted = |at: &usize| {
            let resource = items.get(*at).filter(|_| !gaps.contains(at));
            resource.is_some_and(|resource| resource.any_ids().any(|id| wanted(&id)))
        };
        positions.iter().copied().filter(is_wanted).collect()
    }
}

/// The objects that are not removed, with their positions.
fn present<'a>(
    items: &'a [Resource],
    gaps: &'a BTreeSet<usize>,
) -> impl Iterator<Item = (usize, &'a Resource)> {
    let all = items.iter().enumerate();
    all.filter(|(at, _)| gaps.is_empty() || !gaps.contains(at))
}

fn keys_of(items: &[Resource], gaps: &BTreeSet<usize>) -> HashMap<Key, usize> {
    let mut keys = crate::map_with_room(items.len());
    for (at, resource) in present(items, gaps) {
        keys.entry(resource.id().key()).or_insert(at);
    }
    keys
}

/// Notes every name of an object; positions stay in order.
fn add_names(names: &mut HashMap<Arc<str>, Vec<usize>>, resource: &Resource, at: usize) {
    let former = resource.book.previous.iter().map(|previous| &previous.name);
    for name in former.chain(std::iter::once(&resource.id().name)) {
        let positions = names.entry(Arc::clone(name)).or_default();
        if let Err(place) = positions.binary_search(&at) {
            positions.insert(place, at);
        }
    }
}
