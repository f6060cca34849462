//! Keeps one environment true: the loop around the schedule.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use trueup_manifest::ObjectId;

use super::{
    Board, DaemonError,
    board::{Contested, State, note_trouble},
    drift::Drift,
    fight::Fights,
    follow::Sighting,
    followers::Followers,
    pass::{Ended, News, Passes},
    poll::{SourceState, Waker},
    schedule::{Next, Reason, Schedule},
    tasks::panic_message,
};
use crate::{
    apply::{Stop, Stopper, stopping},
    source::{Backoff, Snapshot},
    telemetry::{Metrics, Outcome},
};

/// How often a worker gives a sign of life when nothing happens.
const BEAT: Duration = Duration::from_secs(5);

/// The name under which every manifest is applied.
const FIELD_MANAGER: &str = "trueup";

/// How an environment is looked at until its own file has said so.
const FIRST_INTERVAL: Duration = Duration::from_mins(1);

/// The waits after failed passes. A pass is cheap beside what a failure costs its users, so the
/// waits stay short.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_mins(1),
};

/// The source of an environment.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    /// What is known of it.
    pub(super) state: watch::Receiver<SourceState>,
    /// How many times it was looked at; told after what came of it.
    pub(super) looks: watch::Receiver<u64>,
    /// Has it looked at now.
    pub(super) waker: Waker,
}

/// What all workers share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) board: Board,
    pub(super) metrics: Metrics,
}

/// Keeps one environment true.
pub(super) struct Worker<P: Passes> {
    name: String,
    passes: P,
    feed: Feed,
    bell: Arc<Notify>,
    shared: Shared,
    stop: CancellationToken,

    schedule: Schedule,
    drift: Drift<P::Desire>,
    /// The objects that count as drifted now, each with who wrote it last.
    drifted: BTreeMap<ObjectId, Vec<String>>,
    fights: Fights,
    followers: Followers,
    /// The snapshots that a pass may still be made over: the newest and the one in force.
    snapshots: Vec<Snapshot>,
    running: Option<Running<P::Desire>>,
    /// Somebody rang: a pass is wanted as soon as the source has been looked at again.
    rung: bool,
}

/// A pass in progress.
struct Running<D> {
    handle: JoinHandle<Ended>,
    news: mpsc::UnboundedReceiver<News<D>>,
    stopper: Stopper,
    began: Instant,
    reason: Reason,
    revision: String,
    /// What had drifted when it began, and who had written it.
    repairs: BTreeMap<ObjectId, Vec<String>>,
    /// What it wrote.
    written: BTreeSet<ObjectId>,
}

/// What a worker waits for.
enum Event<D> {
    Stop,
    Source,
    Looked,
    Bell,
    News(News<D>),
    Ended(Result<Ended, DaemonError>),
    Sighting(Sighting),
    Failed(DaemonError),
    Time,
}

impl<P: Passes> Worker<P> {
    pub(super) fn new(
        name: &str,
        passes: P,
        feed: Feed,
        bell: Arc<Notify>,
        shared: Shared,
        stop: CancellationToken,
    ) -> Self {
        Self {
            name: name.to_owned(),
            passes,
            feed,
            bell,
            shared,
            stop,
            schedule: Schedule::new(FIRST_INTERVAL, BACKOFF),
            drift: Drift::new(P::Desire::default(), FIELD_MANAGER),
            drifted: BTreeMap::new(),
            fights: Fights::default(),
            followers: Followers::new(name),
            snapshots: Vec::new(),
            running: None,
            rung: false,
        }
    }

