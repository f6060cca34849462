//! Deletes again what a run has made of a release that then failed, where its phase says `cleanupOnFail`.
//!
//! Only what this very run has created is ever touched, by the UID that the server gave it; what was there before
//! stays as it is, and so does what prune would never take.

use std::time::Duration;

use super::{
    cancel::Stopped,
    event::{Event, Events},
    prune,
};
use crate::{
    cluster::{Cluster, Live, Target},
    config::reconcile::Reconcile,
    plan::{FIELD_MANAGER, Plan, undo},
    report::{PhaseReport, PhaseResult, PruneReport},
};

/// An object that a run has made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The index of its phase.
    pub phase: usize,
    pub target: Target,
    pub live: Live,
}

impl Made {
    /// Whether nobody but us has written to an object that was to be created. Somebody may have created it between
    /// our look and our write: then it is there by their will, too.
    pub(super) fn is_ours_alone(live: &Live) -> bool {
        let managers = live.at(&["metadata", "managedFields"]);
        managers
            .and_then(|entries| entries.as_array())
            .is_some_and(|entries| {
                entries.iter().all(|entry| {
                    entry
                        .get("manager")
                        .is_some_and(|name| name == FIELD_MANAGER)
                })
            })
    }
}

/// What cleaning up takes.
pub(super) struct Setting<'a> {
    pub cluster: &'a dyn Cluster,
    pub plan: &'a Plan,
    pub policy: &'a Reconcile,
    /// How the phases ended.
    pub phases: &'a [PhaseReport],
    pub made: &'a [Made],
    /// How long an object may take to go.
    pub patience: Duration,
    pub events: &'a Events,
    pub stopped: &'a Stopped,
}

/// Deletes what was made of releases that failed, in the reverse of the order in which it was made.
pub(super) async fn clean_up(setting: Setting<'_>) -> Vec<PruneReport> {
    let release = |phase: usize| {
        let planned = setting.plan.phases.get(phase);
        planned.and_then(|phase| phase.cleaned_up_with.as_deref())
    };
    let ends = setting.phases.iter().enumerate();
    let failed: Vec<&str> = ends
        .filter(|(_, end)| end.result == PhaseResult::Failed)
        .filter_map(|(phase, _)| release(phase))
        .collect();
    let going = setting
        .made
        .iter()
        .filter(|made| release(made.phase).is_some_and(|name| failed.contains(&name)));
    let going: Vec<(Target, Live)> = going
        .map(|made| (made.target.clone(), made.live.clone()))
        .collect();
    if going.is_empty() {
        return Vec::new();
    }
    let going = undo(&going, setting.policy);
    for prune in &going.prune {
        let id = prune.target.id();
        setting.events.send(Event::CleaningUp { id });
    }
    let mut reports = prune::prune(prune::Setting {
        cluster: setting.cluster,
        list: &going.prune,
        held_back: &vec![None; going.prune.len()],
        patience: setting.patience,
        events: setting.events,
        stopped: setting.stopped,
    })
    .await;
    reports.extend(
        going
            .kept
            .iter()
            .map(|kept| prune::skipped(&kept.target.id(), &kept.why)),
    );
    reports
}
