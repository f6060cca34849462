//! What an error of libgit2 means.
//!
//! libgit2 tells most failures apart only by its English messages, so this is the one place that
//! reads them (those of version 1.9).

use std::path::{Path, PathBuf};

use git2::{Error, ErrorClass, ErrorCode};

use crate::source::error::{SourceError, tame};

/// Where a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// While connecting and listing the refs.
    Connect,
    /// While receiving objects and storing them.
    Transfer,
    /// While reading the local copy.
    Local,
}

/// The meaning of `error` for a repository at `url` whose local copy lies in `cache`.
pub(super) fn classify(error: &Error, stage: Stage, url: &str, cache: &Path) -> SourceError {
    let reason = match tame(error.message()) {
        // How a time-out looks from above the TLS layer.
        reason if reason.contains("Resource temporarily unavailable") => "it timed out".to_owned(),
        reason => reason,
    };
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let url = url.to_owned();
    let path = cache.to_owned();
    if has(&["No space left on device", "Disk quota exceeded"]) {
        return SourceError::DiskFull { path };
    }
    if error.code() == ErrorCode::Owner {
        // A repository in the file system that is followed, or that is worked in.
        let path = url.strip_prefix("file://").map_or(path, PathBuf::from);
        return SourceError::NotOwner { path };
    }
    if stage == Stage::Local {
        return local(reason, cache);
    }
    if let Some(status) = status_of(&reason) {
        return by_status(url, status);
    }
    if error.code() == ErrorCode::Auth {
        return SourceError::AuthRefused { url, reason };
    }
    if has(&["object format", "unsupported extension"]) {
        return SourceError::Unsupported { url, reason };
    }
    if has(&["failed to authenticate SSH session"]) {
        return SourceError::AuthRefused { url, reason };
    }
    if has(&["cannot redirect from", "unexpected redirect"]) {
        return SourceError::Redirected { url, reason };
    }
    if error.class() == ErrorClass::Ssl && has(&["certificate"]) {
        return SourceError::Certificate { host: url, reason };
    }
    if has(UNREACHABLE) {
        return SourceError::Unreachable { url, reason };
    }
    if has(NO_REPOSITORY) || (stage == Stage::Connect && error.code() == ErrorCode::NotFound) {
        return SourceError::NoRepository { url };
    }
    if stage == Stage::Connect {
        return match error.class() {
            ErrorClass::Os | ErrorClass::Ssh | ErrorClass::Ssl => {
                SourceError::Unreachable { url, reason }
            }
            _ if error.code() == ErrorCode::Eof => SourceError::Unreachable { url, reason },
            _ => SourceError::Protocol { url, reason },
        };
    }
    match error.class() {
        ErrorClass::Indexer | ErrorClass::Zlib | ErrorClass::Net | ErrorClass::Ssl => {
            SourceError::BadPack { url, reason }
        }
        ErrorClass::Ssh | ErrorClass::Http => SourceError::BadPack { url, reason },
        _ => local(reason, cache),
    }
}

const UNREACHABLE: &[&str] = &[
    "failed to resolve address",
    "failed to connect",
    "timed out",
    "Timed out",
    "Connection refused",
    "Connection reset",
    "Broken pipe",
    "failed to start SSH session",
    "unexpected disconnection from server",
];

const NO_REPOSITORY: &[&str] = &[
    "Repository not found",
    "repository not found",
    "does not appear to be a git repository",
    "could not find repository",
    "failed to resolve path",
    "does not exist",
    "not exported",
];

/// Failures of the local copy: what the file system refuses stays refused, anything else means that
/// the copy is damaged and can be had anew.
fn local(reason: String, cache: &Path) -> SourceError {
    let path = cache.to_owned();
    let refused = [
        "Permission denied",
        "Read-only file system",
        "Too many open files",
        "Operation not permitted",
    ];
    if refused.iter().any(|word| reason.contains(word)) {
        return SourceError::Io { path, reason };
    }
    SourceError::CacheDamaged { path, reason }
}

/// The HTTP status that libgit2 writes into its message.
fn status_of(reason: &str) -> Option<u16> {
    let (_, status) = reason.split_once("unexpected http status code: ")?;
    status.trim().parse().ok()
}

fn by_status(url: String, status: u16) -> SourceError {
    match status {
        401 | 403 | 407 => SourceError::AuthRefused {
            url,
            reason: format!("status {status}"),
        },
        404 | 410 => SourceError::NoRepository { url },
        _ => SourceError::Server { url, status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ErrorKind;

    #[test]
    fn each_failure_gets_the_kind_that_decides_what_to_do() {
        use ErrorClass as C;
        use ErrorKind::{Auth, Fatal, Invalid, NotFound, Transient};
        let generic = ErrorCode::GenericError;
        for (stage, class, code, message, expected, name) in [
            (
                Stage::Connect,
                C::Net,
                generic,
                "failed to resolve address for x: Name or service not known",
                Transient,
                "source/unreachable",
            ),
            (
                Stage::Connect,
                C::Os,
                generic,
                "failed to connect to x: Connection refused",
                Transient,
                "source/unreachable",
            ),
            (
                Stage::Connect,
                C::Net,
                generic,
                "could not read from socket: timed out",
                Transient,
                "source/unreachable",
            ),
            (
                Stage::Connect,
                C::Http,
                generic,
                "unexpected http status code: 503",
                Transient,
                "source/server",
            ),
            (
                Stage::Connect,
                C::Http,
                generic,
                "unexpected http status code: 429",
                Transient,
                "source/server",
            ),
            (
                Stage::Connect,
                C::Http,
                generic,
                "unexpected http status code: 403",
                Auth,
                "source/auth-refused",
            ),
            (
                Stage::Connect,
                C::Http,
                generic,
                "unexpected http status code: 404",
                NotFound,
                "source/no-repository",
            ),
            (
                Stage::Connect,
                C::Ssh,
                ErrorCode::Eof,
                "ERROR: Repository not found.",
                NotFound,
                "source/no-repository",
            ),
            (
                Stage::Connect,
                C::Net,
                generic,
                "cannot redirect from 'a' to 'b'",
                Invalid,
                "source/redirected",
            ),
            (
                Stage::Connect,
                C::Ssl,
                generic,
                "the SSL certificate is invalid",
                Auth,
                "source/certificate",
            ),
            (
                Stage::Connect,
                C::Http,
                generic,
                "invalid content-type: 'text/html'",
                Transient,
                "source/protocol",
            ),
            (
                Stage::Transfer,
                C::Indexer,
                generic,
                "early EOF",
                Transient,
                "source/bad-pack",
            ),
            (
                Stage::Transfer,
                C::Os,
                generic,
                "failed to write: No space left on device",
                Transient,
                "source/disk-full",
            ),
            (
                Stage::Transfer,
                C::Odb,
                generic,
                "object not found",
                Transient,
                "source/cache-damaged",
            ),
            (
                Stage::Local,
                C::Odb,
                generic,
                "object not found",
                Transient,
                "source/cache-damaged",
            ),
            (
                Stage::Local,
                C::Os,
                generic,
                "could not open: Permission denied",
                Fatal,
                "source/io",
            ),
            (
                Stage::Local,
                C::Config,
                ErrorCode::Owner,
                "not owned by current user",
                Auth,
                "source/not-owner",
            ),
        ] {
            let error = classify(
                &Error::new(code, class, message),
                stage,
                "url",
                Path::new("cache"),
            );
            assert_eq!((error.kind(), error.code()), (expected, name), "{message}");
        }
    }
}