    /// Runs until it is asked to stop; then finishes the requests in hand.
    pub(super) async fn run(mut self) -> Result<(), DaemonError> {
        self.source();
        loop {
            let now = Instant::now();
            let until = match self.schedule.next(now) {
                Next::Start { revision, reason } => {
                    self.start(revision, reason);
                    continue;
                }
                Next::Cancel => {
                    if let Some(running) = &self.running {
                        running.stopper.stop(Stop::Superseded);
                    }
                    continue;
                }
                Next::Wait(until) => until,
            };
            let rest_ends = self.fights.next_end(now);
            let beat = Some(now + BEAT);
            let until = [until, rest_ends, beat]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(now + BEAT);
            match self.next_event(until).await {
                Event::Stop => return self.wind_down().await,
                Event::Source => self.source(),
                Event::Looked => {
                    if std::mem::take(&mut self.rung) {
                        self.schedule.request();
                    }
                }
                Event::Bell => {
                    self.rung = true;
                    self.feed.looks.mark_unchanged();
                    self.feed.waker.wake();
                }
                Event::News(news) => self.news(news),
                Event::Ended(ended) => self.ended(&ended?),
                Event::Sighting(sighting) => self.saw(&sighting),
                Event::Failed(error) => return Err(error),
                Event::Time => self.look_at_drift(),
            }
            self.shared.board.beat(&self.name);
        }
    }

    async fn next_event(&mut self, until: Instant) -> Event<P::Desire> {
        tokio::select! {
            // News of a pass come before its end, and its end before what was seen since.
            biased;
            () = self.stop.cancelled() => Event::Stop,
            event = next_of(&mut self.running) => event,
            // That the source ended is for those to tell who watch over its task.
            Ok(()) = self.feed.state.changed() => Event::Source,
            Ok(()) = self.feed.looks.changed() => Event::Looked,
            () = self.bell.notified() => Event::Bell,
            seen = self.followers.next() => seen.map_or_else(Event::Failed, Event::Sighting),
            () = sleep_until(until) => Event::Time,
        }
    }

    /// There is news of the source.
    fn source(&mut self) {
        let state = self.feed.state.borrow_and_update().clone();
        let environment = self.name.as_str();
        if let Some(snapshot) = &state.good {
            let revision = &snapshot.revision().id;
            if self
                .newest()
                .is_none_or(|newest| newest.revision().id != *revision)
            {
                self.shared.metrics.source_revision(environment, revision);
                self.schedule.revision(revision);
                self.snapshots.push(snapshot.clone());
            }
        }
        let found = state
            .error
            .as_ref()
            .map(|error| (vec![error.to_string()], error.help()));
        self.shared.board.update(environment, |status| {
            status.revision = self.newest().map(|newest| newest.revision().id.clone());
            note_trouble(&mut status.source_error, found);
            if status.state != State::Reconciling {
                status.settle();
            }
        });
    }

    fn newest(&self) -> Option<&Snapshot> {
        self.snapshots.last()
    }

    /// The files of a revision. Of the newest one, those that the source gave last: it may have
    /// replaced the local copy behind the ones before.
    fn snapshot(&self, revision: &str) -> Option<Snapshot> {
        let is_it = |snapshot: &&Snapshot| snapshot.revision().id == revision;
        let state = self.feed.state.borrow();
        state
            .good
            .as_ref()
            .filter(is_it)
            .or_else(|| self.snapshots.iter().rfind(is_it))
            .cloned()
    }

    fn start(&mut self, revision: String, reason: Reason) {
        // Only revisions that were given with their files are scheduled.
        let Some(snapshot) = self.snapshot(&revision) else {
            return;
        };
        if reason == Reason::Revision {
            self.fights.forgive();
        }
        let environment = self.name.as_str();
        tracing::debug!(
            environment,
            revision,
            reason = reason.as_str(),
            "pass begins"
        );
        self.shared
            .board
            .update(environment, |status| status.state = State::Reconciling);
        let (sender, news) = mpsc::unbounded_channel();
        let (stopper, stopped) = stopping();
        let handle = tokio::spawn(self.passes.pass(snapshot, sender, stopped));
        self.running = Some(Running {
            handle,
            news,
            stopper,
            began: Instant::now(),
            reason,
            revision,
            repairs: self.drifted.clone(),
            written: BTreeSet::new(),
        });
    }

