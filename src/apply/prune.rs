//! Deletes what left the desired set, and waits until it is gone.

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use trueup_manifest::{Diagnostic, ObjectId};

use super::{
    cancel::Stopped,
    diagnose,
    event::{Event, Events},
    step::still_there,
    wait::until_gone,
};
use crate::{
    cluster::{Cluster, DeleteOptions, Deleted, ErrorKind},
    plan::Prune,
    report::{ActionResult, PruneReport},
};

/// How many deletions are under way at once.
const AT_ONCE: usize = 48;

/// How the deletion of one object ended.
enum End {
    Gone,
    /// It is no longer the object that the plan saw.
    Replaced,
    Failed(Diagnostic),
}

/// What pruning takes.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub cluster: &'a dyn Cluster,
    /// What is to go, in its order.
    pub list: &'a [Prune],
    /// For each entry of the list why it has to stay for now.
    pub held_back: &'a [Option<String>],
    /// How long an object may take to go.
    pub patience: Duration,
    pub events: &'a Events,
    pub stopped: &'a Stopped,
}

/// Deletes the objects of a list in their order. What fails stays ours, as its label
/// stays, and is tried again with the next run.
pub(super) async fn prune(setting: Setting<'_>) -> Vec<PruneReport> {
    let Setting {
        cluster,
        list,
        held_back,
        patience,
        events,
        stopped,
    } = setting;
    let is_held = |at: usize| held_back.get(at).is_some_and(Option::is_some);
    let mut missing: Vec<usize> = list.iter().map(|prune| prune.after.len()).collect();
    let mut reports: Vec<Option<PruneReport>> = vec![None; list.len()];
    let mut in_hand = FuturesUnordered::new();
    let mut started = vec![false; list.len()];
    loop {
        for (at, prune) in list.iter().enumerate() {
            let is_free =
                missing.get(at) == Some(&0) && started.get(at) == Some(&false) && !is_held(at);
            if is_free && in_hand.len() < AT_ONCE && stopped.why().is_none() {
                if let Some(started) = started.get_mut(at) {
                    *started = true;
                }
                in_hand.push(async move { (at, delete(cluster, prune, patience).await) });
            }
        }
        let Some((at, end)) = in_hand.next().await else {
            break;
        };
        let Some(prune) = list.get(at) else {
            continue;
        };
        let is_gone = matches!(end, End::Gone | End::Replaced);
        if is_gone {
            events.send(Event::Pruned {
                id: prune.target.id(),
            });
            for (other, missing) in list.iter().zip(&mut missing) {
                *missing -= usize::from(other.after.contains(&at));
            }
        }
        if let Some(report) = reports.get_mut(at) {
            *report = Some(report_of(prune, end));
        }
    }
    let parts = list.iter().zip(reports).zip(held_back);
    parts
        .map(|((prune, report), held)| match (report, held) {
            (Some(report), _) => report,
            (None, Some(because)) => skipped(&prune.target.id(), because),
            (None, None) => left(prune, stopped),
        })
        .collect()
}

async fn delete(cluster: &dyn Cluster, prune: &Prune, patience: Duration) -> End {
    let options = DeleteOptions {
        uid: Some(prune.uid.clone()),
        ..DeleteOptions::default()
    };
    match cluster.delete(&prune.target, &options).await {
        Ok(Deleted::Gone) => return End::Gone,
        Ok(Deleted::Pending(_)) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Conflict { .. }) => return End::Replaced,
        Err(error) => return End::Failed(diagnose(&error, "apply/prune")),
    }
    match until_gone(cluster, &prune.target, &prune.uid, patience).await {
        Ok(None) => End::Gone,
        Ok(Some(live)) => End::Failed(still_there(&prune.target, &live, patience)),
        Err(error) => End::Failed(diagnose(&error, "apply/prune")),
    }
}

fn report_of(prune: &Prune, end: End) -> PruneReport {
    let object = prune.target.id();
    let (result, error, because) = match end {
        End::Gone => (ActionResult::Done, None, None),
        End::Replaced => {
            let because = "somebody has put another object in its place".to_owned();
            (ActionResult::Skipped, None, Some(because))
        }
        End::Failed(error) => (ActionResult::Failed, Some(error), None),
    };
    PruneReport {
        object,
        result,
        error,
        because,
    }
}

/// The report of an object whose turn never came.
fn left(prune: &Prune, stopped: &Stopped) -> PruneReport {
    let because = if stopped.why().is_some() {
        "the run was stopped"
    } else {
        "something that has to go first is still there"
    };
    skipped(&prune.target.id(), because)
}

/// The report of an object that is not deleted.
pub(super) fn skipped(object: &ObjectId, because: &str) -> PruneReport {
    PruneReport {
        object: object.clone(),
        result: ActionResult::Skipped,
        error: None,
        because: Some(because.to_owned()),
    }
}
