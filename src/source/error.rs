//! Why a source has no newer revision, and what to do about it.

use std::{path::PathBuf, time::Duration};

use trueup_manifest::{Diagnostic, TreeError};

use super::url::UrlError;

/// What kind of failure it is, by which a caller decides whether waiting can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// May pass by itself: an unreachable host, a full disk, a broken transfer.
    Transient,
    /// One side does not trust the other: credentials, host keys, certificates.
    Auth,
    /// The repository, branch, tag, version or commit is not there.
    NotFound,
    /// What was asked for cannot work, whatever the server says.
    Invalid,
    /// trueup itself or its machine failed.
    Fatal,
}

/// One thing wrong with the settings of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, as the configuration file writes it.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to write in its place.
    pub help: Option<String>,
}

/// Why an SSH host is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyProblem {
    /// No line of `known_hosts` is about the host.
    Unknown,
    /// The host is known, but by another key of the same type.
    Changed,
    /// The host is known, but only by keys of other types.
    OtherType,
    /// The key is marked as revoked.
    Revoked,
}

/// A failed poll. The last good revision stays in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the message of each variant says what its fields are"
)]
pub enum SourceError {
    #[error("the source is not set up right: {}", list(.0))]
    Config(Vec<Problem>),
    #[error("cannot read the {what} from {place}: {reason}")]
    Credential {
        what: &'static str,
        place: String,
        reason: String,
    },
    #[error("cannot reach `{url}`: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("`{url}` gave no answer in {}", seconds(.after))]
    TimedOut { url: String, after: Duration },
    #[error("an earlier fetch from `{url}` has not ended yet")]
    Busy { url: String },
    #[error("`{url}` answers with status {status}")]
    Server { url: String, status: u16 },
    #[error("the certificate of `{host}` is not trusted: {reason}")]
    Certificate { host: String, reason: String },
    #[error("the SSH host key of `{host}` is not trusted: {}", host_key(*.problem, .key_type, .fingerprint))]
    HostKey {
        host: String,
        problem: HostKeyProblem,
        key_type: String,
        fingerprint: String,
        /// The line of `known_hosts` that would trust the key.
        line: String,
    },
    #[error("`{url}` asks for credentials and none are set")]
    AuthRequired { url: String },
    #[error("`{url}` refuses the credentials: {reason}")]
    AuthRefused { url: String, reason: String },
    #[error("`{url}` is not a Git repository, or is hidden from these credentials")]
    NoRepository { url: String },
    #[error("`{url}` sends the request on to another host: {reason}")]
    Redirected { url: String, reason: String },
    #[error("`{url}` has no {reference}")]
    NoReference {
        url: String,
        reference: String,
        nearest: Option<String>,
    },
    #[error("`{url}` has no tag that is a version in `{range}`")]
    NoVersion {
        url: String,
        range: String,
        highest: Option<String>,
    },
    #[error("`{url}` sent a broken or incomplete pack: {reason}")]
    BadPack { url: String, reason: String },
    #[error("`{url}` does not speak Git as expected: {reason}")]
    Protocol { url: String, reason: String },
    #[error("`{url}` keeps its objects in a format that trueup does not support: {reason}")]
    Unsupported { url: String, reason: String },
    #[error("the fetch from `{url}` is larger than {limit} bytes")]
    TooLarge { url: String, limit: u64 },
    #[error("the local copy in `{}` is damaged: {reason}", .path.display())]
    CacheDamaged { path: PathBuf, reason: String },
    #[error("the cache `{}` is in use by another source", .path.display())]
    CacheInUse { path: PathBuf },
    #[error("the disk that holds `{}` is full", .path.display())]
    DiskFull { path: PathBuf },
    #[error("cannot use `{}`: {reason}", .path.display())]
    Io { path: PathBuf, reason: String },
    #[error("`{}` is not in a Git work tree", .path.display())]
    NoWorkTree { path: PathBuf },
    #[error("Git does not trust `{}`: it belongs to another user", .path.display())]
    NotOwner { path: PathBuf },
    #[error("the repository has no revision `{revision}`")]
    NoRevision { revision: String, shallow: bool },
    #[error("{0}")]
    Address(UrlError),
    #[error("`{url}` was never fetched on this machine, and nothing may be fetched now")]
    NotKept { url: String },
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("the source failed unexpectedly: {0}")]
    Internal(String),
}

