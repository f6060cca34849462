//! What is mounted: audit devices, auth methods, secrets engines.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trueup_manifest::Diagnostic;

use super::{Action, Change, Holds, Kind, Write, from_to, shown, text, to};
use crate::vault::{
    normal::{FieldKind, normal},
    wanted::{Mount, Wanted},
};

/// The name under which a mount is listed: its path without `auth/`, with a slash.
pub(super) fn listed(path: &str) -> String {
    let bare = path
        .strip_prefix("auth/")
        .or_else(|| path.strip_prefix("sys/audit/"));
    format!("{}/", bare.unwrap_or(path))
}

pub(super) fn audit(one: &Wanted, mount: &Mount, holds: &Holds) -> Action {
    let name = listed(&one.path);
    let body_with = |options: &BTreeMap<String, String>| {
        json!({
            "type": mount.kind,
            "description": mount.description.clone().unwrap_or_default(),
            "options": options,
        })
    };
    let body = || body_with(&mount.options);
    let stand_in = stand_in(&one.path);
    let Some(live) = holds.audit.get(&name) else {
        let mut action = Action::new(one, Kind::Create);
        action.changes = vec![to("type", &mount.kind)];
        action.writes = vec![Write::Put(one.path.clone(), body())];
        // A run died after it had taken the old one away.
        let left = Some(stand_in).filter(|left| holds.audit.contains_key(&listed(left)));
        action.writes.extend(left.map(Write::Delete));
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
    // An audit device cannot be changed. While one goes and comes back another one stands in for it, so that
    // no request in between goes unlogged.
    let mut action = Action::new(one, Kind::Recreate);
    action.changes = changes;
    if !holds.audit.contains_key(&listed(&stand_in)) {
        let mut options = mount.options.clone();
        if let Some(file) = options
            .get_mut("file_path")
            .filter(|file| file.contains('/'))
        {
            // Two devices never write to one file.
            file.push_str(STAND_IN);
        }
        let body = body_with(&options);
        action.writes.push(Write::Put(stand_in.clone(), body));
    }
    action.writes.extend([
        Write::Delete(one.path.clone()),
        Write::Put(one.path.clone(), body()),
        Write::Delete(stand_in),
    ]);
    action
}

/// The path of the audit device that stands in for another one while that is replaced. A run that dies in between
/// leaves it, and the next one deletes it.
pub(in crate::vault) fn stand_in(path: &str) -> String {
    format!("{path}{STAND_IN}")
}

/// How a device that stands in for another one is called, and its file.
const STAND_IN: &str = "-trueup-stand-in";

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
        let first = name == "version" && wanted == "1" && is.is_none_or(str::is_empty);
        if is != Some(wanted) && !first {
            changes.push(from_to(
                &format!("options.{name}"),
                is.unwrap_or_default(),
                wanted,
            ));
        }
    }
    changes
}

