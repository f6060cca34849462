//! Keeps the servers of a Vault open: one that is sealed, because it was restarted or moved, is unsealed as
//! soon as that is seen.
//!
//! Pods are watched, so that nothing is asked while nothing happens. Servers at addresses tell nobody, and are
//! asked every few seconds.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::time::sleep;

use super::{
    error::ErrorKind,
    file::{Address, Bootstrap, PodsAt},
    phase::{Depth, Phase},
};
use crate::cluster::{
    Cluster, Error, ErrorKind as ClusterError, Freshness, Live, Selection, WatchEvent,
};

/// How often servers at addresses are asked.
const ROUND: Duration = Duration::from_secs(5);

/// How often at most they are asked where they cannot be opened.
const LONGEST: Duration = Duration::from_mins(1);

/// How long a pod that runs may take to answer.
const START: Duration = Duration::from_mins(1);

/// How often it is asked meanwhile.
const AGAIN: Duration = Duration::from_millis(250);

/// How long to wait before a watch that failed is begun anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Keeps its servers open until it is dropped. Nothing is initialised or configured: that is the phase's.
pub async fn keep_open(bootstrap: Arc<Bootstrap>, cluster: Arc<dyn Cluster>) {
    match &bootstrap.server.address {
        Address::Urls(_) => {
            let mut wait = ROUND;
            loop {
                sleep(wait).await;
                // What cannot be opened is not told of every few seconds.
                wait = if open_sealed(&bootstrap, &cluster).await {
                    ROUND
                } else {
                    LONGEST.min(wait * 2)
                };
            }
        }
        Address::Pods(at) => loop {
            if let Err(error) = follow(&bootstrap, at, &cluster).await {
                tracing::debug!(vault = %bootstrap.name, %error, "the pods cannot be watched");
            }
            sleep(PAUSE).await;
        },
    }
}

/// Watches the pods until the server ends the watch.
async fn follow(
    bootstrap: &Bootstrap,
    at: &PodsAt,
    cluster: &Arc<dyn Cluster>,
) -> Result<(), Error> {
    let kinds = cluster.kinds(Freshness::Cached).await?;
    let Some(pods) = kinds.preferred("", "Pod").map(Arc::clone) else {
        return Err(Error::new(
            ClusterError::NotFound,
            "watch",
            "pods",
            "the cluster has none",
        ));
    };
    let selection = Selection {
        namespace: at.namespace.clone(),
        ..Selection::default()
    };
    let listing = cluster.list(&pods, &selection).await?;
    open_sealed(bootstrap, cluster).await;
    let mut events = cluster.watch(&pods, &selection, &listing.resource_version);
    while let Some(event) = events.next().await {
        if let WatchEvent::Present(pod) = event?
            && is_ours(&pod, at)
            && pod.text(&["status", "phase"]) == "Running"
            && !pod.is_terminating()
        {
            open_sealed(bootstrap, cluster).await;
        }
    }
    Ok(())
}

/// Whether a pod may be one of the set: its name is that of the set and a number.
fn is_ours(pod: &Live, at: &PodsAt) -> bool {
    let name = pod.text(&["metadata", "name"]);
    let ordinal = name.strip_prefix(at.stateful_set.as_str());
    let ordinal = ordinal.and_then(|rest| rest.strip_prefix('-'));
    ordinal.is_some_and(|ordinal| ordinal.parse::<u32>().is_ok())
}

/// Unseals what is sealed, once it answers. Gives whether nothing stays sealed that answers.
async fn open_sealed(bootstrap: &Bootstrap, cluster: &Arc<dyn Cluster>) -> bool {
    let until = tokio::time::Instant::now() + START;
    let vault = bootstrap.name.as_str();
    loop {
        let phase = match Phase::open(bootstrap.clone(), Some(Arc::clone(cluster))).await {
            Ok(phase) => phase,
            Err(errors) => {
                tracing::warn!(vault, %errors, "what the Vault's file refers to cannot be read");
                return false;
            }
        };
        let answers = match phase.any_sealed().await {
            Ok(false) => return true,
            Ok(true) => true,
            // Its process is not there yet.
            Err(error) if error.kind == ErrorKind::Unreachable => false,
            Err(error) => {
                tracing::debug!(vault, %error, "the Vault cannot be asked");
                return true;
            }
        };
        if answers {
            let report = phase.run(Depth::Unseal, false).await;
            for step in &report.steps {
                tracing::info!(vault, server = %step.server, what = step.what, "sealed: opened");
            }
            if report.errors.has_errors() {
                let errors = &report.errors;
                tracing::warn!(vault, %errors, "a sealed server stays sealed");
            }
            return !report.errors.has_errors();
        }
        if tokio::time::Instant::now() > until {
            return true;
        }
        sleep(AGAIN).await;
    }
}
