//! Carries out plans: reads what is live, lets [`crate::plan`] decide, does it, waits, and tells.
//!
//! Flows in: the desired set and the environment's policy. Flows out: [`Event`]s as they happen and a
//! [`Report`] at the end. It talks to the cluster through [`Cluster`] alone.
//! It must never decide what is to be done: that is the plan's. And it must stay safe to kill at any
//! point: ownership is written with each object, and where to look for it before the first one.

mod ahead;
mod arrivals;
mod cancel;
mod carry_out;
mod cause;
mod clean_up;
mod confirmed;
mod contest;
mod delete;
mod emptied;
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
mod reach;
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

use trueup_manifest::{Diagnostic, Diagnostics};

use self::{
    ahead::{Ahead, Ground, Lists},
    carry_out::stopped_by,
    confirmed::Confirmed,
    hiding::Hiding,
    lease::{Lease, Seat, Turn},
    observe::Observer,
    reach::{known_reach, reach_of},
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
    plan::{ApplySet, Consent, Inputs, Observed, Plan, Reach, SOURCE, Saved, build, resolve},
    render::Desired,
    report::Report,
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
        if self.confirmed.is_empty() {
            return;
        }
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
            None => carry_out::carry_out(&cluster, &self.confirmed, planned, policy, options).await,
            Some(desired) => {
                let newer = self.plan(desired, policy, options.consent()).await;
                match newer.and_then(|newer| check(options, &newer).map(|()| newer)) {
                    Ok(newer) => {
                        carry_out::carry_out(&cluster, &self.confirmed, &newer, policy, options)
                            .await
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
                // Whoever died without giving it back is waited out, however short the phases are.
                let patience = policy.timeout.max(self.terms.duration.saturating_mul(2));
                seat.take(patience, events, stopped).await
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

/// The time, as Kubernetes writes it.
fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// An error of the cluster as a finding.
fn diagnose(error: &Error, code: &'static str) -> Diagnostic {
    let diagnostic = Diagnostic::error(code, error.to_string());
    match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
