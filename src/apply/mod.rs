//! Carries out plans: reads what is live, lets [`crate::plan`] decide, does it, waits, and tells.
//!
//! Flows in: the desired set and the environment's policy. Flows out: [`Event`]s as they happen and a
//! [`Report`] at the end. It talks to the cluster through [`Cluster`] alone.
//! It must never decide what is to be done: that is the plan's. And it must stay safe to kill at any
//! point: ownership is written with each object, and where to look for it before the first one.

mod ahead;
mod arrivals;
mod cancel;
mod clean_up;
mod confirmed;
mod delete;
mod event;
mod execute;
mod explain;
mod fence;
mod foreign;
pub mod health;
mod hiding;
mod lease;
mod nodes;
mod observe;
mod parent;
mod prune;
mod rivals;
mod served;
mod status;
mod step;
mod wait;
mod work;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Instant,
};

use trueup_manifest::{Diagnostic, Diagnostics, ObjectId};

use self::{
    ahead::{Ahead, Ground, Lists},
    confirmed::Confirmed,
    execute::Setting,
    hiding::Hiding,
    lease::{Lease, Seat, Turn},
    observe::Observer,
};
pub use self::{
    cancel::{Stop, Stopped, Stopper, stopping},
    delete::Deletion,
    event::{Event, Events},
    foreign::patched,
    lease::{Held, LeaseTerms},
    work::{PhaseWork, Works},
};
use crate::{
    cluster::{Cluster, Error, Freshness, Kinds, Live},
    config::reconcile::Reconcile,
    plan::{
        ApplySet, Consent, HoldKind, Inputs, Objects, Observed, Plan, Reach, SOURCE, Saved, build,
        held_back, resolve,
    },
    render::Desired,
    report::{ActionResult, Outcome, Report},
};

/// Reconciles environments with one cluster. What it learns in one run makes the next one cheaper, so
/// keep it for as long as the process lives.
pub struct Session {
    cluster: Arc<dyn Cluster>,
    confirmed: Confirmed,
    terms: LeaseTerms,
    ahead: Ahead,
}

/// How a run is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether only a plan is wanted.
    pub dry_run: bool,
    /// Whether somebody confirmed what would otherwise be held back.
    pub confirmed: bool,
    /// Whether an environment of another repository is taken over.
    pub take_over: bool,
    /// The plan that somebody has looked at: nothing is done where the plan now is another one.
    pub expected: Option<Arc<Saved>>,
    /// Where events go.
    pub events: Events,
    /// How the run learns that it is to stop.
    pub stopped: Stopped,
    /// What its phases are beside their objects.
    pub works: Works,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dry_run: false,
            confirmed: false,
            take_over: false,
            expected: None,
            events: Events::none(),
            stopped: Stopped::never(),
            works: Works::default(),
        }
    }
}

impl Options {
    /// What somebody has agreed to.
    fn consent(&self) -> Consent {
        Consent {
            deletions: self.confirmed,
            take_over: self.take_over,
        }
    }
}

/// A plan with what carrying it out needs beside it.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Arc<Plan>,
    applyset: ApplySet,
    /// The repository that the desired set comes from.
    source: Option<String>,
    parent: Option<Live>,
    kinds: Arc<Kinds>,
    /// Where members are found that the parent told of.
    known: Reach,
    /// Where the desired set has members.
    wanted: Reach,
    /// Whether everything that we own was seen.
    saw_all: bool,
    /// Why nothing is known of what the environment owns: with such a plan nothing may be done.
    blind: Option<Diagnostic>,
}

