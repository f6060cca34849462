//! Carries out the actions of a plan: what is ready starts, what comes back makes more ready.

mod arrive;
mod atomic;
mod seen;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::Instant;
use trueup_manifest::{Diagnostic, ObjectId};

use super::{
    arrivals::Arrivals,
    cancel::{Stop, Stopped},
    clean_up::Made,
    confirmed::Confirmed,
    event::{Event, Events},
    explain::Unhealthy,
    health::{Health, Status, health_by},
    nodes::{Node, Nodes},
    served,
    step::{Done, Step},
    wait::Watches,
    work::Works,
};
use crate::{
    cluster::{Cluster, Live, Target},
    config::reconcile::Reconcile,
    plan::{Action, ActionKind, ApplySet, Gate, Plan},
    report::{ActionReport, ActionResult, PhaseReport, PhaseResult, WorkReport},
};

/// How many actions are under way at once.
const AT_ONCE: usize = 48;

/// What an execution needs.
pub(super) struct Setting<'a> {
    pub cluster: &'a Arc<dyn Cluster>,
    pub plan: &'a Plan,
    pub policy: &'a Reconcile,
    pub applyset: &'a ApplySet,
    pub events: &'a Events,
    pub stopped: Stopped,
    /// What writes gave is noted here, and needs no dry run later.
    pub confirmed: &'a Confirmed,
    pub works: &'a Works,
}

/// What came of the actions.
pub(super) struct Executed {
    pub actions: Vec<ActionReport>,
    pub phases: Vec<PhaseReport>,
    pub warnings: Vec<Diagnostic>,
    pub works: Vec<WorkReport>,
    /// What was created and goes again where its release failed.
    pub made: Vec<Made>,
    pub stop: Option<Stop>,
}

/// Carries out the actions of a plan.
pub(super) async fn execute(setting: Setting<'_>) -> Executed {
    let mut execution = Execution::new(setting);
    execution.run().await;
    execution.finish()
}

/// What a request in hand comes back with.
enum Answer {
    Acted(usize, Result<Done, Diagnostic>, Duration),
    /// Whether the kind of a CRD is served.
    Served(usize, Result<(), Diagnostic>),
    /// An object did not become healthy, and why.
    Unhealthy(usize, Unhealthy),
    /// What of an atomic phase the server would not take.
    Rehearsed(usize, Vec<(usize, Diagnostic)>),
    /// What a phase does beside its objects is over.
    Worked(usize, WorkReport),
}

/// An object that is waited for.
struct Waiting {
    deadline: Instant,
    live: Live,
    health: Health,
}

struct Execution<'a> {
    setting: Setting<'a>,
    nodes: Nodes,
    in_hand: FuturesUnordered<BoxFuture<'a, Answer>>,
    waiting: HashMap<usize, Waiting>,
    /// What the watches brought of objects whose answer is still under way: the two come on
    /// connections of their own, in any order.
    early: HashMap<usize, Live>,
    places: HashMap<ObjectId, usize>,
    watches: Watches,
    /// Objects that wait for their kinds.
    arrivals: Arrivals,
    /// Where objects are whose kinds came during the run.
    arrived: HashMap<usize, Target>,
    ends: Vec<End>,
    phases: Vec<Phase>,
    warnings: Vec<Diagnostic>,
    works: Vec<WorkReport>,
    made: Vec<Made>,
    stop: Option<Stop>,
}

/// What is known of the end of an action.
#[derive(Clone)]
struct End {
    kind: ActionKind,
    result: Option<ActionResult>,
    health: String,
    error: Option<Diagnostic>,
    /// What the error comes down to, where others may have failed for the same reason.
    cause: Option<String>,
    because: Option<String>,
    duration: Duration,
}

#[derive(Clone, Default)]
struct Phase {
    started: Option<Instant>,
    ended: Option<Duration>,
    failed: bool,
    skipped: bool,
}

impl<'a> Execution<'a> {
    fn new(setting: Setting<'a>) -> Self {
        let plan = setting.plan;
        let end = |action: &Action| End {
            kind: action.kind,
            result: None,
            health: String::new(),
            error: None,
            cause: None,
            because: None,
            duration: Duration::ZERO,
        };
        Self {
            nodes: Nodes::of(plan),
            in_hand: FuturesUnordered::new(),
            waiting: HashMap::new(),
            early: HashMap::new(),
            places: plan
                .actions
                .iter()
                .enumerate()
                .map(|(at, action)| (action.id(), at))
                .collect(),
            watches: Watches::new(Arc::clone(setting.cluster), setting.applyset.selector()),
            arrivals: Arrivals::new(Arc::clone(setting.cluster)),
            arrived: HashMap::new(),
            ends: plan.actions.iter().map(end).collect(),
            phases: vec![Phase::default(); plan.phases.len()],
            warnings: Vec::new(),
            works: Vec::new(),
            made: Vec::new(),
            stop: None,
            setting,
        }
    }

