//! Whether a plan waits for somebody: because of how much it deletes, or of where it comes from.

use sha2::{Digest, Sha256};

use super::{
    action::{Hold, HoldKind},
    inventory::{CONFIRM, SOURCE},
    mask::hex,
    prune::Pruning,
};
use crate::config::reconcile::Reconcile;

/// What somebody has agreed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// That more is deleted than the policy allows.
    pub deletions: bool,
    /// That an environment of another repository becomes this one's.
    pub take_over: bool,
}

/// What the cluster remembers of an environment: annotations of its `Environment` object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The name of that object.
    pub parent: String,
    /// The repository it was last made from.
    pub source: Option<String>,
    /// The deletions that somebody has confirmed.
    pub confirmation: Option<String>,
}

/// What decides whether a plan waits.
pub(super) struct Question<'a> {
    pub memory: &'a Memory,
    /// The repository that the desired set was rendered from.
    pub source: Option<&'a str>,
    pub pruning: &'a Pruning,
    /// How many objects the environment owns, and how many it wants.
    pub owned: usize,
    pub desired: usize,
    pub policy: &'a Reconcile,
    pub consent: Consent,
}

impl Question<'_> {
    /// Why the plan waits, if it does.
    pub(super) fn hold(&self) -> Option<Hold> {
        self.other_source().or_else(|| self.deletions())
    }

    /// Two repositories with an environment of the same name in one cluster: each would prune what the
    /// other made.
    fn other_source(&self) -> Option<Hold> {
        let (theirs, ours) = (self.memory.source.as_deref()?, self.source?);
        if theirs == ours || self.consent.take_over {
            return None;
        }
        let parent = &self.memory.parent;
        // A folder is all that is known of files outside Git: they may well be of that repository.
        let outside = if ours.starts_with("folder ") && !theirs.starts_with("folder ") {
            format!(
                "these files are in no Git repository: say that they are of it with `TRUEUP_SOURCE={theirs}`; otherwise "
            )
        } else {
            String::new()
        };
        Some(Hold {
            kind: HoldKind::TakeOver,
            why: format!(
                "the environment `{parent}` of this cluster comes from `{theirs}`, and this is `{ours}`"
            ),
            help: format!(
                "{outside}give one of the two another name; if it has moved here, take it over with \
                 `--take-over`, or `kubectl annotate --overwrite environments.trueup.dev {parent} '{SOURCE}={ours}'`"
            ),
        })
    }

    fn deletions(&self) -> Option<Hold> {
        let token = token(self.pruning);
        let is_confirmed =
            self.consent.deletions || self.memory.confirmation.as_deref() == Some(&*token);
        if is_confirmed {
            return None;
        }
        let (why, help) = self.too_many()?;
        let parent = &self.memory.parent;
        Some(Hold {
            kind: HoldKind::Deletions,
            why,
            help: format!(
                "{help} `--confirm`, or `kubectl annotate --overwrite environments.trueup.dev {parent} {CONFIRM}={token}`"
            ),
        })
    }

    /// Why so much goes that somebody should confirm it.
    fn too_many(&self) -> Option<(String, &'static str)> {
        let going = self.pruning.prune.len();
        if going == 0 {
            return None;
        }
        if self.desired == 0 {
            let why = format!(
                "the desired set is empty, and would delete all of the environment's {going} objects"
            );
            let help = "check the paths of the phases; to delete everything, confirm it with";
            return Some((why, help));
        }
        let limit = match self.policy.deletion_budget {
            Some(budget) => budget.limit(self.owned)?,
            None => unbudgeted_limit(self.owned),
        };
        (going > limit).then(|| {
            let why = format!(
                "{going} of {} objects would be deleted, and the deletion budget allows {limit}",
                self.owned
            );
            let help =
                "look at the plan; to go on, set `reconcile.deletionBudget`, or confirm it with";
            (why, help)
        })
    }
}

/// Names just these deletions, so that what somebody confirms is what they saw: the same objects, by
/// their UIDs, and no others.
fn token(pruning: &Pruning) -> String {
    let mut uids: Vec<&str> = pruning
        .prune
        .iter()
        .map(|prune| prune.uid.as_str())
        .collect();
    uids.sort_unstable();
    let digest = Sha256::digest(uids.join("\n"));
    hex(digest.get(..6).unwrap_or_default())
}

/// How many of `owned` objects may go where no deletion budget says so: half of them, and always a
/// few. A revision that takes away more than that is more often a wrong path, branch or repository
/// than somebody's wish.
fn unbudgeted_limit(owned: usize) -> usize {
    const ALWAYS: usize = 10;
    (owned / 2).max(ALWAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_budget_half_may_go_and_always_a_few() {
        for (owned, limit) in [(1, 10), (10, 10), (20, 10), (21, 10), (100, 50)] {
            assert_eq!(unbudgeted_limit(owned), limit, "{owned} owned");
        }
    }
}