    fn news(&mut self, news: News<P::Desire>) {
        match news {
            News::Accepted { desire, interval } => {
                self.schedule.accepted();
                self.schedule.set_interval(interval);
                self.drift.begin(desire);
            }
            News::Settled { id, written, live } => {
                self.drift.settled(&id, written, live.as_ref());
                if written && let Some(running) = &mut self.running {
                    running.written.insert(id);
                }
            }
            News::Undone { id } => self.drift.undone(&id),
            News::Waiting { id, says } => {
                self.shared.board.update(&self.name, |status| {
                    status.waiting.insert(id.to_string(), says);
                });
                self.schedule.waiting(true);
            }
            News::Arrived { id } => {
                let mut any = false;
                self.shared.board.update(&self.name, |status| {
                    status.waiting.remove(&id.to_string());
                    any = !status.waiting.is_empty();
                });
                self.schedule.waiting(any);
            }
        }
        self.look_at_drift();
    }

    fn saw(&mut self, sighting: &Sighting) {
        if matches!(sighting, Sighting::Back) && self.schedule.failures() > 0 {
            self.schedule.request();
        }
        self.drift.saw(sighting);
        self.look_at_drift();
    }

    /// Tells the schedule what is to be repaired.
    fn look_at_drift(&mut self) {
        let now = Instant::now();
        let environment = self.name.as_str();
        let mut drifted = BTreeMap::new();
        let mut news = false;
        for (id, deviant) in self.drift.drifted() {
            if self.fights.rests(id, now).is_some() {
                continue;
            }
            if !self.drifted.contains_key(id) {
                news = true;
                self.shared.metrics.drifted(environment, deviant.kind);
                let (object, kind) = (id.to_string(), deviant.kind.as_str());
                tracing::info!(environment, object, kind, "drift");
            }
            drifted.insert(id.clone(), deviant.writers.clone());
        }
        self.drifted = drifted;
        if self.drifted.is_empty() {
            self.schedule.calm();
        } else if news {
            self.schedule.drift(now);
        }
    }

