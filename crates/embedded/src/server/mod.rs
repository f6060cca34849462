//! A running server: how it is built, where it listens, how it ends.
//!
//! In: options. Out: a [`Server`] with its address, a kubeconfig, and the handles tests use: the
//! request log, faults, access rules and the store. Requests go to `http`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) mod core;
pub(crate) mod ids;
mod kubeconfig;
mod listen;

use self::core::{Core, Options};
use self::ids::{Clock, Ids};
use crate::access::Access;
use crate::controllers;
use crate::faults::Faults;
use crate::http::reply::{Cut, ReplyBody};
use crate::log::RequestLog;
use crate::simulation::Simulation;
use crate::store::{SnapshotError, Store};

/// Why a server did not start or its state could not be kept.
#[derive(Debug)]
pub enum Error {
    /// The address could not be listened on.
    Listen(SocketAddr, std::io::Error),
    /// The snapshot file could not be used.
    Snapshot(SnapshotError),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(_, error) => Some(error),
            Self::Snapshot(error) => Some(error),
        }
    }
}

/// How a server is to be.
pub struct Builder {
    address: SocketAddr,
    snapshot: Option<PathBuf>,
    history: usize,
    seed: Option<u64>,
    clock: Clock,
    options: Options,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            snapshot: None,
            history: 4096,
            seed: None,
            clock: Arc::new(jiff::Timestamp::now),
            options: Options {
                establish_delay: Duration::ZERO,
                bookmark_interval: Duration::from_mins(1),
                simulate: None,
            },
        }
    }
}

impl Builder {
    /// Listens here instead of on a free loopback port.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Loads this file at the start and writes it as the state changes and at the end.
    pub fn snapshot(mut self, path: impl Into<PathBuf>) -> Self {
        self.snapshot = Some(path.into());
        self
    }

    /// Changes of each collection kept for watches and pages; older ones answer 410.
    pub fn history(mut self, changes: usize) -> Self {
        self.history = changes;
        self
    }

    /// Makes UIDs and generated names the same every time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Where timestamps come from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long a new CRD takes to be `Established`.
    pub fn establish_delay(mut self, delay: Duration) -> Self {
        self.options.establish_delay = delay;
        self
    }

    /// How often an idle watch sends a bookmark.
    pub fn bookmark_interval(mut self, interval: Duration) -> Self {
        self.options.bookmark_interval = interval;
        self
    }

    /// Lets workloads, claims and services get ready after this delay, as controllers would.
    pub fn simulate_controllers(mut self, delay: Duration) -> Self {
        self.options.simulate = Some(delay);
        self
    }

    fn core(&self) -> Result<Arc<Core>, Error> {
        let store = match &self.snapshot {
            Some(path) => Store::load(path, self.history).map_err(Error::Snapshot)?,
            None => Store::new(self.history),
        };
        let ids = Ids::seeded(self.seed);
        let core = Core::new(store, self.options.clone(), Arc::clone(&self.clock), ids);
        controllers::prepare(&core);
        Ok(Arc::new(core))
    }

    /// Starts the server.
    pub async fn start(self) -> Result<Server, Error> {
        let core = self.core()?;
        let listen = |error| Error::Listen(self.address, error);
        let listener = TcpListener::bind(self.address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let mut tasks = vec![
            tokio::spawn(listen::accept(Arc::clone(&core), listener)),
            tokio::spawn(controllers::run(Arc::clone(&core))),
        ];
        if let Some(path) = &self.snapshot {
            tasks.push(tokio::spawn(listen::keep_snapshot(
                Arc::clone(&core),
                path.clone(),
            )));
        }
        Ok(Server {
            core,
            address,
            snapshot: self.snapshot,
            tasks,
        })
    }
}

/// A running API server. Dropping it ends it without a last snapshot; [`Server::stop`] takes one.
#[derive(Debug)]
pub struct Server {
    core: Arc<Core>,
    address: SocketAddr,
    snapshot: Option<PathBuf>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// A builder with the defaults of a test: free loopback port, no snapshot, no simulation.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig with one context that points here.
    pub fn kubeconfig(&self) -> String {
        kubeconfig::text(&self.url())
    }

    /// Every request so far.
    pub fn log(&self) -> &RequestLog {
        &self.core.log
    }

    /// Faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// What is denied.
    pub fn access(&self) -> &Access {
        &self.core.access
    }

    /// What becomes of simulated workloads.
    pub fn simulation(&self) -> &Simulation {
        &self.core.simulation
    }

    /// The objects, for reading past the protocol.
    pub fn store(&self) -> &Store {
        &self.core.store
    }

    /// The server as a service in this process, with no socket between: what a client type over
    /// `tower` can be given.
    pub fn service(&self) -> InProcess {
        InProcess(Arc::clone(&self.core))
    }

    /// Ends watches, controllers and the listener, and writes the snapshot.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.core.stop();
        for task in self.tasks.drain(..) {
            task.abort();
            // Aborted is what it is meant to be.
            let _ = task.await;
        }
        match &self.snapshot {
            Some(path) => self
                .core
                .store
                .save(path)
                .map(drop)
                .map_err(Error::Snapshot),
            None => Ok(()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.core.stop();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The server without a socket.
#[derive(Debug, Clone)]
pub struct InProcess(Arc<Core>);

impl InProcess {
    /// Answers one request; an error is a cut connection.
    pub async fn call<B>(&self, request: Request<B>) -> Result<Response<ReplyBody>, Cut>
    where
        B: Body,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        crate::http::serve(Arc::clone(&self.0), Request::from_parts(parts, body)).await
    }
}
