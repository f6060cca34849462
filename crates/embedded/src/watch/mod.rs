//! Watches: changes of a collection as they happen.
//!
//! In: a revision to start from, or the wish to see what is there first. Out: a stream of events,
//! one JSON document a line. A watch reads the store's history and never holds a lock while it
//! waits; when history no longer reaches back it ends with 410.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::faults::Fault;
use crate::http::accept::{Accepted, Form};
use crate::http::reply::{Cut, Reply, ReplyBody};
use crate::http::representation;
use crate::kinds;
use crate::meta;
use crate::registry::Resource;
use crate::selector::Selection;
use crate::server::core::Core;
use crate::status::ApiError;
use crate::store::{Change, ChangeKind, Stored};
use crate::verbs::{Call, selection};

/// Events that wait for a slow client before the watch is held back.
const BUFFER: usize = 64;
/// A watch without `timeoutSeconds` lives as long as the real server's shortest default.
const DEFAULT_LIFE: Duration = Duration::from_mins(30);

struct Watch {
    core: Arc<Core>,
    resource: Arc<Resource>,
    namespace: String,
    selection: Selection,
    accepted: Accepted,
    include: String,
    bookmarks: bool,
    /// Changes up to here have been sent.
    at: u64,
    sender: mpsc::Sender<Result<Bytes, Cut>>,
    sent: usize,
    fault: Option<Fault>,
}

/// Why a watch ends.
struct End;

/// Starts a watch and answers with its stream.
pub(crate) fn start(
    call: &Call<'_>,
    accepted: Accepted,
    fault: Option<&Fault>,
) -> Result<Reply, ApiError> {
    if let Some(why) = call.core.access.denied(call.info) {
        return Err(ApiError::denied(&call.subject(), &why));
    }
    if !call.resource.has_verb("watch") {
        return Err(ApiError::method_not_allowed());
    }
    let initial = initial_events(call)?;
    let selection = selection(call)?;
    let revision = call.query.number("resourceVersion").map_err(|_| {
        let text = call.query.get("resourceVersion");
        ApiError::bad_request(format!("invalid resource version {text:?}"))
    })?;
    let now = call.core.store.revision();
    if let Some(wanted) = revision
        && wanted > now
    {
        return Err(ApiError::revision_too_large(wanted, now));
    }
    let life = call
        .query
        .number("timeoutSeconds")?
        .map_or(DEFAULT_LIFE, Duration::from_secs);
    let (sender, receiver) = mpsc::channel(BUFFER);
    let watch = Watch {
        core: Arc::clone(call.core),
        resource: Arc::clone(&call.resource),
        namespace: call.path.namespace.clone(),
        selection,
        accepted,
        include: call.query.get("includeObject").to_owned(),
        bookmarks: call.query.flag("allowWatchBookmarks"),
        at: 0,
        sender,
        sent: 0,
        fault: fault.cloned(),
    };
    let content_type = if watch.accepted.form == Form::Table {
        "application/json;as=Table;stream=watch"
    } else {
        "application/json;stream=watch"
    };
    tokio::spawn(watch.run(initial, revision.unwrap_or(0), life));
    Ok(Reply::new(200, content_type, ReplyBody::stream(receiver)))
}

/// What is sent before changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Initial {
    /// Nothing: changes since the revision.
    Nothing,
    /// What is there, as `ADDED`.
    State,
    /// What is there, then a bookmark that says so.
    StateAndBookmark,
}

