//! Where the members of an environment are: what its parent tells those who look for them.

use super::{Planned, parent};
use crate::{
    cluster::{Kinds, Live},
    plan::{Objects, Reach},
    report::{ActionResult, Report},
};

/// Where members may be. Without a parent that says so, everywhere, if there was one once: its kind is
/// there.
pub(super) fn known_reach(kinds: &Kinds, parent: Option<&Live>) -> Reach {
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

pub(super) fn reach_of(objects: &Objects) -> Reach {
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
pub(super) fn remaining(planned: &Planned, report: &Report) -> Reach {
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
