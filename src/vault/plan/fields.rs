//! Things that are made of fields: only what the file declares is compared, and only what differs is
//! written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use trueup_manifest::Diagnostic;

use super::{Action, Change, HIDDEN, Holds, Kind, Write, from_to, shown, text, to};
use crate::vault::{
    ledger::{Digester, Ledger, place},
    normal::{FieldKind, normal, same},
    references,
    wanted::{Class, Data, Wanted, wire},
};

/// Plans one thing.
pub(super) fn fields(
    one: &Wanted,
    class: Class,
    data: &Data,
    holds: &Holds,
    (ledger, digester): (&Ledger, &Digester),
) -> Action {
    let live = holds
        .data
        .get(&one.path)
        .filter(|live| is_there(data, live));
    if class == Class::InitialValue {
        return initial(one, data, live.is_some(), holds);
    }
    let data = &known(data, holds);
    let digests: Vec<(String, String)> = data
        .secrets
        .iter()
        .map(|(name, secret)| {
            let place = place(&one.path, name);
            let digest = digester.digest(&place, secret);
            (place, digest)
        })
        .collect();
    let Some(live) = live else {
        let mut action = Action::new(one, Kind::Create);
        let shows = data.fields.iter();
        action.changes = shows
            .map(|(name, (kind, value))| to(name, &shown(*kind, value)))
            .chain(data.secrets.keys().map(|name| to(name, HIDDEN)))
            .collect();
        action.writes = vec![write(one, class, data.body())];
        action.digests = digests;
        return action;
    };
    // What only the Vault knows by now is compared again where the file has other secrets.
    let rotated = ledger.rotated.contains_key(&one.path)
        && digests
            .iter()
            .all(|(place, digest)| ledger.digests.get(place) == Some(digest));
    let (mut changes, mut body) = differing(data, live, rotated.then_some("access_key"));
    for (name, kind, is) in left_behind(data, live, ledger.fields.get(&one.path)) {
        let empty = normal(kind, &Value::Null).unwrap_or_default();
        changes.push(from_to(&name, &shown(kind, &is), &shown(kind, &empty)));
        body.insert(name, wire(kind, &empty));
    }
    let mut written = Vec::new();
    for ((place, digest), (name, secret)) in digests.iter().zip(&data.secrets) {
        if ledger.digests.get(place) != Some(digest) {
            changes.push(to(name, HIDDEN));
            body.insert(name.clone(), secret.expose().into());
            written.push((place.clone(), digest.clone()));
        }
    }
    if changes.is_empty() {
        return Action::new(one, Kind::None);
    }
    // Where nothing is known of a path, a write may well replace everything.
    if data.rules.is_none_or(|rules| rules.whole) {
        body = data.body();
        written = digests;
    }
    let fixed = changes.iter().find(|change| is_fixed(data, change));
    let fixed = fixed.map(|change| change.field.clone());
    let mut action = if let Some(fixed) = fixed {
        recreate(one, class, data, &fixed)
    } else {
        let mut action = Action::new(one, Kind::Configure);
        action.writes = vec![write(one, class, body)];
        action
    };
    action.changes = changes;
    action.digests = written;
    action
}

/// Whether a change cannot be made in place.
fn is_fixed(data: &Data, change: &Change) -> bool {
    let field = change.field.as_str();
    data.rules.is_some_and(|rules| {
        rules.fixed.contains(&field)
            || rules.stays_true.contains(&field) && change.to.as_deref() == Some("false")
    })
}

/// Fields that we wrote, that the file no longer declares, and that still hold something: a server keeps what a
/// request leaves out. Only those for which empty means that they are not set.
fn left_behind(
    data: &Data,
    live: &Value,
    written: Option<&BTreeSet<String>>,
) -> Vec<(String, FieldKind, Value)> {
    let Some(rules) = data.rules else {
        return Vec::new();
    };
    let gone = written.into_iter().flatten();
    let gone = gone.filter(|name| !data.fields.contains_key(*name));
    gone.filter_map(|name| {
        let kind = rules.field(name)?;
        let empties = match kind {
            FieldKind::Set
            | FieldKind::List
            | FieldKind::Lines
            | FieldKind::Pairs
            | FieldKind::Duration => true,
            FieldKind::Text => name.starts_with("bound_"),
            _ => false,
        };
        let is = read(data, live, name);
        let is = normal(kind, is).unwrap_or_else(|_| is.clone());
        let holds = !same(kind, &is, &normal(kind, &Value::Null).ok()?);
        (empties && holds && !rules.fixed.contains(&name.as_str()))
            .then(|| (name.clone(), kind, is))
    })
    .collect()
}

