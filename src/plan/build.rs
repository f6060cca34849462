//! Puts the plan together.

use std::{cell::LazyCell, collections::HashSet};

use bytes::Bytes;
use serde_json::Value;
use trueup_manifest::{Diagnostic, Diagnostics, ObjectId};

use super::{
    action::{Action, ActionKind, Body, FileVersion, Plan, PlannedPhase},
    arrival, depends_on,
    foreign::{self, Foreign},
    graph,
    hold::{Consent, Memory, Question},
    inventory::ApplySet,
    judge::{Judgement, OTHER_TOOL, Rules, Seen, judge},
    mask::Key,
    migration::Rivals,
    neighbours::Neighbours,
    object::{Object, Objects},
    order::{Order, order},
    prune::prune,
    view::View,
};
use crate::{
    cluster::{Live, Target},
    config::reconcile::Reconcile,
    render::{Desired, Hidden},
};

/// The name of the phase that patches objects of others.
const PATCHES: &str = "patches";

/// What the cluster holds, as far as a plan needs it.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// For each desired object, in order, what is live of it.
    pub seen: Vec<Seen>,
    /// Everything that carries our label.
    pub owned: Vec<(Target, Live)>,
    /// Objects that are not in the desired set, are named by `depends-on`, and exist.
    pub externals: HashSet<ObjectId>,
    /// Objects of others that are patched, or were and are not to be any more.
    pub foreign: Vec<Foreign>,
    /// Other environments of the cluster.
    pub neighbours: Neighbours,
    /// Objects of other tools that look after what is desired.
    pub rivals: Rivals,
    /// What could not be looked at, and why: nothing of such kinds is pruned.
    pub unseen: Vec<Diagnostic>,
}

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The rendered set.
    pub desired: &'a Desired,
    /// Its objects, resolved.
    pub objects: &'a Objects,
    /// What is live.
    pub observed: &'a Observed,
    /// The environment's policy.
    pub policy: &'a Reconcile,
    /// The environment's ApplySet.
    pub applyset: &'a ApplySet,
    /// What the cluster remembers of the environment.
    pub memory: &'a Memory,
    /// What somebody has agreed to.
    pub consent: Consent,
}

/// The objects that the desired set names by `depends-on` without holding them: whether they exist is
/// part of what a plan needs to know.
pub fn externals(objects: &Objects) -> Vec<ObjectId> {
    let named = objects
        .items
        .iter()
        .filter_map(|object| depends_on::targets(object).ok())
        .flatten();
    let mut others: Vec<ObjectId> = named.collect();
    if others.is_empty() {
        return others;
    }
    let own: HashSet<ObjectId> = objects.items.iter().map(Object::id).collect();
    others.retain(|id| !own.contains(id));
    others.sort();
    others.dedup();
    others
}

/// Makes the plan. Errors about single objects become blocked actions; an error here means that there
/// is no order at all.
pub fn build(inputs: &Inputs<'_>) -> Result<Plan, Diagnostics> {
    let Inputs {
        desired,
        objects,
        observed,
        policy,
        applyset,
        ..
    } = *inputs;
    let (candidates, problems) = graph::edges(&objects.items);
    problems
        .into_iter()
        .collect::<Diagnostics>()
        .into_result(())?;
    let mut order = order(&objects.items, &desired.phases, candidates)?;
    order.do_not_wait_where_phases_do_not(&objects.items, &desired.phases);

    let mut warnings = objects.warnings.clone();
    warnings.extend(order.warnings.iter().cloned());
    warnings.extend(observed.unseen.iter().cloned());
    let key = Key::of(&objects.items);
    let mut actions = actions(inputs, &order, key, &mut warnings);
    let mut phases = phases(desired, order.depends_on, order.waves);
    patch(inputs, key, &mut phases, &mut actions);
    mask_hidden(&desired.hidden, &mut actions, key);
    let disputes = observed.neighbours.disputes(&objects.items);

    // What a phase holds that cannot be told is not gone.
    let owned: &[(Target, Live)] = if desired.untold.is_empty() {
        &observed.owned
    } else {
        warnings.push(nothing_pruned(desired));
        &[]
    };
    let pruning = prune(owned, &objects.items, &observed.seen, policy);
    let held = Question {
        memory: inputs.memory,
        source: desired.source.as_deref(),
        pruning: &pruning,
        owned: owned.len(),
        desired: objects.items.len(),
        policy,
        consent: inputs.consent,
    }
    .hold();
    Ok(Plan {
        version: FileVersion,
        environment: applyset.environment().to_owned(),
        revision: desired.revision.clone(),
        phases,
        actions,
        edges: order.edges,
        prune: pruning.prune,
        kept: pruning.kept,
        hold: held,
        looked_up: desired.looked_up.clone(),
        owned: observed.owned.len(),
        disputes,
        warnings,
    })
}

