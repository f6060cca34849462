//! One follower for each kind that an environment owns.

use std::{collections::HashMap, sync::Arc};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    DaemonError,
    follow::{Sighting, Subject, follow},
    pass::Owned,
    tasks::panic_message,
};
use crate::{cluster::Cluster, source::Backoff};

/// How many sightings may wait for the worker; beyond that the watches wait.
const PENDING: usize = 1024;

/// The followers of an environment. Dropping it ends them.
pub(super) struct Followers {
    environment: String,
    cluster: Option<Arc<dyn Cluster>>,
    running: HashMap<String, AbortHandle>,
    set: JoinSet<()>,
    sender: mpsc::Sender<Sighting>,
    sightings: mpsc::Receiver<Sighting>,
}

impl Followers {
    pub(super) fn new(environment: &str) -> Self {
        let (sender, sightings) = mpsc::channel(PENDING);
        Self {
            environment: environment.to_owned(),
            cluster: None,
            running: HashMap::new(),
            set: JoinSet::new(),
            sender,
            sightings,
        }
    }

    /// Follows exactly this from now on. What is followed already goes on undisturbed.
    pub(super) fn follow_only(&mut self, owned: &Owned) {
        let same = self
            .cluster
            .as_ref()
            .is_some_and(|old| Arc::ptr_eq(old, &owned.cluster));
        if !same {
            self.running
                .drain()
                .for_each(|(_, follower)| follower.abort());
            self.cluster = Some(Arc::clone(&owned.cluster));
        }
        let of_ours = owned.resources.iter().map(|resource| {
            let subject = Subject::All(owned.selection.clone());
            (
                resource.path(&owned.selection.namespace),
                (Arc::clone(resource), subject),
            )
        });
        let of_others = owned.patched.iter().map(|target| {
            let subject = Subject::One(target.clone());
            (target.path(), (Arc::clone(&target.resource), subject))
        });
        let wanted: HashMap<String, _> = of_ours.chain(of_others).collect();
        self.running.retain(|path, follower| {
            let keep = wanted.contains_key(path);
            if !keep {
                follower.abort();
            }
            keep
        });
        for (path, (resource, subject)) in wanted {
            self.running.entry(path).or_insert_with(|| {
                self.set.spawn(follow(
                    Arc::clone(&owned.cluster),
                    resource,
                    subject,
                    Backoff::default(),
                    self.sender.clone(),
                ))
            });
        }
    }

    /// What is seen next; never resolves while nothing is. An error is a panic of a follower.
    pub(super) async fn next(&mut self) -> Result<Sighting, DaemonError> {
        loop {
            tokio::select! {
                Some(sighting) = self.sightings.recv() => return Ok(sighting),
                Some(Err(error)) = self.set.join_next() => {
                    if error.is_panic() {
                        return Err(DaemonError::Panicked {
                            task: format!("watch of {}", self.environment),
                            message: panic_message(error.into_panic().as_ref()),
                        });
                    }
                }
                // Neither can end: a sender is kept here, and an empty set is no news.
                else => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
impl Followers {
    /// Where a test tells what is seen.
    pub(super) fn mouth(&self) -> mpsc::Sender<Sighting> {
        self.sender.clone()
    }
}
