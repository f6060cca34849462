//! Passes through the one pipeline, told to the worker as they go.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::mpsc;
use trueup_kustomize::Cache;
use trueup_manifest::{Diagnostic, Diagnostics, ObjectId};

use super::{
    drift::{Desire, mark},
    pass::{Ended, News, Owned, Passes},
};
use crate::{
    apply::{self, Event, Events, Stop, Stopped},
    cluster::{Freshness, Live, Resource, Selection, Target},
    config::{Config, Environment, ForeignPatch, Reconcile},
    pipeline::{self, Clusters, Connection, Fetch, Prepared, Remote, Request},
    plan::{ActionKind, ApplySet, Foreign, Object, Plan, difference_look, resolve, wants_dry_run},
    render::{Asked, RenderOptions, asked::Questions},
    report::{self, ActionResult, Report},
    source::Snapshot,
    telemetry::{Action, ObjectState, Outcome},
};

/// What an environment wants, as a pass has planned it.
#[derive(Default)]
pub(super) struct Wanted(Option<Planned>);

struct Planned {
    objects: HashMap<ObjectId, Object>,
    /// What is patched of objects of others.
    patched: HashMap<ObjectId, (Target, Vec<ForeignPatch>)>,
    applyset: ApplySet,
    policy: Reconcile,
}

impl Desire for Wanted {
    fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.0.iter().flat_map(|planned| planned.objects.keys())
    }

    fn wants(&self, id: &ObjectId) -> bool {
        self.0.as_ref().is_some_and(|planned| {
            planned.objects.contains_key(id) || planned.patched.contains_key(id)
        })
    }

    fn differs(&self, live: &Live) -> bool {
        let Some(planned) = &self.0 else {
            return false;
        };
        let id = live.id();
        if let Some((target, patches)) = planned.patched.get(&id) {
            let foreign = Foreign {
                target: target.clone(),
                patches: patches.clone(),
                live: live.clone(),
            };
            return foreign.is_undone(&planned.applyset);
        }
        planned.objects.get(&id).is_some_and(|object| {
            wants_dry_run(object, Some(live), &planned.applyset, &planned.policy)
        })
    }

    fn look(&self, live: &Live) -> u64 {
        let look = self.0.as_ref().and_then(|planned| {
            let object = planned.objects.get(&live.id())?;
            difference_look(object, live, &planned.applyset, &planned.policy)
        });
        look.unwrap_or_else(|| mark(live.value()))
    }
}

/// Makes passes over one environment through the pipeline.
pub(super) struct PipelinePasses {
    environment: Arc<str>,
    clusters: Arc<Clusters>,
    cache: Cache,
    last: Last,
    keeper: Keeper,
    /// What charts wanted to know of the cluster in the last pass.
    known: Arc<Mutex<Questions>>,
}

/// The cluster of the last pass that knew it: where to tell of a revision whose Environment file
/// cannot even be read.
type Last = Arc<Mutex<Option<Arc<Connection>>>>;

impl PipelinePasses {
    /// The cache is shared by all environments: they may have bases in common.
    pub(super) fn new(environment: &str, clusters: Arc<Clusters>, cache: Cache) -> Self {
        Self {
            environment: environment.into(),
            clusters,
            cache,
            last: Last::default(),
            keeper: Keeper::default(),
            known: Arc::default(),
        }
    }
}

/// Keeps the servers of an environment's Vaults open between passes.
type Keeper = Arc<Mutex<Option<pipeline::Kept>>>;

impl Passes for PipelinePasses {
    type Desire = Wanted;

    fn pass(
        &self,
        snapshot: Snapshot,
        news: mpsc::UnboundedSender<News<Wanted>>,
        stopped: Stopped,
    ) -> BoxFuture<'static, Ended> {
        let pass = Pass {
            environment: Arc::clone(&self.environment),
            clusters: Arc::clone(&self.clusters),
            cache: self.cache.clone(),
            last: Arc::clone(&self.last),
            keeper: Arc::clone(&self.keeper),
            known: Arc::clone(&self.known),
            news,
            stopped,
        };
        pass.run(snapshot).boxed()
    }
}

