//! What a worker is fed: the files of the daemon's own source, or those of the source that the
//! worker's Environment file names.
//!
//! ```text
//!  the daemon's source ─┬─ no `source` in the file ─────────────────────► worker
//!                       └─ `source` ─► a poll task of its own ─► joined ─► worker
//! ```
//!
//! Which of the two it is, is read from each new revision of the daemon's source, so an environment
//! that gains, changes or loses its `source` needs no restart. While its own source has given
//! nothing yet, there is nothing to work on; a failed poll of either leaves the last good files.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    DaemonError,
    poll::{self, Poller, SourceState, Waker},
    tasks::watch_over,
    worker::Feed,
};
use crate::{
    config::{Config, Environment},
    source::{GitConfig, GitSource, Snapshot},
};

/// The feed of one environment, and the task that keeps it.
pub(super) fn feed_of(
    environment: &str,
    home: Feed,
    stop: CancellationToken,
) -> (
    Feed,
    impl Future<Output = Result<(), DaemonError>> + Send + 'static,
) {
    let (state, told) = watch::channel(SourceState::default());
    let (looked, looks) = watch::channel(0);
    let waker = Waker::default();
    let feed = Feed {
        state: told,
        looks,
        waker: waker.clone(),
    };
    let mut joining = Joining {
        environment: environment.to_owned(),
        home,
        own: None,
        muted: false,
        state,
        looked,
        waker,
        stop,
    };
    joining.home.state.mark_changed();
    (feed, joining.run())
}

/// Both sources of an environment.
struct Joining {
    environment: String,
    home: Feed,
    own: Option<Own>,
    /// The newest revision of the configuration cannot be read: it is for the worker to say so, and
    /// what the own source gives meanwhile is held back.
    muted: bool,
    state: watch::Sender<SourceState>,
    looked: watch::Sender<u64>,
    waker: Waker,
    stop: CancellationToken,
}

/// A source of an environment's own, polled.
struct Own {
    config: GitConfig,
    interval: Duration,
    state: watch::Receiver<SourceState>,
    looks: watch::Receiver<u64>,
    waker: Waker,
    task: JoinHandle<Result<(), DaemonError>>,
    stop: CancellationToken,
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Joining {
    async fn run(mut self) -> Result<(), DaemonError> {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                Ok(()) = self.home.state.changed() => self.look_at_home(),
                event = next_of(&mut self.own) => match event {
                    OwnEvent::State => self.publish(),
                    OwnEvent::Looked => self.looked.send_modify(|looks| *looks += 1),
                    OwnEvent::Ended(result) => return self.own_ended(result),
                },
                Ok(()) = self.home.looks.changed() => {
                    if self.own.is_none() {
                        self.looked.send_modify(|looks| *looks += 1);
                    }
                }
                () = self.waker.woken() => {
                    self.home.waker.wake();
                    if let Some(own) = &self.own {
                        own.waker.wake();
                    }
                }
            }
        }
    }

    /// There is news of the daemon's source: it says which files the environment wants.
    fn look_at_home(&mut self) {
        let good = self.home.state.borrow_and_update().good.clone();
        let environment = good
            .as_ref()
            .map(|good| find(good, &self.environment))
            .unwrap_or_default();
        self.muted = good.is_some() && environment.is_none();
        if let Some(environment) = environment {
            self.follow(&environment);
        }
        self.publish();
    }

    /// Polls what the environment names, and nothing else.
    fn follow(&mut self, environment: &Environment) {
        let Some(source) = &environment.source else {
            self.own = None;
            return;
        };
        let interval = environment.reconcile.interval;
        let same = |own: &Own| own.config == *source.git && own.interval == interval;
        if self.own.as_ref().is_some_and(same) {
            return;
        }
        // The local copy must not be in two hands.
        self.own = None;
        match GitSource::open((*source.git).clone()) {
            Ok(git) => self.own = Some(self.poll(git, (*source.git).clone(), interval)),
            Err(error) => self.state.send_modify(|state| {
                state.failures = state.failures.saturating_add(1);
                state.error = Some(Arc::new(error));
            }),
        }
    }

    fn poll(&self, source: GitSource, config: GitConfig, interval: Duration) -> Own {
        let (looked, looks) = watch::channel(0);
        let stop = self.stop.child_token();
        let observe = move |_| looked.send_modify(|looks| *looks += 1);
        let schedule = poll::Schedule::every(interval);
        let Poller { state, waker, task } = poll::spawn(source, schedule, observe, stop.clone());
        Own {
            config,
            interval,
            state,
            looks,
            waker,
            task: tokio::spawn(watch_over("poll", task)),
            stop,
        }
    }

    /// Tells the worker what is known.
    fn publish(&mut self) {
        let home = self.home.state.borrow().clone();
        let Some(own) = self.own.as_mut().filter(|_| !self.muted) else {
            let _ = self.state.send_replace(home);
            return;
        };
        let own = own.state.borrow_and_update().clone();
        let good = own
            .good
            .zip(home.good)
            .map(|(files, configuration)| files.configured_by(configuration));
        self.state.send_modify(|state| {
            *state = SourceState {
                // What was given before stays until there is better.
                good: good.or_else(|| state.good.take()),
                recalled: own.recalled || home.recalled,
                notes: own.notes,
                error: own.error.or(home.error),
                failures: own.failures.max(home.failures),
            };
        });
    }

    fn own_ended(&self, result: Result<(), DaemonError>) -> Result<(), DaemonError> {
        if self.stop.is_cancelled() {
            return Ok(());
        }
        result?;
        let task = format!("poll for {}", self.environment);
        Err(DaemonError::Ended { task })
    }
}

/// The environment as a revision of the configuration has it; none while that cannot be read.
fn find(configuration: &Snapshot, name: &str) -> Option<Environment> {
    let config = Config::load(configuration).ok()?;
    config.environment(name).ok().cloned()
}

enum OwnEvent {
    State,
    Looked,
    Ended(Result<(), DaemonError>),
}

/// What the own source has to tell next; never resolves while there is none.
async fn next_of(own: &mut Option<Own>) -> OwnEvent {
    let Some(own) = own else {
        return std::future::pending().await;
    };
    tokio::select! {
        biased;
        Ok(()) = own.state.changed() => OwnEvent::State,
        Ok(()) = own.looks.changed() => OwnEvent::Looked,
        ended = &mut own.task => OwnEvent::Ended(ended.unwrap_or_else(|error| {
            Err(DaemonError::Panicked { task: "poll".to_owned(), message: error.to_string() })
        })),
    }
}