impl Session {
    /// A session with a cluster.
    pub fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self {
            cluster,
            confirmed: Confirmed::default(),
            terms: LeaseTerms::default(),
            ahead: Ahead::default(),
        }
    }

    /// The cluster that it reconciles with.
    pub fn cluster(&self) -> &Arc<dyn Cluster> {
        &self.cluster
    }

    /// The same, which holds its leases on other terms.
    pub fn with_lease(self, terms: LeaseTerms) -> Self {
        Self { terms, ..self }
    }

    /// Reads what the next plan of an environment will ask for, as far as that is known before its files
    /// are rendered. What goes wrong is told by that plan.
    pub async fn look_ahead(&self, environment: &str) {
        if let Ok(applyset) = ApplySet::of(environment) {
            self.ahead.look(self.cluster.as_ref(), applyset).await;
        }
    }

    /// Makes the plan. Nothing is written.
    pub async fn plan(
        &self,
        desired: &Desired,
        policy: &Reconcile,
        consent: Consent,
    ) -> Result<Planned, Diagnostics> {
        let cluster = Hiding::of(&self.cluster, &desired.hidden);
        let cluster = cluster.as_ref();
        let applyset = ApplySet::of(&desired.environment)?;
        let (ground, listed) = match self.ahead.take(&applyset) {
            Some(read) => read?,
            None => (Ground::read(cluster, &applyset).await?, Lists::new()),
        };
        let Ground {
            kinds,
            parents,
            blind,
        } = ground;
        let mut objects = resolve(desired, &kinds, &applyset)?;
        let parent = parents.own;
        let known = known_reach(&kinds, parent.as_ref());
        let mut observer = Observer {
            cluster,
            objects: &mut objects,
            applyset: &applyset,
            policy,
            reach: &known,
            listed: Mutex::new(listed),
            confirmed: &self.confirmed,
        };
        let mut observed = observer.observe().await;
        observed.neighbours = parents.others;
        let (foreign, findings) =
            foreign::read(cluster, &kinds, &desired.patches, &known.patched).await;
        observed.foreign = foreign;
        observed.rivals = rivals::read(cluster, &kinds, &observed.seen).await;
        let saw_all = observed.unseen.is_empty();
        observed.unseen.extend(findings);
        observed
            .unseen
            .extend(blind.as_ref().map(parent::as_warning));
        self.forget(&observed);
        let plan = build(&Inputs {
            desired,
            objects: &objects,
            observed: &observed,
            policy,
            applyset: &applyset,
            memory: &parent::memory(&applyset, parent.as_ref()),
            consent,
        })?;
        let mut wanted = reach_of(&objects);
        let patched = desired.patches.iter();
        wanted.patched = patched
            .filter_map(|patch| foreign::declared(&kinds, patch))
            .collect();
        Ok(Planned {
            plan: Arc::new(plan),
            applyset,
            source: desired.source.clone(),
            parent,
            kinds,
            known,
            wanted,
            saw_all,
            blind,
        })
    }

    fn forget(&self, observed: &Observed) {
        let owned = observed.owned.iter().map(|(_, live)| live.uid());
        let seen = observed
            .seen
            .iter()
            .filter_map(|seen| seen.live.as_ref())
            .map(Live::uid);
        self.confirmed
            .keep_only(&owned.chain(seen).collect::<HashSet<_>>());
    }

    /// Makes the cluster hold what is desired.
    pub async fn reconcile(
        &self,
        desired: &Desired,
        policy: &Reconcile,
        options: &Options,
    ) -> Report {
        let started = Instant::now();
        let failure =
            |errors| Report::of_failure(&desired.environment, desired.revision.clone(), errors);
        let mut report = match self.plan(desired, policy, options.consent()).await {
            Ok(planned) => match check(options, &planned) {
                Ok(()) => self.in_turn(&planned, Some(desired), policy, options).await,
                Err(stale) => failure(stale),
            },
            Err(errors) => failure(errors),
        };
        report
            .warnings
            .splice(0..0, desired.warnings.iter().cloned());
        report.duration = started.elapsed();
        options.events.send(Event::Finished {
            outcome: report.outcome,
        });
        report
    }

    /// Carries a plan out, unless only the plan is wanted or it is held back. Another process that writes to
    /// the environment is waited for.
    pub async fn carry_out(
        &self,
        planned: &Planned,
        policy: &Reconcile,
        options: &Options,
    ) -> Report {
        self.in_turn(planned, None, policy, options).await
    }

    /// Carries a plan out while no other process writes to the environment. Where one did since the plan
    /// was made, a new one is made for the desired set.
    async fn in_turn(
        &self,
        planned: &Planned,
        desired: Option<&Desired>,
        policy: &Reconcile,
        options: &Options,
    ) -> Report {
        let plan = &planned.plan;
        let new = |outcome| Report::new(&plan.environment, plan.revision.clone(), outcome);
        let failed = |errors| Report::of_failure(&plan.environment, plan.revision.clone(), errors);
        if let Some(error) = planned.blind.as_ref().filter(|_| !options.dry_run) {
            return failed(error.clone().into());
        }
        let (lease, warning) = match self.turn(planned, policy, options).await {
            Ok(Turn::Ours(lease)) => (Some(lease), None),
            Ok(Turn::Without(warning)) => (None, warning),
            Ok(Turn::Stopped(stop)) => return new(stopped_by(stop)),
            Err(error) => return failed(error.into()),
        };
        let cluster = lease
            .as_ref()
            .map_or_else(|| Arc::clone(&self.cluster), Lease::cluster);
        let hidden = desired.map(|desired| &desired.hidden);
        let cluster = hidden.map_or_else(
            || Arc::clone(&cluster),
            |hidden| Hiding::of(&cluster, hidden),
        );
        let is_stale = lease.as_ref().is_some_and(|lease| lease.others_wrote);
        let mut report = match desired.filter(|_| is_stale) {
            None => carry_out_on(&cluster, &self.confirmed, planned, policy, options).await,
            Some(desired) => {
                let newer = self.plan(desired, policy, options.consent()).await;
                match newer.and_then(|newer| check(options, &newer).map(|()| newer)) {
                    Ok(newer) => {
                        carry_out_on(&cluster, &self.confirmed, &newer, policy, options).await
                    }
                    Err(errors) => failed(errors),
                }
            }
        };
        report.warnings.extend(warning);
        if let Some(lease) = lease {
            lease.give_back().await;
        }
        report
    }

    /// The right to write, where the plan writes anything.
    async fn turn(
        &self,
        planned: &Planned,
        policy: &Reconcile,
        options: &Options,
    ) -> Result<Turn, Diagnostic> {
        let plan = &planned.plan;
        let writes = !plan.is_empty() || (planned.parent.is_none() && !plan.actions.is_empty());
        if options.dry_run || plan.hold.is_some() || !writes {
            return Ok(Turn::Without(None));
        }
        let parent = planned.applyset.parent();
        match Seat::of(&self.cluster, &planned.kinds, parent, &self.terms) {
            Some(seat) => {
                let (events, stopped) = (&options.events, options.stopped.clone());
                seat.take(policy.timeout, events, stopped).await
            }
            None => Ok(Turn::Without(None)),
        }
    }

    /// Tells, in the status of an environment that is there, that a revision of it cannot be brought,
    /// so that whoever looks at the cluster sees it without the daemon's log. An environment of that
    /// name that another repository made is not ours to tell of.
    pub async fn tell_refused(
        &self,
        environment: &str,
        source: Option<&str>,
        revision: &str,
        errors: &Diagnostics,
    ) -> Result<(), Diagnostics> {
        let cluster = self.cluster.as_ref();
        let applyset = ApplySet::of(environment)?;
        let kinds = cluster.kinds(Freshness::Cached).await;
        let kinds = kinds.map_err(|error| diagnose(&error, "cluster/discovery"))?;
        let Some(parent) = parent::read(cluster, &kinds, &applyset).await?.own else {
            return Ok(());
        };
        let made_by = parent.annotation(SOURCE);
        if source.is_some() && made_by.is_some() && source != made_by {
            return Ok(());
        }
        if let Some(status) = status::refused(&parent, revision, errors, &now()) {
            parent::write_status(cluster, &applyset, &status)
                .await
                .map_err(|error| diagnose(&error, "apply/status"))?;
        }
        Ok(())
    }
}