/// One pass.
struct Pass {
    environment: Arc<str>,
    clusters: Arc<Clusters>,
    cache: Cache,
    last: Last,
    keeper: Keeper,
    known: Arc<Mutex<Questions>>,
    news: mpsc::UnboundedSender<News<Wanted>>,
    stopped: Stopped,
}

impl Pass {
    async fn run(self, snapshot: Snapshot) -> Ended {
        let (files, name) = (snapshot.clone(), Arc::clone(&self.environment));
        let selected = blocking(move || select(&files, &name)).await;
        let environment = match selected {
            Ok(environment) => environment,
            Err(findings) => return self.refuse(&snapshot, &findings).await,
        };
        let connection = match self.clusters.of(&environment).await {
            Ok(connection) => connection,
            Err(findings) => return could_not_begin(&findings),
        };
        *self.last() = Some(Arc::clone(&connection));
        let known = self.known().clone();
        let render = |asked: Arc<Asked>| {
            let (files, cache, environment) =
                (snapshot.clone(), self.cache.clone(), environment.clone());
            blocking(move || prepare(&files, environment, &cache, &asked)).boxed()
        };
        let settled =
            pipeline::settle(&connection.cluster, &self.environment, &known, render).await;
        match settled {
            Ok((prepared, asked)) => {
                *self.known() = asked;
                pipeline::keep_vaults_open(
                    &mut self.keeper.lock().unwrap_or_else(PoisonError::into_inner),
                    &prepared,
                    &connection.cluster,
                );
                self.reconcile(&snapshot, &prepared, &connection).await
            }
            Err(findings) => {
                let ended = could_not_begin(&findings);
                if ended.outcome == Outcome::Refused {
                    return self.refuse(&snapshot, &findings).await;
                }
                self.clusters.forget(&connection);
                ended
            }
        }
    }

    /// The revision cannot be brought.
    async fn refuse(&self, snapshot: &Snapshot, findings: &Diagnostics) -> Ended {
        self.tell_refused(snapshot, findings).await;
        refused(findings)
    }

    fn known(&self) -> MutexGuard<'_, Questions> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the cluster, if one is known, that a revision cannot be brought.
    async fn tell_refused(&self, snapshot: &Snapshot, findings: &Diagnostics) {
        let Some(connection) = self.where_to_tell(snapshot).await else {
            return;
        };
        let environment = self.environment.as_ref();
        let revision = snapshot.revision().id.as_str();
        let telling = connection.session.tell_refused(
            environment,
            snapshot.configuration().source(),
            revision,
            findings,
        );
        if let Err(errors) = telling.await {
            tracing::debug!(environment, %errors, "the refusal cannot be told to the cluster");
        }
    }