    fn ended(&mut self, ended: &Ended) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        // What it told last may still be on its way.
        while let Ok(news) = running.news.try_recv() {
            if let News::Settled {
                id, written: true, ..
            } = &news
            {
                running.written.insert(id.clone());
            }
            self.news(news);
        }
        let now = Instant::now();
        self.schedule.finished(ended.outcome, now, fastrand::f64());
        self.count(ended, &running);
        self.note_repairs(&running, now);
        if let Some(owned) = &ended.owned {
            self.followers.follow_only(owned);
        }
        self.forget_snapshots();
        self.show(ended, &running, now);
        self.look_at_drift();
    }

    fn count(&self, ended: &Ended, running: &Running<P::Desire>) {
        let (metrics, environment) = (&self.shared.metrics, self.name.as_str());
        metrics.reconciled(environment, ended.outcome, running.began.elapsed());
        for (action, count) in &ended.actions {
            metrics.acted(environment, *action, *count);
        }
        if let Some(objects) = &ended.objects {
            metrics.objects(environment, objects);
        }
        for (phase, took) in &ended.phases {
            metrics.phase_ended(environment, phase, *took);
        }
        if ended.outcome == Outcome::Converged {
            metrics.converged(environment, &running.revision);
        }
        metrics.consecutive_failures(environment, self.schedule.failures());
    }

    /// Counts what was brought back, and names the fights that this makes.
    fn note_repairs(&mut self, running: &Running<P::Desire>, now: Instant) {
        let environment = self.name.as_str();
        let mut repaired = 0;
        for (id, writers) in &running.repairs {
            if !running.written.contains(id) {
                continue;
            }
            repaired += 1;
            if let Some(until) = self.fights.repaired(id, writers, now) {
                let object = id.to_string();
                let writers = self.fights.writers(id).join(", ");
                let retry_in = until.saturating_duration_since(now);
                tracing::warn!(
                    environment,
                    object,
                    writers,
                    ?retry_in,
                    "another writer changes it again and again: it is left alone for now"
                );
            }
        }
        self.shared.metrics.drift_repaired(environment, repaired);
        self.shared
            .metrics
            .contested(environment, self.fights.contested(now).count());
    }

    /// Lets go of the snapshots that no pass will be made over.
    fn forget_snapshots(&mut self) {
        let newest = self.newest().map(|one| one.revision().id.clone());
        let in_force = self.schedule.in_force().map(str::to_owned);
        self.snapshots.retain(|one| {
            let id = Some(&one.revision().id);
            id == newest.as_ref() || id == in_force.as_ref()
        });
    }

    fn show(&self, ended: &Ended, running: &Running<P::Desire>, now: Instant) {
        let environment = self.name.as_str();
        let revision = running.revision.as_str();
        let took = running.began.elapsed();
        let written: u64 = ended.actions.iter().map(|(_, count)| count).sum();
        let retry_in = self
            .schedule
            .due()
            .map(|due| due.saturating_duration_since(now));
        let mut news = false;
        self.shared.board.update(environment, |status| {
            status.waiting.clear();
            status.failures = self.schedule.failures();
            status.next_pass = retry_in.and_then(|wait| Timestamp::now().checked_add(wait).ok());
            status.contested = self.contested(now);
            if let Some(objects) = &ended.objects {
                status.objects = objects.iter().copied().collect();
            }
            if ended.report.is_some() {
                status.report.clone_from(&ended.report);
            }
            match ended.outcome {
                Outcome::Converged => {
                    status.ready = true;
                    status.applied_revision = Some(revision.to_owned());
                    status.applied_at = Some(Timestamp::now());
                    // The newest revision may still be one that cannot be rendered.
                    if self.schedule.failures() == 0 {
                        news = note_trouble(&mut status.error, None);
                    }
                }
                Outcome::Failed | Outcome::Refused => {
                    let found = (ended.errors.clone(), ended.help.clone());
                    news = note_trouble(&mut status.error, Some(found));
                }
                Outcome::Superseded | Outcome::Interrupted => {}
            }
            status.settle();
        });
        let (result, reason) = (ended.outcome.as_str(), running.reason.as_str());
        match ended.outcome {
            Outcome::Failed | Outcome::Refused if news => {
                let error = ended.errors.join("; ");
                tracing::error!(
                    environment,
                    revision,
                    result,
                    error,
                    ?retry_in,
                    "pass failed"
                );
            }
            Outcome::Converged if written > 0 || news || running.reason == Reason::Revision => {
                tracing::info!(
                    environment,
                    revision,
                    result,
                    reason,
                    written,
                    ?took,
                    "pass ended"
                );
            }
            _ => tracing::debug!(
                environment,
                revision,
                result,
                reason,
                written,
                ?took,
                "pass ended"
            ),
        }
    }

    fn contested(&self, now: Instant) -> Vec<Contested> {
        let at = |until: Instant| {
            let wait = until.saturating_duration_since(now);
            Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX)
        };
        self.fights
            .contested(now)
            .map(|(id, until)| Contested {
                object: id.to_string(),
                writers: self.fights.writers(id),
                until: at(until),
            })
            .collect()
    }

    /// Ends the pass in progress, if there is one, and waits until its requests in hand are done.
    async fn wind_down(mut self) -> Result<(), DaemonError> {
        if let Some(running) = &mut self.running {
            running.stopper.stop(Stop::Shutdown);
            let ended = (&mut running.handle).await;
            let ended = ended.map_err(|error| pass_failed(&self.name, error))?;
            self.ended(&ended);
        }
        Ok(())
    }
}

/// The next news of a pass in progress, or its end; never resolves while there is none.
async fn next_of<D>(running: &mut Option<Running<D>>) -> Event<D> {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    tokio::select! {
        biased;
        Some(news) = running.news.recv() => Event::News(news),
        ended = &mut running.handle => {
            Event::Ended(ended.map_err(|error| pass_failed(&running.revision, error)))
        }
    }
}

fn pass_failed(of: &str, error: tokio::task::JoinError) -> DaemonError {
    let task = format!("pass over {of}");
    if error.is_panic() {
        let message = panic_message(error.into_panic().as_ref());
        DaemonError::Panicked { task, message }
    } else {
        DaemonError::Ended { task }
    }
}

#[cfg(test)]
mod tests;
