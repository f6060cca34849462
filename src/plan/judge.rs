//! What is to be done with one desired object, given what is live.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;
use trueup_manifest::{Diagnostic, ObjectId, Origin};

use super::{
    action::{Action, ActionKind, Change},
    compare::{Difference, DifferenceKind, compare},
    diff,
    immutable::is_immutable,
    inventory::{ApplySet, FIELD_MANAGER, PART_OF},
    mask::Key,
    migration::{Migration, Rivals},
    neighbours::Neighbours,
    object::Object,
    path::{Path, Step},
    view::{Node, View},
};
use crate::{
    cluster::{Error, ErrorKind, Live},
    config::reconcile::{Adoption, Reconcile},
};

/// The code of the error about an object that belongs to somebody else.
pub const NOT_OURS: &str = "plan/not-ours";

/// The code of what is said about another tool that looks after an object.
pub(super) const OTHER_TOOL: &str = "plan/other-tool";

/// What the cluster says about one desired object.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The live object.
    pub live: Option<Live>,
    /// What a dry run of applying it gave, where one was wanted.
    pub dry_run: Option<Result<Live, Error>>,
    /// What a dry run of removing what goes with a migration gave, where something does.
    pub removal: Option<Result<Live, Error>>,
    /// Why it may not be read: nobody knows then whose it is.
    pub unread: Option<Error>,
    /// In what the live object differs, where that was looked at already.
    pub(super) found: Option<Vec<Difference>>,
}

/// Whether only the server can say what applying an object would change: something differs, or may
/// differ, and it is there and ours to change.
pub fn wants_dry_run(
    object: &Object,
    live: Option<&Live>,
    applyset: &ApplySet,
    policy: &Reconcile,
) -> bool {
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

    /// [`wants_dry_run`], whose findings are kept for the plan.
    pub fn wants_dry_run(
        &mut self,
        object: &Object,
        applyset: &ApplySet,
        policy: &Reconcile,
    ) -> bool {
        self.found = ours_to_change(object, self.live.as_ref(), applyset, policy);
        self.found.as_ref().is_some_and(|found| !found.is_empty())
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
pub fn difference_look(object: &Object, live: &Live) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    for found in differences(object, live) {
        if found.kind == DifferenceKind::Ownership {
            return None;
        }
        let there = find(live.value(), &found.path).map(ToString::to_string);
        (found.path.to_string(), there).hash(&mut hasher);
    }
    Some(hasher.finish())
}

fn differences(object: &Object, live: &Live) -> Vec<Difference> {
    compare(
        object.root(),
        live,
        FIELD_MANAGER,
        object.target.resource.has_status,
    )
}

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

/// What an object that exists is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Ours,
    Adoptable,
}

/// Whether a live object is ours, may become ours, or may not be touched and why.
fn standing(live: &Live, applyset: &ApplySet, policy: &Reconcile) -> Result<Standing, NotOurs> {
    match (live.label(PART_OF), policy.adoption) {
        (Some(id), _) if id == applyset.id() => Ok(Standing::Ours),
        (_, Adoption::AdoptAll) | (None, Adoption::AdoptIfNoInventory) => Ok(Standing::Adoptable),
        (Some(id), _) => Err(NotOurs::AnotherSet(id.to_owned())),
        (None, Adoption::MustMatch) => Err(NotOurs::Nobody),
    }
}

/// Why a live object may not be touched.
enum NotOurs {
    /// It belongs to the ApplySet with this id.
    AnotherSet(String),
    /// It is in no ApplySet, and the policy takes over nothing.
    Nobody,
}

