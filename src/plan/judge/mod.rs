//! What is to be done with one desired object, given what is live.

mod changes;
mod refused;
mod seen;
mod standing;

use std::borrow::Cow;

use serde_json::Value;
use trueup_manifest::Diagnostic;

pub(super) use self::{
    changes::{enter, find},
    refused::refusal,
};
use self::{
    changes::{local_changes, place},
    refused::refused,
    seen::differences,
    standing::{Standing, standing},
};
pub use self::{
    seen::{Seen, difference_look, migration, wants_dry_run},
    standing::may_take,
};
use super::{
    action::{ActionKind, Change},
    compare::{Difference, DifferenceKind},
    diff,
    inventory::{ApplySet, FIELD_MANAGER},
    mask::Key,
    migration::{Migration, Rivals},
    neighbours::Neighbours,
    object::Object,
    path::Path,
};
use crate::{cluster::Live, config::reconcile::Reconcile};

/// The code of the error about an object that belongs to somebody else.
pub const NOT_OURS: &str = "plan/not-ours";

/// The code of what is said about another tool that looks after an object.
pub(super) const OTHER_TOOL: &str = "plan/other-tool";

/// By what an object is judged.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub applyset: &'a ApplySet,
    pub policy: &'a Reconcile,
    pub neighbours: &'a Neighbours,
    pub rivals: &'a Rivals,
    pub key: Key,
}

/// What is to be done with an object, and why.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub kind: ActionKind,
    pub why: Cow<'static, str>,
    pub changes: Vec<Change>,
    pub migration: Option<Migration>,
    pub blocked: Option<Diagnostic>,
    pub warning: Option<Diagnostic>,
    /// Whether the server may not be asked what would change.
    pub no_dry_run: bool,
    /// Whether what is live will be gone when the object's turn comes.
    pub starts_over: bool,
}

impl Judgement {
    fn new(kind: ActionKind, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            why: why.into(),
            changes: Vec::new(),
            migration: None,
            blocked: None,
            warning: None,
            no_dry_run: false,
            starts_over: false,
        }
    }

    fn as_it_should_be() -> Self {
        Self::new(ActionKind::None, "it is as it should be")
    }

    /// What is live goes with its namespace or its kind.
    pub(super) fn start_over(&mut self) {
        self.kind = ActionKind::Create;
        self.why = "its namespace or its kind is being deleted".into();
        self.changes.clear();
        self.migration = None;
        self.starts_over = true;
    }

    fn blocked(kind: ActionKind, diagnostic: Diagnostic) -> Self {
        let why = diagnostic.message.clone();
        Self {
            blocked: Some(diagnostic),
            ..Self::new(kind, why)
        }
    }
}

/// What is to be done with `object`.
pub(super) fn judge(object: &Object, seen: &Seen, rules: &Rules<'_>) -> Judgement {
    let Rules {
        applyset,
        policy,
        neighbours,
        rivals,
        ..
    } = *rules;
    if let Some(error) = &seen.unread {
        return Judgement::blocked(ActionKind::None, refusal(&object.origin, error));
    }
    // Nothing else of it needs to be looked at again then.
    if seen.is_settled() && rivals.is_empty() && object.settlement.is_allowed() {
        return Judgement::as_it_should_be();
    }
    let Some(live) = &seen.live else {
        let why = if object.awaits.as_ref().is_some_and(|kind| kind.is_silent) {
            "its API does not answer"
        } else if object.awaits.is_some() {
            "waits for its CRD"
        } else if object.kind_is_new {
            "its kind is new, too"
        } else {
            "it is not there"
        };
        return Judgement::new(ActionKind::Create, why);
    };
    let standing = match standing(live, applyset, policy) {
        Ok(standing) => standing,
        Err(not_ours) => {
            let (why, help) = not_ours.say(neighbours);
            let message = format!("`{}` {why}", object.id());
            let diagnostic = object.error(NOT_OURS, message).help(help);
            return Judgement::blocked(ActionKind::None, diagnostic);
        }
    };
    if live.is_terminating() {
        let why = "it is being deleted, and is created anew once it is gone";
        return Judgement::new(ActionKind::Create, why);
    }
    let rival = rivals.active(live);
    let rival = rival.map(|(why, help)| (format!("`{}` {why}", object.id()), help));
    let mut judgement = match (standing, &rival) {
        (Standing::Adoptable, Some((message, help))) => {
            let diagnostic = object.error(OTHER_TOOL, message).help(help);
            return Judgement::blocked(ActionKind::Adopt, diagnostic);
        }
        _ => compared(object, live, seen, standing, rules),
    };
    if let Some((message, help)) = rival {
        let warning = object.warning(OTHER_TOOL, message).help(help);
        judgement.warning.get_or_insert(warning);
    }
    if judgement.kind != ActionKind::Adopt {
        return judgement;
    }
    match Migration::of(live) {
        Some(migration) => with_migration(judgement, migration, object, live, seen, rules),
        None => judgement,
    }
}

