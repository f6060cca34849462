//! What a file says by name and a server knows by a number of its own: `${accessor(auth/aws)}`,
//! `${entity(jay)}`, `${group(team)}`.
//!
//! While planning, what is there already is looked up in what was read; what only comes to be in the
//! same run is looked up on the server just before the request that needs it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    plan::Holds,
};

/// What is referred to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Referred {
    /// The accessor of a mount, by its path: `auth/aws` or `secret`.
    Accessor(String),
    /// The id of an entity, by its name.
    Entity(String),
    /// The id of a group, by its name.
    Group(String),
}

impl Referred {
    /// Where it is read.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Accessor(mount) if mount.starts_with("auth/") => "sys/auth".to_owned(),
            Self::Accessor(_) => "sys/mounts".to_owned(),
            Self::Entity(name) => format!("identity/entity/name/{name}"),
            Self::Group(name) => format!("identity/group/name/{name}"),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Accessor(mount) => format!("the mount `{mount}`"),
            Self::Entity(name) => format!("the entity `{name}`"),
            Self::Group(name) => format!("the group `{name}`"),
        }
    }
}

/// The text that refers to something.
pub(super) fn written(kind: &str, name: &str) -> String {
    format!("${{{kind}({name})}}")
}

/// The next reference of a text: what is before it, what it refers to, what is after it.
fn split(text: &str) -> Option<(&str, Referred, &str)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find("${")?;
        from = at + 2;
        let inner = text.get(from..)?;
        let Some((word, tail)) = inner.split_once('(') else {
            continue;
        };
        let Some((name, rest)) = tail.split_once(")}") else {
            continue;
        };
        let name = name.trim().trim_matches('/').to_owned();
        let referred = match word.trim() {
            "accessor" => Referred::Accessor(name),
            "entity" => Referred::Entity(name),
            "group" => Referred::Group(name),
            _ => continue,
        };
        return Some((text.get(..at)?, referred, rest));
    }
}

/// Everything that a value refers to.
pub(super) fn all(value: &Value, found: &mut BTreeSet<Referred>) {
    match value {
        Value::String(text) => {
            let mut rest = text.as_str();
            while let Some((_, referred, tail)) = split(rest) {
                found.insert(referred);
                rest = tail;
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, found)),
        Value::Object(entries) => entries.values().for_each(|entry| all(entry, found)),
        _ => {}
    }
}

/// Puts in what is known. What is not stays as it is written.
pub(super) fn fill(value: &mut Value, known: &dyn Fn(&Referred) -> Option<String>) {
    match value {
        Value::String(text) => *text = filled(text, known),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, known)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| fill(entry, known)),
        _ => {}
    }
}

/// As [`fill`], of a text.
pub(super) fn filled(text: &str, known: &dyn Fn(&Referred) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, referred, tail)) = split(rest) {
        out.push_str(before);
        match known(&referred) {
            Some(id) => out.push_str(&id),
            None => out.push_str(
                rest.get(before.len()..rest.len() - tail.len())
                    .unwrap_or_default(),
            ),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What a Vault holds of it.
pub(super) fn held(referred: &Referred, holds: &Holds) -> Option<String> {
    let (value, field) = match referred {
        Referred::Accessor(mount) => {
            let found = match mount.strip_prefix("auth/") {
                Some(bare) => holds.auth.get(&format!("{bare}/")),
                None => holds.secrets.get(&format!("{mount}/")),
            };
            (found?, "accessor")
        }
        other => (holds.data.get(&other.path())?, "id"),
    };
    value.get(field)?.as_str().map(str::to_owned)
}

/// Looks up on the server what a body still refers to.
pub(super) async fn settle(client: &Client, body: &Value) -> Result<Value, VaultError> {
    let mut wanted = BTreeSet::new();
    all(body, &mut wanted);
    let mut holds = Holds::default();
    for referred in &wanted {
        let path = referred.path();
        let Some(answer) = client.find(&path).await? else {
            continue;
        };
        if let Referred::Accessor(mount) = referred {
            let listing = super::observe::listing(answer);
            if mount.starts_with("auth/") {
                holds.auth = listing;
            } else {
                holds.secrets = listing;
            }
        } else {
            let data = answer.get("data").cloned().unwrap_or_default();
            holds.data.insert(path, data);
        }
    }
    if let Some(missing) = wanted.iter().find(|one| held(one, &holds).is_none()) {
        let message = format!("{} is not there", missing.describe());
        return Err(VaultError::new(ErrorKind::NotFound, message)
            .help("declare it in this file, or correct its name"));
    }
    let mut body = body.clone();
    fill(&mut body, &|referred| held(referred, &holds));
    Ok(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_and_filled_and_other_dollars_are_left_alone() {
        let text =
            "path \"a/{{identity.entity.aliases.${accessor(auth/aws)}.name}}/${x}/${group(g)}\"";
        let mut found = BTreeSet::new();
        all(&json!({"a": [text]}), &mut found);
        assert_eq!(found.len(), 2);
        let filled = filled(text, &|referred| match referred {
            Referred::Accessor(mount) => Some(format!("<{mount}>")),
            _ => None,
        });
        assert_eq!(
            filled,
            "path \"a/{{identity.entity.aliases.<auth/aws>.name}}/${x}/${group(g)}\""
        );
        assert_eq!(written("group", "g"), "${group(g)}");
    }
}
