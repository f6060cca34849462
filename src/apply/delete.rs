//! Deletes an environment: what it owns, in the reverse of the order of its making, and then the
//! `Environment` object that stands for it.

use std::{sync::Arc, time::Instant};

use serde_json::json;
use trueup_manifest::Diagnostic;

use super::{Event, Options, Planned, Session, diagnose, parent};
use crate::{
    cluster::{DeleteOptions, Patch, Target},
    config::reconcile::Reconcile,
    plan::{Hold, HoldKind, Kept, PART_OF, Plan},
    render::Desired,
    report::{ActionResult, Outcome, Report},
};

/// What becomes of the objects of an environment that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// They are deleted, but for those that the policy protects.
    Delete,
    /// They stay, and belong to no environment any more.
    Orphan,
}

impl Session {
    /// Deletes an environment. Its patches on objects of others are undone. As long as an object of it
    /// is there and ours, its `Environment` object stays, so that another run finds what is left.
    pub async fn delete(
        &self,
        desired: &Desired,
        policy: &Reconcile,
        deletion: Deletion,
        options: &Options,
    ) -> Report {
        let started = Instant::now();
        let nothing = Desired {
            environment: desired.environment.clone(),
            source: desired.source.clone(),
            ..Desired::default()
        };
        let mut report = match self.plan(&nothing, policy, options.consent()).await {
            Ok(planned) => self.dismantle(planned, policy, deletion, options).await,
            Err(errors) => Report::of_failure(&nothing.environment, None, errors),
        };
        report.duration = started.elapsed();
        options.events.send(Event::Finished {
            outcome: report.outcome,
        });
        report
    }

    async fn dismantle(
        &self,
        mut planned: Planned,
        policy: &Reconcile,
        deletion: Deletion,
        options: &Options,
    ) -> Report {
        let mut plan = Plan::clone(&planned.plan);
        let mut released = Vec::new();
        if deletion == Deletion::Orphan {
            let going = plan.prune.drain(..).map(|prune| prune.target);
            released.extend(going);
            released.extend(plan.kept.drain(..).map(|kept| kept.target));
        }
        let is_other = plan
            .hold
            .as_ref()
            .is_some_and(|hold| hold.kind == HoldKind::TakeOver);
        if !is_other {
            plan.hold = (!options.confirmed).then(|| hold(&plan, released.len()));
        }
        planned.plan = Arc::new(plan);
        let mut report = self.carry_out(&planned, policy, options).await;
        let goes_on = report.outcome == Outcome::Converged && planned.saw_all;
        if goes_on && !options.dry_run {
            self.release(&released, &mut report).await;
            self.delete_parent(&planned, &mut report).await;
        }
        report
    }

    /// Takes our label off objects that stay.
    async fn release(&self, targets: &[Target], report: &mut Report) {
        let patch = Patch::Merge(json!({"metadata": {"labels": {PART_OF: null}}}));
        for target in targets {
            match self.cluster.patch(target, &patch, false).await {
                Ok(_) => report.kept.push(Kept {
                    target: target.clone(),
                    why: "it belongs to no environment any more".to_owned(),
                }),
                Err(error) if error.is_not_found() => {}
                Err(error) => {
                    report.errors.push(diagnose(&error, "apply/release"));
                    report.outcome = Outcome::Failed;
                }
            }
        }
    }

    async fn delete_parent(&self, planned: &Planned, report: &mut Report) {
        let gone = report
            .pruned
            .iter()
            .all(|prune| prune.result == ActionResult::Done);
        let ours = planned.plan.kept.len();
        if report.outcome != Outcome::Converged || !gone || planned.parent.is_none() {
            return;
        }
        if ours > 0 {
            let message = format!("the environment stays, as {ours} of its objects do");
            report.warnings.push(
                Diagnostic::warning("apply/still-there", message)
                    .help("let them go (`reconcile.pruneKinds`, `reconcile.protect`), or release them with `--orphan`"),
            );
            return;
        }
        let target = parent::target(&planned.applyset);
        let deleted = self
            .cluster
            .delete(&target, &DeleteOptions::default())
            .await;
        if let Err(error) = deleted {
            report.errors.push(diagnose(&error, "apply/parent"));
            report.outcome = Outcome::Failed;
        }
    }
}

fn hold(plan: &Plan, released: usize) -> Hold {
    let patched = plan.actions.len();
    let mut parts = vec![format!("{} objects would be deleted", plan.prune.len())];
    if released > 0 {
        parts = vec![format!("{released} objects would be released")];
    }
    if patched > 0 {
        parts.push(format!("patches on {patched} objects of others undone"));
    }
    Hold {
        kind: HoldKind::Deletions,
        why: format!("the environment would be deleted: {}", parts.join(", ")),
        help: "look at what it owns with `trueup status`; to go on, confirm it with `--confirm`"
            .to_owned(),
    }
}
