//! Why the daemon ended.

use std::{io, net::SocketAddr, time::Duration};

use crate::telemetry::TelemetryError;

/// Why the daemon ended, other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The address of the HTTP server is not to be had.
    #[error("cannot listen on `{address}`: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The HTTP server broke.
    #[error("the HTTP server failed: {0}")]
    Http(io::Error),
    /// The process cannot be told of signals.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// A part of the daemon panicked. That is a bug.
    #[error("`{task}` panicked: {message}")]
    Panicked {
        /// The part.
        task: String,
        /// The message of the panic.
        message: String,
    },
    /// A part of the daemon that runs for ever ended. That is a bug.
    #[error("`{task}` ended although it should run for ever")]
    Ended {
        /// The part.
        task: String,
    },
    /// Parts of the daemon did not end in time after they were asked to.
    #[error("still running {} s after the request to end: {}", deadline.as_secs(), tasks.join(", "))]
    Late {
        /// How long they were given.
        deadline: Duration,
        /// The parts.
        tasks: Vec<String>,
    },
    /// A second signal to end came before the first was obeyed.
    #[error("ended by a second {signal}: requests in hand were cut off")]
    Hurried {
        /// The signal.
        signal: &'static str,
    },
    /// Metrics could not be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

impl DaemonError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Listen { error, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some("another process has the port: end it, or choose another with `--listen`")
            }
            Self::Listen { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need privileges: choose another with `--listen`")
            }
            Self::Panicked { .. } | Self::Ended { .. } => {
                Some("this is a bug in trueup: please report it with the log around it")
            }
            _ => None,
        }
    }
}