/// Whether a plan does what was agreed to.
fn check(options: &Options, planned: &Planned) -> Result<(), Diagnostics> {
    let expected = options.expected.as_ref();
    expected.map_or(Ok(()), |expected| expected.check(&planned.plan))
}

async fn carry_out_on(
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
    if let Err(error) = parent::write_status(cluster, &planned.applyset, &status).await {
        let warning = Diagnostic::warning("apply/status", error.to_string());
        report.warnings.push(warning);
    }
}

/// The time, as Kubernetes writes it.
fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// Where members may be. Without a parent that says so, everywhere, if there was one once: its kind is
/// there.
fn known_reach(kinds: &Kinds, parent: Option<&Live>) -> Reach {
    match parent {
        Some(parent) => Reach::of_parent(parent),
        None if kinds.get(&parent::resource().gvk()).is_some() => Reach {
            kinds: kinds
                .iter()
                .map(|resource| (resource.group.clone(), resource.kind.clone()))
                .collect(),
            ..Reach::default()
        },
        None => Reach::default(),
    }
}

fn reach_of(objects: &Objects) -> Reach {
    let mut reach = Reach::default();
    for object in &objects.items {
        // A kind that nothing brings is no place where anything of ours may be.
        if (object.awaits.as_ref()).is_some_and(|awaits| awaits.bringers.is_empty()) {
            continue;
        }
        let resource = &object.target.resource;
        reach
            .kinds
            .insert((resource.group.clone(), resource.kind.clone()));
        if object.awaits.is_some() && object.target.namespace.is_empty() {
            // Where it goes if its kind turns out to have namespaces.
            reach.namespaces.insert("default".to_owned());
        }
        if !object.target.namespace.is_empty() {
            reach.namespaces.insert(object.target.namespace.clone());
        }
    }
    reach
}

/// Where members are after a run: in the desired set, and where something stayed.
fn remaining(planned: &Planned, report: &Report) -> Reach {
    let mut reach = planned.wanted.clone();
    let kept = report.kept.iter().map(|kept| kept.target.id());
    let left = report
        .pruned
        .iter()
        .filter(|prune| prune.result != ActionResult::Done);
    for id in kept.chain(left.map(|prune| prune.object.clone())) {
        reach.kinds.insert((id.group, id.kind));
        if !id.namespace.is_empty() {
            reach.namespaces.insert(id.namespace);
        }
    }
    reach
}

fn outcome(report: &Report, stop: Option<Stop>) -> Outcome {
    let has_failed = report.all_errors().any(Diagnostic::is_error);
    match stop {
        Some(stop) => stopped_by(stop),
        None if has_failed => Outcome::Failed,
        None => Outcome::Converged,
    }
}

fn stopped_by(stop: Stop) -> Outcome {
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

/// An error of the cluster as a finding.
fn diagnose(error: &Error, code: &'static str) -> Diagnostic {
    let diagnostic = Diagnostic::error(code, error.to_string());
    match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