    /// The cluster of the passes before, or the one that the Environment file names if that can be
    /// read.
    async fn where_to_tell(&self, snapshot: &Snapshot) -> Option<Arc<Connection>> {
        let last = self.last().clone();
        if last.is_some() {
            return last;
        }
        let config = Config::load(snapshot.configuration()).ok()?;
        let environment = config.environment(&self.environment).ok()?;
        self.clusters.of(environment).await.ok()
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reconcile(
        self,
        snapshot: &Snapshot,
        prepared: &Prepared,
        connection: &Arc<Connection>,
    ) -> Ended {
        let (events, mut told) = Events::channel();
        let options = apply::Options {
            events,
            stopped: self.stopped.clone(),
            ..apply::Options::default()
        };
        let running = pipeline::reconcile(prepared, &connection.session, &options);
        tokio::pin!(running);
        let mut stopped = self.stopped.clone();
        let mut owned = None;
        let report = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => match event {
                    Event::Planned(plan) => {
                        let planned = self.planned(prepared, connection, &plan);
                        tokio::pin!(planned);
                        // The run goes on meanwhile: what this waits for may be in its hands.
                        tokio::select! {
                            done = &mut planned => owned = done,
                            report = &mut running => {
                                owned = planned.await;
                                break report;
                            }
                        }
                    }
                    event => self.tell(event),
                },
                report = &mut running => break report,
                // Nothing is written before the plan is there, so it may be dropped.
                why = stopped.stopped(), if owned.is_none() => return given_up(why),
            }
        };
        while let Ok(event) = told.try_recv() {
            if let Event::Planned(plan) = event {
                owned = self.planned(prepared, connection, &plan).await;
            } else {
                self.tell(event);
            }
        }
        if owned.is_none() {
            self.clusters.forget(connection);
            let mut ended = could_not_begin(&report.errors);
            if ended.outcome == Outcome::Refused {
                self.tell_refused(snapshot, &report.errors).await;
            }
            if ended.outcome == Outcome::Failed {
                ended
                    .errors
                    .push(format!("the cluster is {}", connection.describe()));
            }
            return ended;
        }
        ended(report, owned.flatten())
    }

    /// The plan is there. Unless it is held back, its revision is in force from now on. Gives what
    /// is to be followed.
    async fn planned(
        &self,
        prepared: &Prepared,
        connection: &Connection,
        plan: &Plan,
    ) -> Option<Option<Owned>> {
        if plan.hold.is_some() {
            return Some(None);
        }
        let kinds = connection.cluster.kinds(Freshness::Cached).await.ok()?;
        let applyset = ApplySet::of(&prepared.desired.environment).ok()?;
        let objects = resolve(&prepared.desired, &kinds, &applyset).ok()?.items;
        let mut resources: Vec<Arc<Resource>> = Vec::new();
        for object in &objects {
            if !resources.contains(&object.target.resource) {
                resources.push(Arc::clone(&object.target.resource));
            }
        }
        let mut patched: HashMap<ObjectId, (Target, Vec<ForeignPatch>)> = HashMap::new();
        for patch in &prepared.desired.patches {
            if let Some(target) = apply::patched(&kinds, patch) {
                let patches = patched.entry(target.id());
                patches
                    .or_insert_with(|| (target, Vec::new()))
                    .1
                    .push(patch.clone());
            }
        }
        let owned = Owned {
            patched: patched.values().map(|(target, _)| target.clone()).collect(),
            cluster: Arc::clone(&connection.cluster),
            selection: Selection::labelled(applyset.selector()),
            resources,
        };
        let policy = prepared.environment.reconcile.clone();
        let interval = policy.interval;
        let objects = objects
            .into_iter()
            .map(|object| (object.id(), object))
            .collect();
        let absent: Vec<ObjectId> = patched.keys().cloned().collect();
        let absent = absent.into_iter().filter(|id| {
            !plan
                .actions
                .iter()
                .any(|action| action.foreign.is_some() && action.id() == *id)
        });
        let absent: Vec<ObjectId> = absent.collect();
        let desire = Wanted(Some(Planned {
            objects,
            patched,
            applyset,
            policy,
        }));
        self.send(News::Accepted { desire, interval });
        // An object of somebody else's that is not there is patched as soon as it is.
        for id in absent {
            self.send(News::Settled {
                id,
                written: false,
                live: None,
            });
        }
        for action in &plan.actions {
            if action.kind == ActionKind::None && action.blocked.is_none() {
                self.send(News::Settled {
                    id: action.id(),
                    written: false,
                    live: action.live.clone(),
                });
            }
        }
        Some(Some(owned))
    }

    fn tell(&self, event: Event) {
        match event {
            Event::Done { id, action, live } => {
                self.send(News::Settled {
                    id,
                    written: action.is_change(),
                    live: Some(live),
                });
            }
            Event::Waiting { id, health } => {
                let status = format!("{:?}", health.status);
                let message = Some(health.message).filter(|message| !message.is_empty());
                self.send(News::Waiting {
                    id,
                    says: message.unwrap_or(status),
                });
            }
            Event::CleaningUp { id } => self.send(News::Undone { id }),
            Event::Healthy { id } | Event::Failed { id, .. } => self.send(News::Arrived { id }),
            _ => {}
        }
    }

    fn send(&self, news: News<Wanted>) {
        // A worker that went away wants no news.
        let _ = self.news.send(news);
    }
}

/// Rendering is work for a processor: it must not hold up those that wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn select(snapshot: &Snapshot, environment: &str) -> Result<Environment, Diagnostics> {
    let config = Config::load(snapshot.configuration())?;
    let request = Request {
        environment,
        revision: Some(snapshot.revision().id.as_str()),
        variables: &[],
    };
    pipeline::select(&config, &request)
}

