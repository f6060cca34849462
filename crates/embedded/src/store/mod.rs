//! Objects in memory with a revision for every write, and enough history for watches and pages.
//!
//! In: whole objects with the revision their writer last saw. Out: shared snapshots of objects,
//! lists as of a revision, and changes since a revision. One counter orders all writes, as etcd's
//! does. It must never judge an object: whatever reaches it is already valid.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;
use tokio::sync::watch;

use crate::registry::GroupResource;

mod file;
#[cfg(test)]
mod tests;

pub use file::SnapshotError;

/// Where an object is within its collection. Ordered as etcd orders keys: namespace, then name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Empty for cluster-wide objects.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl Key {
    /// From its two parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// An object at a revision. The value carries that revision as `metadata.resourceVersion`.
#[derive(Debug)]
pub struct Stored {
    /// The revision of the write that made it.
    pub revision: u64,
    /// The object in its storage version.
    pub value: Value,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The object is new.
    Added,
    /// The object changed.
    Modified,
    /// The object is gone.
    Deleted,
}

/// One write.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its place in the order of all writes.
    pub revision: u64,
    /// What it did.
    pub kind: ChangeKind,
    /// Which object.
    pub key: Key,
    /// The object after it; for a deletion its last state at the deletion's revision.
    pub object: Arc<Stored>,
    /// The object before it.
    pub previous: Option<Arc<Stored>>,
}

impl Change {
    /// An object that is there, as if it had just been added.
    pub(crate) fn standing(object: Arc<Stored>) -> Self {
        use crate::meta;
        Self {
            revision: object.revision,
            kind: ChangeKind::Added,
            key: Key::new(meta::namespace(&object.value), meta::name(&object.value)),
            object,
            previous: None,
        }
    }
}

/// Why a write was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteError {
    /// An object of that name is there.
    Exists,
    /// No object of that name is there.
    Missing,
    /// The object is at another revision than the writer saw.
    Stale,
}

/// History before this revision is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// The oldest revision changes can be asked since.
    pub oldest: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<Key, Arc<Stored>>,
    history: VecDeque<Change>,
    /// Changes up to and including this revision are forgotten.
    forgotten: u64,
}

#[derive(Debug, Default)]
struct Inner {
    revision: u64,
    shelves: HashMap<GroupResource, Shelf>,
}

/// All objects of the server.
#[derive(Debug)]
pub struct Store {
    inner: RwLock<Inner>,
    revision: watch::Sender<u64>,
    /// Changes kept per collection.
    window: usize,
}

impl Store {
    /// Empty, keeping `window` changes of every collection.
    pub(crate) fn new(window: usize) -> Self {
        let inner = Inner {
            revision: 1,
            shelves: HashMap::new(),
        };
        Self {
            inner: RwLock::new(inner),
            revision: watch::Sender::new(1),
            window,
        }
    }

    // A panic while the lock was held leaves no half-done write: every write is one map operation.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// A receiver that wakes at every write.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The object, when it is there.
    pub fn get(&self, collection: &GroupResource, key: &Key) -> Option<Arc<Stored>> {
        self.read()
            .shelves
            .get(collection)?
            .objects
            .get(key)
            .cloned()
    }

    /// The objects of a collection, of one namespace when it is not empty, and the revision they
    /// are of.
    pub fn list(&self, collection: &GroupResource, namespace: &str) -> (u64, Vec<Arc<Stored>>) {
        let inner = self.read();
        let objects = inner
            .shelves
            .get(collection)
            .map_or_else(Vec::new, |shelf| {
                shelf
                    .objects
                    .iter()
                    .filter(|(key, _)| namespace.is_empty() || key.namespace == namespace)
                    .map(|(_, object)| Arc::clone(object))
                    .collect()
            });
        (inner.revision, objects)
    }

    /// The collection as it was at `revision`, undoing later changes.
    pub(crate) fn list_at(
        &self,
        collection: &GroupResource,
        revision: u64,
    ) -> Result<BTreeMap<Key, Arc<Stored>>, Compacted> {
        let inner = self.read();
        let Some(shelf) = inner.shelves.get(collection) else {
            return Ok(BTreeMap::new());
        };
        if revision < shelf.forgotten {
            return Err(Compacted {
                oldest: shelf.forgotten,
            });
        }
        let mut objects = shelf.objects.clone();
        for change in shelf
            .history
            .iter()
            .rev()
            .take_while(|change| change.revision > revision)
        {
            match &change.previous {
                Some(previous) => objects.insert(change.key.clone(), Arc::clone(previous)),
                None => objects.remove(&change.key),
            };
        }
        Ok(objects)
    }

