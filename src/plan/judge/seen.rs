//! What the cluster says about the desired objects, and whether the server has to be asked for more.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    changes::find,
    standing::{Standing, standing},
};
use crate::{
    cluster::{Error, Live},
    config::reconcile::Reconcile,
    plan::{
        FIELD_MANAGER,
        compare::{Difference, DifferenceKind, compare},
        inventory::ApplySet,
        migration::Migration,
        object::Object,
    },
};

/// What the cluster says about one desired object.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The live object.
    pub live: Option<Live>,
    /// What a dry run of applying it gave, where one was wanted.
    pub dry_run: Option<Result<Live, Error>>,
    /// What a dry run of removing what goes with a migration gave, where something does.
    pub removal: Option<Result<Live, Error>>,
    /// Why it could not be read: nobody knows then whether it is there, and whose it is.
    pub unread: Option<Error>,
    /// In what the live object differs, where that was looked at already and it is ours to change.
    pub(in crate::plan) found: Option<Vec<Difference>>,
}

/// Whether only the server can say what applying an object would change: something differs, or may
/// differ, and it is there and ours to change.
pub fn wants_dry_run(
    object: &Object,
    live: Option<&Live>,
    applyset: &ApplySet,
    policy: &Reconcile,
) -> bool {
    let settled = live.map(|live| object.settled(live, applyset, policy));
    let object = settled.as_deref().unwrap_or(object);
    let found = ours_to_change(object, live, applyset, policy);
    found.is_some_and(|found| !found.is_empty())
}

/// In what a live object differs that is there and ours to change.
fn ours_to_change(
    object: &Object,
    live: Option<&Live>,
    applyset: &ApplySet,
    policy: &Reconcile,
) -> Option<Vec<Difference>> {
    let live = live.filter(|live| !live.is_terminating())?;
    standing(live, applyset, policy).ok()?;
    Some(differences(object, live))
}

impl Seen {
    /// An object as it was listed or read.
    pub fn of(live: Option<Live>) -> Self {
        Self {
            live,
            ..Self::default()
        }
    }

    /// [`wants_dry_run`] of an object whose contested fields are settled; the findings are kept for the plan.
    pub fn wants_dry_run(
        &mut self,
        object: &Object,
        applyset: &ApplySet,
        policy: &Reconcile,
    ) -> bool {
        self.found = ours_to_change(object, self.live.as_ref(), applyset, policy);
        self.found.as_ref().is_some_and(|found| !found.is_empty())
    }

    /// Whether the live object was looked at, is ours and is what it should be.
    pub(super) fn is_settled(&self) -> bool {
        self.unread.is_none() && self.found.as_ref().is_some_and(Vec::is_empty)
    }

    /// The object was read anew, and this is what applying ours would make of it.
    pub fn settle(&mut self, live: Live, dry_run: Result<Live, Error>) {
        self.live = Some(live);
        self.dry_run = Some(dry_run);
        self.found = None;
    }
}

/// Whose fields become ours first: those of the tool that made the object, where we take it over.
pub fn migration(live: &Live, applyset: &ApplySet, policy: &Reconcile) -> Option<Migration> {
    let adoptable = matches!(standing(live, applyset, policy), Ok(Standing::Adoptable));
    if adoptable { Migration::of(live) } else { None }
}

/// A fingerprint of the way in which an object differs: where, and what is there. None where nothing of
/// the object is ours to compare.
pub fn difference_look(
    object: &Object,
    live: &Live,
    applyset: &ApplySet,
    policy: &Reconcile,
) -> Option<u64> {
    let object = object.settled(live, applyset, policy);
    let mut hasher = DefaultHasher::new();
    for found in differences(&object, live) {
        if found.kind == DifferenceKind::Ownership {
            return None;
        }
        let there = find(live.value(), &found.path).map(ToString::to_string);
        (found.path.to_string(), there).hash(&mut hasher);
    }
    Some(hasher.finish())
}

pub(super) fn differences(object: &Object, live: &Live) -> Vec<Difference> {
    compare(
        object.root(),
        live,
        FIELD_MANAGER,
        object.target.resource.has_status,
    )
}
