//! Follows the objects of a run as they change: one watch a kind and namespace, started when first
//! needed, so that rights in the namespaces are enough.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{sync::mpsc, task::JoinSet};

use crate::cluster::{Cluster, Error, ErrorKind, Live, Resource, Selection, Target, WatchEvent};

/// What was seen of an object.
#[derive(Debug)]
pub(super) enum Sighting {
    /// It is there.
    Present(Live),
    /// It is gone; as it was last.
    Gone(Live),
    /// Everything there is of a resource, after a watch was interrupted: what is not among it is gone.
    All {
        /// The resource.
        resource: Arc<Resource>,
        /// The namespace; empty for a resource without.
        namespace: String,
        /// What is there.
        items: Vec<Live>,
    },
}

/// Watches by kind, as long as it lives.
pub(super) struct Watches {
    cluster: Arc<dyn Cluster>,
    selector: String,
    sender: mpsc::UnboundedSender<Sighting>,
    receiver: mpsc::UnboundedReceiver<Sighting>,
    started: HashMap<(Arc<Resource>, String), String>,
    tasks: JoinSet<()>,
}

impl Watches {
    /// Watches of what a label selector picks.
    pub(super) fn new(cluster: Arc<dyn Cluster>, selector: String) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (started, tasks) = (HashMap::new(), JoinSet::new());
        Self {
            cluster,
            selector,
            sender,
            receiver,
            started,
            tasks,
        }
    }

    /// Follows an object from a version of it on.
    pub(super) fn follow(&mut self, target: &Target, live: &Live) {
        let version = live.resource_version();
        let key = (Arc::clone(&target.resource), target.namespace.clone());
        match self.started.get(&key) {
            None => {
                self.started.insert(key, version.to_owned());
                let follower = Follower {
                    cluster: Arc::clone(&self.cluster),
                    resource: Arc::clone(&target.resource),
                    selection: Selection {
                        namespace: target.namespace.clone(),
                        ..Selection::labelled(self.selector.clone())
                    },
                    sender: self.sender.clone(),
                };
                self.tasks.spawn(follower.run(version.to_owned()));
            }
            // The watch began after this version of the object: what happened to it between the two
            // has to be read.
            Some(start) if !is_at_least(version, start) => {
                let (cluster, sender) = (Arc::clone(&self.cluster), self.sender.clone());
                let (target, live) = (target.clone(), live.clone());
                self.tasks.spawn(async move {
                    let sighting = match cluster.get(&target).await {
                        Ok(Some(live)) => Sighting::Present(live),
                        Ok(None) => Sighting::Gone(live),
                        // The watch goes on; a deadline ends the wait if it brings nothing.
                        Err(_) => return,
                    };
                    let _ = sender.send(sighting);
                });
            }
            Some(_) => {}
        }
    }

    /// The next change of anything that is followed.
    pub(super) async fn next(&mut self) -> Option<Sighting> {
        self.receiver.recv().await
    }
}

/// Whether a version is as new as another. Versions that are no numbers say nothing of their order.
fn is_at_least(version: &str, other: &str) -> bool {
    match (version.parse::<u64>(), other.parse::<u64>()) {
        (Ok(version), Ok(other)) => version >= other,
        _ => false,
    }
}

struct Follower {
    cluster: Arc<dyn Cluster>,
    resource: Arc<Resource>,
    selection: Selection,
    sender: mpsc::UnboundedSender<Sighting>,
}

impl Follower {
    /// Watches until nobody listens any more.
    async fn run(self, mut version: String) {
        const PAUSE: Duration = Duration::from_millis(500);
        loop {
            if let Err(error) = self.watch(&mut version).await {
                tracing::debug!(%error, resource = %self.resource, "a watch broke off");
                if *error.kind() != ErrorKind::Gone {
                    tokio::time::sleep(PAUSE).await;
                }
                match self.list().await {
                    Ok(newer) => version = newer,
                    Err(error) => {
                        tracing::debug!(%error, resource = %self.resource, "cannot list again");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            if self.sender.is_closed() {
                return;
            }
        }
    }

    async fn watch(&self, version: &mut String) -> Result<(), Error> {
        let from = version.clone();
        let mut events = self.cluster.watch(&self.resource, &self.selection, &from);
        while let Some(event) = events.next().await {
            let sighting = match event? {
                WatchEvent::Present(live) => {
                    live.resource_version().clone_into(version);
                    Sighting::Present(live)
                }
                WatchEvent::Gone(live) => {
                    live.resource_version().clone_into(version);
                    Sighting::Gone(live)
                }
                WatchEvent::Bookmark(newer) => {
                    *version = newer;
                    continue;
                }
            };
            if self.sender.send(sighting).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn list(&self) -> Result<String, Error> {
        let listing = self.cluster.list(&self.resource, &self.selection).await?;
        let all = Sighting::All {
            resource: Arc::clone(&self.resource),
            namespace: self.selection.namespace.clone(),
            items: listing.items,
        };
        let _ = self.sender.send(all);
        Ok(listing.resource_version)
    }
}

/// Waits until an object is gone, or one of another UID has taken its place. Gives the object as it was
/// last seen when the time is over first.
pub(super) async fn until_gone(
    cluster: &dyn Cluster,
    target: &Target,
    uid: &str,
    patience: Duration,
) -> Result<Option<Live>, Error> {
    let mut last = None;
    match tokio::time::timeout(patience, gone(cluster, target, uid, &mut last)).await {
        Ok(answer) => answer.map(|()| None),
        Err(_) => Ok(last),
    }
}

async fn gone(
    cluster: &dyn Cluster,
    target: &Target,
    uid: &str,
    last: &mut Option<Live>,
) -> Result<(), Error> {
    const PAUSE: Duration = Duration::from_millis(500);
    loop {
        let Some(live) = cluster.get(target).await?.filter(|live| live.uid() == uid) else {
            return Ok(());
        };
        let selection = Selection::named(target);
        let from = live.resource_version().to_owned();
        *last = Some(live);
        let mut events = cluster.watch(&target.resource, &selection, &from);
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Gone(live)) if live.uid() == uid => return Ok(()),
                Ok(WatchEvent::Present(live)) if live.uid() != uid => return Ok(()),
                Ok(WatchEvent::Present(live)) => *last = Some(live),
                Ok(_) => {}
                Err(error) if *error.kind() == ErrorKind::Gone => break,
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    }
}
