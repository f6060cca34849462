//! What can go wrong between trueup and a Vault, and what to do about it.

use trueup_manifest::Diagnostic;

/// What kind of failure it is: what to do next is decided by this, never by text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nobody answered, or not in time.
    Unreachable,
    /// The certificate is not trusted.
    Tls,
    /// The server is sealed.
    Sealed,
    /// The server was never initialised.
    Uninitialised,
    /// The token may not do it.
    Forbidden,
    /// The request is wrong: asking again gives the same answer.
    Invalid,
    /// There is nothing at that path.
    NotFound,
    /// The server does not have this operation.
    Unsupported,
    /// The server wants fewer requests.
    Throttled,
    /// The server failed.
    Server,
    /// The keys of this Vault cannot be had any more.
    KeysLost,
    /// The key store, the journal or an identity cannot be used.
    Keys,
    /// The run was told to stop.
    Stopped,
}

/// A failure, with the request that met it. It holds no secret: neither bodies nor tokens get here.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct VaultError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl VaultError {
    /// A failure with no advice yet.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
        }
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether asking again may go better.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unreachable | ErrorKind::Throttled | ErrorKind::Server | ErrorKind::Sealed
        )
    }

    /// The code of its diagnostic.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::Unreachable => "vault/unreachable",
            ErrorKind::Tls => "vault/tls",
            ErrorKind::Sealed => "vault/sealed",
            ErrorKind::Uninitialised => "vault/uninitialised",
            ErrorKind::Forbidden => "vault/forbidden",
            ErrorKind::Invalid => "vault/refused",
            ErrorKind::NotFound => "vault/not-found",
            ErrorKind::Unsupported => "vault/unsupported",
            ErrorKind::Throttled => "vault/throttled",
            ErrorKind::Server => "vault/failed",
            ErrorKind::KeysLost => "vault/keys-lost",
            ErrorKind::Keys => "vault/keys",
            ErrorKind::Stopped => "vault/stopped",
        }
    }
}

impl From<VaultError> for Diagnostic {
    fn from(error: VaultError) -> Self {
        let diagnostic = Self::error(error.code(), error.message);
        match error.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}