    /// The changes of a collection after `revision`, and the revision they reach to.
    pub(crate) fn changes_since(
        &self,
        collection: &GroupResource,
        revision: u64,
    ) -> Result<(u64, Vec<Change>), Compacted> {
        let inner = self.read();
        let Some(shelf) = inner.shelves.get(collection) else {
            return Ok((inner.revision, Vec::new()));
        };
        if revision < shelf.forgotten {
            return Err(Compacted {
                oldest: shelf.forgotten,
            });
        }
        let start = shelf
            .history
            .partition_point(|change| change.revision <= revision);
        Ok((
            inner.revision,
            shelf.history.iter().skip(start).cloned().collect(),
        ))
    }

    /// Collections that changed after `revision`, and the revision seen.
    pub(crate) fn changed_collections(&self, revision: u64) -> (u64, Vec<GroupResource>) {
        let inner = self.read();
        let changed = inner
            .shelves
            .iter()
            .filter(|(_, shelf)| shelf.history.back().is_some_and(|c| c.revision > revision))
            .map(|(collection, _)| collection.clone())
            .collect();
        (inner.revision, changed)
    }

    /// All collections that hold an object.
    pub(crate) fn collections(&self) -> Vec<GroupResource> {
        let inner = self.read();
        let mut all: Vec<_> = inner
            .shelves
            .iter()
            .filter(|(_, shelf)| !shelf.objects.is_empty())
            .map(|(collection, _)| collection.clone())
            .collect();
        all.sort();
        all
    }

    /// Adds an object.
    pub(crate) fn insert(
        &self,
        collection: &GroupResource,
        key: Key,
        value: Value,
    ) -> Result<Arc<Stored>, WriteError> {
        self.commit(collection, key, |before| match before {
            Some(_) => Err(WriteError::Exists),
            None => Ok((ChangeKind::Added, value)),
        })
    }

    /// Replaces an object that is still at revision `seen`.
    pub(crate) fn replace(
        &self,
        collection: &GroupResource,
        key: Key,
        seen: u64,
        value: Value,
    ) -> Result<Arc<Stored>, WriteError> {
        self.commit(collection, key, |before| match before {
            None => Err(WriteError::Missing),
            Some(before) if before.revision != seen => Err(WriteError::Stale),
            Some(_) => Ok((ChangeKind::Modified, value)),
        })
    }

    /// Removes an object that is still at revision `seen`; `last` is its last state.
    pub(crate) fn remove(
        &self,
        collection: &GroupResource,
        key: Key,
        seen: u64,
        last: Value,
    ) -> Result<Arc<Stored>, WriteError> {
        self.commit(collection, key, |before| match before {
            None => Err(WriteError::Missing),
            Some(before) if before.revision != seen => Err(WriteError::Stale),
            Some(_) => Ok((ChangeKind::Deleted, last)),
        })
    }

    fn commit(
        &self,
        collection: &GroupResource,
        key: Key,
        decide: impl FnOnce(Option<&Arc<Stored>>) -> Result<(ChangeKind, Value), WriteError>,
    ) -> Result<Arc<Stored>, WriteError> {
        let mut inner = self.write();
        let revision = inner.revision + 1;
        let shelf = inner.shelves.entry(collection.clone()).or_default();
        let (kind, mut value) = decide(shelf.objects.get(&key))?;
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert(
                "resourceVersion".to_owned(),
                Value::String(revision.to_string()),
            );
        }
        let object = Arc::new(Stored { revision, value });
        let previous = match kind {
            ChangeKind::Deleted => shelf.objects.remove(&key),
            _ => shelf.objects.insert(key.clone(), Arc::clone(&object)),
        };
        shelf.history.push_back(Change {
            revision,
            kind,
            key,
            object: Arc::clone(&object),
            previous,
        });
        while shelf.history.len() > self.window {
            if let Some(gone) = shelf.history.pop_front() {
                shelf.forgotten = gone.revision;
            }
        }
        inner.revision = revision;
        drop(inner);
        // Writers may get here out of order; the number only ever grows.
        self.revision.send_if_modified(|seen| {
            let newer = revision > *seen;
            if newer {
                *seen = revision;
            }
            newer
        });
        Ok(object)
    }

    /// Forgets all history, as etcd's compaction does: watches and pages from before answer 410.
    pub fn compact(&self) {
        let mut inner = self.write();
        let revision = inner.revision;
        for shelf in inner.shelves.values_mut() {
            shelf.history.clear();
            shelf.forgotten = revision;
        }
    }
}
