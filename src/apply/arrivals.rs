//! Waits for kinds that the cluster does not serve yet: one look at its CRDs for all of them, however many
//! objects wait.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use trueup_manifest::Gvk;

use super::{health::health, served};
use crate::cluster::{Cluster, Error, Freshness, Kinds, Live, Resource, Selection, WatchEvent};

/// How often discovery is read where no CRD tells of a change: aggregated servers have none.
const LOOK: Duration = Duration::from_secs(10);
/// After what failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Actions that wait for kinds, and what the cluster serves as it changes.
pub(super) struct Arrivals {
    cluster: Arc<dyn Cluster>,
    waiting: BTreeMap<usize, Awaited>,
    sender: mpsc::UnboundedSender<Arc<Kinds>>,
    receiver: mpsc::UnboundedReceiver<Arc<Kinds>>,
    task: JoinSet<()>,
}

struct Awaited {
    gvk: Gvk,
    deadline: Instant,
}

impl Arrivals {
    pub(super) fn new(cluster: Arc<dyn Cluster>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            cluster,
            waiting: BTreeMap::new(),
            sender,
            receiver,
            task: JoinSet::new(),
        }
    }

    /// Lets an action wait for a kind.
    pub(super) fn wait(&mut self, at: usize, gvk: Gvk, deadline: Instant) {
        self.waiting.insert(at, Awaited { gvk, deadline });
        if self.task.is_empty() {
            let look = look(Arc::clone(&self.cluster), self.sender.clone());
            self.task.spawn(look);
        }
    }

    /// What the cluster serves now.
    pub(super) async fn next(&mut self) -> Option<Arc<Kinds>> {
        self.receiver.recv().await
    }

    /// The actions that need not wait any more, with what their kinds are.
    pub(super) fn arrived(&mut self, kinds: &Kinds) -> Vec<(usize, Arc<Resource>)> {
        let served = |(at, awaited): (&usize, &Awaited)| {
            let resource = kinds.get(&awaited.gvk)?;
            Some((*at, Arc::clone(resource)))
        };
        let arrived: Vec<_> = self.waiting.iter().filter_map(served).collect();
        for (at, _) in &arrived {
            self.remove(*at);
        }
        arrived
    }

    /// The actions that waited long enough.
    pub(super) fn over(&mut self, now: Instant) -> Vec<usize> {
        let over = self.waiting.iter();
        let over = over.filter(|(_, awaited)| awaited.deadline <= now);
        let over: Vec<usize> = over.map(|(at, _)| *at).collect();
        for at in &over {
            self.remove(*at);
        }
        over
    }

    /// The actions that wait.
    pub(super) fn waiting(&self) -> Vec<usize> {
        self.waiting.keys().copied().collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|awaited| awaited.deadline).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// An action waits no more.
    pub(super) fn remove(&mut self, at: usize) {
        self.waiting.remove(&at);
        if self.waiting.is_empty() {
            self.task.abort_all();
            self.task = JoinSet::new();
        }
    }

    pub(super) fn clear(&mut self) {
        for at in self.waiting() {
            self.remove(at);
        }
    }
}

/// Tells what the cluster serves, now and whenever that changes.
async fn look(cluster: Arc<dyn Cluster>, sender: mpsc::UnboundedSender<Arc<Kinds>>) {
    loop {
        // From before the look at what is served, so that nothing is missed between the two.
        let version = version(cluster.as_ref()).await;
        if let Ok(kinds) = cluster.kinds(Freshness::Latest).await {
            let _ = sender.send(kinds);
        }
        let watched = match version {
            Ok(Some((crds, version))) => follow(cluster.as_ref(), &crds, &version, &sender).await,
            // Without the right to see CRDs, discovery has to be read again and again.
            Ok(None) | Err(_) => Ok(()),
        };
        if let Err(error) = watched {
            tracing::debug!(%error, "cannot follow CRDs");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// From where on changes of CRDs are to be followed: that of a list which picks none of them, as all of
/// them together may be large.
async fn version(cluster: &dyn Cluster) -> Result<Option<(Arc<Resource>, String)>, Error> {
    let kinds = cluster.kinds(Freshness::Cached).await?;
    let Some(crds) = kinds.preferred("apiextensions.k8s.io", "CustomResourceDefinition") else {
        return Ok(None);
    };
    let none = Selection {
        fields: "metadata.name=none".to_owned(),
        ..Selection::default()
    };
    let listing = cluster.list(crds, &none).await?;
    Ok(Some((Arc::clone(crds), listing.resource_version)))
}

/// Follows CRDs until the watch ends.
async fn follow(
    cluster: &dyn Cluster,
    crds: &Resource,
    version: &str,
    sender: &mpsc::UnboundedSender<Arc<Kinds>>,
) -> Result<(), Error> {
    let everything = Selection::default();
    let mut events = cluster.watch(crds, &everything, version);
    loop {
        match tokio::time::timeout(LOOK, events.next()).await {
            Ok(Some(Ok(WatchEvent::Present(crd)))) if health(&crd).is_current() => {
                let kinds = with(cluster, &crd).await?;
                let _ = sender.send(kinds);
            }
            Ok(Some(event)) => drop(event?),
            Ok(None) => return Ok(()),
            Err(_) => {
                let _ = sender.send(cluster.kinds(Freshness::Latest).await?);
            }
        }
    }
}

/// What the cluster serves once it serves the kind of an established CRD: a moment later.
async fn with(cluster: &dyn Cluster, crd: &Live) -> Result<Arc<Kinds>, Error> {
    const TRIES: usize = 50;
    const PAUSE: Duration = Duration::from_millis(100);
    let wanted = served::versions(crd);
    let mut tries = 0;
    loop {
        let kinds = cluster.kinds(Freshness::Latest).await?;
        tries += 1;
        if tries == TRIES || wanted.iter().all(|gvk| kinds.get(gvk).is_some()) {
            return Ok(kinds);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