    async fn run(&mut self) {
        let mut stopped = self.setting.stopped.clone();
        loop {
            self.start_what_is_ready();
            let nothing_waits = self.waiting.is_empty() && self.arrivals.is_empty();
            if self.in_hand.is_empty() && nothing_waits {
                return;
            }
            let deadlines = self.waiting.values().map(|waiting| waiting.deadline);
            let deadline = deadlines.chain(self.arrivals.deadline()).min();
            let timer = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now));
            tokio::select! {
                Some(answer) = self.in_hand.next() => self.take(answer),
                Some(sighting) = self.watches.next() => self.see(sighting),
                Some(kinds) = self.arrivals.next() => self.arrive(&kinds),
                () = timer, if deadline.is_some() => self.expire(),
                why = stopped.stopped(), if self.stop.is_none() => {
                    self.stop = Some(why);
                    self.waiting.clear();
                    self.arrivals.clear();
                }
            }
        }
    }

    fn start_what_is_ready(&mut self) {
        loop {
            let actions_too = self.stop.is_none() && self.in_hand.len() < AT_ONCE;
            match self.nodes.next(actions_too) {
                Some(Node::Start(phase)) => self.start_phase(phase),
                Some(Node::Last(phase)) => self.nodes.pass(Node::Last(phase), Gate::Applied),
                Some(Node::End(phase)) => self.end_phase(phase),
                Some(Node::Action(at)) => self.start(at),
                None => return,
            }
        }
    }

    fn start_phase(&mut self, phase: usize) {
        if let Some(state) = self.phases.get_mut(phase) {
            state.started = Some(Instant::now());
        }
        self.tell_phase(phase, |phase| Event::PhaseStarted { phase });
        let work = self.setting.works.of(&self.phase_name(phase));
        let Some(work) = work.filter(|_| self.stop.is_none()) else {
            return self.rehearse(phase);
        };
        let planned = self.setting.plan.phases.get(phase);
        let patience = planned.map_or(self.setting.policy.timeout, |phase| {
            Duration::from_millis(phase.timeout_ms)
        });
        self.in_hand.push(Box::pin(async move {
            Answer::Worked(phase, work.carry_out(patience).await)
        }));
    }

    /// The work of a phase is over: its objects follow, if it went well.
    fn worked(&mut self, phase: usize, report: WorkReport) {
        if report.errors.has_errors() {
            if let Some(state) = self.phases.get_mut(phase) {
                state.failed = true;
            }
            self.fail_node(Node::Start(phase), &[Gate::Applied]);
        } else {
            self.nodes.pass(Node::Start(phase), Gate::Applied);
        }
        self.works.push(report);
    }

    fn end_phase(&mut self, phase: usize) {
        let Some(state) = self.phases.get_mut(phase) else {
            return;
        };
        state.ended = state.started.map(|started| started.elapsed());
        let succeeded = !state.failed && !state.skipped;
        if state.started.is_some() {
            self.tell_phase(phase, |phase| Event::PhaseFinished { phase, succeeded });
        }
        if succeeded {
            self.nodes.pass(Node::End(phase), Gate::Healthy);
        } else {
            self.fail_node(Node::End(phase), &[Gate::Healthy]);
        }
    }

    fn tell_phase(&self, phase: usize, event: impl FnOnce(String) -> Event) {
        self.setting.events.send(event(self.phase_name(phase)));
    }

    fn phase_name(&self, phase: usize) -> String {
        let planned = self.setting.plan.phases.get(phase);
        planned
            .map(|planned| planned.name.clone())
            .unwrap_or_default()
    }

    /// Where the object of an action is.
    fn target(&self, at: usize) -> Option<&Target> {
        let planned = self.setting.plan.actions.get(at);
        self.arrived
            .get(&at)
            .or_else(|| planned.map(|action| &action.target))
    }

    fn health(&self, live: &Live) -> Health {
        health_by(live, &self.setting.policy.health_checks)
    }

    fn patience(&self, action: &Action) -> Duration {
        let planned = self.setting.plan.phases.get(action.phase);
        planned.map_or(self.setting.policy.timeout, |phase| {
            Duration::from_millis(phase.timeout_ms)
        })
    }

    fn start(&mut self, at: usize) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        match (&action.live, &action.blocked) {
            (_, Some(blocked)) => self.fail(at, blocked.clone()),
            (Some(live), None) if action.kind == ActionKind::None => {
                self.set_result(at, ActionResult::Done);
                self.applied(at, live.clone());
            }
            (_, None) if action.awaits.is_some() => self.await_kind(at, action),
            _ => {
                let step = Step {
                    cluster: self.setting.cluster.as_ref(),
                    policy: self.setting.policy,
                    patience: self.patience(action),
                };
                self.in_hand.push(Box::pin(async move {
                    let started = Instant::now();
                    let done = step.run(action).await;
                    Answer::Acted(at, done, started.elapsed())
                }));
            }
        }
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Acted(at, Ok(done), duration) => self.done(at, done, duration),
            Answer::Acted(at, Err(error), duration) => {
                if let Some(end) = self.ends.get_mut(at) {
                    end.duration = duration;
                }
                self.fail(at, error);
            }
            Answer::Rehearsed(phase, failures) => self.rehearsed(phase, failures),
            Answer::Worked(phase, report) => self.worked(phase, report),
            Answer::Served(at, Ok(())) => self.healthy(at),
            Answer::Served(at, Err(error)) => self.unhealthy(at, error),
            Answer::Unhealthy(at, Unhealthy { error, cause }) => {
                if let Some(end) = self.ends.get_mut(at) {
                    end.cause = cause;
                }
                self.unhealthy(at, error);
            }
        }
    }

    fn done(&mut self, at: usize, done: Done, duration: Duration) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        if let Some(end) = self.ends.get_mut(at) {
            end.kind = done.kind;
            end.duration = duration;
        }
        self.set_result(at, ActionResult::Done);
        let confirmed = self.setting.confirmed;
        confirmed.remember(&done.live, &action.body.bytes());
        let warning = |text: String| {
            Diagnostic::warning("apply/server", format!("`{}`: {text}", action.id()))
                .at(action.origin.location.clone())
                .via(&action.origin.chain)
        };
        self.warnings.extend(done.warnings.into_iter().map(warning));
        self.note_made(at, action, done.kind, &done.live);
        self.setting.events.send(Event::Done {
            id: action.id(),
            action: done.kind,
            live: done.live.clone(),
        });
        self.applied(at, done.live);
    }

    /// Notes what goes again should its release fail.
    fn note_made(&mut self, at: usize, action: &Action, kind: ActionKind, live: &Live) {
        let phase = self.setting.plan.phases.get(action.phase);
        let may_go = phase.is_some_and(|phase| phase.cleaned_up_with.is_some()) && !action.hook;
        if !may_go || kind != ActionKind::Create || !Made::is_ours_alone(live) {
            return;
        }
        if let Some(target) = self.target(at).cloned() {
            let (phase, live) = (action.phase, live.clone());
            self.made.push(Made {
                phase,
                target,
                live,
            });
        }
    }

    /// An object is as it was applied: what needs no more may go on, the rest waits for its health.
    fn applied(&mut self, at: usize, live: Live) {
        self.nodes.pass(Node::Action(at), Gate::Applied);
        let early = self.early.remove(&at);
        let live = early.filter(|early| early.is_newer(&live)).unwrap_or(live);
        let health = self.health(&live);
        if health.is_current() {
            return self.current(at, live);
        }
        if let Some(end) = self.ends.get_mut(at) {
            end.health.clone_from(&health.message);
        }
        if self.stop.is_some() || !self.nodes.wants_health(Node::Action(at)) {
            return;
        }
        self.wait(at, live, health);
    }

    fn wait(&mut self, at: usize, live: Live, health: Health) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        if health.status == Status::Failed {
            return self.explain(at, live, health);
        }
        if let Some(target) = self.target(at).cloned() {
            self.watches.follow(&target, &live);
        }
        let deadline = Instant::now() + self.patience(action);
        self.setting.events.send(Event::Waiting {
            id: action.id(),
            health: health.clone(),
        });
        self.waiting.insert(
            at,
            Waiting {
                deadline,
                live,
                health,
            },
        );
    }

    /// An object is healthy. A CRD is so only once its kind is served.
    fn current(&mut self, at: usize, live: Live) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        let brings_kind = action.target.resource.kind == "CustomResourceDefinition";
        if !brings_kind || action.kind == ActionKind::None {
            return self.healthy(at);
        }
        let cluster = self.setting.cluster.as_ref();
        let patience = self.patience(action);
        self.in_hand.push(Box::pin(async move {
            let served = served::until_served(cluster, action, &live, patience).await;
            Answer::Served(at, served)
        }));
    }

    fn healthy(&mut self, at: usize) {
        if let Some(end) = self.ends.get_mut(at) {
            end.health.clear();
        }
        self.nodes.pass(Node::Action(at), Gate::Healthy);
    }

    fn set_result(&mut self, at: usize, result: ActionResult) {
        if let Some(end) = self.ends.get_mut(at) {
            end.result = Some(result);
        }
    }

    fn fail(&mut self, at: usize, error: Diagnostic) {
        self.set_result(at, ActionResult::Failed);
        self.note_failure(at, error, &[Gate::Applied, Gate::Healthy]);
    }

    fn unhealthy(&mut self, at: usize, error: Diagnostic) {
        self.set_result(at, ActionResult::Unhealthy);
        self.note_failure(at, error, &[Gate::Healthy]);
    }

    fn note_failure(&mut self, at: usize, error: Diagnostic, gates: &[Gate]) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        let (id, kind) = (action.id(), action.kind);
        self.setting.events.send(Event::Failed {
            id,
            action: kind,
            error: error.clone(),
        });
        if let Some(end) = self.ends.get_mut(at) {
            end.error = Some(error);
        }
        if let Some(phase) = self.phases.get_mut(action.phase) {
            phase.failed = true;
        }
        self.fail_node(Node::Action(at), gates);
    }

    fn fail_node(&mut self, node: Node, gates: &[Gate]) {
        for (skipped, cause) in self.nodes.fail(node, gates) {
            match skipped {
                Node::Start(phase) => {
                    if let Some(state) = self.phases.get_mut(phase) {
                        state.skipped = true;
                    }
                }
                Node::Action(at) => self.skip(at, cause),
                Node::Last(_) | Node::End(_) => {}
            }
        }
        self.stop_waiting_for_what_nothing_brings();
    }

    fn skip(&mut self, at: usize, cause: Node) {
        let because = match cause {
            Node::Action(cause) => {
                let plan = self.setting.plan;
                let id = plan.actions.get(cause).map(Action::id).unwrap_or_default();
                match self.ends.get(cause).and_then(|end| end.result) {
                    Some(ActionResult::Skipped) => format!("`{id}` was skipped"),
                    Some(ActionResult::Unhealthy) => format!("`{id}` is not healthy"),
                    _ => format!("`{id}` failed"),
                }
            }
            Node::Start(_) | Node::Last(_) | Node::End(_) => self.fault_of_phase(at, cause),
        };
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        // Of an atomic phase, what fails is known before the rest is skipped.
        if self.ends.get(at).is_some_and(|end| end.result.is_some()) {
            return;
        }
        self.set_result(at, ActionResult::Skipped);
        if let Some(end) = self.ends.get_mut(at) {
            end.because = Some(because.clone());
        }
        if let Some(phase) = self.phases.get_mut(action.phase) {
            phase.failed = true;
        }
        self.setting.events.send(Event::Skipped {
            id: action.id(),
            because,
        });
    }

    fn finish(self) -> Executed {
        let why_stopped = match self.stop {
            Some(Stop::Superseded) => "a newer revision took over",
            Some(Stop::Shutdown) | None => "the run was stopped",
        };
        let names: Vec<String> = (0..self.phases.len())
            .map(|phase| self.phase_name(phase))
            .collect();
        let parts = self.setting.plan.actions.iter().zip(self.ends);
        let actions = parts
            .map(|(action, end)| ActionReport {
                object: action.id(),
                phase: names.get(action.phase).cloned().unwrap_or_default(),
                action: end.kind,
                result: end.result.unwrap_or(ActionResult::Skipped),
                health: end.health,
                error: end.error,
                cause: end.cause,
                because: match end.result {
                    None => Some(why_stopped.to_owned()),
                    Some(_) => end.because,
                },
                duration: end.duration,
            })
            .collect();
        let phases = names
            .into_iter()
            .zip(&self.phases)
            .map(|(name, phase)| PhaseReport {
                name,
                result: match (phase.started, phase.ended) {
                    _ if phase.skipped => PhaseResult::Skipped,
                    _ if phase.failed => PhaseResult::Failed,
                    (Some(_), Some(_)) => PhaseResult::Done,
                    _ => PhaseResult::Skipped,
                },
                duration: phase.ended.unwrap_or_default(),
            });
        Executed {
            actions,
            phases: phases.collect(),
            warnings: self.warnings,
            works: self.works,
            made: self.made,
            stop: self.stop,
        }
    }
}
