//! When to make a pass over an environment, and over which revision: a pure function of what
//! happened and of the time.
//!
//! ```text
//!  new revision ───► at once; ends a pass over an older one
//!  asked for ──────► at once, or right after the pass in progress
//!  drift ──────────► after a short calm, so that a burst is one pass; ends a mere wait for health
//!  failure ────────► after a backoff
//!  nothing ────────► after the interval
//! ```
//!
//! A revision that cannot be rendered is tried again, ever more rarely; meanwhile drift and the
//! interval go by the last good one, which stays in force.

use std::time::Duration;

use tokio::time::Instant;

use crate::{source::Backoff, telemetry::Outcome};

/// How long an environment has to be calm before drift is repaired, so that a burst of changes is
/// one pass.
const CALM: Duration = Duration::from_millis(200);

/// How long a burst of changes may hold up its repair.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a pass is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The source has a new revision.
    Revision,
    /// Somebody asked for it.
    Request,
    /// Live came to differ from desired.
    Drift,
    /// The last pass did not converge.
    Retry,
    /// The interval is over.
    Interval,
}

impl Reason {
    /// The word for logs and for the status.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Revision => "revision",
            Self::Request => "request",
            Self::Drift => "drift",
            Self::Retry => "retry",
            Self::Interval => "interval",
        }
    }
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Begin a pass over this revision.
    Start { revision: String, reason: Reason },
    /// Ask the pass in progress to end: something better is to be done.
    Cancel,
    /// Nothing before this time; nothing at all until something happens where there is none.
    Wait(Option<Instant>),
}

/// What an environment needs, as far as is known.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    backoff: Backoff,
    /// The newest revision of the source.
    latest: Option<String>,
    /// The newest revision that could be rendered and planned: what the cluster is held to.
    in_force: Option<String>,
    /// The last revision that a pass was made over.
    tried: Option<String>,
    running: Option<Running>,
    requested: bool,
    drift: Option<Burst>,
    failures: u32,
    /// When the next pass is due, with its reason, if nothing happens before.
    due: Option<(Instant, Reason)>,
}

/// A pass in progress.
#[derive(Debug)]
struct Running {
    revision: String,
    /// All that it applies is applied; it waits for health.
    waiting: bool,
    cancelled: bool,
}

/// Changes that came close together.
#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Burst {
    fn due(&self) -> Instant {
        (self.last + CALM).min(self.first + PATIENCE)
    }
}

impl Schedule {
    pub(super) fn new(interval: Duration, backoff: Backoff) -> Self {
        Self {
            interval,
            backoff,
            latest: None,
            in_force: None,
            tried: None,
            running: None,
            requested: false,
            drift: None,
            failures: 0,
            due: None,
        }
    }

    /// The environment's own interval, once it is known.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// The source is at this revision.
    pub(super) fn revision(&mut self, revision: &str) {
        if self.latest.as_deref() != Some(revision) {
            self.latest = Some(revision.to_owned());
        }
    }

    /// Somebody wants a pass.
    pub(super) fn request(&mut self) {
        self.requested = true;
    }

    /// An object differs from desired.
    pub(super) fn drift(&mut self, now: Instant) {
        let first = self.drift.map_or(now, |burst| burst.first);
        self.drift = Some(Burst { first, last: now });
    }

    /// Nothing differs from desired any more, or nothing that is to be repaired now.
    pub(super) fn calm(&mut self) {
        self.drift = None;
    }

    /// The revision of the pass in progress is rendered and planned: it is in force from now on.
    pub(super) fn accepted(&mut self) {
        if let Some(running) = &self.running {
            self.in_force = Some(running.revision.clone());
        }
    }

    /// The pass in progress has only to wait, or has again something to apply.
    pub(super) fn waiting(&mut self, waiting: bool) {
        if let Some(running) = &mut self.running {
            running.waiting = waiting;
        }
    }

    /// The pass in progress ended. `chance` is a random number from 0 to 1 for the backoff.
    pub(super) fn finished(&mut self, outcome: Outcome, now: Instant, chance: f64) {
        let Some(Running { revision, .. }) = self.running.take() else {
            return;
        };
        match outcome {
            Outcome::Converged if self.latest.as_ref() == Some(&revision) => {
                self.failures = 0;
                self.due = Some((now + self.interval, Reason::Interval));
            }
            // The last good revision was brought back while a newer one waits for its next try.
            Outcome::Converged => {}
            Outcome::Failed | Outcome::Refused => {
                self.failures = self.failures.saturating_add(1);
                let wait = self.backoff.delay(self.failures, chance);
                self.due = Some((now + wait, Reason::Retry));
            }
            Outcome::Superseded | Outcome::Interrupted => self.due = Some((now, Reason::Retry)),
        }
    }

    /// The revision that the cluster is held to.
    pub(super) fn in_force(&self) -> Option<&str> {
        self.in_force.as_deref()
    }

