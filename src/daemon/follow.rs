//! Follows what an environment owns of one kind: a list, then a watch, for ever.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use trueup_manifest::ObjectId;

use crate::{
    cluster::{Cluster, Error, ErrorKind, Live, Resource, Selection, Target, WatchEvent},
    source::Backoff,
};

/// A watch that the server closes sooner, and with nothing told, is one that it does not want to
/// serve: the next try waits.
const BRIEF: Duration = Duration::from_secs(1);

/// What is seen of live.
#[derive(Debug)]
pub(super) enum Sighting {
    /// An object is there, like this.
    Present(Box<Live>),
    /// An object is gone.
    Gone(ObjectId),
    /// These are all there are of a group and kind; each was told as present before.
    All {
        /// Which group.
        group: String,
        /// Which kind.
        kind: String,
        /// The objects.
        ids: BTreeSet<ObjectId>,
    },
    /// The server answers again.
    Back,
}

/// What is followed of a kind.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// All objects that a selection picks.
    All(Selection),
    /// One object.
    One(Target),
}

impl Subject {
    fn selection(&self) -> Selection {
        match self {
            Self::All(selection) => selection.clone(),
            Self::One(target) => Selection::named(target),
        }
    }
}

/// Tells every change of the objects that a selection picks, until nobody listens.
pub(super) async fn follow(
    cluster: Arc<dyn Cluster>,
    resource: Arc<Resource>,
    subject: Subject,
    backoff: Backoff,
    sightings: mpsc::Sender<Sighting>,
) {
    let follower = Follower {
        cluster: cluster.as_ref(),
        resource: &resource,
        selection: &subject.selection(),
        subject: &subject,
    };
    let mut failures = 0;
    while !sightings.is_closed() {
        let failed = match follower.list(&sightings, failures > 0).await {
            Ok(version) => {
                failures = 0;
                follower
                    .watch(version, &sightings, &mut failures, &backoff)
                    .await
            }
            Err(error) => Some(error),
        };
        if let Some(error) = failed {
            failures += 1;
            let wait = backoff.delay(failures, fastrand::f64());
            let kind = resource.group_kind();
            tracing::debug!(kind, error = %error, retry_in = ?wait, "watch failed");
            sleep(wait).await;
        }
    }
}

struct Follower<'a> {
    cluster: &'a dyn Cluster,
    resource: &'a Resource,
    selection: &'a Selection,
    subject: &'a Subject,
}

impl Follower<'_> {
    /// Tells all objects there are now, and gives the version that a watch goes on from.
    async fn list(
        &self,
        sightings: &mpsc::Sender<Sighting>,
        was_away: bool,
    ) -> Result<String, Error> {
        let listing = self.cluster.list(self.resource, self.selection).await?;
        // Where nobody listens any more, the loop around sees it too.
        if was_away {
            let _ = sightings.send(Sighting::Back).await;
        }
        let mut ids = BTreeSet::new();
        for live in listing.items {
            ids.insert(live.id());
            let _ = sightings.send(Sighting::Present(Box::new(live))).await;
        }
        let (group, kind) = (self.resource.group.clone(), self.resource.kind.clone());
        let told = match self.subject {
            Subject::All(_) => Some(Sighting::All { group, kind, ids }),
            Subject::One(target) if ids.is_empty() => Some(Sighting::Gone(target.id())),
            Subject::One(_) => None,
        };
        if let Some(told) = told {
            let _ = sightings.send(told).await;
        }
        Ok(listing.resource_version)
    }

    /// Watches from a version on, over as many requests as it takes. Ends when the version is too
    /// old or the kind is gone (with none or the error), so that all is listed anew.
    async fn watch(
        &self,
        mut version: String,
        sightings: &mpsc::Sender<Sighting>,
        failures: &mut u32,
        backoff: &Backoff,
    ) -> Option<Error> {
        while !sightings.is_closed() {
            let mut events = self.cluster.watch(self.resource, self.selection, &version);
            let began = Instant::now();
            let (mut seen, mut any, mut failed) = (version.clone(), false, None);
            while let Some(event) = events.next().await {
                any |= event.is_ok();
                let sighting = match event {
                    Ok(WatchEvent::Bookmark(newer)) => {
                        seen = newer;
                        continue;
                    }
                    Ok(WatchEvent::Present(live)) => {
                        live.resource_version().clone_into(&mut seen);
                        Sighting::Present(Box::new(live))
                    }
                    Ok(WatchEvent::Gone(live)) => {
                        live.resource_version().clone_into(&mut seen);
                        Sighting::Gone(live.id())
                    }
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                };
                *failures = 0;
                if sightings.send(sighting).await.is_err() {
                    return None;
                }
            }
            drop(events);
            version = seen;
            match failed {
                // Closed in its time, as servers do every few minutes.
                None if any || began.elapsed() > BRIEF => *failures = 0,
                None => {
                    *failures += 1;
                    sleep(backoff.delay(*failures, fastrand::f64())).await;
                }
                Some(error) if *error.kind() == ErrorKind::Gone => return None,
                Some(error) if error.is_transient() => {
                    *failures += 1;
                    sleep(backoff.delay(*failures, fastrand::f64())).await;
                }
                Some(error) => return Some(error),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