fn nothing_pruned(desired: &Desired) -> Diagnostic {
    let mut phases: Vec<String> = desired
        .untold
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    phases.dedup();
    let message = format!(
        "nothing is pruned: the objects of {} cannot be told for now",
        phases.join(", ")
    );
    Diagnostic::warning("plan/untold", message)
}

/// Masks what of secret values got into other objects than Secrets.
fn mask_hidden(hidden: &Hidden, actions: &mut [Action], key: Key) {
    if hidden.is_empty() {
        return;
    }
    for action in actions {
        action.hidden = hidden.clone();
        for change in &mut action.changes {
            let holds = |value: &Option<Value>| {
                value
                    .as_ref()
                    .is_some_and(|value| hidden.is_in_value(value))
            };
            if holds(&change.before) || holds(&change.after) {
                // Both, as the one before may be the secret of yesterday.
                for value in [&mut change.before, &mut change.after] {
                    *value = value.take().map(|value| key.masked(&value));
                }
            }
        }
        action.blocked = action
            .blocked
            .take()
            .map(|finding| hidden.hide_in_one(finding));
    }
}

/// Patches on objects of others are a phase of their own, which nothing waits for.
fn patch(inputs: &Inputs<'_>, key: Key, phases: &mut Vec<PlannedPhase>, actions: &mut Vec<Action>) {
    let foreign = &inputs.observed.foreign;
    if foreign.is_empty() {
        return;
    }
    let first = actions.len();
    for object in foreign {
        actions.push(foreign::action(object, phases.len(), inputs.applyset, key));
    }
    let timeout = inputs.policy.timeout.as_millis();
    phases.push(PlannedPhase {
        name: PATCHES.to_owned(),
        depends_on: Vec::new(),
        timeout_ms: u64::try_from(timeout).unwrap_or(u64::MAX),
        wait: false,
        atomic: false,
        cleaned_up_with: None,
        waves: vec![(first..actions.len()).collect()],
    });
}

fn phases(
    desired: &Desired,
    depends_on: Vec<Vec<usize>>,
    waves: Vec<Vec<Vec<usize>>>,
) -> Vec<PlannedPhase> {
    let parts = desired.phases.iter().zip(depends_on).zip(waves);
    parts
        .map(|((phase, depends_on), waves)| PlannedPhase {
            name: phase.name.clone(),
            depends_on,
            timeout_ms: u64::try_from(phase.timeout.as_millis()).unwrap_or(u64::MAX),
            wait: phase.wait,
            atomic: phase.atomic,
            cleaned_up_with: phase.cleaned_up_with.clone(),
            waves,
        })
        .collect()
}

fn actions(
    inputs: &Inputs<'_>,
    order: &Order,
    key: Key,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<Action> {
    let Inputs {
        objects,
        observed,
        policy,
        applyset,
        ..
    } = *inputs;
    let nothing = Seen::default();
    let rules = Rules {
        applyset,
        policy,
        neighbours: &observed.neighbours,
        rivals: &observed.rivals,
        key,
    };
    let mut judgements: Vec<Judgement> = objects
        .items
        .iter()
        .enumerate()
        .map(|(at, object)| judge(object, observed.seen.get(at).unwrap_or(&nothing), &rules))
        .collect();
    start_over_where_the_ground_goes(objects, observed, &mut judgements);
    excuse_objects_of_changing_kinds(objects, order, &mut judgements);
    block_on_externals(inputs, &mut judgements);
    arrival::block_without_change(&objects.items, &mut judgements);
    warnings.extend(other_tools(observed, &judgements));
    let mut undecided = Vec::new();
    let parts = objects
        .items
        .iter()
        .zip(judgements)
        .zip(&order.last)
        .enumerate();
    let actions = parts
        .map(|(at, ((object, judgement), last))| {
            warnings.extend(judgement.warning);
            undecided.extend(judgement.no_dry_run.then_some(at));
            let seen = observed.seen.get(at).and_then(|seen| seen.live.clone());
            let live = seen.filter(|_| !judgement.starts_over);
            let is_new = live.is_none() || judgement.kind == ActionKind::Recreate;
            let body = match judgement.kind {
                ActionKind::None => Ok(Bytes::new()),
                _ if is_new => object.whole_body(),
                _ => object.body(),
            };
            let whole = object.whole.as_ref().and_then(|_| object.whole_body().ok());
            let (body, blocked) = match body {
                Ok(body) => (body, judgement.blocked),
                Err(problem) => (Bytes::new(), Some(problem)),
            };
            Action {
                target: object.target.clone(),
                api_version: object.target.resource.api_version(),
                phase: object.phase,
                kind: judgement.kind,
                last: *last,
                why: judgement.why,
                changes: judgement.changes,
                left: object.settlement.left.clone(),
                migration: judgement.migration,
                origin: object.origin.clone(),
                hook: object.is_hook(),
                awaits: object.awaits.clone(),
                blocked,
                body: Body::new(body, rules.key),
                whole: whole.map(|whole| Body::new(whole, rules.key)),
                live,
                foreign: None,
                hidden: Hidden::default(),
            }
        })
        .collect();
    warnings.extend(without_dry_run(objects, &undecided));
    actions
}

/// One warning for all objects of which the server may not be asked: there may be many.
fn without_dry_run(objects: &Objects, undecided: &[usize]) -> Option<Diagnostic> {
    const NAMED: usize = 3;
    let mut named = undecided.iter().filter_map(|at| objects.items.get(*at));
    let first = named.clone().next()?;
    let names: Vec<String> = named
        .by_ref()
        .take(NAMED)
        .map(|object| format!("`{}`", object.id()))
        .collect();
    let more = match undecided.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "without the right to a dry run, what changes is told from the live objects alone: {}{more}",
        names.join(", ")
    );
    let help = "defaults and webhooks of the server may make it otherwise; a dry run takes the right to `patch`";
    Some(first.warning("plan/no-dry-run", message).help(help))
}

