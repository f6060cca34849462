//! One process at a time writes to a Vault: by a Lease where a cluster is at hand, by a lock on a file
//! beside the keys elsewhere.
//!
//! It is taken before the first write, so that a run which finds nothing to do takes none.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::error::{ErrorKind, VaultError};
use crate::{
    apply::{self, Stopped},
    cluster::Cluster,
};

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often a file is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// What keeps others from writing.
pub(super) enum By {
    /// The key store alone, which takes only the first of two writes.
    Versions,
    /// A lock on a file of this machine.
    File(PathBuf),
    /// A Lease of this name.
    Lease(Arc<dyn Cluster>, String),
}

/// Keeps others from writing, from [`Self::ensure`] on.
pub(super) struct Guard {
    by: By,
    held: Mutex<Option<Held>>,
    stopped: Stopped,
}

enum Held {
    /// Open for as long as the lock is ours.
    File(#[expect(dead_code, reason = "the lock goes with it")] File),
    Lease(apply::Held),
}

impl Guard {
    /// By these means.
    pub(super) fn new(by: By) -> Self {
        Self {
            by,
            held: Mutex::new(None),
            stopped: Stopped::never(),
        }
    }

    /// From when this one stops on, nothing more is written.
    pub(super) fn until(&mut self, stopped: Stopped) {
        self.stopped = stopped;
    }

    /// An error where the run is to stop.
    pub(super) fn go_on(&self) -> Result<(), VaultError> {
        match self.stopped.why() {
            None => Ok(()),
            Some(_) => Err(VaultError::new(
                ErrorKind::Stopped,
                "the run was stopped before all of it was done",
            )
            .help("the next run goes on from there")),
        }
    }

    /// Takes it, where it is not held yet; gives whether it was taken now, so that what was read before
    /// may be old. An error where it was lost, or where the run is to stop.
    pub(super) async fn ensure(&self) -> Result<bool, VaultError> {
        self.go_on()?;
        let mut held = self.held.lock().await;
        match &*held {
            Some(Held::Lease(lease)) if !lease.is_ours() => {
                let message =
                    "another process took over the lease of this Vault: nothing more is written";
                return Err(VaultError::new(ErrorKind::Server, message));
            }
            Some(_) => return Ok(false),
            None => {}
        }
        *held = match &self.by {
            By::Versions => return Ok(false),
            By::File(path) => Some(Held::File(lock(path).await?)),
            By::Lease(cluster, name) => {
                let taken = apply::Held::take(cluster, name, "this Vault", PATIENCE).await;
                Some(Held::Lease(taken.map_err(|diagnostic| {
                    let error = VaultError::new(ErrorKind::Server, diagnostic.message);
                    match diagnostic.help {
                        Some(help) => error.help(help),
                        None => error,
                    }
                })?))
            }
        };
        Ok(true)
    }

    /// Lets others write.
    pub(super) async fn release(&self) {
        if let Some(Held::Lease(lease)) = self.held.lock().await.take() {
            lease.give_back().await;
        }
    }
}

async fn lock(path: &PathBuf) -> Result<File, VaultError> {
    let failed = |error: &std::io::Error| {
        let message = format!("cannot lock `{}`: {error}", path.display());
        VaultError::new(ErrorKind::Keys, message)
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| failed(&error))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(AGAIN).await,
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "another process works on this Vault, and has not finished after {} s",
                    PATIENCE.as_secs()
                );
                let help = format!("wait for it or end it; it holds `{}`", path.display());
                return Err(VaultError::new(ErrorKind::Server, message).help(help));
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_two_processes_on_one_machine_the_second_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.age.lock");
        let first = Guard::new(By::File(path.clone()));
        assert!(first.ensure().await.unwrap());
        assert!(!first.ensure().await.unwrap(), "it is held already");
        let second = Guard::new(By::File(path));
        let error = second.ensure().await.unwrap_err();
        assert!(error.message.contains("another process works"), "{error}");
        first.release().await;
        assert!(second.ensure().await.unwrap());
    }
}