fn prepare(
    snapshot: &Snapshot,
    environment: Environment,
    cache: &Cache,
    asked: &Arc<Asked>,
) -> Result<Prepared, Diagnostics> {
    let home = snapshot.configuration();
    // The feed of an environment with a source of its own gives that source's files.
    let files = if environment.source.is_some() {
        snapshot
    } else {
        home
    };
    let remote = Remote::new(Fetch::Newest);
    let options = RenderOptions {
        revision: Some(snapshot.revision().id.as_str()),
        remote: Some(&remote),
        cache: Some(cache),
        asked: Some(asked),
        charts: Some(remote.charts()),
        keys: Some(remote.keys()),
    };
    let mut prepared = pipeline::render_with(files, environment, &options)?;
    prepared.desired.source = home.source().map(str::to_owned);
    Ok(prepared)
}

fn refused(findings: &Diagnostics) -> Ended {
    failure(Outcome::Refused, findings.iter())
}

/// Nothing was planned: by fault of the cluster, or of the revision.
fn could_not_begin(findings: &Diagnostics) -> Ended {
    let is_cluster = |finding: &Diagnostic| finding.code.starts_with("cluster/");
    let outcome = if findings.iter().any(is_cluster) {
        Outcome::Failed
    } else {
        Outcome::Refused
    };
    failure(outcome, findings.iter())
}

fn failure<'a>(outcome: Outcome, findings: impl Iterator<Item = &'a Diagnostic>) -> Ended {
    let errors: Vec<&Diagnostic> = findings.filter(|finding| finding.is_error()).collect();
    Ended {
        errors: errors.iter().map(ToString::to_string).collect(),
        help: errors.iter().find_map(|error| error.help.clone()),
        ..Ended::new(outcome)
    }
}

fn given_up(why: Stop) -> Ended {
    Ended::new(match why {
        Stop::Superseded => Outcome::Superseded,
        Stop::Shutdown => Outcome::Interrupted,
    })
}

fn ended(report: Report, owned: Option<Owned>) -> Ended {
    let outcome = match report.outcome {
        report::Outcome::Converged | report::Outcome::Pending => Outcome::Converged,
        report::Outcome::Failed => Outcome::Failed,
        report::Outcome::Held => Outcome::Refused,
        report::Outcome::Superseded => Outcome::Superseded,
        report::Outcome::Stopped => Outcome::Interrupted,
    };
    let mut ended = match outcome {
        Outcome::Failed => failure(outcome, report.all_errors()),
        _ => Ended::new(outcome),
    };
    if let Some(hold) = &report.hold {
        ended.errors.push(hold.why.clone());
        ended.help = Some(hold.help.clone());
    }
    ended.actions = actions(&report);
    ended.objects = Some(objects(&report));
    ended.phases = report
        .phases
        .iter()
        .map(|phase| (phase.name.clone(), phase.duration))
        .collect();
    ended.report = Some(Arc::new(report));
    ended.owned = owned;
    ended
}

fn actions(report: &Report) -> Vec<(Action, u64)> {
    let counts = &report.counts;
    [
        (Action::Create, counts.created),
        (Action::Configure, counts.configured),
        (Action::Recreate, counts.recreated),
        (Action::Adopt, counts.adopted),
        (Action::Patch, counts.patched),
        (Action::Prune, counts.pruned + counts.cleaned_up),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(action, count)| (action, count as u64))
    .collect()
}

fn objects(report: &Report) -> Vec<(ObjectState, u64)> {
    let states = report.actions.iter().map(|action| match action.result {
        ActionResult::Done => ObjectState::Done,
        ActionResult::Unhealthy => ObjectState::Unhealthy,
        ActionResult::Failed => ObjectState::Failed,
        ActionResult::Skipped => ObjectState::Skipped,
    });
    let mut counts: HashMap<ObjectState, u64> = HashMap::new();
    for state in states {
        *counts.entry(state).or_default() += 1;
    }
    counts.into_iter().collect()
}
