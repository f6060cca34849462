//! What has to be done so that the cluster holds what Git says.
//!
//! Flows in: the desired set, what is live, and the environment's policy. Flows out: a [`Plan`]:
//! every action with its reason and its field-level changes, the order they must have and why, what
//! is pruned and what is kept, or every error at once.
//! It must never do I/O: the same inputs give the same plan.

mod action;
mod arrival;
mod build;
mod compare;
mod depends_on;
mod diff;
mod foreign;
mod graph;
mod hold;
mod hold_back;
mod immutable;
mod inventory;
mod judge;
mod leave;
mod mask;
mod migration;
mod neighbours;
mod object;
mod order;
mod path;
mod prune;
mod rank;
mod references;
mod saved;
mod shown;
mod sync_waves;
#[cfg(test)]
mod tests;
mod view;
mod work;

pub use self::{
    action::{
        Action, ActionKind, Body, Change, Edge, FileVersion, Gate, Hold, HoldKind, Kept, Plan,
        PlannedPhase, Prune,
    },
    arrival::Awaits,
    build::{Inputs, Observed, build, externals},
    foreign::{Foreign, ForeignStep},
    hold::{Consent, Memory},
    hold_back::held_back,
    immutable::is_immutable,
    inventory::{
        ApplySet, CONFIRM, ENVIRONMENT, FIELD_MANAGER, GROUP_KINDS, NAMESPACES, PARENT_GROUP,
        PARENT_ID, PARENT_KIND, PARENT_TYPE, PART_OF, PATCHED, Reach, SOURCE, TOOLING,
    },
    judge::{NOT_OURS, Seen, difference_look, may_take, migration, wants_dry_run},
    leave::{Settlement, is_item, settle_body},
    migration::{Claim, Migration, Predecessor, Rival, Rivals, Tool},
    neighbours::{Neighbour, Neighbours},
    object::{Object, Objects, resolve},
    path::{Path, Step},
    prune::{Pruning, undo},
    saved::{STALE, Saved},
    shown::{Shown, shown},
    work::{SavedWork, WorkAction, WorkChange, WorkStep},
};