impl NotOurs {
    fn say(&self, neighbours: &Neighbours) -> (String, &'static str) {
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
    let Some(live) = &seen.live else {
        let why = if object.awaits.is_some() {
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
    match Migration::of(live) {
        Some(migration) if judgement.kind == ActionKind::Adopt => {
            with_migration(judgement, migration, object, live, seen, rules)
        }
        _ => judgement,
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
    if found.is_empty() {
        return Judgement::new(ActionKind::None, "it is as it should be");
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
            return Judgement::new(ActionKind::None, "it is as it should be");
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

/// The server refused the object as it would be.
fn refused(
    object: &Object,
    live: &Live,
    error: &Error,
    standing: Standing,
    found: &[Difference],
    rules: &Rules<'_>,
) -> Judgement {
    let policy = rules.policy;
    let resource = &object.target.resource;
    if is_immutable(error) {
        let allowed = object.is_hook()
            || policy
                .recreate
                .iter()
                .any(|kind| kind.matches(&resource.group, &resource.kind));
        let changes = local_changes(object, live, found, rules.key);
        let protected = policy
            .protect
            .iter()
            .any(|selector| selector.matches(&object.id()));
        if allowed && !protected {
            let why = format!("a field cannot be changed: {}", error.message());
            return Judgement {
                changes,
                ..Judgement::new(ActionKind::Recreate, why)
            };
        }
        let help = if protected {
            format!(
                "it is protected: delete `{}` by hand, then reconcile",
                object.id()
            )
        } else {
            format!(
                "to have it deleted and created anew, add `{}` to `reconcile.recreate`",
                resource.kind
            )
        };
        let diagnostic = object
            .error("apply/immutable", error.to_string())
            .help(help);
        return Judgement {
            changes,
            ..Judgement::blocked(ActionKind::Configure, diagnostic)
        };
    }
    match error.kind() {
        // The real request may fare better, or we may only read: the local comparison has to do.
        ErrorKind::Transient | ErrorKind::TooManyRequests { .. } | ErrorKind::Unreachable => {
            by_ourselves(object, live, standing, found, rules)
        }
        ErrorKind::Forbidden => {
            let judgement = by_ourselves(object, live, standing, found, rules);
            Judgement {
                no_dry_run: true,
                ..judgement
            }
        }
        // Fields that go first may be what makes it invalid now: the real request has the last word.
        ErrorKind::Invalid { .. }
            if standing == Standing::Adoptable && Migration::of(live).is_some() =>
        {
            by_ourselves(object, live, standing, found, rules)
        }
        _ => {
            let diagnostic = refusal(&object.origin, error);
            let changes = local_changes(object, live, found, rules.key);
            Judgement {
                changes,
                ..Judgement::blocked(ActionKind::Configure, diagnostic)
            }
        }
    }
}

/// What a server's refusal of an object is to the user.
pub(super) fn refusal(origin: &Origin, error: &Error) -> Diagnostic {
    let code = match error.kind() {
        ErrorKind::Conflict { .. } => "apply/conflict",
        ErrorKind::Invalid { .. } => "apply/invalid",
        ErrorKind::Forbidden | ErrorKind::Unauthorized => "apply/forbidden",
        ErrorKind::NotFound => "apply/not-found",
        ErrorKind::Unreachable => "apply/unreachable",
        _ => "apply/failed",
    };
    let diagnostic = Diagnostic::error(code, error.to_string())
        .at(origin.location.clone())
        .via(&origin.chain);
    match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
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

fn local_changes(object: &Object, live: &Live, found: &[Difference], key: Key) -> Vec<Change> {
    let id: ObjectId = object.id();
    let mut changes: Vec<Change> = found
        .iter()
        .filter(|difference| difference.kind != DifferenceKind::Ownership)
        .map(|difference| {
            let after = match difference.kind {
                DifferenceKind::Surplus => None,
                _ => find(object.root(), &difference.path).map(Node::to_json),
            };
            diff::change(
                &id,
                &difference.path,
                find(live.value(), &difference.path).cloned(),
                after,
                key,
            )
        })
        .collect();
    place(&mut changes, object);
    changes
}

/// Says of each change which place in the files sets it.
fn place(changes: &mut [Change], object: &Object) {
    for change in changes {
        if change.after.is_some() {
            let node = nearest_node(object.root(), &change.path);
            change.source = object
                .doc
                .location(node.id())
                .map(|place| place.to_string());
        }
    }
}

/// The node at a path, or the last one on the way there that the manifest has.
fn nearest_node<'a>(root: Node<'a>, path: &Path) -> Node<'a> {
    let mut node = root;
    for step in &path.0 {
        match enter(node, step) {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}

pub(super) fn find<'a, V: View<'a>>(root: V, path: &Path) -> Option<V> {
    path.0.iter().try_fold(root, |node, step| enter(node, step))
}

fn enter<'a, V: View<'a>>(node: V, step: &Step) -> Option<V> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.items().nth(*index),
        Step::Item(fields) => node.items().find(|item| {
            fields.iter().all(|(key, value)| {
                item.get(key)
                    .is_none_or(|own| super::compare::plainly_same(own, value))
            })
        }),
        Step::Member(value) => node
            .items()
            .find(|item| super::compare::plainly_same(*item, value)),
    }
}
