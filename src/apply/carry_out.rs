//! Carries out a whole plan: the parent first, then the objects, then what is to go, and the parent once more.

use std::{collections::HashSet, sync::Arc};

use trueup_manifest::{Diagnostic, ObjectId};

use super::{
    Options, Planned,
    cancel::Stop,
    clean_up,
    confirmed::Confirmed,
    diagnose,
    event::Event,
    execute::{self, Setting},
    now, parent, prune,
    reach::remaining,
    status,
};
use crate::{
    cluster::{Cluster, Error, ErrorKind},
    config::reconcile::Reconcile,
    plan::{HoldKind, Plan, held_back},
    report::{ActionResult, Outcome, Report},
};

/// Carries a plan out, or only tells of it.
pub(super) async fn carry_out(
    cluster: &Arc<dyn Cluster>,
    confirmed: &Confirmed,
    planned: &Planned,
    policy: &Reconcile,
    options: &Options,
) -> Report {
    let plan = &planned.plan;
    options.events.send(Event::Planned(Arc::clone(plan)));
    let mut report = Report::new(&plan.environment, plan.revision.clone(), Outcome::Converged);
    report.warnings.clone_from(&plan.warnings);
    report.kept.clone_from(&plan.kept);
    report.hold.clone_from(&plan.hold);
    report.errors = plan.disputes.iter().cloned().collect();
    if options.dry_run {
        preview(plan, &mut report);
        return report;
    }
    if plan.hold.is_some() {
        report.outcome = Outcome::Held;
    } else if let Err(error) = work(cluster, confirmed, planned, policy, options, &mut report).await
    {
        report.errors.push(diagnose(&error, "apply/parent"));
        report.outcome = Outcome::Failed;
    }
    report.count();
    // The status of another repository's environment is not ours to write.
    if plan
        .hold
        .as_ref()
        .is_none_or(|hold| hold.kind != HoldKind::TakeOver)
    {
        tell_status(cluster.as_ref(), planned, &mut report).await;
    }
    report
}

/// Widens the parent, applies, prunes, narrows the parent.
async fn work(
    cluster: &Arc<dyn Cluster>,
    confirmed: &Confirmed,
    planned: &Planned,
    policy: &Reconcile,
    options: &Options,
    report: &mut Report,
) -> Result<(), Error> {
    let shared = cluster;
    let cluster = shared.as_ref();
    let Planned { plan, applyset, .. } = planned;
    let source = planned.source.as_deref();
    let nothing = plan.is_empty() && plan.actions.is_empty();
    let is_lost = planned.parent.is_none() && !nothing;
    let mut parent = planned.parent.clone();
    if is_lost || !plan.is_empty() {
        if parent
            .as_ref()
            .is_none_or(|parent| !parent::is_as_new(parent))
        {
            parent::ensure_kind(cluster, &planned.kinds).await?;
        }
        let superset = planned.known.union(&planned.wanted);
        let written =
            parent::write_reach(cluster, applyset, parent.as_ref(), source, &superset).await?;
        parent = written.or(parent);
    }
    let executed = execute::execute(Setting {
        cluster: shared,
        plan,
        policy,
        applyset,
        events: &options.events,
        stopped: options.stopped.clone(),
        confirmed,
        works: &options.works,
    })
    .await;
    report.actions = executed.actions;
    report.phases = executed.phases;
    report.warnings.extend(executed.warnings);
    report.works = executed.works;
    if executed.stop.is_none() {
        report.cleaned_up = clean_up::clean_up(clean_up::Setting {
            cluster,
            plan,
            policy,
            phases: &report.phases,
            made: &executed.made,
            patience: policy.timeout,
            events: &options.events,
            stopped: &options.stopped,
        })
        .await;
    }
    report.pruned = if executed.stop.is_some() {
        let because = "the run was stopped";
        plan.prune
            .iter()
            .map(|left| prune::skipped(&left.target.id(), because))
            .collect()
    } else {
        let held_back = held_back(plan, &not_done(report));
        prune::prune(prune::Setting {
            cluster,
            list: &plan.prune,
            held_back: &held_back,
            patience: policy.timeout,
            events: &options.events,
            stopped: &options.stopped,
        })
        .await
    };
    report.outcome = outcome(report, options.stopped.why());
    if report.outcome == Outcome::Converged && planned.saw_all && parent.is_some() {
        let reach = remaining(planned, report);
        parent::write_reach(cluster, applyset, parent.as_ref(), source, &reach).await?;
    }
    Ok(())
}

/// Writes the status of the parent where it says something new.
async fn tell_status(cluster: &dyn Cluster, planned: &Planned, report: &mut Report) {
    let is_there = planned.parent.is_some() || report.actions.iter().any(|_| true);
    let is_broken = report
        .errors
        .iter()
        .any(|error| error.code == "apply/parent");
    if !is_there || is_broken {
        return;
    }
    let Some(status) = status::status(planned.parent.as_ref(), report, &now()) else {
        return;
    };
    let told = parent::write_status(cluster, &planned.applyset, &status).await;
    // Of a server that cannot be reached the errors say it already.
    let is_known = report
        .all_errors()
        .any(|error| error.code == "apply/unreachable");
    if let Err(error) = told
        && !(is_known && *error.kind() == ErrorKind::Unreachable)
    {
        let warning = Diagnostic::warning("apply/status", error.to_string());
        report.warnings.push(warning);
    }
}

fn outcome(report: &Report, stop: Option<Stop>) -> Outcome {
    let has_failed = report.all_errors().any(Diagnostic::is_error);
    match stop {
        Some(stop) => stopped_by(stop),
        None if has_failed => Outcome::Failed,
        None => Outcome::Converged,
    }
}

pub(super) fn stopped_by(stop: Stop) -> Outcome {
    match stop {
        Stop::Superseded => Outcome::Superseded,
        Stop::Shutdown => Outcome::Stopped,
    }
}

/// What a run would do, as far as the plan can tell.
fn preview(plan: &Plan, report: &mut Report) {
    let blocked: Vec<Diagnostic> = plan
        .actions
        .iter()
        .filter_map(|action| action.blocked.clone())
        .collect();
    report.outcome = if !blocked.is_empty() {
        Outcome::Failed
    } else if plan.hold.is_some() {
        Outcome::Held
    } else if plan.is_empty() {
        Outcome::Converged
    } else {
        Outcome::Pending
    };
    report.errors.extend(blocked);
}

/// The places of the actions whose objects are not as they should be.
fn not_done(report: &Report) -> Vec<usize> {
    let gone: HashSet<&ObjectId> = report.cleaned_up.iter().map(|one| &one.object).collect();
    let actions = report.actions.iter().enumerate();
    actions
        .filter(|(_, action)| action.result != ActionResult::Done || gone.contains(&action.object))
        .map(|(at, _)| at)
        .collect()
}