/// What differs, and what the server said to it.
fn compared(
    object: &Object,
    live: &Live,
    seen: &Seen,
    standing: Standing,
    rules: &Rules<'_>,
) -> Judgement {
    let found: Cow<'_, [Difference]> = match &seen.found {
        Some(found) => Cow::Borrowed(found),
        None => Cow::Owned(differences(object, live)),
    };
    if let Some(refusal) = object.refusal() {
        let changes = local_changes(object, live, &found, rules.key);
        return Judgement {
            changes,
            ..Judgement::blocked(ActionKind::Configure, refusal)
        };
    }
    if found.is_empty() {
        return Judgement::as_it_should_be();
    }
    match &seen.dry_run {
        Some(Ok(settled)) => settled_by_server(object, live, settled, standing, &found, rules),
        Some(Err(error)) => refused(object, live, error, standing, &found, rules),
        None => by_ourselves(object, live, standing, &found, rules),
    }
}

/// The same with what goes once the fields of the tool before us are ours.
fn with_migration(
    judgement: Judgement,
    migration: Migration,
    object: &Object,
    live: &Live,
    seen: &Seen,
    rules: &Rules<'_>,
) -> Judgement {
    let id = object.id();
    let has_status = object.target.resource.has_status;
    let gone = |path: &Path| {
        let before = find(live.value(), path).cloned();
        diff::change(&id, path, before, None, rules.key)
    };
    let going: Vec<Change> = if let Some(Ok(without)) = &seen.removal {
        diff::changes(&id, live.value(), without.value(), has_status, rules.key)
    } else {
        migration.paths(object, live).iter().map(gone).collect()
    };
    let mut judgement = Judgement {
        migration: Some(migration),
        ..judgement
    };
    for change in going {
        let is_known = |change: &Change| {
            let mut known = judgement.changes.iter();
            known.any(|known| known.path == change.path)
        };
        // Where a field comes to what goes as a whole, what goes is said field by field.
        let is_shared = judgement.changes.iter().any(|known| {
            known.path.0.len() > change.path.0.len() && known.path.0.starts_with(&change.path.0)
        });
        let parts = match (&change.before, &change.after) {
            (Some(Value::Object(fields)), None) if is_shared => {
                diff::fields_gone(&change.path, fields)
            }
            _ => vec![change],
        };
        let news: Vec<Change> = parts.into_iter().filter(|part| !is_known(part)).collect();
        judgement.changes.extend(news);
    }
    judgement
}

/// The server said what the object would become.
fn settled_by_server(
    object: &Object,
    live: &Live,
    settled: &Live,
    standing: Standing,
    found: &[Difference],
    rules: &Rules<'_>,
) -> Judgement {
    let id = object.id();
    let has_status = object.target.resource.has_status;
    let mut changes = diff::changes(&id, live.value(), settled.value(), has_status, rules.key);
    let kind = match standing {
        Standing::Ours => ActionKind::Configure,
        Standing::Adoptable => ActionKind::Adopt,
    };
    if changes.is_empty() {
        if same_ownership(live, settled) {
            return Judgement::as_it_should_be();
        }
        let why = "its fields are right, but we do not own all of them";
        return Judgement::new(kind, why);
    }
    place(&mut changes, object);
    Judgement {
        changes,
        ..Judgement::new(kind, why(standing, found))
    }
}

/// Whether our own entry says the same, save for when it was made.
fn same_ownership(live: &Live, settled: &Live) -> bool {
    let entry = |live: &Live| {
        let mut entry = live.applied_by(FIELD_MANAGER).cloned()?;
        entry.remove("time");
        Some(entry)
    };
    entry(live) == entry(settled)
}

fn why(standing: Standing, found: &[Difference]) -> Cow<'static, str> {
    if standing == Standing::Adoptable {
        return Cow::Borrowed("it is there, and becomes ours");
    }
    let any = |kind: DifferenceKind| found.iter().any(|difference| difference.kind == kind);
    Cow::Borrowed(if any(DifferenceKind::Ownership) {
        "it is to be applied by us"
    } else if any(DifferenceKind::Unowned) || any(DifferenceKind::Value) {
        "fields differ"
    } else if any(DifferenceKind::Surplus) {
        "fields are no longer set"
    } else {
        "the order differs"
    })
}

/// No server was asked: what we see ourselves has to do.
fn by_ourselves(
    object: &Object,
    live: &Live,
    standing: Standing,
    found: &[Difference],
    rules: &Rules<'_>,
) -> Judgement {
    let kind = match standing {
        Standing::Ours => ActionKind::Configure,
        Standing::Adoptable => ActionKind::Adopt,
    };
    let changes = local_changes(object, live, found, rules.key);
    Judgement {
        changes,
        ..Judgement::new(kind, why(standing, found))
    }
}
