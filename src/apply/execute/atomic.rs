//! Atomic phases: the server is asked about everything before anything is written.
//!
//! A dry run sees the cluster as it is. What an object needs of its own phase is not there yet, so that
//! objects in a new namespace or of a new kind cannot be judged; what a dry run cannot know either is what
//! all of the writes come to together, such as a quota that each of them alone would keep.

use futures::{FutureExt, StreamExt, stream};
use trueup_manifest::Diagnostic;

use super::{AT_ONCE, Answer, Execution, Node};
use crate::{
    apply::{contest, event::Event},
    cluster::{Cluster, DeleteOptions, Error, ErrorKind, Live},
    config::reconcile::Reconcile,
    plan::{Action, ActionKind, Gate, Plan, is_immutable},
    report::ActionResult,
};

impl Execution<'_> {
    /// Lets the objects of a phase begin; those of an atomic one when the server would take all of them.
    pub(super) fn rehearse(&mut self, phase: usize) {
        let plan = self.setting.plan;
        let is_atomic = plan.phases.get(phase).is_some_and(|phase| phase.atomic);
        if !is_atomic || self.stop.is_some() {
            self.nodes.pass(Node::Start(phase), Gate::Applied);
            return;
        }
        let rehearsal = Rehearsal {
            cluster: self.setting.cluster.as_ref(),
            policy: self.setting.policy,
            plan,
        };
        self.in_hand.push(Box::pin(async move {
            Answer::Rehearsed(phase, rehearsal.run(phase).await)
        }));
    }

    /// Lets the phase begin, or ends it before anything of it is written.
    pub(super) fn rehearsed(&mut self, phase: usize, failures: Vec<(usize, Diagnostic)>) {
        if failures.is_empty() {
            self.nodes.pass(Node::Start(phase), Gate::Applied);
            return;
        }
        for (at, error) in failures {
            self.set_result(at, ActionResult::Failed);
            if let Some(action) = self.setting.plan.actions.get(at) {
                self.setting.events.send(Event::Failed {
                    id: action.id(),
                    action: action.kind,
                    error: error.clone(),
                });
            }
            if let Some(end) = self.ends.get_mut(at) {
                end.error = Some(error);
            }
        }
        if let Some(state) = self.phases.get_mut(phase) {
            state.failed = true;
        }
        self.fail_node(Node::Start(phase), &[Gate::Applied]);
    }

    /// Why an action was not tried because of a phase.
    pub(super) fn fault_of_phase(&self, at: usize, cause: Node) -> String {
        let own = self.setting.plan.actions.get(at).map(|action| action.phase);
        let phase = own.and_then(|own| self.setting.plan.phases.get(own));
        let failed = own
            .and_then(|own| self.phases.get(own))
            .is_some_and(|state| state.failed && !state.skipped);
        match (own, phase) {
            (Some(own), Some(phase)) if cause == Node::Start(own) && phase.atomic && failed => {
                format!(
                    "its phase `{}` is atomic, and something in it cannot be applied",
                    phase.name
                )
            }
            _ => "a phase before it failed".to_owned(),
        }
    }
}

/// A look at what the server would say to a phase.
#[derive(Clone, Copy)]
struct Rehearsal<'a> {
    cluster: &'a dyn Cluster,
    policy: &'a Reconcile,
    plan: &'a Plan,
}

impl Rehearsal<'_> {
    /// What it would refuse, in the order of the plan.
    async fn run(self, phase: usize) -> Vec<(usize, Diagnostic)> {
        // Boxed one by one: a closure over borrowed pairs in the stream would keep every future that holds
        // a run from being `Send`.
        let mut tries = Vec::new();
        for (at, action) in self.plan.actions.iter().enumerate() {
            if action.phase == phase {
                tries.push(self.attempt(at, action).boxed());
            }
        }
        let tries: Vec<_> = stream::iter(tries)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut failures: Vec<_> = tries.into_iter().flatten().collect();
        failures.sort_by_key(|(at, _)| *at);
        failures
    }

    /// Why an action would be refused.
    async fn attempt(self, at: usize, action: &Action) -> Option<(usize, Diagnostic)> {
        if let Some(blocked) = &action.blocked {
            return Some((at, blocked.clone()));
        }
        let is_going = action.live.as_ref().is_some_and(Live::is_terminating);
        if !action.kind.is_change() || action.awaits.is_some() || is_going {
            return None;
        }
        let outcome = if action.kind == ActionKind::Recreate {
            let options = DeleteOptions {
                uid: action.uid().map(ToOwned::to_owned),
                dry_run: true,
                ..DeleteOptions::default()
            };
            let deleted = self.cluster.delete(&action.target, &options).await;
            deleted.map(|_| ())
        } else {
            let applied = contest::apply(self.cluster, self.policy, action, true).await;
            applied.map(|_| ())
        };
        let error = outcome.err()?;
        (!self.is_excused(at, action, &error)).then(|| (at, action.refusal(&error)))
    }

    /// Whether a refusal says nothing of what the server will say when the object's turn comes.
    fn is_excused(self, at: usize, action: &Action, error: &Error) -> bool {
        if is_immutable(error) {
            let resource = &action.target.resource;
            let mut allowed = self.policy.recreate.iter();
            let is_allowed = allowed.any(|kind| kind.matches(&resource.group, &resource.kind));
            let id = action.id();
            let is_protected = self.policy.protect.iter().any(|one| one.matches(&id));
            return (action.hook || is_allowed) && !is_protected;
        }
        let mut needs = self.plan.edges.iter().filter(|edge| edge.after == at);
        needs.any(|edge| {
            let Some(before) = self.plan.actions.get(edge.before) else {
                return false;
            };
            let comes_first = before.phase == action.phase && before.kind.is_change();
            comes_first
                && match before.target.resource.kind.as_str() {
                    "Namespace" => *error.kind() == ErrorKind::NotFound,
                    "CustomResourceDefinition" => {
                        matches!(
                            error.kind(),
                            ErrorKind::NotFound | ErrorKind::Invalid { .. }
                        )
                    }
                    _ => false,
                }
        })
    }
}
