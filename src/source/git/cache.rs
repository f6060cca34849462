//! The local copies of a repository: bare, one in use, replaced as a whole.
//!
//! ```text
//! <cache dir>/<name>-<hash of address, ref and path>/
//!                 lock           held while a source uses the folder
//!                 1/             a bare repository
//!                 1/trueup-last  "<commit> <name>" of the last good revision
//!                 2/             its successor, once 1 was damaged or had grown
//! ```

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use git2::{Oid, Repository, RepositoryInitOptions};
use sha2::{Digest, Sha256};

use super::{
    classify::{Stage, classify},
    store::Objects,
};
use crate::source::{config::GitConfig, error::SourceError, url::GitUrl};

/// The folder that holds the local copies of one repository, locked for this process.
pub(super) struct Cache {
    folder: PathBuf,
    _lock: File,
}

/// One local copy.
pub(super) struct LocalCopy {
    pub(super) path: PathBuf,
    pub(super) objects: Arc<Objects>,
}

const LAST: &str = "trueup-last";

/// How long to try for the lock. One that was let go may still be held for a moment by a child
/// process that has been forked and is not yet another program.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

impl Cache {
    /// Makes and locks the folder for what `config` follows. Two sources never share one.
    pub(super) fn open(config: &GitConfig) -> Result<Self, SourceError> {
        let folder = config.cache_dir.join(folder_name(config));
        let failed = |error: io::Error| io_error(&folder, &error);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        folder,
                        _lock: lock,
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SourceError::CacheInUse { path: folder });
                }
            }
        }
    }

    /// The newest local copy that a process before this one left, and removes all others.
    pub(super) fn newest(&self) -> Option<Result<LocalCopy, SourceError>> {
        let numbers = self.numbers();
        let newest = numbers.iter().max().copied();
        for old in numbers.into_iter().filter(|number| Some(*number) != newest) {
            remove(&self.folder.join(old.to_string()));
        }
        Some(LocalCopy::open(self.folder.join(newest?.to_string())))
    }

    /// An empty local copy beside those there are.
    pub(super) fn fresh(&self) -> Result<LocalCopy, SourceError> {
        let number = self.numbers().into_iter().max().unwrap_or(0) + 1;
        let path = self.folder.join(number.to_string());
        let mut options = RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).external_template(false);
        let made = Repository::init_opts(&path, &options)
            .map_err(|error| local(&error, &path))
            .and_then(|_| LocalCopy::open(path.clone()));
        made.inspect_err(|_| remove(&path))
    }

    fn numbers(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }
}

impl LocalCopy {
    fn open(path: PathBuf) -> Result<Self, SourceError> {
        let opened = Repository::open_bare(&path).and_then(|_| Objects::open(&path));
        let objects = Arc::new(opened.map_err(|error| local(&error, &path))?);
        Ok(Self { path, objects })
    }

    /// The repository, opened anew: a handle is for one thread.
    pub(super) fn repository(&self) -> Result<Repository, SourceError> {
        Repository::open_bare(&self.path).map_err(|error| local(&error, &self.path))
    }

    /// How many fetches it has taken: each leaves a pack.
    pub(super) fn fetches(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.path.join("objects/pack")) else {
            return 0;
        };
        let is_pack = |entry: &fs::DirEntry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "pack")
        };
        entries.flatten().filter(is_pack).count()
    }

    /// Notes the revision in force, for the next fetch to build on and the next process to recall.
    pub(super) fn remember(
        &self,
        repository: &Repository,
        commit: Oid,
        name: &str,
    ) -> Result<(), SourceError> {
        repository
            .reference(
                "refs/trueup/last",
                commit,
                true,
                "trueup: last good revision",
            )
            .map_err(|error| local(&error, &self.path))?;
        let temporary = self.path.join(format!("{LAST}.new"));
        let last = self.path.join(LAST);
        fs::write(&temporary, format!("{commit} {name}\n"))
            .and_then(|()| fs::rename(&temporary, &last))
            .map_err(|error| io_error(&last, &error))
    }

    /// The commit and name noted last.
    pub(super) fn recall(&self) -> Option<(Oid, String)> {
        let text = fs::read_to_string(self.path.join(LAST)).ok()?;
        let (commit, name) = text.trim_end().split_once(' ')?;
        Some((Oid::from_str(commit).ok()?, name.to_owned()))
    }

    /// Lets the copy go: its folder is removed once no snapshot reads from it.
    pub(super) fn retire(self) {
        self.objects.retire(self.path);
    }
}

/// The meaning of an error of the local copy at `path`.
pub(super) fn local(error: &git2::Error, path: &Path) -> SourceError {
    classify(error, Stage::Local, "", path)
}

fn io_error(path: &Path, error: &io::Error) -> SourceError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SourceError::DiskFull { path },
        _ => SourceError::Io {
            path,
            reason: error.to_string(),
        },
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "cannot remove an old local copy");
    }
}

/// A name that people recognise, and that differs for each thing to follow.
fn folder_name(config: &GitConfig) -> String {
    let wire = config.url.wire(config.url.user().unwrap_or_default());
    let hash = Sha256::digest(format!("{wire}\0{}\0{}", config.reference, config.path));
    let hash = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("{}-{hash:016x}", short_name(&config.url))
}

fn short_name(url: &GitUrl) -> String {
    let text = url.to_string();
    let last = text
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default();
    let name: String = last
        .trim_end_matches(".git")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .take(40)
        .collect();
    if name.is_empty() {
        "repository".to_owned()
    } else {
        name
    }
}
