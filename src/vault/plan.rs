//! What has to be done in a Vault so that it holds what the file wants: a pure function.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};
use trueup_manifest::Diagnostic;

use super::{
    ledger::{Digester, Ledger, place},
    normal::{FieldKind, normal},
    wanted::{Data, Mount, Wanted, What, wire},
};

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
#[derive(Clone, Debug)]
pub enum Write {
    /// `POST` with a body that may hold secrets.
    Post(String, Value),
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
}

impl Action {
    fn new(wanted: &Wanted, kind: Kind) -> Self {
        Self {
            path: wanted.path.clone(),
            word: wanted.what.word(),
            kind,
            why: None,
            changes: Vec::new(),
            writes: Vec::new(),
            digests: Vec::new(),
            blocked: None,
        }
    }
}

/// Policies that come with a Vault and stay.
const BUILT_IN_POLICIES: [&str; 3] = ["root", "default", "default-ceiling"];

/// Plans. What is no longer wanted is deleted only where the ledger says that we made it.
pub(super) fn plan(
    wanted: &[Wanted],
    holds: &Holds,
    ledger: &Ledger,
    digester: &Digester,
) -> Vec<Action> {
    let mut actions: Vec<Action> = wanted
        .iter()
        .map(|one| match &one.what {
            What::Audit(mount) => audit(one, mount, holds),
            What::Auth(mount) => mounted(one, mount, &holds.auth, "sys/auth"),
            What::Secrets(mount) => mounted(one, mount, &holds.secrets, "sys/mounts"),
            What::Policy(text) => policy(one, text, holds),
            What::Config(data) | What::Role(data) => fields(one, data, holds, ledger, digester),
        })
        .collect();
    actions.extend(prune(wanted, holds, ledger));
    actions
}

/// The name under which a mount is listed: its path without `auth/`, with a slash.
fn listed(path: &str) -> String {
    let bare = path
        .strip_prefix("auth/")
        .or_else(|| path.strip_prefix("sys/audit/"));
    format!("{}/", bare.unwrap_or(path))
}

fn audit(one: &Wanted, mount: &Mount, holds: &Holds) -> Action {
    let name = listed(&one.path);
    let enable = || {
        let body = serde_json::json!({
            "type": mount.kind,
            "description": mount.description.clone().unwrap_or_default(),
            "options": mount.options,
        });
        Write::Put(one.path.clone(), body)
    };
    let Some(live) = holds.audit.get(&name) else {
        let mut action = Action::new(one, Kind::Create);
        action.changes = vec![to("type", &mount.kind)];
        action.writes = vec![enable()];
        return action;
    };
    let mut changes = changed_texts(live, mount);
    let kind = text(live, "type");
    if kind != mount.kind {
        changes.push(from_to("type", kind, &mount.kind));
    }
    if changes.is_empty() {
        return Action::new(one, Kind::None);
    }
    // An audit device cannot be changed. The last one must never be gone, not even for a moment.
    let mut action = Action::new(one, Kind::Recreate);
    action.changes = changes;
    if holds.audit.len() > 1 {
        action.writes = vec![Write::Delete(one.path.clone()), enable()];
    } else {
        action.blocked = Some(
            Diagnostic::error(
                "vault/last-audit-device",
                format!(
                    "`{}` is the only audit device, and one cannot be changed in place",
                    one.path
                ),
            )
            .at(one.location.clone())
            .help("add it under another path first, and remove this one in a later commit"),
        );
    }
    action
}

/// Options and description that differ.
fn changed_texts(live: &Value, mount: &Mount) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(wanted) = &mount.description
        && text(live, "description") != wanted
    {
        changes.push(from_to("description", text(live, "description"), wanted));
    }
    for (name, wanted) in &mount.options {
        let is = live.get("options").map(|options| text(options, name));
        if is != Some(wanted) {
            changes.push(from_to(
                &format!("options.{name}"),
                is.unwrap_or_default(),
                wanted,
            ));
        }
    }
    changes
}

