//! What a Vault holds that its file does not name, whoever made it.
//!
//! Only looked for where a file says that it is the only one (`prune: {mode: exclusive}`). What comes with a server
//! is never in it, nor what the token comes from that is worked with: nobody is to saw off the branch they sit on.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, future::try_join_all};
use serde_json::Value;
use trueup_manifest::Diagnostic;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    file::Prune,
    observe::listing,
    patience::patiently,
    plan::{Action, Kind},
    rules,
    wanted::{BUILT_IN_MOUNTS, BUILT_IN_POLICIES, Class, Wanted, What},
};

/// Types of mounts that come with a server, wherever they are.
const BUILT_IN_TYPES: [&str; 6] = [
    "system",
    "identity",
    "cubbyhole",
    "token",
    "ns_system",
    "ns_identity",
];

/// What there is and the file does not name: paths, with the words that a ledger has for what is there.
pub(super) async fn unlisted(
    client: &Client,
    wanted: &[Wanted],
) -> Result<BTreeMap<String, String>, VaultError> {
    let named: BTreeSet<&str> = wanted.iter().map(|one| one.path.as_str()).collect();
    let own = Own::of(client).await?;
    let mut found = BTreeMap::new();
    for (api, prefix, word) in [
        ("sys/audit", "sys/audit/", "audit device"),
        ("sys/auth", "auth/", "auth method (may be deleted)"),
        ("sys/mounts", "", "secrets engine (may be deleted)"),
    ] {
        let listed = match patiently(|| client.read(api).boxed()).await {
            Err(error) if error.kind == ErrorKind::Unsupported => continue,
            listed => listing(listed?),
        };
        for (name, live) in listed {
            let path = format!("{prefix}{}", name.trim_end_matches('/'));
            let kind = live.get("type").and_then(Value::as_str).unwrap_or_default();
            let comes_with_it = api != "sys/audit"
                && (BUILT_IN_MOUNTS.contains(&path.as_str()) || BUILT_IN_TYPES.contains(&kind));
            if !comes_with_it && path != own.mount {
                found.insert(path, word.to_owned());
            }
        }
    }
    let folders = folders(wanted);
    let names = folders.iter().map(|(folder, _)| names(client, folder));
    for ((folder, word), names) in folders.iter().zip(try_join_all(names).await?) {
        for name in names {
            let spared = *word == "policy"
                && (BUILT_IN_POLICIES.contains(&name.as_str()) || own.policies.contains(&name));
            if !spared {
                found.insert(format!("{folder}/{name}"), (*word).to_owned());
            }
        }
    }
    found.retain(|path, _| !named.contains(path.as_str()) && *path != own.role);
    Ok(found)
}

/// Where things lie whose names can be listed, with the word for what they are.
fn folders(wanted: &[Wanted]) -> Vec<(String, &'static str)> {
    let mut folders = vec![
        ("sys/policies/acl".to_owned(), "policy"),
        (
            "sys/policies/password".to_owned(),
            Class::PasswordPolicy.word(),
        ),
        ("sys/quotas/rate-limit".to_owned(), Class::Quota.word()),
        ("identity/group/name".to_owned(), Class::Group(0).word()),
    ];
    for one in wanted {
        let (kind, folder) = match &one.what {
            What::Auth(mount) => (&mount.kind, rules::auth_role_folder(&mount.kind)),
            // A key that is deleted takes what it has sealed with it.
            What::Secrets(mount) if mount.kind == "transit" => continue,
            What::Secrets(mount) => (&mount.kind, rules::secrets_role_folder(&mount.kind)),
            _ => continue,
        };
        let folder = folder.map(|folder| (format!("{}/{folder}", one.path), Class::Role.word()));
        folders.extend(folder);
        if kind == "database" {
            folders.push((format!("{}/config", one.path), Class::Connection.word()));
        }
    }
    folders
}

/// The names in a folder; none where there is nothing, or no such folder on this server.
async fn names(client: &Client, folder: &str) -> Result<Vec<String>, VaultError> {
    let path = format!("{folder}?list=true");
    let listed = patiently(|| client.find(&path).boxed()).await;
    let listed = match listed {
        Err(error) if error.kind == ErrorKind::Unsupported => None,
        listed => listed?,
    };
    let keys = listed.and_then(|listed| listed.pointer("/data/keys").cloned());
    let keys = keys
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let names = keys.filter_map(Value::as_str);
    Ok(names
        .filter(|name| !name.ends_with('/'))
        .map(str::to_owned)
        .collect())
}

/// What the token comes from that is worked with.
struct Own {
    mount: String,
    role: String,
    policies: BTreeSet<String>,
}

impl Own {
    async fn of(client: &Client) -> Result<Self, VaultError> {
        let token = patiently(|| client.read("auth/token/lookup-self").boxed()).await?;
        let data = token.get("data").cloned().unwrap_or_default();
        let text = |pointer: &str| {
            let text = data.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        let login = text("/path");
        let mount = login.split_once("/login").map_or("", |(mount, _)| mount);
        let role = [text("/meta/role_name"), text("/meta/role")];
        let role = role.into_iter().find(|role| !role.is_empty());
        let policies = ["/policies", "/identity_policies"].into_iter();
        let policies = policies.filter_map(|pointer| data.pointer(pointer)?.as_array());
        Ok(Self {
            mount: mount.to_owned(),
            role: format!("{mount}/role/{}", role.unwrap_or_default()),
            policies: policies
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// An error where more would go than the file allows at once.
pub(super) fn over_the_limit(prune: &Prune, actions: &[Action]) -> Option<Diagnostic> {
    let going = actions.iter().filter(|one| one.kind == Kind::Prune);
    let going: Vec<&str> = going.map(|one| one.path.as_str()).collect();
    let there = actions.iter().filter(|one| one.kind != Kind::Create);
    let (going_count, there) = (going.len(), there.count());
    let limit = prune.limit(there)?;
    (going_count > limit).then(|| {
        let message = format!(
            "{going_count} of {there} things would be deleted, and `maxDeletes` allows {limit}: `{}`",
            going.join("`, `")
        );
        Diagnostic::error("vault/deletes-too-much", message).help(
            "nothing was deleted; name in the file what is to stay, or raise `prune.maxDeletes` for this once",
        )
    })
}
