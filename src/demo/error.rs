//! Why the demo could not be shown to its end.

use std::{io, path::PathBuf, time::Duration};

use crate::source::{SourceError, UrlError};

/// Why the demo could not be shown to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file could not be read or written.
    #[error("cannot use `{}`: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The folder to keep is in use already.
    #[error("`{}` is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The shipped estate is not the one that the demo was written for.
    #[error("the estate has changed: `{file}` does not hold `{piece}` once")]
    Estate {
        /// The file.
        file: String,
        /// What was to be replaced.
        piece: String,
    },
    /// libgit2 failed.
    #[error("cannot make the Git repository: {}", .0.message())]
    Git(#[from] git2::Error),
    /// The repository could not be followed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The repository's folder has no address that Git would take.
    #[error("the demo's folder cannot be used: {0}")]
    Address(#[from] UrlError),
    /// The embedded API server did not start.
    #[error("cannot start the API server: {0}")]
    Server(String),
    /// The cluster could not be asked.
    #[error(transparent)]
    Cluster(#[from] crate::cluster::Error),
    /// The daemon ended.
    #[error(transparent)]
    Daemon(#[from] crate::daemon::DaemonError),
    /// What should have happened was not seen on the server.
    #[error("not seen within {} s: {what}", within.as_secs())]
    NotSeen {
        /// What should have happened.
        what: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// Something else was seen on the server than should have happened.
    #[error("expected {what}, but the server has {found}")]
    Otherwise {
        /// What should have been seen.
        what: String,
        /// What was seen.
        found: String,
    },
    /// The narration could not be printed.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
}

impl DemoError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotEmpty { .. } => {
                Some("give `--keep` a folder that is empty or not there yet".into())
            }
            Self::NotSeen { .. } => {
                Some("run it again with `RUST_LOG=trueup=debug` to see what trueup does".into())
            }
            Self::Daemon(error) => error.help().map(str::to_owned),
            _ => None,
        }
    }
}