fn list(problems: &[Problem]) -> String {
    let each: Vec<String> = problems
        .iter()
        .map(|problem| format!("`{}`: {}", problem.field, problem.message))
        .collect();
    each.join("; ")
}

fn seconds(duration: &Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

fn host_key(problem: HostKeyProblem, key_type: &str, fingerprint: &str) -> String {
    let why = match problem {
        HostKeyProblem::Unknown => "the host is not in `known_hosts`",
        HostKeyProblem::Changed => "it is not the key in `known_hosts`",
        HostKeyProblem::OtherType => "`known_hosts` has only keys of other types for the host",
        HostKeyProblem::Revoked => "`known_hosts` marks it as revoked",
    };
    format!("{why} (it shows {key_type} `{fingerprint}`)")
}

impl SourceError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Busy { .. }
            | Self::Server { .. }
            | Self::BadPack { .. }
            | Self::Protocol { .. }
            | Self::CacheDamaged { .. }
            | Self::DiskFull { .. } => ErrorKind::Transient,
            Self::Credential { .. }
            | Self::Certificate { .. }
            | Self::HostKey { .. }
            | Self::AuthRequired { .. }
            | Self::AuthRefused { .. }
            | Self::NotOwner { .. } => ErrorKind::Auth,
            Self::NoRepository { .. }
            | Self::NoReference { .. }
            | Self::NoVersion { .. }
            | Self::NoWorkTree { .. }
            | Self::NotKept { .. }
            | Self::NoRevision { .. } => ErrorKind::NotFound,
            Self::Config(_)
            | Self::Address(_)
            | Self::Redirected { .. }
            | Self::Unsupported { .. }
            | Self::TooLarge { .. }
            | Self::Tree(_) => ErrorKind::Invalid,
            Self::CacheInUse { .. } | Self::Io { .. } | Self::Internal(_) => ErrorKind::Fatal,
        }
    }

    /// The stable name by which the docs explain it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "source/config",
            Self::Credential { .. } => "source/credential",
            Self::Unreachable { .. } => "source/unreachable",
            Self::TimedOut { .. } => "source/timed-out",
            Self::Busy { .. } => "source/busy",
            Self::Server { .. } => "source/server",
            Self::Certificate { .. } => "source/certificate",
            Self::HostKey { .. } => "source/host-key",
            Self::AuthRequired { .. } => "source/auth-required",
            Self::AuthRefused { .. } => "source/auth-refused",
            Self::NoRepository { .. } => "source/no-repository",
            Self::Redirected { .. } => "source/redirected",
            Self::NoReference { .. } => "source/no-reference",
            Self::NoVersion { .. } => "source/no-version",
            Self::BadPack { .. } => "source/bad-pack",
            Self::Protocol { .. } => "source/protocol",
            Self::Unsupported { .. } => "source/unsupported",
            Self::TooLarge { .. } => "source/too-large",
            Self::CacheDamaged { .. } => "source/cache-damaged",
            Self::CacheInUse { .. } => "source/cache-in-use",
            Self::DiskFull { .. } => "source/disk-full",
            Self::Io { .. } => "source/io",
            Self::NoWorkTree { .. } => "source/no-work-tree",
            Self::NotOwner { .. } => "source/not-owner",
            Self::NoRevision { .. } => "source/no-revision",
            Self::Address(_) => "source/address",
            Self::NotKept { .. } => "source/not-kept",
            Self::Tree(_) => "source/unreadable",
            Self::Internal(_) => "source/internal",
        }
    }

    /// What to do about it, where there is something to say.
    pub fn help(&self) -> Option<String> {
        let fixed = |text: &str| Some(text.to_owned());
        match self {
            Self::Config(problems) => {
                let lines: Vec<&str> = problems
                    .iter()
                    .filter_map(|problem| problem.help.as_deref())
                    .collect();
                (!lines.is_empty()).then(|| lines.join("\n"))
            }
            Self::Certificate { .. } => fixed(
                "set `caFile` to the certificate of the authority that signed it (the issuing one, \
                 if there are several)",
            ),
            Self::HostKey { problem, line, .. } => Some(host_key_help(*problem, line)),
            Self::AuthRequired { .. } => {
                fixed("set `auth` to a token, a user and password, or an SSH key")
            }
            Self::AuthRefused { .. } => {
                fixed("check that the credentials are current and may read this repository")
            }
            Self::NoRepository { .. } => {
                fixed("check the address, and `auth` if the repository is private")
            }
            Self::Redirected { .. } => fixed(
                "set `url` to the new address; credentials are never sent to a host that was not named",
            ),
            Self::NoReference {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::NoVersion {
                highest: Some(highest),
                ..
            } => Some(format!("the highest version there is `{highest}`")),
            Self::TooLarge { .. } => {
                fixed("raise `maxBytes`, or keep large files out of the repository")
            }
            Self::CacheInUse { .. } => fixed("give each trueup on this machine its own `cacheDir`"),
            Self::DiskFull { .. } => fixed("free some space, or set `cacheDir` to another disk"),
            Self::NotOwner { path } => Some(format!(
                "if you trust it, run `git config --global --add safe.directory {}`",
                path.display()
            )),
            Self::NoRevision {
                revision,
                shallow: true,
            } => Some(format!(
                "this checkout is shallow; fetch it first: `git fetch --depth=1 origin {revision}`"
            )),
            Self::Address(error) => error.help.clone(),
            Self::NotKept { .. } => {
                fixed("run `trueup render` once where it can be reached, without `--offline`")
            }
            Self::NoWorkTree { .. } => fixed("run it inside a checkout, or name one"),
            _ => None,
        }
    }
}

