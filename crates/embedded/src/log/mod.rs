//! Every request in order, for tests to assert on.
//!
//! In: what `http` saw of a request and how it was answered. Out: [`Entry`] lists. It keeps a hash
//! of a body, never the body.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// What a request asks for, in the words of RBAC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RequestInfo {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for a
    /// path that names no resource the lower-case HTTP method.
    pub verb: String,
    /// API group, empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural resource, empty for a path that names none.
    pub resource: String,
    /// `status`, `scale` …
    pub subresource: String,
    /// Namespace of the path.
    pub namespace: String,
    /// Object name of the path.
    pub name: String,
}

/// One request and its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place in the order of arrival, from 0.
    pub index: u64,
    /// HTTP method.
    pub method: String,
    /// Path as sent.
    pub path: String,
    /// Query as sent.
    pub query: String,
    /// What it asked for.
    #[serde(flatten)]
    pub info: RequestInfo,
    /// `User-Agent`.
    pub user_agent: String,
    /// `Content-Type`.
    pub content_type: String,
    /// `fieldManager`, or what stands in for it.
    pub field_manager: String,
    /// True for `dryRun=All`.
    pub dry_run: bool,
    /// SHA-256 of the body in hex, empty without a body.
    pub body_hash: String,
    /// The status answered; `None` while in progress or when the connection was cut.
    pub status: Option<u16>,
    /// The fault injected, in words.
    pub fault: Option<String>,
}

impl Entry {
    /// True for a request that may change an object: no read, no dry run, no review.
    pub fn is_write(&self) -> bool {
        let verb = self.info.verb.as_str();
        let writes = matches!(
            verb,
            "create" | "update" | "patch" | "delete" | "deletecollection"
        );
        let review = matches!(
            self.info.group.as_str(),
            "authorization.k8s.io" | "authentication.k8s.io"
        );
        writes && !review && !self.dry_run && !self.info.resource.is_empty()
    }
}

/// Entries kept; older ones are dropped.
const KEPT: usize = 200_000;

/// The log of a server.
#[derive(Debug, Default)]
pub struct RequestLog(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    entries: VecDeque<Entry>,
}

impl RequestLog {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request on arrival and returns its index.
    pub(crate) fn begin(&self, mut entry: Entry) -> u64 {
        let mut inner = self.lock();
        let index = inner.next;
        inner.next += 1;
        entry.index = index;
        inner.entries.push_back(entry);
        if inner.entries.len() > KEPT {
            inner.entries.pop_front();
        }
        index
    }

    fn change(&self, index: u64, change: impl FnOnce(&mut Entry)) {
        let mut inner = self.lock();
        let first = inner.entries.front().map_or(index, |entry| entry.index);
        let at = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(entry) = inner
            .entries
            .get_mut(at)
            .filter(|entry| entry.index == index)
        {
            change(entry);
        }
    }

    pub(crate) fn answer(&self, index: u64, status: u16) {
        self.change(index, |entry| entry.status = Some(status));
    }

    pub(crate) fn fault(&self, index: u64, fault: String) {
        self.change(index, |entry| entry.fault = Some(fault));
    }

    /// All requests kept, in order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// The requests that may have changed something.
    pub fn writes(&self) -> Vec<Entry> {
        self.lock()
            .entries
            .iter()
            .filter(|entry| entry.is_write())
            .cloned()
            .collect()
    }

    /// The requests from `index` on: take [`RequestLog::next_index`] before what is to be watched.
    pub fn since(&self, index: u64) -> Vec<Entry> {
        self.lock()
            .entries
            .iter()
            .filter(|entry| entry.index >= index)
            .cloned()
            .collect()
    }

    /// The index the next request will have.
    pub fn next_index(&self) -> u64 {
        self.lock().next
    }

    /// Forgets all entries; indexes go on.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }
}