/// What is to be said of the tools that objects are taken over from.
fn other_tools(observed: &Observed, judgements: &[Judgement]) -> Vec<Diagnostic> {
    let adopted = observed
        .seen
        .iter()
        .zip(judgements)
        .filter(|(_, judgement)| {
            judgement.kind == ActionKind::Adopt && judgement.blocked.is_none()
        });
    let said = observed
        .rivals
        .idle(adopted.filter_map(|(seen, _)| seen.live.as_ref()));
    said.into_iter()
        .map(|(message, help)| Diagnostic::warning(OTHER_TOOL, message).help(help))
        .collect()
}

/// A namespace or a CRD that is being deleted, or is about to be, takes with it what is in it: such
/// objects are created once it is there again.
fn start_over_where_the_ground_goes(
    objects: &Objects,
    observed: &Observed,
    judgements: &mut [Judgement],
) {
    let mut namespaces = HashSet::new();
    let mut kinds = HashSet::new();
    for ((object, seen), judgement) in objects.items.iter().zip(&observed.seen).zip(&*judgements) {
        let kind = object.target.resource.kind.as_str();
        if !matches!(kind, "Namespace" | "CustomResourceDefinition") {
            continue;
        }
        let is_going = seen.live.as_ref().is_some_and(Live::is_terminating);
        if !is_going && judgement.kind != ActionKind::Recreate {
            continue;
        }
        if kind == "Namespace" {
            namespaces.insert(object.target.name.as_str());
        } else {
            let root = object.root();
            let (group, kind) = (["spec", "group"], ["spec", "names", "kind"]);
            kinds.insert((root.text_at(&group), root.text_at(&kind)));
        }
    }
    for (object, judgement) in objects.items.iter().zip(judgements) {
        let resource = &object.target.resource;
        let goes = namespaces.contains(object.target.namespace.as_str())
            || kinds.contains(&(resource.group.as_str(), resource.kind.as_str()));
        if goes && judgement.blocked.is_none() {
            judgement.start_over();
        }
    }
}

/// A dry run that was refused means nothing while the CRD of the object's kind is itself about to
/// change: the object is tried when its turn comes.
fn excuse_objects_of_changing_kinds(
    objects: &Objects,
    order: &Order,
    judgements: &mut [Judgement],
) {
    let is_crd = |at: usize| {
        objects
            .items
            .get(at)
            .is_some_and(|object| object.target.resource.kind == "CustomResourceDefinition")
    };
    for edge in order.edges.iter().filter(|edge| is_crd(edge.before)) {
        let crd_changes = judgements
            .get(edge.before)
            .is_some_and(|crd| crd.kind.is_change());
        if let Some(judgement) = judgements.get_mut(edge.after)
            && crd_changes
            && judgement
                .blocked
                .as_ref()
                .is_some_and(|blocked| blocked.code == "apply/invalid")
        {
            judgement.blocked = None;
            judgement.why = "fields differ; its kind changes, too".into();
        }
    }
}

/// What depends on an object that is neither in the desired set nor in the cluster cannot be done.
fn block_on_externals(inputs: &Inputs<'_>, judgements: &mut [Judgement]) {
    let items = &inputs.objects.items;
    // Few objects name others, and most sets have none that does.
    let own = LazyCell::new(|| items.iter().map(Object::id).collect::<HashSet<ObjectId>>());
    for (object, judgement) in items.iter().zip(judgements) {
        let Ok(targets) = depends_on::targets(object) else {
            continue;
        };
        let missing = targets
            .into_iter()
            .find(|id| !own.contains(id) && !inputs.observed.externals.contains(id));
        if let Some(missing) = missing {
            let message = format!(
                "`{}` depends on `{missing}`, which is neither in the environment nor in the cluster",
                object.id()
            );
            let help = "add it, or wait until whoever makes it has done so";
            judgement.blocked = Some(object.error("plan/missing-dependency", message).help(help));
            if judgement.kind == ActionKind::None {
                judgement.kind = ActionKind::Configure;
            }
        }
    }
}