fn host_key_help(problem: HostKeyProblem, line: &str) -> String {
    match problem {
        HostKeyProblem::Unknown | HostKeyProblem::OtherType => format!(
            "compare the fingerprint with the one the host publishes, then add this line to \
             `knownHostsFile`:\n{line}"
        ),
        HostKeyProblem::Changed => format!(
            "somebody may be listening in; if the host did change its key, compare the fingerprint \
             with the one it publishes and replace the old line by:\n{line}"
        ),
        HostKeyProblem::Revoked => "do not connect; ask whoever runs the host".to_owned(),
    }
}

impl From<&SourceError> for Diagnostic {
    fn from(error: &SourceError) -> Self {
        let diagnostic = Self::error(error.code(), error.to_string());
        match error.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// Makes text that a server sent fit for a message: one line, no control characters, not endless.
pub(super) fn tame(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut tamed = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
    {
        if tamed.chars().count() + word.chars().count() > LONGEST {
            tamed.push_str(" …");
            break;
        }
        if !tamed.is_empty() {
            tamed.push(' ');
        }
        tamed.push_str(word);
    }
    hide_userinfo(&tamed)
}

/// Replaces what stands between `://` and `@` of any address in `text` by `***`.
pub(super) fn hide_userinfo(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        hidden.push_str(before);
        hidden.push_str("://");
        let authority = after
            .find(|c: char| c == '/' || c.is_whitespace())
            .unwrap_or(after.len());
        let at = after
            .get(..authority)
            .and_then(|authority| authority.rfind('@'));
        rest = match at {
            Some(at) => {
                hidden.push_str("***");
                after.get(at..).unwrap_or_default()
            }
            None => after,
        };
    }
    hidden.push_str(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_server_is_tamed() {
        for (text, tamed) in [
            (
                "remote: Repository\n\tnot found.\n",
                "remote: Repository not found.",
            ),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            (
                "at https://me:pw@host/r and http://x/y",
                "at https://***@host/r and http://x/y",
            ),
            ("ssh://git@h:1/@x", "ssh://***@h:1/@x"),
        ] {
            assert_eq!(tame(text), tamed);
        }
        assert!(tame(&"word ".repeat(1000)).ends_with(" …"));
    }

    #[test]
    fn every_error_message_is_lower_case_and_has_no_period() {
        let url = || "https://host/r".to_owned();
        for error in [
            SourceError::TimedOut {
                url: url(),
                after: Duration::from_millis(1500),
            },
            SourceError::NoReference {
                url: url(),
                reference: "branch `x`".to_owned(),
                nearest: None,
            },
            SourceError::Server {
                url: url(),
                status: 503,
            },
            SourceError::DiskFull {
                path: PathBuf::from("/x"),
            },
        ] {
            let text = error.to_string();
            assert!(
                text.starts_with(|c: char| c.is_lowercase() || c == '`'),
                "{text}"
            );
            assert!(!text.ends_with('.'), "{text}");
        }
    }
}