fn mounted(one: &Wanted, mount: &Mount, listing: &Map<String, Value>, api: &str) -> Action {
    let bare = one.path.strip_prefix("auth/").unwrap_or(&one.path);
    let path = format!("{api}/{bare}");
    let enable = || {
        let config: Map<String, Value> = mount
            .tune
            .iter()
            .map(|(name, (kind, value))| (name.clone(), tuned(*kind, value)))
            .collect();
        let body = serde_json::json!({
            "type": mount.kind,
            "description": mount.description.clone().unwrap_or_default(),
            "options": mount.options,
            "config": config,
        });
        Write::Post(path.clone(), body)
    };
    let Some(live) = listing.get(&listed(&one.path)) else {
        let mut action = Action::new(one, Kind::Create);
        action.changes = vec![to("type", &mount.kind)];
        action.writes = vec![enable()];
        return action;
    };
    let kind = text(live, "type");
    if kind != mount.kind {
        let mut action = Action::new(one, Kind::Recreate);
        action.changes = vec![from_to("type", kind, &mount.kind)];
        action.why = Some("deletes all that it holds and revokes its leases".to_owned());
        action.writes = vec![Write::Delete(path.clone()), enable()];
        if !mount.may_replace {
            action.blocked = Some(
                Diagnostic::error(
                    "vault/replaces-mount",
                    format!(
                        "`{}` is of type `{kind}`, and a mount keeps its type",
                        one.path
                    ),
                )
                .at(one.location.clone())
                .help("`allowReplace: true` lets trueup delete it with all that it holds"),
            );
        }
        return action;
    }
    let mut changes = changed_texts(live, mount);
    let config = live.get("config").cloned().unwrap_or_default();
    for (name, (kind, value)) in &mount.tune {
        let is = config.get(name).and_then(|is| normal(*kind, is).ok());
        let empty = normal(*kind, &Value::Null).ok();
        if is.as_ref().or(empty.as_ref()) != Some(value) {
            changes.push(Change {
                field: format!("tune.{name}"),
                from: is.map(|is| shown(*kind, &is)),
                to: Some(shown(*kind, value)),
            });
        }
    }
    if changes.is_empty() {
        return Action::new(one, Kind::None);
    }
    let mut body = Map::new();
    for (name, (kind, value)) in &mount.tune {
        body.insert(name.clone(), tuned(*kind, value));
    }
    if let Some(description) = &mount.description {
        body.insert("description".to_owned(), description.as_str().into());
    }
    if !mount.options.is_empty() {
        body.insert("options".to_owned(), serde_json::json!(mount.options));
    }
    let mut action = Action::new(one, Kind::Configure);
    action.changes = changes;
    action.writes = vec![Write::Post(format!("{path}/tune"), Value::Object(body))];
    action
}

/// A tuned value as the API takes it: durations of mounts are texts.
fn tuned(kind: FieldKind, value: &Value) -> Value {
    match (kind, value.as_i64()) {
        (FieldKind::Duration, Some(seconds)) => format!("{seconds}s").into(),
        _ => value.clone(),
    }
}

fn policy(one: &Wanted, wanted: &str, holds: &Holds) -> Action {
    let write = || Write::Put(one.path.clone(), serde_json::json!({"policy": wanted}));
    let name = one.path.rsplit('/').next().unwrap_or_default();
    match holds.policies.get(name) {
        Some(is) if is.trim_end() == wanted.trim_end() => Action::new(one, Kind::None),
        is => {
            let kind = if is.is_some() {
                Kind::Configure
            } else {
                Kind::Create
            };
            let mut action = Action::new(one, kind);
            action.changes = vec![Change {
                field: "policy".to_owned(),
                from: is.cloned(),
                to: Some(wanted.to_owned()),
            }];
            action.writes = vec![write()];
            action
        }
    }
}

