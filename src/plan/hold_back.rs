//! Which deletions have to wait because of what failed in the same run: those of objects that may still
//! be needed, and no others.
//!
//! What failed may still be there in its old shape, and use what its new shape no longer does. And what
//! could not be created may be what takes the place of something that goes.

use std::collections::HashMap;

use trueup_manifest::ObjectId;

use super::{
    action::{Action, ActionKind, Plan, Prune},
    references::references,
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// For each entry of the prune list why it has to stay for now; none where nothing speaks against it.
/// `failed` are the indices of the actions that were not done, or whose objects are not healthy.
pub fn held_back(plan: &Plan, failed: &[usize]) -> Vec<Option<String>> {
    let failed: Vec<&Action> = failed
        .iter()
        .filter_map(|at| plan.actions.get(*at))
        .collect();
    let used = in_use(&failed);
    plan.prune
        .iter()
        .map(|prune| reason(prune, &failed, &used))
        .collect()
}

/// What the live shapes of objects refer to, each with the first object that does.
fn in_use(failed: &[&Action]) -> HashMap<ObjectId, ObjectId> {
    let mut used = HashMap::new();
    for action in failed {
        let Some(live) = &action.live else { continue };
        let target = &action.target;
        let (group, kind) = (&target.resource.group, &target.resource.kind);
        for named in references(live.value(), group, kind, &target.namespace) {
            let id = ObjectId {
                group: named.group.to_owned(),
                kind: named.kind.to_owned(),
                namespace: named.namespace.to_owned(),
                name: named.name.to_owned(),
            };
            used.entry(id).or_insert_with(|| action.id());
        }
    }
    used
}

fn reason(prune: &Prune, failed: &[&Action], used: &HashMap<ObjectId, ObjectId>) -> Option<String> {
    if let Some(user) = used.get(&prune.target.id()) {
        return Some(format!("`{user}` is not done and may still use it"));
    }
    let resource = &prune.target.resource;
    // Written rightly, it may be the very object that goes.
    let is_unknown = |action: &&&Action| action.awaits.is_some() && action.blocked.is_some();
    if let Some(unknown) = failed.iter().find(is_unknown) {
        return Some(format!(
            "the cluster does not know the kind of `{}`, which may be meant as this",
            unknown.id()
        ));
    }
    let is_in_reach = |action: &Action| {
        prune.target.namespace.is_empty() || prune.target.namespace == action.target.namespace
    };
    // Who uses a right is written nowhere.
    if resource.group == RBAC {
        let user = failed.iter().find(|action| is_in_reach(action))?;
        return Some(format!(
            "`{}` is not done and may need this right",
            user.id()
        ));
    }
    let replacement = failed.iter().find(|action| {
        let other = &action.target;
        let may_be_new = action.kind == ActionKind::Create || action.live.is_none();
        may_be_new
            && (&other.resource.group, &other.resource.kind) == (&resource.group, &resource.kind)
            && other.namespace == prune.target.namespace
    });
    if let Some(action) = replacement {
        let id = action.id();
        return Some(format!(
            "`{id}` could not be created and may be what replaces it"
        ));
    }
    let is_home = failed.iter().find(|action| {
        resource.group.is_empty()
            && resource.kind == "Namespace"
            && action.target.namespace == prune.target.name
    });
    is_home.map(|action| format!("`{}` is not done and lives in it", action.id()))
}
