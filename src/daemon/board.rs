//! What is known about every environment, written by its worker and read by whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::{report::Report, telemetry::ObjectState};

/// After so long without a sign of life a worker counts as stuck. Workers give one every few
/// seconds, whatever they wait for.
pub(super) const STALE: Duration = Duration::from_secs(30);

/// What an environment is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// No revision yet.
    #[default]
    Starting,
    /// A pass is in progress.
    Reconciling,
    /// The cluster is as the newest revision says.
    Converged,
    /// The last pass, or the last look at the source, failed.
    Failing,
}

/// Something that went wrong and still holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What is wrong, one line each.
    pub messages: Vec<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// When it was first seen in this form.
    pub since: Timestamp,
}

/// An object that another writer changes again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contested {
    /// The object.
    pub object: String,
    /// Who else writes it, as far as the server knows.
    pub writers: Vec<String>,
    /// When it is brought back next.
    pub until: Timestamp,
}

/// What is known about an environment.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// Its name.
    pub name: String,
    /// What it is at.
    pub state: State,
    /// Whether it converged at least once since the process started.
    pub ready: bool,
    /// The source, without credentials.
    pub source: String,
    /// The newest revision of the source.
    pub revision: Option<String>,
    /// The revision that the cluster last converged to.
    pub applied_revision: Option<String>,
    /// When that was.
    pub applied_at: Option<Timestamp>,
    /// Why the source could not be read when it was looked at last.
    pub source_error: Option<Trouble>,
    /// Why the last pass did not converge.
    pub error: Option<Trouble>,
    /// Failures since the newest revision converged.
    pub failures: u32,
    /// When the next pass is due if nothing happens before.
    pub next_pass: Option<Timestamp>,
    /// Objects that are left alone for now.
    pub contested: Vec<Contested>,
    /// How many objects the last pass left in which state.
    pub objects: BTreeMap<ObjectState, u64>,
    /// What the pass in progress waits for, and what each object says of itself.
    pub waiting: BTreeMap<String, String>,
    /// What the last pass did.
    #[serde(serialize_with = "shared")]
    pub report: Option<Arc<Report>>,
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn shared<S: Serializer>(report: &Option<Arc<Report>>, to: S) -> Result<S::Ok, S::Error> {
    report.as_deref().serialize(to)
}

impl EnvironmentStatus {
    /// The word for the state of one that is well or not.
    pub(super) fn settle(&mut self) {
        self.state = if self.error.is_some() || self.source_error.is_some() {
            State::Failing
        } else if self.ready {
            State::Converged
        } else {
            State::Starting
        };
    }
}

/// Sets, keeps or clears a trouble: one that reads the same keeps the time at which it began, so
/// that a person sees how long it lasts. Says whether it is news.
pub(super) fn note_trouble(
    slot: &mut Option<Trouble>,
    found: Option<(Vec<String>, Option<String>)>,
) -> bool {
    match (slot.as_ref(), found) {
        (Some(old), Some((messages, _))) if old.messages == messages => false,
        (_, Some((messages, help))) => {
            *slot = Some(Trouble {
                messages,
                help,
                since: Timestamp::now(),
            });
            true
        }
        (_, None) => slot.take().is_some(),
    }
}

/// The status of every environment. Cheap to clone: clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Board {
    entries: Arc<RwLock<BTreeMap<String, Entry>>>,
}

#[derive(Clone, Debug)]
struct Entry {
    status: EnvironmentStatus,
    beat: Instant,
}

impl Board {
    /// Shows an environment from now on.
    pub(super) fn appear(&self, name: &str, source: &str) {
        let status = EnvironmentStatus {
            name: name.to_owned(),
            source: source.to_owned(),
            ..EnvironmentStatus::default()
        };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(
            name.to_owned(),
            Entry {
                status,
                beat: Instant::now(),
            },
        );
    }

    /// Shows it no longer.
    pub(super) fn gone(&self, name: &str) {
        self.entries
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// Changes what is shown of an environment, and counts as a sign of life.
    pub(super) fn update(&self, name: &str, change: impl FnOnce(&mut EnvironmentStatus)) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(name) {
            change(&mut entry.status);
            entry.beat = Instant::now();
        }
    }

    /// A sign of life.
    pub(super) fn beat(&self, name: &str) {
        self.update(name, |_| {});
    }

    /// Every environment by name.
    pub fn all(&self) -> Vec<EnvironmentStatus> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(|entry| entry.status.clone()).collect()
    }

    /// One environment.
    pub fn get(&self, name: &str) -> Option<EnvironmentStatus> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).map(|entry| entry.status.clone())
    }

    /// The environments whose workers gave no sign of life for [`STALE`].
    pub fn stuck(&self, now: Instant) -> Vec<String> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let stale = |entry: &&Entry| now.saturating_duration_since(entry.beat) > STALE;
        entries
            .values()
            .filter(stale)
            .map(|entry| entry.status.name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_that_lasts_keeps_its_beginning() {
        let mut slot = None;
        let found = |text: &str| Some((vec![text.to_owned()], None));
        assert!(note_trouble(&mut slot, found("no route")));
        let since = slot.as_ref().unwrap().since;
        assert!(!note_trouble(&mut slot, found("no route")), "no news");
        assert_eq!(slot.as_ref().unwrap().since, since);
        assert!(note_trouble(&mut slot, found("refused")), "news");
        assert!(note_trouble(&mut slot, None), "its end is news");
        assert!(!note_trouble(&mut slot, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_gives_no_sign_of_life_is_named() {
        let board = Board::default();
        board.appear("dev", "");
        board.appear("prod", "");
        tokio::time::advance(STALE).await;
        board.beat("dev");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(board.stuck(Instant::now()), ["prod"]);
    }
}