    /// Failures since the newest revision converged.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// When the next pass is due if nothing happens before.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.map(|(at, _)| at)
    }

    /// What to do now. [`Next::Start`] and [`Next::Cancel`] are given once: they are done when this
    /// returns.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        match &mut self.running {
            Some(running) => {
                let newer = self.latest.as_ref() != Some(&running.revision)
                    && self.tried.as_ref() != self.latest.as_ref();
                let drifted = self.drift.filter(|_| running.waiting);
                let cancel = newer || drifted.is_some_and(|burst| burst.due() <= now);
                if running.cancelled {
                    Next::Wait(None)
                } else if cancel {
                    running.cancelled = true;
                    Next::Cancel
                } else {
                    Next::Wait(drifted.map(|burst| burst.due()))
                }
            }
            None => self.next_pass(now),
        }
    }

    fn next_pass(&mut self, now: Instant) -> Next {
        let Some(latest) = self.latest.clone() else {
            return Next::Wait(None);
        };
        if self.tried.as_ref() != Some(&latest) {
            // What failed before says nothing about a revision that nobody tried.
            self.failures = 0;
            return self.start(latest, Reason::Revision);
        }
        if self.requested {
            return self.start(latest, Reason::Request);
        }
        let good = self.in_force.clone();
        match (self.drift.map(|burst| burst.due()), self.due, good) {
            (Some(at), _, Some(good)) if at <= now => self.start(good, Reason::Drift),
            (_, Some((at, reason)), _) if at <= now => self.start(latest, reason),
            (drift, due, good) => {
                let drift = drift.filter(|_| good.is_some());
                Next::Wait([drift, due.map(|(at, _)| at)].into_iter().flatten().min())
            }
        }
    }

    fn start(&mut self, revision: String, reason: Reason) -> Next {
        self.running = Some(Running {
            revision: revision.clone(),
            waiting: false,
            cancelled: false,
        });
        // A pass looks at everything, so it answers all that came before it.
        self.drift = None;
        if self.latest.as_ref() == Some(&revision) {
            self.tried = Some(revision.clone());
            self.requested = false;
            self.due = None;
        }
        Next::Start { revision, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_mins(1);

    fn schedule() -> (Schedule, Instant) {
        let backoff = Backoff {
            first: Duration::from_secs(2),
            longest: Duration::from_mins(5),
        };
        (Schedule::new(INTERVAL, backoff), Instant::now())
    }

    fn start(revision: &str, reason: Reason) -> Next {
        Next::Start {
            revision: revision.to_owned(),
            reason,
        }
    }

    /// A schedule whose environment converged to `a` at the time given.
    fn converged() -> (Schedule, Instant) {
        let (mut schedule, now) = schedule();
        schedule.revision("a");
        assert_eq!(schedule.next(now), start("a", Reason::Revision));
        schedule.accepted();
        schedule.finished(Outcome::Converged, now, 1.0);
        (schedule, now)
    }

    #[test]
    fn nothing_happens_before_there_is_a_revision() {
        let (mut schedule, now) = schedule();
        schedule.request();
        schedule.drift(now);
        assert_eq!(schedule.next(now + INTERVAL), Next::Wait(None));
    }

    #[test]
    fn a_converged_environment_is_looked_at_again_after_its_interval() {
        let (mut schedule, now) = converged();
        assert_eq!(schedule.next(now), Next::Wait(Some(now + INTERVAL)));
        assert_eq!(schedule.next(now + INTERVAL), start("a", Reason::Interval));
    }

    #[test]
    fn a_new_revision_ends_the_pass_over_an_older_one_at_once() {
        let (mut schedule, now) = converged();
        schedule.revision("b");
        assert_eq!(schedule.next(now), start("b", Reason::Revision));
        schedule.waiting(true);
        schedule.revision("c");
        assert_eq!(schedule.next(now), Next::Cancel);
        assert_eq!(schedule.next(now), Next::Wait(None), "it is asked once");
        schedule.finished(Outcome::Superseded, now, 1.0);
        assert_eq!(schedule.next(now), start("c", Reason::Revision));
    }

    #[test]
    fn the_same_revision_again_is_no_news() {
        let (mut schedule, now) = converged();
        schedule.revision("a");
        assert_eq!(schedule.next(now), Next::Wait(Some(now + INTERVAL)));
        schedule.request();
        assert_eq!(schedule.next(now), start("a", Reason::Request));
        schedule.revision("a");
        assert_eq!(schedule.next(now), Next::Wait(None));
    }

    #[test]
    fn a_request_during_a_pass_is_answered_after_it() {
        let (mut schedule, now) = schedule();
        schedule.revision("a");
        assert_eq!(schedule.next(now), start("a", Reason::Revision));
        schedule.request();
        assert_eq!(schedule.next(now), Next::Wait(None));
        schedule.finished(Outcome::Converged, now, 1.0);
        assert_eq!(schedule.next(now), start("a", Reason::Request));
    }

    #[test]
    fn failures_are_retried_ever_more_rarely_and_forgotten_with_a_new_revision() {
        let (mut schedule, mut now) = schedule();
        schedule.revision("a");
        assert_eq!(schedule.next(now), start("a", Reason::Revision));
        for wait in [2, 4, 8, 16] {
            schedule.finished(Outcome::Failed, now, 1.0);
            let due = now + Duration::from_secs(wait);
            assert_eq!(schedule.next(now), Next::Wait(Some(due)));
            now = due;
            assert_eq!(schedule.next(now), start("a", Reason::Retry));
        }
        schedule.finished(Outcome::Failed, now, 1.0);
        assert_eq!(schedule.failures(), 5);
        schedule.revision("b");
        assert_eq!(schedule.next(now), start("b", Reason::Revision));
        assert_eq!(schedule.failures(), 0);
    }

    #[test]
    fn a_refused_revision_leaves_the_last_good_one_in_force() {
        let (mut schedule, now) = converged();
        schedule.revision("broken");
        assert_eq!(schedule.next(now), start("broken", Reason::Revision));
        schedule.finished(Outcome::Refused, now, 1.0);
        schedule.drift(now);
        assert_eq!(schedule.next(now + CALM), start("a", Reason::Drift));
        schedule.finished(Outcome::Converged, now + CALM, 1.0);
        assert_eq!(
            schedule.failures(),
            1,
            "the newest revision still cannot be rendered"
        );
        let retry = now + Duration::from_secs(2);
        assert_eq!(schedule.next(now + CALM), Next::Wait(Some(retry)));
        assert_eq!(schedule.next(retry), start("broken", Reason::Retry));
    }

    #[test]
    fn a_repair_of_the_last_good_revision_is_no_reason_to_be_cancelled() {
        let (mut schedule, now) = converged();
        schedule.revision("broken");
        assert_eq!(schedule.next(now), start("broken", Reason::Revision));
        schedule.finished(Outcome::Refused, now, 1.0);
        schedule.drift(now);
        assert_eq!(schedule.next(now + CALM), start("a", Reason::Drift));
        assert_eq!(schedule.next(now + CALM), Next::Wait(None));
        schedule.revision("fixed");
        assert_eq!(schedule.next(now + CALM), Next::Cancel);
    }

    #[test]
    fn a_burst_of_drift_is_one_pass_and_cannot_be_put_off_for_ever() {
        let (mut schedule, begin) = converged();
        let mut now = begin;
        schedule.drift(now);
        while now < begin + PATIENCE {
            assert!(
                matches!(schedule.next(now), Next::Wait(Some(_))),
                "still in the burst"
            );
            now += CALM / 2;
            schedule.drift(now);
        }
        assert_eq!(schedule.next(now), start("a", Reason::Drift));
        schedule.finished(Outcome::Converged, now, 1.0);
        assert_eq!(schedule.next(now), Next::Wait(Some(now + INTERVAL)));
    }

    #[test]
    fn what_came_right_by_itself_needs_no_pass() {
        let (mut schedule, now) = converged();
        schedule.drift(now);
        schedule.calm();
        assert_eq!(
            schedule.next(now + PATIENCE),
            Next::Wait(Some(now + INTERVAL))
        );
    }

    #[test]
    fn drift_ends_a_wait_for_health_but_never_work_in_hand() {
        let (mut schedule, now) = schedule();
        schedule.revision("a");
        assert_eq!(schedule.next(now), start("a", Reason::Revision));
        schedule.drift(now);
        assert_eq!(schedule.next(now + PATIENCE), Next::Wait(None));
        schedule.accepted();
        schedule.waiting(true);
        assert_eq!(schedule.next(now + PATIENCE), Next::Cancel);
        schedule.finished(Outcome::Superseded, now + PATIENCE, 1.0);
        assert_eq!(schedule.next(now + PATIENCE), start("a", Reason::Drift));
    }

    #[test]
    fn a_revision_is_in_force_as_soon_as_it_is_planned() {
        let (mut schedule, now) = converged();
        schedule.revision("b");
        assert_eq!(schedule.next(now), start("b", Reason::Revision));
        schedule.accepted();
        schedule.waiting(true);
        schedule.drift(now);
        assert_eq!(schedule.next(now + CALM), Next::Cancel);
        schedule.finished(Outcome::Superseded, now + CALM, 1.0);
        assert_eq!(schedule.next(now + CALM), start("b", Reason::Drift));
    }

    #[test]
    fn a_first_revision_that_is_refused_is_retried_although_nothing_is_in_force() {
        let (mut schedule, now) = schedule();
        schedule.revision("broken");
        assert_eq!(schedule.next(now), start("broken", Reason::Revision));
        schedule.finished(Outcome::Refused, now, 1.0);
        schedule.drift(now);
        let retry = now + Duration::from_secs(2);
        assert_eq!(schedule.next(now), Next::Wait(Some(retry)));
        assert_eq!(schedule.next(retry), start("broken", Reason::Retry));
    }
}
