//! What trueup made and the file no longer names.

use std::collections::BTreeSet;

use super::{Action, Holds, Kind, Write, mounts::listed, text};
use crate::vault::{
    ledger::Ledger,
    wanted::{BUILT_IN_MOUNTS, BUILT_IN_POLICIES, Class, Wanted, What},
};

/// Deletes what we made and the file no longer names: what lies in others first, mounts last. Mounts
/// only where the file said so while it named them; what is in one that goes, goes with it.
pub(super) fn prune(wanted: &[Wanted], holds: &Holds, ledger: &Ledger) -> Vec<Action> {
    let mut named: BTreeSet<&str> = wanted.iter().map(|one| one.path.as_str()).collect();
    // What was moved is not gone: its ledger follows once it is moved.
    for one in wanted {
        if let What::Auth(mount) | What::Secrets(mount) = &one.what {
            named.extend(mount.moved_from.as_deref());
        }
    }
    let moved = |path: &str| {
        wanted.iter().any(|one| match &one.what {
            What::Auth(mount) | What::Secrets(mount) => {
                let from = mount.moved_from.as_deref();
                from.and_then(|from| path.strip_prefix(from))
                    .is_some_and(|tail| tail.starts_with('/'))
            }
            _ => false,
        })
    };
    let mut actions: Vec<Action> = ledger
        .left(&named)
        .into_iter()
        .filter(|(path, _)| !moved(path))
        .filter_map(|(path, word)| pruned(path, word, holds))
        .collect();
    actions.sort_by(|a, b| (b.step, &a.path).cmp(&(a.step, &b.path)));
    actions
}

fn pruned(path: &str, word: &str, holds: &Holds) -> Option<Action> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (step, word, there, api) = match word {
        "policy" => {
            let there = holds.policies.contains_key(name) && !BUILT_IN_POLICIES.contains(&name);
            (2, "policy", there, path.to_owned())
        }
        "audit device" => {
            let there = holds.audit.contains_key(&listed(path)) && holds.audit.len() > 1;
            (0, "audit device", there, path.to_owned())
        }
        "auth method (may be deleted)" => {
            let there = holds.auth.contains_key(&listed(path)) && !BUILT_IN_MOUNTS.contains(&path);
            let bare = path.strip_prefix("auth/").unwrap_or(path);
            (1, "auth method", there, format!("sys/auth/{bare}"))
        }
        "secrets engine (may be deleted)" => {
            let there =
                holds.secrets.contains_key(&listed(path)) && !BUILT_IN_MOUNTS.contains(&path);
            (1, "secrets engine", there, format!("sys/mounts/{path}"))
        }
        other => {
            let class = Class::of_word(other).filter(|class| class.is_pruned())?;
            let live = holds.data.get(path)?;
            let api = match class {
                Class::EntityAlias => format!("identity/entity-alias/id/{}", text(live, "id")),
                Class::GroupAlias => format!("identity/group-alias/id/{}", text(live, "id")),
                _ => path.to_owned(),
            };
            (class.step(), class.word(), true, api)
        }
    };
    there.then(|| Action {
        path: path.to_owned(),
        word,
        step,
        kind: Kind::Prune,
        why: Some("the file no longer names it".to_owned()),
        changes: Vec::new(),
        writes: vec![Write::Delete(api)],
        digests: Vec::new(),
        blocked: None,
        relied: None,
    })
}
