//! What has to be done in a Vault so that it holds what the file wants: a pure function.

mod fields;
mod mounts;
mod prune;

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;
use serde_json::{Map, Value, json};
use trueup_manifest::Diagnostic;

pub(super) use self::mounts::stand_in;
use super::{
    hcl,
    ledger::{Digester, Ledger},
    normal::FieldKind,
    references,
    wanted::{Wanted, What},
};
use crate::source::Secret;

/// What a Vault holds, as far as the file is about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    /// `GET sys/audit`.
    pub audit: Map<String, Value>,
    /// `GET sys/auth`.
    pub auth: Map<String, Value>,
    /// `GET sys/mounts`.
    pub secrets: Map<String, Value>,
    /// The texts of policies that are there.
    pub policies: BTreeMap<String, String>,
    /// The data at paths that are there.
    pub data: BTreeMap<String, Value>,
}

/// What is done with a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// It is made.
    Create,
    /// Fields of it are written.
    Configure,
    /// It is deleted and made anew.
    Recreate,
    /// It is deleted: the file no longer names it.
    Prune,
    /// It is as it should be.
    None,
}

impl Kind {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Configure => "configure",
            Self::Recreate => "recreate",
            Self::Prune => "prune",
            Self::None => "none",
        }
    }
}

/// A field that changes, as people may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// What it is; none where there is nothing, or nobody can tell.
    pub from: Option<String>,
    /// What it will be.
    pub to: Option<String>,
}

/// A request that writes.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// `POST` with a body that may hold secrets.
    Post(String, Value),
    /// `POST` that the server refuses where something is there already, which is as good.
    Once(String, Value),
    /// A mount goes elsewhere with all that it holds: from here to there.
    Move(String, String),
    /// `PUT` with a body.
    Put(String, Value),
    /// `DELETE`.
    Delete(String),
}

/// One step.
#[derive(Debug)]
pub struct Action {
    /// The path.
    pub path: String,
    /// What is there, for people.
    pub word: &'static str,
    /// When it is done: all of a step before any of the next.
    pub step: u8,
    /// What is done.
    pub kind: Kind,
    /// Why, where that says something.
    pub why: Option<String>,
    /// What changes.
    pub changes: Vec<Change>,
    /// The requests that do it, in order.
    pub writes: Vec<Write>,
    /// Digests of the write-only fields that these write.
    pub digests: Vec<(String, String)>,
    /// Why it cannot be done.
    pub blocked: Option<Diagnostic>,
    /// A keyed digest of what was found and of what is written.
    pub relied: Option<String>,
}

impl Action {
    fn new(wanted: &Wanted, kind: Kind) -> Self {
        Self {
            path: wanted.path.clone(),
            word: wanted.what.word(),
            step: wanted.what.step(),
            kind,
            why: None,
            changes: Vec::new(),
            writes: Vec::new(),
            digests: Vec::new(),
            blocked: None,
            relied: None,
        }
    }

    /// Secrets are in what is written, so only a key of our own makes a digest of it that may be shown.
    fn digest(&self, digester: &Digester) -> Option<String> {
        let found = format!("{:?} {:?} {:?}", self.kind, self.changes, self.writes);
        digester.lasting(&self.path, &Secret::new(found))
    }
}

/// Plans. What is no longer wanted is deleted only where the ledger says that we made it.
pub(super) fn plan(
    wanted: &[Wanted],
    holds: &Holds,
    ledger: &Ledger,
    digester: &Digester,
) -> Vec<Action> {
    let mounts = wanted.iter().filter_map(|one| match &one.what {
        What::Audit(mount) => Some(mounts::audit(one, mount, holds)),
        What::Auth(mount) => Some(mounts::mounted(one, mount, &holds.auth, "sys/auth")),
        What::Secrets(mount) => Some(mounts::mounted(one, mount, &holds.secrets, "sys/mounts")),
        _ => None,
    });
    let mut actions: Vec<Action> = mounts.collect();
    // What a mount holds goes with it.
    let replaced = actions.iter().filter(|one| one.kind == Kind::Recreate);
    let replaced: Vec<String> = replaced.map(|one| format!("{}/", one.path)).collect();
    let mut left = Cow::Borrowed(holds);
    if !replaced.is_empty() {
        let data = &mut left.to_mut().data;
        data.retain(|path, _| !replaced.iter().any(|mount| path.starts_with(mount)));
    }
    actions.extend(wanted.iter().filter_map(|one| match &one.what {
        What::Policy(text) => Some(policy(one, text, holds)),
        What::Data(class, data) => {
            Some(fields::fields(one, *class, data, &left, (ledger, digester)))
        }
        _ => None,
    }));
    actions.extend(prune::prune(wanted, &left, ledger));
    for action in actions.iter_mut().filter(|one| one.kind != Kind::None) {
        action.relied = action.digest(digester);
    }
    actions
}

fn policy(one: &Wanted, wanted: &str, holds: &Holds) -> Action {
    let known = |referred: &references::Referred| references::held(referred, holds);
    let wanted = references::filled(wanted, &known);
    let name = one.path.rsplit('/').next().unwrap_or_default();
    let is = holds.policies.get(name);
    let kind = match is {
        Some(is) if means_the_same(is, &wanted) => return Action::new(one, Kind::None),
        Some(_) => Kind::Configure,
        None => Kind::Create,
    };
    let mut action = Action::new(one, kind);
    action.writes = vec![Write::Put(one.path.clone(), json!({"policy": wanted}))];
    action.changes = vec![Change {
        field: "policy".to_owned(),
        from: is.cloned(),
        to: Some(wanted),
    }];
    action
}

/// Whether two texts of a policy allow the same: how they are laid out is no drift.
fn means_the_same(is: &str, wanted: &str) -> bool {
    is.trim_end() == wanted.trim_end() || {
        let form = hcl::policy::normal(is);
        form.is_some() && form == hcl::policy::normal(wanted)
    }
}

/// Stands for a value that is never shown.
const HIDDEN: &str = "(write-only)";

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn to(field: &str, to: &str) -> Change {
    Change {
        field: field.to_owned(),
        from: None,
        to: Some(to.to_owned()),
    }
}

fn from_to(field: &str, from: &str, to: &str) -> Change {
    Change {
        field: field.to_owned(),
        from: Some(from.to_owned()),
        to: Some(to.to_owned()),
    }
}

/// A value as people write it.
fn shown(kind: FieldKind, value: &Value) -> String {
    match (kind, value) {
        (FieldKind::Duration, Value::Number(seconds)) => format!("{seconds}s"),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
