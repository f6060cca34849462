//! Objects whose kinds something in the environment brings while the run goes on.

use std::{fmt::Write as _, sync::Arc};

use tokio::time::Instant;
use trueup_manifest::Diagnostic;

use super::{Answer, Execution};
use crate::{
    apply::{
        event::Event,
        health::{Health, Status, health},
        step::Step,
    },
    cluster::{Cluster, Freshness, Kinds, Live, Selection},
    plan::{Action, Plan},
    report::ActionResult,
};

/// How many objects are named that might have brought a kind.
const NAMED: usize = 3;

impl<'a> Execution<'a> {
    /// Lets an action wait for its kind. It is no request in hand, and holds up nothing but what needs it.
    pub(super) fn await_kind(&mut self, at: usize, action: &Action) {
        let deadline = Instant::now() + self.patience(action);
        let gvk = action.target.resource.gvk();
        self.arrivals.wait(at, gvk, deadline);
        let health = Health {
            status: Status::NotFound,
            message: "its CRD is not there yet".to_owned(),
        };
        self.setting.events.send(Event::Waiting {
            id: action.id(),
            health,
        });
        // What should bring it may have failed before.
        self.stop_waiting_for_what_nothing_brings();
    }

    /// The cluster serves other kinds than before.
    pub(super) fn arrive(&mut self, kinds: &Kinds) {
        for (at, resource) in self.arrivals.arrived(kinds) {
            let Some(planned) = self.setting.plan.actions.get(at) else {
                continue;
            };
            let action = planned.arrived(resource);
            self.places.insert(action.id(), at);
            self.arrived.insert(at, action.target.clone());
            let step = Step {
                cluster: self.setting.cluster.as_ref(),
                policy: self.setting.policy,
                patience: self.patience(planned),
            };
            let applyset = self.setting.applyset;
            self.in_hand.push(Box::pin(async move {
                let started = Instant::now();
                let done = step.run_arrived(&action, applyset).await;
                Answer::Acted(at, done, started.elapsed())
            }));
        }
    }

    /// A kind did not come in time.
    pub(super) fn did_not_arrive(&mut self, at: usize) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        let waited = format!("within {} s", self.patience(action).as_secs());
        self.miss(at, action, waited);
    }

    /// Where everything that may bring a kind has failed, nothing is left to wait for.
    pub(super) fn stop_waiting_for_what_nothing_brings(&mut self) {
        let has_failed = |at: &usize| {
            let end = self.ends.get(*at).and_then(|end| end.result);
            end.is_some_and(|end| end != ActionResult::Done)
        };
        let hopeless = self.arrivals.waiting().into_iter().filter_map(|at| {
            let action = self.setting.plan.actions.get(at)?;
            let awaits = action.awaits.as_ref()?;
            awaits
                .bringers
                .iter()
                .all(has_failed)
                .then_some((at, action))
        });
        for (at, action) in hopeless.collect::<Vec<_>>() {
            self.arrivals.remove(at);
            self.miss(at, action, "and what may bring it failed".to_owned());
        }
    }

    fn miss(&mut self, at: usize, action: &'a Action, circumstance: String) {
        let (cluster, plan) = (self.setting.cluster.as_ref(), self.setting.plan);
        self.in_hand.push(Box::pin(async move {
            let error = missing(cluster, plan, action, &circumstance).await;
            Answer::Acted(at, Err(error), std::time::Duration::ZERO)
        }));
    }
}

/// The error about a kind that did not come: which CRD, who should have brought it, and where to look.
async fn missing(
    cluster: &dyn Cluster,
    plan: &Plan,
    action: &Action,
    circumstance: &str,
) -> Diagnostic {
    let gvk = action.target.resource.gvk();
    let mut message = format!(
        "`{}` waits for the CustomResourceDefinition of `{}` in `{}`, which did not come {circumstance}",
        action.id(),
        gvk.kind,
        gvk.api_version()
    );
    // What cannot be read is left out: this is an error already.
    if let Some(crd) = similar(cluster, &gvk.group, &gvk.kind).await {
        let _ = write!(message, "; {}", state(&crd));
    }
    let bringers: Vec<&Action> = action
        .awaits
        .iter()
        .flat_map(|awaits| &awaits.bringers)
        .filter_map(|at| plan.actions.get(*at))
        .collect();
    let names: Vec<String> = bringers
        .iter()
        .take(NAMED)
        .map(|bringer| format!("`{}`", bringer.id()))
        .collect();
    let _ = write!(message, "; expected from {}", names.join(", "));
    if bringers.len() > NAMED {
        let _ = write!(message, " or {} others", bringers.len() - NAMED);
    }
    let log = bringers.first().map(|bringer| {
        let namespace = match bringer.target.namespace.as_str() {
            "" => String::new(),
            namespace => format!("-n {namespace} "),
        };
        let verb = if bringer.target.resource.group.contains('.') {
            "describe"
        } else {
            "logs"
        };
        format!(
            "look further with `kubectl {namespace}{verb} {}`, or ",
            bringer.id().short()
        )
    });
    let help = format!(
        "{}add the CustomResourceDefinition to this phase or one before it",
        log.unwrap_or_default()
    );
    action.error("apply/no-kind", message).help(help)
}

/// A CRD of the same group and kind, which does not serve what is needed.
async fn similar(cluster: &dyn Cluster, group: &str, kind: &str) -> Option<Live> {
    const READ: usize = 20;
    let kinds = cluster.kinds(Freshness::Cached).await.ok()?;
    let crds = Arc::clone(kinds.preferred("apiextensions.k8s.io", "CustomResourceDefinition")?);
    let names = cluster.names(&crds, &Selection::default()).await.ok()?;
    let suffix = format!(".{group}");
    let near = names
        .into_iter()
        .filter(|(_, name)| name.ends_with(&suffix));
    for (_, name) in near.take(READ) {
        let target = crate::cluster::Target {
            resource: Arc::clone(&crds),
            namespace: String::new(),
            name,
        };
        if let Ok(Some(crd)) = cluster.get(&target).await
            && crd.text(&["spec", "names", "kind"]) == kind
        {
            return Some(crd);
        }
    }
    None
}

/// What is the matter with a CRD that is there.
fn state(crd: &Live) -> String {
    let name = crd.id().name;
    let health = health(crd);
    if !health.is_current() {
        return format!("`{name}` is there, but not established: {}", health.message);
    }
    let versions = crate::apply::served::versions(crd);
    let versions: Vec<String> = versions
        .iter()
        .map(|gvk| format!("`{}`", gvk.version))
        .collect();
    format!("`{name}` is there, and serves {}", versions.join(", "))
}
