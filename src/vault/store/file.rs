//! Sealed bytes in files of this machine.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use futures::{FutureExt, future::BoxFuture};

use super::{KeyStore, Slot};
use crate::vault::error::{ErrorKind, VaultError};

/// Keeps each slot in a file: the keys at the path, the others beside it.
#[derive(Clone, Debug)]
pub(in crate::vault) struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store whose keys are at `path`.
    pub(in crate::vault) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn file(&self, slot: Slot) -> PathBuf {
        match slot {
            Slot::Keys => self.path.clone(),
            other => self.beside(other.name()),
        }
    }

    /// A file beside that of the keys.
    pub(in crate::vault) fn beside(&self, name: &str) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push(".");
        path.push(name);
        PathBuf::from(path)
    }
}

impl KeyStore for FileStore {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>> {
        let path = self.file(slot);
        async move {
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed("read", &path, &error)),
            }
        }
        .boxed()
    }

    fn save<'a>(&'a self, slot: Slot, sealed: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>> {
        let path = self.file(slot);
        async move { replace(&path, sealed).map_err(|error| failed("write", &path, &error)) }
            .boxed()
    }

    fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>> {
        let path = self.file(slot);
        async move {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(failed("delete", &path, &error))
                }
                _ => Ok(()),
            }
        }
        .boxed()
    }
}

/// Writes beside, makes it durable, and moves it into place; then makes the move durable.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> VaultError {
    let message = format!("cannot {verb} `{}`: {error}", path.display());
    VaultError::new(ErrorKind::Keys, message)
}
