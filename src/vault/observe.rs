//! Reads what a Vault holds, as far as a file and its ledger are about it.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde_json::{Map, Value, json};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    ledger::Ledger,
    patience::patiently,
    plan::Holds,
    references::{self, Referred},
    wanted::{Class, Wanted, What},
};

/// How many reads are in flight.
const AT_ONCE: usize = 16;

/// Reads it all. Paths under mounts that are not there are not asked for.
pub(super) async fn observe(
    client: &Client,
    wanted: &[Wanted],
    ledger: &Ledger,
) -> Result<Holds, VaultError> {
    let mut holds = Holds {
        audit: match patiently(|| client.read("sys/audit").boxed()).await {
            Ok(value) => listing(value),
            // A server may leave its audit devices to its own configuration.
            Err(error) if error.kind == ErrorKind::Unsupported => Map::new(),
            Err(error) => return Err(error),
        },
        auth: listing(patiently(|| client.read("sys/auth").boxed()).await?),
        secrets: listing(patiently(|| client.read("sys/mounts").boxed()).await?),
        policies: BTreeMap::new(),
        data: BTreeMap::new(),
    };
    let places = places(wanted, ledger, &holds);
    let asked: BTreeSet<String> = places.values().cloned().collect();
    let reads: Vec<_> = asked.into_iter().map(|path| find(client, path)).collect();
    let found: BTreeMap<String, Value> = stream::iter(reads)
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|(path, value)| async move { Ok(value.map(|value| (path, value))) })
        .try_collect()
        .await?;
    for (path, asked) in places {
        let Some(data) = found.get(&asked) else {
            continue;
        };
        if let Some(name) = path.strip_prefix("sys/policies/acl/") {
            let text = data.get("policy").and_then(Value::as_str);
            holds
                .policies
                .insert(name.to_owned(), text.unwrap_or_default().to_owned());
        } else if let Some(alias) = Alias::of(&path) {
            if let Some(alias) = alias.within(data, &holds) {
                holds.data.insert(path, alias);
            }
        } else {
            holds.data.insert(path, data.clone());
        }
    }
    Ok(holds)
}

/// What is to be read: the path that a thing has in the file or the ledger, and where it is asked for.
fn places(wanted: &[Wanted], ledger: &Ledger, holds: &Holds) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    let mut referred = BTreeSet::new();
    let made = ledger.made.iter().filter(|(_, word)| {
        *word == "policy" || Class::of_word(word).is_some_and(Class::is_pruned)
    });
    for (path, _) in made {
        places.insert(path.clone(), origin(path, path));
    }
    for one in wanted {
        match &one.what {
            What::Policy(text) => {
                references::all(&json!(text), &mut referred);
                places.insert(one.path.clone(), one.path.clone());
            }
            What::Data(Class::InitialValue, data) => {
                let mount = data.origin(&one.path);
                let place = initial(&one.path, mount, holds);
                places.insert(one.path.clone(), place);
            }
            What::Data(_, data) => {
                data.fields
                    .values()
                    .for_each(|(_, value)| references::all(value, &mut referred));
                let asked = origin(&one.path, data.origin(&one.path));
                places.insert(one.path.clone(), asked);
            }
            _ => {}
        }
    }
    let named = |one: &&Referred| !matches!(one, Referred::Accessor(_));
    for path in referred.iter().filter(named).map(Referred::path) {
        places.insert(path.clone(), path);
    }
    for asked in places.values_mut() {
        *asked = before_its_move(asked, wanted, holds);
    }
    places.retain(|_, asked| is_mounted(asked, holds));
    places
}

/// Where a thing is asked for: an alias is told by what it belongs to.
fn origin(path: &str, asked: &str) -> String {
    Alias::of(path).map_or_else(|| asked.to_owned(), |alias| alias.owner.to_owned())
}

/// Where it can be seen whether a secret is there, without the secret where there is such a place.
fn initial(path: &str, mount: &str, holds: &Holds) -> String {
    let live = holds.secrets.get(&format!("{mount}/"));
    let version = live
        .and_then(|live| live.get("options")?.get("version")?.as_str())
        .unwrap_or_default();
    match (version, path.strip_prefix(mount)) {
        ("2", Some(rest)) => format!("{mount}/metadata/{}", rest.trim_start_matches('/')),
        _ => path.to_owned(),
    }
}

/// The path in a mount that is about to be moved.
fn before_its_move(path: &str, wanted: &[Wanted], holds: &Holds) -> String {
    for one in wanted {
        let (What::Auth(mount) | What::Secrets(mount)) = &one.what else {
            continue;
        };
        let Some(before) = &mount.moved_from else {
            continue;
        };
        if let Some(tail) = path.strip_prefix(one.path.as_str())
            && tail.starts_with('/')
            && !is_mounted(path, holds)
        {
            return format!("{before}{tail}");
        }
    }
    path.to_owned()
}

/// An alias, by the path that stands for it here:
/// `identity/entity/name/jay/alias/auth/userpass/jay`.
struct Alias<'a> {
    owner: &'a str,
    mount: &'a str,
    name: &'a str,
}

impl<'a> Alias<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let (owner, rest) = path.split_once("/alias/")?;
        if !owner.starts_with("identity/") {
            return None;
        }
        let (mount, name) = rest.rsplit_once('/')?;
        Some(Self { owner, mount, name })
    }

    /// The alias as its owner shows it.
    fn within(&self, owner: &Value, holds: &Holds) -> Option<Value> {
        let accessor = references::held(&Referred::Accessor(self.mount.to_owned()), holds)?;
        let text = |alias: &Value, field: &str| {
            let text = alias.get(field).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let all = owner.get("aliases").and_then(Value::as_array);
        let mut all = all.into_iter().flatten().chain(owner.get("alias"));
        all.find(|alias| {
            // Some aliases have names that do not fit into a path.
            text(alias, "mount_accessor") == accessor
                && super::file::in_path(&text(alias, "name")) == self.name
        })
        .cloned()
    }
}

/// What is at a path, with the path.
fn find(
    client: &Client,
    path: String,
) -> BoxFuture<'_, Result<(String, Option<Value>), VaultError>> {
    async move {
        let value = match patiently(|| client.find(&path).boxed()).await {
            // What this engine says where others say 404.
            Err(error) if error.message.contains("keys haven't been configured yet") => None,
            other => other?,
        };
        let value = value.map(|value| value.get("data").cloned().unwrap_or_default());
        Ok((path, value))
    }
    .boxed()
}

/// The entries of a listing: `data` where there is one, as newer servers repeat it at the top.
pub(super) fn listing(value: Value) -> Map<String, Value> {
    let data = value.get("data").cloned().unwrap_or(value);
    match data {
        Value::Object(entries) => entries
            .into_iter()
            .filter(|(name, _)| name.ends_with('/'))
            .collect(),
        _ => Map::new(),
    }
}

fn is_mounted(path: &str, holds: &Holds) -> bool {
    let (bare, mounts) = match path.strip_prefix("auth/") {
        Some(bare) => (bare, &holds.auth),
        None => (path, &holds.secrets),
    };
    mounts.keys().any(|mount| bare.starts_with(mount.as_str()))
        // Paths of the system itself, such as quotas.
        || path.starts_with("sys/")
        || path.starts_with("identity/")
}
