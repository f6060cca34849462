//! A Git repository as a source.
//!
//! Flows in: [`GitConfig`] and what a Git server sends. Flows out: [`Snapshot`]s read straight from
//! the object database of a bare local copy.
//! It must never trust a host that is not vouched for, send credentials to another one, or leave a
//! local copy in use that is damaged.

mod authorities;
mod cache;
mod classify;
mod gitmodules;
mod known_hosts;
mod link;
mod login;
mod refs;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Mutex as AsyncMutex, time};

use self::{cache::Cache, state::State};
pub(super) use self::{
    state::revision_of,
    store::{ObjectTree, Objects},
};
use super::{
    Polled, Source,
    config::GitConfig,
    deadline::{self, Cancel},
    error::SourceError,
    snapshot::Snapshot,
};

/// How long libgit2 waits for a connection, and for each answer on one. The deadline of a poll is
/// kept apart from these; they end the thread of a poll that was given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a poll that was given up may hold on to its state before another takes its place: longer
/// than libgit2's own time-outs, so that only a server that goes on to say a little now and then
/// keeps a thread that long.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many threads may be stuck like that at a time.
const MOST_STUCK: usize = 8;

/// A Git repository: follows a branch, tag, version range or commit of it.
pub struct GitSource {
    config: Arc<GitConfig>,
    cache: Arc<OnceLock<Cache>>,
    patience: Duration,
    current: Mutex<Current>,
}

/// What polls work with, and since when that is stuck.
struct Current {
    /// Held by the one poll that runs, on whose thread it stays until that has truly ended.
    state: Arc<AsyncMutex<State>>,
    stuck_since: Option<Instant>,
    /// The states of polls that were given up and have not ended yet.
    stuck: Vec<Arc<AsyncMutex<State>>>,
}

impl GitSource {
    /// The repository that `config` names. Nothing is fetched before the first poll.
    pub fn open(config: GitConfig) -> Result<Self, SourceError> {
        config.validate()?;
        trueup_git_timeouts::set_once(CONNECT_TIMEOUT, ANSWER_TIMEOUT)
            .map_err(SourceError::Internal)?;
        let cache = Arc::default();
        let state = Arc::new(AsyncMutex::new(State::new(Arc::clone(&cache))));
        let current = Mutex::new(Current {
            state,
            stuck_since: None,
            stuck: Vec::new(),
        });
        Ok(Self {
            config: Arc::new(config),
            cache,
            patience: PATIENCE,
            current,
        })
    }

    /// Runs `work` with the state on a thread of its own, all within the time limit.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State, &GitConfig, &Cancel) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let after = self.config.timeout;
        let url = || self.config.url.to_string();
        let started = Instant::now();
        let state = Arc::clone(&self.current().state);
        let Ok(mut state) = time::timeout(after, state.lock_owned()).await else {
            self.step_aside(started);
            return Err(SourceError::Busy { url: url() });
        };
        self.current().stuck_since = None;
        let config = Arc::clone(&self.config);
        let left = after.saturating_sub(started.elapsed());
        let late = || SourceError::TimedOut { url: url(), after };
        deadline::run(left, late, move |cancel| work(&mut state, &config, cancel)).await
    }

    /// Lets the next poll begin anew when an earlier one has been stuck for too long. The thread is
    /// left to itself, with the local copy it works in.
    fn step_aside(&self, now: Instant) {
        let mut current = self.current();
        let since = *current.stuck_since.get_or_insert(now);
        // Nobody else holds the state of a poll that has ended.
        current.stuck.retain(|state| Arc::strong_count(state) > 1);
        if since.elapsed() < self.patience || current.stuck.len() >= MOST_STUCK {
            return;
        }
        let next = Arc::new(AsyncMutex::new(State::beside(Arc::clone(&self.cache))));
        let stuck = std::mem::replace(&mut current.state, next);
        current.stuck.push(stuck);
        current.stuck_since = None;
        tracing::warn!(source = %self.config.url, "a fetch is stuck; the next one begins anew");
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for GitSource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        self.run(State::poll).await
    }

    async fn recall(&self) -> Option<Snapshot> {
        self.run(|state, config, _| state.recall(config))
            .await
            .ok()
            .flatten()
    }

    fn describe(&self) -> String {
        self.config.url.to_string()
    }
}
