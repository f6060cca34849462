//! Server-side apply and the tracking of every other write, as the real server's field manager does them.
//!
//! In flow the live object, what is applied or was written, who writes and when; out flows the object to store, with
//! its `metadata.managedFields`. The behaviour is that of `k8s.io/apimachinery/pkg/util/managedfields` 0.36.3 over
//! `sigs.k8s.io/structured-merge-diff` 6.3.3. Nothing here reads a clock, validates beyond what a merge needs, or
//! stores anything.

mod conflict;
mod last_applied;
#[cfg(test)]
mod tests;
mod timestamps;
mod tracking;
mod updater;
mod versions;

use std::fmt;

use serde_json::Value;

pub use conflict::{Conflict, Conflicts};
pub use timestamps::keep_timestamps;
pub use versions::{KindVersions, Versions};

/// Where a write arrives.
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// `group/version`, or the version alone for the core group.
    pub api_version: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// `status`, `scale`, …; empty for the main resource.
    pub subresource: &'a str,
    /// What is known of the kind's versions.
    pub versions: &'a dyn Versions,
}

/// Who writes, and when.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// The field manager's name; empty counts as `unknown`.
    pub manager: &'a str,
    /// RFC 3339 in whole seconds, UTC: `2026-01-02T03:04:05Z`.
    pub now: &'a str,
}

/// Why an apply is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// Other managers own fields that would change (409).
    Conflict(Conflicts),
    /// The request makes no sense (400).
    BadRequest(String),
    /// The object cannot be merged, for example because it has fields that the schema does not (500, as the real
    /// server answers).
    Internal(String),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(conflicts) => conflicts.fmt(f),
            Self::BadRequest(message) | Self::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ApplyError {}

/// Applies `config` for a manager, and returns the object to store with its managed fields.
///
/// `live` is `None` when there is none yet. Without `force`, a change to another manager's field is refused.
pub fn apply(
    endpoint: &Endpoint<'_>,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    tracking::apply(endpoint, live, config, writer, force)
}

/// Gives an object that a create, update or patch made its managed fields: the writer owns what changed.
///
/// `live` is `None` for a create. What cannot be merged loses its managed fields rather than fail the write, as on
/// the real server.
pub fn update(
    endpoint: &Endpoint<'_>,
    live: Option<&Value>,
    new: Value,
    writer: &Writer<'_>,
) -> Value {
    tracking::update(endpoint, live, new, writer)
}
