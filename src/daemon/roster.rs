//! Which environments are kept: those that were named, or all that the repository has.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    DaemonError, Wake,
    own_source::feed_of,
    pass::Passes,
    tasks::Tasks,
    worker::{Feed, Shared, Worker},
};
use crate::{config::Config, source::Snapshot};

/// Has one worker run for each environment.
pub(super) struct Roster<M> {
    /// Makes what a worker of an environment works with.
    pub(super) passes: M,
    /// The environments to keep; all of the repository where there is none.
    pub(super) named: Vec<String>,
    /// What to call the source.
    pub(super) source: String,
    pub(super) feed: Feed,
    pub(super) wake: Wake,
    pub(super) shared: Shared,
    pub(super) stop: CancellationToken,
    pub(super) grace: Duration,
}

impl<M, P> Roster<M>
where
    M: Fn(&str) -> P + Send,
    P: Passes,
{
    /// Runs until it is asked to stop, or until a worker fails.
    pub(super) async fn run(mut self) -> Result<(), DaemonError> {
        let mut tasks = Tasks::default();
        let mut workers = BTreeMap::new();
        self.keep_exactly(
            self.named.iter().cloned().collect(),
            &mut workers,
            &mut tasks,
        );
        if self.named.is_empty() {
            self.look_for_environments(&mut workers, &mut tasks);
        }
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return tasks.drain(self.grace).await,
                // A worker ends well only when it was told to.
                (_, result) = tasks.next_end() => result?,
                // That the source ended is for those to tell who watch over its task.
                Ok(()) = self.feed.state.changed() => {
                    if self.named.is_empty() {
                        self.look_for_environments(&mut workers, &mut tasks);
                    }
                }
            }
        }
    }

    fn look_for_environments(
        &mut self,
        workers: &mut BTreeMap<String, CancellationToken>,
        tasks: &mut Tasks,
    ) {
        let Some(snapshot) = self.feed.state.borrow_and_update().good.clone() else {
            return;
        };
        if let Some(found) = environments(&snapshot, workers.keys()) {
            self.keep_exactly(found, workers, tasks);
        }
    }

    fn keep_exactly(
        &self,
        wanted: BTreeSet<String>,
        workers: &mut BTreeMap<String, CancellationToken>,
        tasks: &mut Tasks,
    ) {
        workers.retain(|name, stop| {
            let keep = wanted.contains(name);
            if !keep {
                let environment = name.as_str();
                tracing::info!(environment, "no longer in the repository: its objects stay");
                stop.cancel();
                self.wake.forget(name);
                self.shared.board.gone(name);
                self.shared.metrics.environment_gone(name);
            }
            keep
        });
        for name in wanted {
            workers.entry(name).or_insert_with_key(|name| {
                self.shared.board.appear(name, &self.source);
                self.shared.metrics.environment_appeared(name);
                let stop = self.stop.child_token();
                let (feed, following) = feed_of(name, self.feed.clone(), stop.clone());
                tasks.spawn(format!("source of {name}"), following);
                let worker = Worker::new(
                    name,
                    (self.passes)(name),
                    feed,
                    self.wake.bell(name),
                    self.shared.clone(),
                    stop.clone(),
                );
                tasks.spawn(name.clone(), worker.run());
                stop
            });
        }
    }
}

/// The environments of a snapshot. As long as any file of the configuration cannot be read, those
/// that were known before are kept: the broken file may be theirs.
fn environments<'a>(
    snapshot: &Snapshot,
    known: impl Iterator<Item = &'a String>,
) -> Option<BTreeSet<String>> {
    let config = Config::load(snapshot).ok()?;
    let mut names: BTreeSet<String> = config.names().map(str::to_owned).collect();
    if config.findings().has_errors() {
        names.extend(known.cloned());
    }
    Some(names)
}
