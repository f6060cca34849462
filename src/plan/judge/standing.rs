//! Whether a live object is ours, may become ours, or may not be touched.

use trueup_manifest::Diagnostic;

use super::NOT_OURS;
use crate::{
    cluster::Live,
    config::reconcile::{Adoption, Reconcile},
    plan::{
        action::{Action, ActionKind},
        inventory::{ApplySet, PART_OF},
        neighbours::Neighbours,
    },
};

/// What an object that exists is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Ours,
    Adoptable,
}

/// Whether a live object is ours, may become ours, or may not be touched and why.
pub(super) fn standing(
    live: &Live,
    applyset: &ApplySet,
    policy: &Reconcile,
) -> Result<Standing, NotOurs> {
    match (live.label(PART_OF), policy.adoption) {
        (Some(id), _) if id == applyset.id() => Ok(Standing::Ours),
        (_, Adoption::AdoptAll) | (None, Adoption::AdoptIfNoInventory) => Ok(Standing::Adoptable),
        (Some(id), _) => Err(NotOurs::AnotherSet(id.to_owned())),
        (None, Adoption::MustMatch) => Err(NotOurs::Nobody),
    }
}

/// Why a live object may not be touched.
pub(super) enum NotOurs {
    /// It belongs to the ApplySet with this id.
    AnotherSet(String),
    /// It is in no ApplySet, and the policy takes over nothing.
    Nobody,
}

impl NotOurs {
    pub(super) fn say(&self, neighbours: &Neighbours) -> (String, &'static str) {
        const TAKE: &str = "remove it from one of the two, or set `reconcile.adoption` to `adoptAll` to take it over";
        match self {
            Self::AnotherSet(id) => match neighbours.name_of(id) {
                Some(name) => (format!("belongs to the environment `{name}`"), TAKE),
                None => (format!("belongs to another ApplySet, `{id}`"), TAKE),
            },
            Self::Nobody => (
                "exists and is not ours".to_owned(),
                "set `reconcile.adoption` to `adoptIfNoInventory` to take over what no other inventory claims",
            ),
        }
    }
}

/// What applying an object would be that has come into being since the plan was made; an error where it
/// may not be touched.
pub fn may_take(
    action: &Action,
    live: &Live,
    applyset: &ApplySet,
    policy: &Reconcile,
) -> Result<ActionKind, Diagnostic> {
    match standing(live, applyset, policy) {
        Ok(Standing::Ours) => Ok(ActionKind::Configure),
        Ok(Standing::Adoptable) => Ok(ActionKind::Adopt),
        Err(not_ours) => {
            let (why, help) = not_ours.say(&Neighbours::default());
            let message = format!("`{}` {why}", action.id());
            Err(action.error(NOT_OURS, message).help(help))
        }
    }
}