fn fields(
    one: &Wanted,
    data: &Data,
    holds: &Holds,
    ledger: &Ledger,
    digester: &Digester,
) -> Action {
    let digests: Vec<(String, String)> = data
        .secrets
        .iter()
        .map(|(name, secret)| {
            let place = place(&one.path, name);
            let digest = digester.digest(&place, secret);
            (place, digest)
        })
        .collect();
    let Some(live) = holds.data.get(&one.path) else {
        let mut action = Action::new(one, Kind::Create);
        action.changes = data
            .fields
            .iter()
            .map(|(name, (kind, value))| to(name, &shown(*kind, value)))
            .chain(data.secrets.keys().map(|name| to(name, HIDDEN)))
            .collect();
        action.writes = vec![Write::Post(one.path.clone(), data.body())];
        action.digests = digests;
        return action;
    };
    let mut body = Map::new();
    let mut changes = Vec::new();
    for (name, (kind, value)) in &data.fields {
        let is = live.get(name).unwrap_or(&Value::Null);
        let is = normal(*kind, is).unwrap_or_else(|_| is.clone());
        if is != *value {
            changes.push(from_to(name, &shown(*kind, &is), &shown(*kind, value)));
            body.insert(name.clone(), wire(*kind, value));
        }
    }
    let mut written = Vec::new();
    for ((place, digest), (name, secret)) in digests.into_iter().zip(&data.secrets) {
        if ledger.digests.get(&place) != Some(&digest) {
            changes.push(to(name, HIDDEN));
            body.insert(name.clone(), secret.expose().into());
            written.push((place, digest));
        }
    }
    if changes.is_empty() {
        return Action::new(one, Kind::None);
    }
    let fixed = changes
        .iter()
        .find(|change| data.fixed.contains(&change.field.as_str()))
        .map(|change| change.field.clone());
    let Some(fixed) = fixed else {
        let mut action = Action::new(one, Kind::Configure);
        action.changes = changes;
        action.writes = vec![Write::Post(one.path.clone(), Value::Object(body))];
        action.digests = written;
        return action;
    };
    let mut action = Action::new(one, Kind::Recreate);
    action.why = Some(format!("`{fixed}` cannot be changed in place"));
    action.changes = changes;
    action.writes = vec![
        Write::Delete(one.path.clone()),
        Write::Post(one.path.clone(), data.body()),
    ];
    action.digests = written;
    if !data.may_replace {
        action.blocked = Some(
            Diagnostic::error(
                "vault/replaces",
                format!("`{fixed}` of `{}` cannot be changed in place", one.path),
            )
            .at(one.location.clone())
            .help("`allowReplace: true` lets trueup delete it and make it anew"),
        );
    }
    action
}

/// Stands for a value that is never shown.
const HIDDEN: &str = "(write-only)";

/// Deletes what we made and the file no longer names: roles first, mounts last. Mounts only where
/// nobody else made something in them, which the ledger cannot tell: they stay unless the file said
/// otherwise while it named them.
fn prune(wanted: &[Wanted], holds: &Holds, ledger: &Ledger) -> Vec<Action> {
    let named: BTreeSet<&str> = wanted.iter().map(|one| one.path.as_str()).collect();
    let mut actions: Vec<(u8, Action)> = ledger
        .left(&named)
        .into_iter()
        .filter_map(|(path, word)| pruned(path, word, holds))
        .collect();
    actions.sort_by(|a, b| (a.0, &a.1.path).cmp(&(b.0, &b.1.path)));
    actions.into_iter().map(|(_, action)| action).collect()
}

fn pruned(path: &str, word: &str, holds: &Holds) -> Option<(u8, Action)> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (step, word, there, api) = match word {
        "role" => (0, "role", holds.data.contains_key(path), path.to_owned()),
        "policy" => {
            let there = holds.policies.contains_key(name) && !BUILT_IN_POLICIES.contains(&name);
            (1, "policy", there, path.to_owned())
        }
        "audit device" => {
            let there = holds.audit.contains_key(&listed(path)) && holds.audit.len() > 1;
            (3, "audit device", there, path.to_owned())
        }
        "auth method (may be deleted)" => {
            let there = holds.auth.contains_key(&listed(path));
            let bare = path.strip_prefix("auth/").unwrap_or(path);
            (2, "auth method", there, format!("sys/auth/{bare}"))
        }
        "secrets engine (may be deleted)" => {
            let there = holds.secrets.contains_key(&listed(path));
            (2, "secrets engine", there, format!("sys/mounts/{path}"))
        }
        _ => return None,
    };
    there.then(|| {
        let action = Action {
            path: path.to_owned(),
            word,
            kind: Kind::Prune,
            why: Some("the file no longer names it".to_owned()),
            changes: Vec::new(),
            writes: vec![Write::Delete(api)],
            digests: Vec::new(),
            blocked: None,
        };
        (step, action)
    })
}

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
