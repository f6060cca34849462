//! Where sealed bytes are kept: the keys, and the journal of how they came to be.
//!
//! A store keeps what it is given or says that it did not: nothing is half written, and what is there
//! is replaced at once or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use futures::{FutureExt, future::BoxFuture};

use super::error::{ErrorKind, VaultError};

/// What a store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The keys of the Vault.
    Keys,
    /// How far the bootstrap is.
    Journal,
    /// What was made in the Vault.
    Ledger,
    /// What proves that the store keeps what it is given.
    Canary,
}

impl Slot {
    /// What it is called where it is kept.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Journal => "journal",
            Self::Ledger => "ledger",
            Self::Canary => "canary",
        }
    }
}

/// Keeps sealed bytes.
pub(super) trait KeyStore: Send + Sync {
    /// What to call it, for people.
    fn describe(&self) -> String;

    /// What is in a slot; none where there is nothing.
    fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>>;

    /// Puts bytes into a slot, durably, in place of what was there.
    fn save<'a>(&'a self, slot: Slot, sealed: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>>;

    /// Empties a slot.
    fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>>;
}

/// Keeps each slot in a file: the keys at the path, the others beside it.
#[derive(Clone, Debug)]
pub(super) struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store whose keys are at `path`.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn file(&self, slot: Slot) -> PathBuf {
        match slot {
            Slot::Keys => self.path.clone(),
            other => {
                let mut name = self.path.as_os_str().to_owned();
                name.push(".");
                name.push(other.name());
                PathBuf::from(name)
            }
        }
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