fn initial_events(call: &Call<'_>) -> Result<Initial, ApiError> {
    let query = call.query;
    let matching = query.get("resourceVersionMatch");
    let invalid = |field: &str, why: &str| {
        ApiError::invalid_options("ListOptions", kinds::forbidden(field, why))
    };
    if !query.has("sendInitialEvents") {
        if !matching.is_empty() {
            return Err(invalid(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        let from_start = matches!(query.get("resourceVersion"), "" | "0");
        return Ok(if from_start {
            Initial::State
        } else {
            Initial::Nothing
        });
    }
    if matching != "NotOlderThan" {
        return Err(invalid(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    if !query.flag("sendInitialEvents") {
        return Ok(Initial::Nothing);
    }
    Ok(if query.flag("allowWatchBookmarks") {
        Initial::StateAndBookmark
    } else {
        Initial::State
    })
}

impl Watch {
    async fn run(mut self, initial: Initial, since: u64, life: Duration) {
        let deadline = Instant::now() + life;
        self.at = since;
        // Both ends are silent: the client went away, or the stream has said why.
        let _ = self.stream(initial, deadline).await;
    }

    async fn stream(&mut self, initial: Initial, deadline: Instant) -> Result<(), End> {
        let mut writes = self.core.store.subscribe();
        let mut stop = self.core.stopping();
        self.strike().await?;
        if initial != Initial::Nothing {
            self.state(initial).await?;
        } else if self.at == 0 {
            self.at = self.core.store.revision();
        }
        let mut bookmark = Instant::now() + self.core.options.bookmark_interval;
        loop {
            writes.mark_unchanged();
            self.changes().await?;
            tokio::select! {
                changed = writes.changed() => changed.map_err(|_| End)?,
                () = sleep_until(bookmark), if self.bookmarks => {
                    self.bookmark(self.at, false).await?;
                    bookmark = Instant::now() + self.core.options.bookmark_interval;
                }
                () = sleep_until(deadline) => return Ok(()),
                () = self.sender.closed() => return Ok(()),
                _ = stop.changed() => return Ok(()),
            }
        }
    }

    /// Everything there is, as `ADDED`.
    async fn state(&mut self, initial: Initial) -> Result<(), End> {
        let collection = self.resource.storage();
        let (revision, objects) = self.core.store.list(&collection, &self.namespace);
        for object in &objects {
            if self.selection.matches(&object.value) {
                self.event("ADDED", object).await?;
            }
        }
        self.at = revision;
        if initial == Initial::StateAndBookmark {
            self.bookmark(revision, true).await?;
        }
        Ok(())
    }

    /// The changes since the last ones sent.
    async fn changes(&mut self) -> Result<(), End> {
        let changes = self
            .core
            .store
            .changes_since(&self.resource.storage(), self.at);
        let Ok((reached, changes)) = changes else {
            let wanted = self.at;
            self.expired(wanted).await?;
            return Err(End);
        };
        for change in changes {
            if !self.namespace.is_empty() && change.key.namespace != self.namespace {
                continue;
            }
            if let Some(word) = self.word(&change) {
                self.event(word, &change.object).await?;
            }
        }
        self.at = reached;
        Ok(())
    }

    /// The event a change is to this watch: an object that comes to match is new to it, one that
    /// no longer matches is gone.
    fn word(&self, change: &Change) -> Option<&'static str> {
        let before = change
            .previous
            .as_ref()
            .is_some_and(|o| self.selection.matches(&o.value));
        let after =
            change.kind != ChangeKind::Deleted && self.selection.matches(&change.object.value);
        match (before, after) {
            (false, true) => Some("ADDED"),
            (true, true) => Some("MODIFIED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }

    async fn event(&mut self, word: &str, object: &Arc<Stored>) -> Result<(), End> {
        let columns = self.sent == 0;
        let value = representation(
            &self.resource,
            object,
            &self.accepted,
            &self.include,
            columns,
            &self.core.clock,
        );
        self.sent += 1;
        self.line(&json!({"type": word, "object": value})).await?;
        self.strike().await
    }

    /// Ends the watch when an injected fault is due.
    async fn strike(&mut self) -> Result<(), End> {
        match self.fault {
            Some(Fault::TruncateWatch { after_events }) if self.sent >= after_events => {
                // The client may be gone already.
                let _ = self.sender.send(Err(Cut)).await;
                Err(End)
            }
            Some(Fault::ExpireWatch { after_events }) if self.sent >= after_events => {
                self.expired(self.at).await?;
                Err(End)
            }
            _ => Ok(()),
        }
    }

    async fn bookmark(&mut self, revision: u64, initial_end: bool) -> Result<(), End> {
        let mut object = json!({
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version(),
            "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null},
        });
        if initial_end {
            meta::set(
                &mut object,
                "annotations",
                json!({"k8s.io/initial-events-end": "true"}),
            );
        }
        let stored = Arc::new(Stored {
            revision,
            value: object,
        });
        let value = representation(
            &self.resource,
            &stored,
            &self.accepted,
            &self.include,
            self.sent == 0,
            &self.core.clock,
        );
        self.line(&json!({"type": "BOOKMARK", "object": value}))
            .await
    }

    async fn expired(&mut self, wanted: u64) -> Result<(), End> {
        let now = self.core.store.revision();
        let error = ApiError::expired(format!("too old resource version: {wanted} ({now})"));
        self.line(&json!({"type": "ERROR", "object": error.to_value()}))
            .await
    }

    async fn line(&mut self, event: &Value) -> Result<(), End> {
        let mut bytes = serde_json::to_vec(event).map_err(|_| End)?;
        bytes.push(b'\n');
        self.sender.send(Ok(bytes.into())).await.map_err(|_| End)
    }
}
