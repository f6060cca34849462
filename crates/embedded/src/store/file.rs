//! The optional snapshot file: all objects and the revision, as one JSON document.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Inner, Key, Shelf, Store, Stored};
use crate::registry::GroupResource;

/// Why a snapshot could not be read or written.
#[derive(Debug)]
pub enum SnapshotError {
    /// The file system said no.
    Io(PathBuf, std::io::Error),
    /// The file is not a snapshot.
    Format(PathBuf, serde_json::Error),
    /// The file was written by another version of this program.
    Version(PathBuf, u32),
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "snapshot `{}`: {error}", path.display()),
            Self::Format(path, error) => {
                write!(f, "snapshot `{}` is not readable: {error}", path.display())
            }
            Self::Version(path, version) => write!(
                f,
                "snapshot `{}` has format {version}, this program reads format {FORMAT}",
                path.display()
            ),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Format(_, error) => Some(error),
            Self::Version(..) => None,
        }
    }
}

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    format: u32,
    revision: u64,
    collections: Vec<Collection>,
}

#[derive(Serialize, Deserialize)]
struct Collection {
    group: String,
    resource: String,
    objects: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    revision: u64,
    namespace: String,
    name: String,
    value: Value,
}

impl Store {
    /// A store with the file's objects, or an empty one when the file is not there.
    pub(crate) fn load(path: &Path, window: usize) -> Result<Self, SnapshotError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::new(window));
            }
            Err(error) => return Err(SnapshotError::Io(path.to_owned(), error)),
        };
        let snapshot: Snapshot = serde_json::from_slice(&bytes)
            .map_err(|error| SnapshotError::Format(path.to_owned(), error))?;
        if snapshot.format != FORMAT {
            return Err(SnapshotError::Version(path.to_owned(), snapshot.format));
        }
        let store = Self::new(window);
        {
            let mut inner = store.write();
            inner.revision = snapshot.revision;
            for collection in snapshot.collections {
                let objects: BTreeMap<Key, Arc<Stored>> = collection
                    .objects
                    .into_iter()
                    .map(|entry| {
                        let key = Key {
                            namespace: entry.namespace,
                            name: entry.name,
                        };
                        let stored = Stored {
                            revision: entry.revision,
                            value: entry.value,
                        };
                        (key, Arc::new(stored))
                    })
                    .collect();
                let shelf = Shelf {
                    objects,
                    forgotten: snapshot.revision,
                    ..Shelf::default()
                };
                let name = GroupResource {
                    group: collection.group,
                    resource: collection.resource,
                };
                inner.shelves.insert(name, shelf);
            }
        }
        store.revision.send_replace(snapshot.revision);
        Ok(store)
    }

    /// Writes all objects to the file: a neighbour first, then a rename, so that a reader or a
    /// crash sees the old file or the new one.
    pub(crate) fn save(&self, path: &Path) -> Result<u64, SnapshotError> {
        let snapshot = snapshot(&self.read());
        let revision = snapshot.revision;
        let io = |error| SnapshotError::Io(path.to_owned(), error);
        let mut neighbour = path.as_os_str().to_owned();
        neighbour.push(".new");
        let neighbour = PathBuf::from(neighbour);
        let bytes = serde_json::to_vec(&snapshot)
            .map_err(|error| SnapshotError::Format(path.to_owned(), error))?;
        let mut file = private(&neighbour).map_err(io)?;
        file.write_all(&bytes).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&neighbour, path).map_err(io)?;
        Ok(revision)
    }
}

/// A new file nobody else may read: it holds Secrets.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // A leftover of a crash may have other rights.
    let _ = std::fs::remove_file(path);
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn snapshot(inner: &Inner) -> Snapshot {
    let mut collections: Vec<Collection> = inner
        .shelves
        .iter()
        .filter(|(_, shelf)| !shelf.objects.is_empty())
        .map(|(name, shelf)| Collection {
            group: name.group.clone(),
            resource: name.resource.clone(),
            objects: shelf
                .objects
                .iter()
                .map(|(key, object)| Entry {
                    revision: object.revision,
                    namespace: key.namespace.clone(),
                    name: key.name.clone(),
                    value: object.value.clone(),
                })
                .collect(),
        })
        .collect();
    collections.sort_by(|a, b| (&a.group, &a.resource).cmp(&(&b.group, &b.resource)));
    Snapshot {
        format: FORMAT,
        revision: inner.revision,
        collections,
    }
}