/// Whether an answer means that the thing is there.
fn is_there(data: &Data, live: &Value) -> bool {
    data.there_if
        .is_none_or(|field| live.get(field).and_then(Value::as_str) != Some(""))
}

/// The fields with everything put in that a server knows by numbers of its own.
fn known(data: &Data, holds: &Holds) -> Data {
    let mut data = data.clone();
    for (kind, value) in data.fields.values_mut() {
        references::fill(value, &|referred| references::held(referred, holds));
        if let Ok(form) = normal(*kind, value) {
            *value = form;
        }
    }
    data
}

/// The declared fields that differ: to be shown, and to be written.
fn differing(data: &Data, live: &Value, but: Option<&str>) -> (Vec<Change>, Map<String, Value>) {
    let mut body = Map::new();
    let mut changes = Vec::new();
    let compared = data
        .fields
        .iter()
        .filter(|(name, _)| Some(name.as_str()) != but);
    for (name, (kind, value)) in compared {
        let is = read(data, live, name);
        let is = normal(*kind, is).unwrap_or_else(|_| is.clone());
        if !same(*kind, &is, value) {
            changes.push(from_to(name, &shown(*kind, &is), &shown(*kind, value)));
            body.insert(name.clone(), wire(*kind, value));
        }
    }
    (changes, body)
}

/// What an answer says of a field.
fn read<'a>(data: &Data, live: &'a Value, name: &str) -> &'a Value {
    let reads = data.rules.map(|rules| rules.reads).unwrap_or_default();
    let path = reads.iter().find(|(field, _)| *field == name);
    let path = path.map_or(name, |(_, path)| path);
    path.split('.')
        .try_fold(live, |value, part| value.get(part))
        .unwrap_or(&Value::Null)
}

/// The request that writes fields.
fn write(one: &Wanted, class: Class, body: Map<String, Value>) -> Write {
    let path = match class {
        Class::EntityAlias => "identity/entity-alias",
        Class::GroupAlias => "identity/group-alias",
        _ => &one.path,
    };
    Write::Post(path.to_owned(), Value::Object(body))
}

fn recreate(one: &Wanted, class: Class, data: &Data, fixed: &str) -> Action {
    let mut action = Action::new(one, Kind::Recreate);
    action.why = Some(format!("`{fixed}` cannot be changed in place"));
    action.writes = vec![
        Write::Delete(one.path.clone()),
        write(one, class, data.body()),
    ];
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

/// A secret that is put there once: where something is, whatever it is, it stays.
fn initial(one: &Wanted, data: &Data, there: bool, holds: &Holds) -> Action {
    if there {
        return Action::new(one, Kind::None);
    }
    let mut action = Action::new(one, Kind::Create);
    action.changes = data.secrets.keys().map(|name| to(name, HIDDEN)).collect();
    let secrets: BTreeMap<&str, &str> = data
        .secrets
        .iter()
        .map(|(name, secret)| (name.as_str(), secret.expose()))
        .collect();
    let (mount, path) = data
        .read_from
        .as_deref()
        .and_then(|mount| Some((mount, one.path.strip_prefix(mount)?.trim_start_matches('/'))))
        .unwrap_or_default();
    let versioned = data
        .fields
        .get("version")
        .is_some_and(|(_, version)| version == "2")
        || holds
            .secrets
            .get(&format!("{mount}/"))
            .and_then(|live| live.get("options"))
            .is_some_and(|options| text(options, "version") == "2");
    action.writes = vec![if versioned {
        let body = json!({"options": {"cas": 0}, "data": secrets});
        Write::Once(format!("{mount}/data/{path}"), body)
    } else {
        Write::Post(one.path.clone(), json!(secrets))
    }];
    action
}
