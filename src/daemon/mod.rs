//! Keeps clusters true for as long as it runs.
//!
//! In: the newest revision of a source, changes of live objects, the clock, signals and requests.
//! Out: passes through the one pipeline (`crate::pipeline`), and what is known of them at `/metrics`,
//! `/readyz` and `/api/v1/status`.
//! It must never render, plan or apply by a way of its own, never let a failed revision or an
//! unreachable source touch the cluster, and never end by itself without saying why.
//!
//! ```text
//!  poll (the sources) ─revision────┐
//!  follow (watches) ───drift───────┤
//!  wake (SIGHUP, POST) ────────────┼─► worker (one an environment) ──► pipeline ──► Report
//!  clock (interval, backoff) ──────┘      schedule: pure                              │
//!                                         drift:    pure        board ◄── status ─────┤
//!                                         fight:    pure        telemetry ◄───────────┘
//! ```

mod board;
mod drift;
mod error;
mod fight;
mod follow;
mod followers;
mod http;
mod own_source;
mod pass;
mod passes;
pub mod poll;
mod roster;
mod schedule;
mod signals;
mod tasks;
mod wake;
mod worker;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

pub use board::{Board, Contested, EnvironmentStatus, State, Trouble};
pub use error::DaemonError;
pub use wake::Wake;

use self::{
    http::Face,
    passes::PipelinePasses,
    roster::Roster,
    signals::{Signal, Signals},
    tasks::{Tasks, watch_over},
    worker::{Feed, Shared},
};
use crate::{
    pipeline::Clusters,
    source::Source,
    telemetry::{self, Metrics},
};

/// Where the daemon listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8440);

/// How long the daemon may take to end after it was asked to. Kubernetes gives a pod 30 s.
pub const GRACE: Duration = Duration::from_secs(20);

/// What to keep, and how to be reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// The environments to keep; all of the repository where there is none.
    pub environments: Vec<String>,
    /// Where to answer HTTP.
    pub listen: SocketAddr,
    /// How long the daemon may take to end after it was asked to.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            environments: Vec::new(),
            listen: DEFAULT_LISTEN,
            grace: GRACE,
        }
    }
}

/// A running daemon.
pub struct Daemon {
    address: SocketAddr,
    board: Board,
    wake: Wake,
    stop: CancellationToken,
    grace: Duration,
    tasks: Tasks,
}

impl Daemon {
    /// Starts to keep the environments of a source. It runs on its own from here, but only
    /// [`Self::run`] sees a part of it fail.
    pub async fn start<S: Source>(
        options: Options,
        source: S,
        interval: Duration,
        clusters: Arc<Clusters>,
    ) -> Result<Self, DaemonError> {
        let listen = |error| DaemonError::Listen {
            address: options.listen,
            error,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");

        let shared = Shared {
            board: Board::default(),
            metrics: Metrics::new()?,
        };
        let (wake, stop) = (Wake::default(), CancellationToken::new());
        let (looked, looks) = watch::channel(0);
        let (name, metrics) = (source.describe(), shared.metrics.clone());
        let observe = move |outcome| {
            let poll = match outcome {
                poll::Outcome::Changed => telemetry::Poll::Changed,
                poll::Outcome::Unchanged => telemetry::Poll::Unchanged,
                poll::Outcome::Failed => telemetry::Poll::Failed,
            };
            metrics.polled(&name, poll);
            looked.send_modify(|looks| *looks += 1);
        };
        let name = source.describe();
        let poller = poll::spawn(
            source,
            poll::Schedule::every(interval),
            observe,
            stop.clone(),
        );
        let cache = trueup_kustomize::Cache::default();
        let roster = Roster {
            passes: move |name: &str| {
                PipelinePasses::new(name, Arc::clone(&clusters), cache.clone())
            },
            named: options.environments,
            source: name,
            feed: Feed {
                state: poller.state,
                looks,
                waker: poller.waker,
            },
            wake: wake.clone(),
            shared: shared.clone(),
            stop: stop.clone(),
            grace: options.grace,
        };
        let face = Face {
            board: shared.board.clone(),
            metrics: shared.metrics,
            wake: wake.clone(),
        };
        let mut tasks = Tasks::default();
        tasks.spawn("http", http::serve(listener, face, stop.clone()));
        tasks.spawn("poll", watch_over("poll", poller.task));
        tasks.spawn("environments", roster.run());
        Ok(Self {
            address,
            board: shared.board,
            wake,
            stop,
            grace: options.grace,
            tasks,
        })
    }

    /// Where it answers HTTP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is known of the environments.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// How to make it look before its time.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Asks it to end when cancelled.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs until it is asked to end, and ends: no request is taken any more, those in hand are
    /// finished. An error is a part that failed or did not end in time.
    pub async fn run(mut self) -> Result<(), DaemonError> {
        let failed = tokio::select! {
            // Tasks end well after it, and only after it.
            biased;
            () = self.stop.cancelled() => Ok(()),
            (task, result) = self.tasks.next_end() => {
                result.and(Err(DaemonError::Ended { task }))
            }
        };
        self.stop.cancel();
        let drained = self.tasks.drain(self.grace).await;
        failed.and(drained)
    }
}

/// Runs a daemon until a signal ends it. A second signal ends the process at once.
pub async fn run_until_signalled(daemon: Daemon) -> Result<(), DaemonError> {
    let mut signals = Signals::listen()?;
    let (wake, stop) = (daemon.wake().clone(), daemon.stop().clone());
    let running = daemon.run();
    tokio::pin!(running);
    loop {
        tokio::select! {
            ended = &mut running => return ended,
            signal = signals.next() => match signal {
                Signal::LookAgain => {
                    tracing::info!(signal = "SIGHUP", "looking at the source");
                    wake.all();
                }
                Signal::End(name) if stop.is_cancelled() => {
                    return Err(DaemonError::Hurried { signal: name });
                }
                Signal::End(name) => {
                    tracing::info!(signal = name, "ending");
                    stop.cancel();
                }
            },
        }
    }
}