/// An auth method or a secrets engine.
pub(super) fn mounted(
    one: &Wanted,
    mount: &Mount,
    listing: &Map<String, Value>,
    api: &str,
) -> Action {
    let path = format!(
        "{api}/{}",
        one.path.strip_prefix("auth/").unwrap_or(&one.path)
    );
    let before = mount.moved_from.as_deref();
    let moves = before.filter(|_| !listing.contains_key(&listed(&one.path)));
    let moves = moves.filter(|before| listing.contains_key(&listed(before)));
    let Some(live) = listing.get(&listed(moves.unwrap_or(&one.path))) else {
        let mut action = Action::new(one, Kind::Create);
        action.changes = vec![to("type", &mount.kind)];
        action.writes = vec![enable(path, mount)];
        return action;
    };
    if text(live, "type") != mount.kind {
        return replaced(one, mount, path, ("type", text(live, "type"), &mount.kind));
    }
    let (is, wanted) = versions(live, mount);
    if is > wanted {
        let (is, wanted) = (is.to_string(), wanted.to_string());
        return replaced(one, mount, path, ("options.version", &is, &wanted));
    }
    let mut changes = changed_texts(live, mount);
    let (tuned, body) = tuning(live, mount);
    changes.extend(tuned);
    let mut action = Action::new(one, Kind::Configure);
    if let Some(before) = moves {
        let (from, to) = (before.to_owned(), one.path.clone());
        changes.insert(0, from_to("path", &from, &to));
        action.why = Some("moves with all that it holds; its leases are revoked".to_owned());
        action.writes.push(Write::Move(from, to));
    }
    if changes.is_empty() {
        return Action::new(one, Kind::None);
    }
    if changes.len() > usize::from(moves.is_some()) {
        action
            .writes
            .push(Write::Post(format!("{path}/tune"), body));
    }
    if is < wanted {
        action.why = Some("from this version there is no way back".to_owned());
        if !mount.may_upgrade {
            let message = format!("`{}` would become version {wanted} for good", one.path);
            action.blocked = Some(
                Diagnostic::error("vault/upgrades-mount", message)
                    .at(one.location.clone())
                    .help("`allowUpgrade: true` lets trueup do it; clients then read `data/…`"),
            );
        }
    }
    action.changes = changes;
    action
}

/// The request that mounts it.
fn enable(path: String, mount: &Mount) -> Write {
    let tune = mount.tune.iter();
    let config: Map<String, Value> = tune
        .map(|(name, (kind, value))| (name.clone(), tuned(*kind, value)))
        .collect();
    let body = json!({
        "type": mount.kind,
        "description": mount.description.clone().unwrap_or_default(),
        "options": mount.options,
        "config": config,
    });
    Write::Post(path, body)
}

/// The versions of `kv` that a mount is of, and is to be of; the same where that means nothing.
fn versions(live: &Value, mount: &Mount) -> (u64, u64) {
    let Some(wanted) = mount.options.get("version") else {
        return (0, 0);
    };
    let is = live.get("options").map(|options| text(options, "version"));
    // The first version has none.
    let is = is.filter(|is| !is.is_empty()).unwrap_or("1");
    (is.parse().unwrap_or(0), wanted.parse().unwrap_or(0))
}

/// A mount that is deleted and made anew.
fn replaced(one: &Wanted, mount: &Mount, path: String, change: (&str, &str, &str)) -> Action {
    let (field, is, wanted) = change;
    let mut action = Action::new(one, Kind::Recreate);
    action.changes = vec![from_to(field, is, wanted)];
    action.why = Some("deletes all that it holds and revokes its leases".to_owned());
    action.writes = vec![Write::Delete(path.clone()), enable(path, mount)];
    if !mount.may_replace {
        let message = match field {
            "type" => format!(
                "`{}` is of type `{is}`, and a mount keeps its type",
                one.path
            ),
            _ => format!(
                "`{}` is of version {is}, and there is no way back",
                one.path
            ),
        };
        action.blocked = Some(
            Diagnostic::error("vault/replaces-mount", message)
                .at(one.location.clone())
                .help("`allowReplace: true` lets trueup delete it with all that it holds"),
        );
    }
    action
}

/// How it is tuned otherwise, and the request's body that tunes it.
fn tuning(live: &Value, mount: &Mount) -> (Vec<Change>, Value) {
    let config = live.get("config").cloned().unwrap_or_default();
    let mut changes = Vec::new();
    let mut body = Map::new();
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
        body.insert(name.clone(), tuned(*kind, value));
    }
    if let Some(description) = &mount.description {
        body.insert("description".to_owned(), description.as_str().into());
    }
    if !mount.options.is_empty() {
        body.insert("options".to_owned(), json!(mount.options));
    }
    (changes, Value::Object(body))
}

/// A tuned value as the API takes it: durations of mounts are texts.
fn tuned(kind: FieldKind, value: &Value) -> Value {
    match (kind, value.as_i64()) {
        (FieldKind::Duration, Some(seconds)) => format!("{seconds}s").into(),
        _ => value.clone(),
    }
}
