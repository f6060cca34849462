//! Where the files come from: a folder, or a Git repository that is polled.
//!
//! Flows in: settings ([`SourceConfig`]) and whatever the other side sends. Flows out: immutable
//! [`Snapshot`]s of files at a [`Revision`], or a [`SourceError`] that says what to do.
//! It must never check files out, follow a path out of the tree, print a credential or send one to
//! a host that was not named, and never give up the last good revision for a failed poll: a poll
//! either gives a whole new snapshot or an error. It is the only place that names `git2`.
//!
//! ```text
//!  poll ──► advertised refs ──► target commit ──► shallow fetch ──► Snapshot
//!            (libgit2)           (git::refs)       (git::cache)      (object database, no checkout)
//! ```

mod backoff;
mod config;
mod content;
mod deadline;
mod directory;
mod download;
mod error;
mod git;
mod identity;
mod range;
mod remote;
mod revision;
mod scan;
mod secret;
mod snapshot;
mod url;
mod walk;
mod worktree;

use std::future::Future;

pub use backoff::Backoff;
pub use config::{
    Auth, DirectoryConfig, GitConfig, Reference, SecretSource, SourceConfig, default_cache_dir,
};
pub use directory::DirectorySource;
pub use download::Tls;
pub(crate) use download::{Download, Failed};
pub use error::{ErrorKind, HostKeyProblem, Problem, SourceError};
pub use git::GitSource;
pub use identity::identity;
pub use range::VersionRange;
pub use remote::{RemoteConfig, RemoteRepository, Remotes};
pub use revision::{Commit, Note, Revision};
pub use secret::Secret;
pub use snapshot::{Snapshot, Submodule};
pub use url::{GitUrl, Scheme, UrlError};
pub use worktree::WorkTree;

/// Something that can be asked for its newest revision, again and again.
pub trait Source: Send + Sync + 'static {
    /// The newest revision. An error leaves the source as it was; the next poll may succeed. When
    /// the future is dropped the work behind it ends as soon as it can.
    fn poll(&self) -> impl Future<Output = Result<Polled, SourceError>> + Send;

    /// The last good revision that an earlier process has left behind, for a start while the other
    /// side is unreachable.
    fn recall(&self) -> impl Future<Output = Option<Snapshot>> + Send {
        std::future::ready(None)
    }

    /// What to call the source in logs, without credentials.
    fn describe(&self) -> String;
}

/// A source of either kind.
pub enum AnySource {
    /// A folder on this machine.
    Directory(DirectorySource),
    /// A Git repository.
    Git(GitSource),
}

impl AnySource {
    /// The source that `config` describes.
    pub fn open(config: SourceConfig) -> Result<Self, SourceError> {
        match config {
            SourceConfig::Directory(config) => DirectorySource::open(config).map(Self::Directory),
            SourceConfig::Git(config) => GitSource::open(*config).map(Self::Git),
        }
    }
}

impl Source for AnySource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        match self {
            Self::Directory(source) => source.poll().await,
            Self::Git(source) => source.poll().await,
        }
    }

    async fn recall(&self) -> Option<Snapshot> {
        match self {
            Self::Directory(source) => source.recall().await,
            Self::Git(source) => source.recall().await,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Directory(source) => source.describe(),
            Self::Git(source) => source.describe(),
        }
    }
}

/// The outcome of a poll.
#[derive(Clone, Debug)]
pub struct Polled {
    /// The files at the newest revision, which may be the one of the poll before.
    pub snapshot: Snapshot,
    /// What was accepted on the way and is worth telling, once.
    pub notes: Vec<Note>,
}
