//! What the server has already confirmed to be as it should be, for as long as the process lives.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{cluster::Live, plan::FIELD_MANAGER};

/// Objects of which a dry run showed that applying them changes nothing, each at one version and for
/// one body. They cost no further dry run until one of the two changes.
#[derive(Debug, Default)]
pub(super) struct Confirmed(Mutex<HashSet<Key>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    uid: String,
    resource_version: String,
    body: [u8; 32],
}

impl Key {
    fn new(live: &Live, body: &Bytes) -> Self {
        Self {
            uid: live.uid().to_owned(),
            resource_version: live.resource_version().to_owned(),
            body: Sha256::digest(body).into(),
        }
    }
}

impl Confirmed {
    /// Whether applying `body` to `live` is known to change nothing.
    pub(super) fn holds(&self, live: &Live, body: &Bytes) -> bool {
        self.lock().contains(&Key::new(live, body))
    }

    /// Remembers that applying `body` to `live` gives `settled`, where that is the same object.
    pub(super) fn note(&self, live: &Live, settled: &Live, body: &Bytes) {
        if same(live, settled) {
            self.remember(live, body);
        }
    }

    /// Remembers that applying `body` has just given `live`.
    pub(super) fn remember(&self, live: &Live, body: &Bytes) {
        self.lock().insert(Key::new(live, body));
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets everything but the objects that are still there.
    pub(super) fn keep_only(&self, uids: &HashSet<&str>) {
        self.lock().retain(|key| uids.contains(key.uid.as_str()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Key>> {
        // A set of facts has no half-made state: one that a panic left behind is still true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn same(live: &Live, settled: &Live) -> bool {
    let without_times = |live: &Live| {
        let mut value = live.value().clone();
        if let Some(metadata) = value
            .get_mut("metadata")
            .and_then(|value| value.as_object_mut())
        {
            metadata.remove("managedFields");
        }
        let entry = live.applied_by(FIELD_MANAGER).cloned().map(|mut entry| {
            entry.remove("time");
            entry
        });
        (value, entry)
    };
    without_times(live) == without_times(settled)
}
