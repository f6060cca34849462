//! The task that polls a source and publishes what it finds.
//!
//! ```text
//!  interval ─┐                       ┌─► newest good revision ─┐
//!  Waker ────┼─► poll the source ────┤                         ├─► watch channel
//!  backoff ──┘                       └─► the last error ───────┘
//! ```
//!
//! A failed poll never takes away the last good revision: it only says beside it what is wrong.

use std::{sync::Arc, time::Duration};

use tokio::{
    select,
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::source::{Backoff, Note, Polled, Snapshot, Source, SourceError};

/// When to poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The wait after a poll that succeeded.
    pub interval: Duration,
    /// The least time from the start of one poll to the next, however often somebody wakes it: a
    /// hundred webhooks a second are one poll a second.
    pub least: Duration,
    /// The wait after failures in a row.
    pub backoff: Backoff,
}

impl Schedule {
    /// A poll each `interval`, at most one a second.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            least: Duration::from_secs(1),
            backoff: Backoff::default(),
        }
    }
}

/// What is known of a source.
#[derive(Clone, Debug, Default)]
pub struct SourceState {
    /// The newest good revision; none until there is one.
    pub good: Option<Snapshot>,
    /// Whether it was left by an earlier process and not confirmed since.
    pub recalled: bool,
    /// What was accepted on the way to it and is worth telling.
    pub notes: Arc<[Note]>,
    /// Why the last poll failed; none when it succeeded.
    pub error: Option<Arc<SourceError>>,
    /// How many polls in a row have failed.
    pub failures: u32,
}

/// How a poll ended, for whoever counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a new revision.
    Changed,
    /// There is none.
    Unchanged,
    /// It failed.
    Failed,
}

/// Makes the task poll now, for a webhook or a signal. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Asks for a poll as soon as the schedule allows. One that is asked for while a poll runs comes
    /// after it; several are one.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Resolves when somebody asked.
    pub(super) async fn woken(&self) {
        self.0.notified().await;
    }
}

/// A running poll task.
#[derive(Debug)]
pub struct Poller {
    /// What is known of the source. It is marked as changed when there is a new revision, and when
    /// an error comes, changes or goes; never by a poll that found nothing new.
    pub state: watch::Receiver<SourceState>,
    /// Makes it poll now.
    pub waker: Waker,
    /// Ends when told to stop, or when nobody listens to `state` any more.
    pub task: JoinHandle<()>,
}

/// Starts to poll `source`, at once and then by `schedule`, until `stop`. A poll in progress is then
/// given up. `observe` is told how each poll ended.
pub fn spawn<S: Source>(
    source: S,
    schedule: Schedule,
    observe: impl Fn(Outcome) + Send + Sync + 'static,
    stop: CancellationToken,
) -> Poller {
    let (sender, state) = watch::channel(SourceState::default());
    let waker = Waker::default();
    let polling = Polling {
        source,
        schedule,
        sender,
        waker: waker.clone(),
    };
    let task = tokio::spawn(async move {
        select! {
            () = stop.cancelled() => {}
            () = polling.sender.closed() => {}
            () = polling.run(&observe) => {}
        }
    });
    Poller { state, waker, task }
}

struct Polling<S> {
    source: S,
    schedule: Schedule,
    sender: watch::Sender<SourceState>,
    waker: Waker,
}

impl<S: Source> Polling<S> {
    /// Polls for ever.
    async fn run(&self, observe: &impl Fn(Outcome)) {
        // Read before the first poll, which may hang with the local copy in its hands; told only
        // when that poll has failed.
        let mut recalled = self.source.recall().await;
        loop {
            let started = Instant::now();
            let outcome = match self.source.poll().await {
                Ok(polled) => self.publish(polled),
                Err(error) => self.publish_error(error, recalled.take()),
            };
            observe(outcome);
            let failures = self.sender.borrow().failures;
            let wait = match failures {
                0 => self.schedule.interval,
                failures => self.schedule.backoff.delay(failures, fastrand::f64()),
            };
            select! {
                () = sleep(wait) => {}
                () = self.waker.woken() => {}
            }
            sleep_until(started + self.schedule.least).await;
        }
    }

    fn publish(&self, polled: Polled) -> Outcome {
        let Polled { snapshot, notes } = polled;
        let source = self.source.describe();
        for note in &notes {
            tracing::info!(source, revision = %snapshot.revision().short(), %note, "noted about the source");
        }
        let mut outcome = Outcome::Unchanged;
        self.sender.send_if_modified(|state| {
            let known = state.good.as_ref().map(Snapshot::revision);
            if known != Some(snapshot.revision()) {
                outcome = Outcome::Changed;
                tracing::info!(source, revision = %snapshot.revision().short(), "new revision");
            }
            if state.error.is_some() {
                tracing::info!(
                    source,
                    failures = state.failures,
                    "the source can be read again"
                );
            }
            let told = outcome == Outcome::Changed || state.error.is_some() || !notes.is_empty();
            // Even with the same revision the snapshot is the one to read from: the local copy behind
            // the old one may have been replaced.
            state.good = Some(snapshot);
            state.recalled = false;
            state.error = None;
            state.failures = 0;
            if told {
                state.notes = notes.into();
            }
            told
        });
        outcome
    }

    fn publish_error(&self, error: SourceError, recalled: Option<Snapshot>) -> Outcome {
        let source = self.source.describe();
        self.sender.send_if_modified(|state| {
            state.failures = state.failures.saturating_add(1);
            let known = state.error.as_deref() == Some(&error);
            if known {
                tracing::debug!(source, %error, failures = state.failures, "the source still cannot be read");
            } else {
                tracing::warn!(source, %error, code = error.code(), help = error.help(), "the source cannot be read");
                state.error = Some(Arc::new(error));
            }
            if let (None, Some(recalled)) = (&state.good, recalled) {
                tracing::info!(source, revision = %recalled.revision().short(), "going on with the last good revision");
                state.good = Some(recalled);
                state.recalled = true;
            }
            !known
        });
        Outcome::Failed
    }
}

#[cfg(test)]
mod tests;
