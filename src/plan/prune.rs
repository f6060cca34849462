//! What left the desired set: which of it is deleted, in which order, and what stays.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
};

use trueup_manifest::ObjectId;

use super::{
    action::{Kept, Prune},
    depends_on::{self, DEPENDS_ON},
    inventory::FIELD_MANAGER,
    judge::Seen,
    object::Object,
    rank::rank,
    references::references,
};
use crate::{
    cluster::{Live, Target},
    config::reconcile::Reconcile,
};

/// Kinds that hold what cannot be made again: they go only where somebody says so.
const DEAR_KINDS: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Annotations by which an object says that it is not to be deleted.
const KEEP: &[(&str, &str)] = &[
    ("trueup.dev/prune", "disabled"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("helm.sh/resource-policy", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
];

/// The annotation by which an object of a dear kind says that it may be deleted.
const PRUNE_ALLOWED: (&str, &str) = ("trueup.dev/prune", "enabled");

/// What goes and what stays.
#[derive(Debug, Default)]
pub struct Pruning {
    /// What goes, in its order.
    pub prune: Vec<Prune>,
    /// What stays, and why.
    pub kept: Vec<Kept>,
}

/// What of some objects goes, where all that was just made of them is to be undone: what prune would take.
pub fn undo(made: &[(Target, Live)], policy: &Reconcile) -> Pruning {
    prune(made, &[], &[], policy)
}

/// Sorts out the objects that carry our label and are in no phase of the desired set, of whose objects `seen` is
/// what is live.
pub(super) fn prune(
    owned: &[(Target, Live)],
    desired: &[Object],
    seen: &[Seen],
    policy: &Reconcile,
) -> Pruning {
    // What was listed of a desired object is what was seen of it, and seldom anything is left to be told by its name.
    let seen = || seen.iter().filter_map(|seen| seen.live.as_ref());
    let answers: HashSet<usize> = seen().map(Live::answer).collect();
    let desired_uids = LazyCell::new(|| seen().map(Live::uid).collect::<HashSet<&str>>());
    let ids = LazyCell::new(|| {
        desired
            .iter()
            .map(Object::id)
            .collect::<HashSet<ObjectId>>()
    });
    let mut kept = Vec::new();
    let mut going = Vec::new();
    let mut uids = HashSet::new();
    for (target, live) in owned {
        let is_desired = answers.contains(&live.answer())
            || desired_uids.contains(live.uid())
            || ids.contains(&target.id());
        // The same object may be listed under two groups.
        if is_desired || is_copy(live) || !uids.insert(live.uid()) {
            continue;
        }
        match reason_to_keep(target, live, policy) {
            Some(why) => kept.push(Kept {
                target: target.clone(),
                why,
            }),
            None => going.push((target, live)),
        }
    }
    Pruning {
        prune: in_order(&going),
        kept,
    }
}

/// Controllers copy labels to what they make (a Service's go to its Endpoints): what carries our label
/// without ever having been applied by us, and is made by a controller, is not ours.
fn is_copy(live: &Live) -> bool {
    let is_made = live
        .at(&["metadata", "ownerReferences"])
        .and_then(|owners| owners.as_array())
        .is_some_and(|owners| {
            owners
                .iter()
                .any(|owner| owner.get("controller") == Some(&true.into()))
        });
    let kind = live.text(&["kind"]);
    live.applied_by(FIELD_MANAGER).is_none()
        && (is_made || matches!(kind, "Endpoints" | "EndpointSlice"))
}

fn reason_to_keep(target: &Target, live: &Live, policy: &Reconcile) -> Option<String> {
    if !policy.prune {
        return Some("pruning is off for this environment".to_owned());
    }
    for (key, value) in KEEP {
        if live.annotation(key) == Some(value) {
            return Some(format!("its annotation `{key}: {value}` says so"));
        }
    }
    if policy
        .protect
        .iter()
        .any(|selector| selector.matches(&target.id()))
    {
        return Some("`reconcile.protect` names it".to_owned());
    }
    let (group, kind) = (
        target.resource.group.as_str(),
        target.resource.kind.as_str(),
    );
    let is_dear = DEAR_KINDS.contains(&(group, kind));
    let is_allowed = policy
        .prune_kinds
        .iter()
        .any(|pattern| pattern.matches(group, kind))
        || live.annotation(PRUNE_ALLOWED.0) == Some(PRUNE_ALLOWED.1);
    (is_dear && !is_allowed).then(|| {
        format!(
            "a {kind} goes only where `reconcile.pruneKinds` or its annotation `{}: {}` says so",
            PRUNE_ALLOWED.0, PRUNE_ALLOWED.1
        )
    })
}

/// The reverse of the order in which such objects are made: what refers to another goes first, and a
/// namespace or a CRD goes when what is in it is gone.
fn in_order(going: &[(&Target, &Live)]) -> Vec<Prune> {
    let mut order: Vec<&(&Target, &Live)> = going.iter().collect();
    order.sort_by_cached_key(|(target, _)| {
        let kind = target.resource.kind.clone();
        (
            std::cmp::Reverse(rank(&kind)),
            kind,
            target.namespace.clone(),
            target.name.clone(),
        )
    });
    let needs = annotated(&order);
    heed(&mut order, &needs);
    let places: HashMap<ObjectId, usize> = order
        .iter()
        .enumerate()
        .map(|(at, (target, _))| (target.id(), at))
        .collect();
    let crds: HashMap<(&str, &str), usize> = order
        .iter()
        .enumerate()
        .filter(|(_, (target, _))| target.resource.kind == "CustomResourceDefinition")
        .map(|(at, (_, live))| {
            (
                (
                    live.text(&["spec", "group"]),
                    live.text(&["spec", "names", "kind"]),
                ),
                at,
            )
        })
        .collect();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (at, (target, live)) in order.iter().enumerate() {
        let resource = &target.resource;
        let (group, kind) = (resource.group.as_str(), resource.kind.as_str());
        let named = references(live.value(), group, kind, &target.namespace);
        let named = named.iter().filter_map(|reference| {
            places.get(&ObjectId {
                group: reference.group.to_owned(),
                kind: reference.kind.to_owned(),
                namespace: reference.namespace.to_owned(),
                name: reference.name.to_owned(),
            })
        });
        let said = needs.get(&target.id()).into_iter().flatten();
        let said = said.filter_map(|id| places.get(id));
        for needed in named.chain(crds.get(&(group, kind))).chain(said) {
            // Only towards what comes later in the list, so that there can be no loop.
            if *needed > at
                && let Some(after) = after.get_mut(*needed)
            {
                after.push(at);
            }
        }
    }
    let with_after = order.iter().zip(after).map(|((target, live), mut after)| {
        after.sort_unstable();
        after.dedup();
        Prune {
            target: (*target).clone(),
            uid: live.uid().to_owned(),
            after,
        }
    });
    with_after.collect()
}

/// What the annotations of objects say that they need.
fn annotated(order: &[&(&Target, &Live)]) -> HashMap<ObjectId, Vec<ObjectId>> {
    let named = order.iter().map(|(target, live)| {
        (
            target.id(),
            depends_on::targets_of(live.annotation(DEPENDS_ON)),
        )
    });
    named.filter(|(_, needed)| !needed.is_empty()).collect()
}

/// Puts each object that is needed by an annotation behind those that need it. In a loop, some of it.
fn heed(order: &mut Vec<&(&Target, &Live)>, needs: &HashMap<ObjectId, Vec<ObjectId>>) {
    for _ in 0..needs.values().map(Vec::len).sum::<usize>() * order.len() {
        let ids: Vec<ObjectId> = order.iter().map(|(target, _)| target.id()).collect();
        let early = ids.iter().enumerate().find_map(|(first, id)| {
            let last = ids.iter().rposition(|other| {
                needs
                    .get(other)
                    .is_some_and(|needed| other != id && needed.contains(id))
            })?;
            (last > first).then_some((first, last))
        });
        let Some((first, last)) = early else { return };
        if let Some(part) = order.get_mut(first..=last) {
            part.rotate_left(1);
        }
    }
}
