//! Reads what a Vault holds, as far as a file and its ledger are about it.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde_json::{Map, Value};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    ledger::Ledger,
    plan::Holds,
    wanted::{Wanted, What},
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
        audit: match client.read("sys/audit").await {
            Ok(value) => listing(value),
            // A server may leave its audit devices to its own configuration.
            Err(error) if error.kind == ErrorKind::Unsupported => Map::new(),
            Err(error) => return Err(error),
        },
        auth: listing(client.read("sys/auth").await?),
        secrets: listing(client.read("sys/mounts").await?),
        policies: BTreeMap::new(),
        data: BTreeMap::new(),
    };
    let mut paths = BTreeSet::new();
    let mut policies = BTreeSet::new();
    for one in wanted {
        match &one.what {
            What::Config(_) | What::Role(_) => {
                paths.insert(one.path.as_str());
            }
            What::Policy(_) => {
                policies.insert(one.path.as_str());
            }
            _ => {}
        }
    }
    for (path, word) in &ledger.made {
        match word.as_str() {
            "role" => {
                paths.insert(path.as_str());
            }
            "policy" => {
                policies.insert(path.as_str());
            }
            _ => {}
        }
    }
    paths.retain(|path| is_mounted(path, &holds));
    let all = policies.into_iter().chain(paths).map(str::to_owned);
    let reads: Vec<_> = all.map(|path| find(client, path)).collect();
    let found: Vec<(String, Option<Value>)> = stream::iter(reads)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    for (path, value) in found {
        let Some(value) = value else { continue };
        let data = value.get("data").cloned().unwrap_or_default();
        if let Some(name) = path.strip_prefix("sys/policies/acl/") {
            let text = data.get("policy").and_then(Value::as_str);
            holds
                .policies
                .insert(name.to_owned(), text.unwrap_or_default().to_owned());
        } else {
            holds.data.insert(path, data);
        }
    }
    Ok(holds)
}

/// What is at a path, with the path.
fn find(
    client: &Client,
    path: String,
) -> BoxFuture<'_, Result<(String, Option<Value>), VaultError>> {
    async move {
        let value = client.find(&path).await?;
        Ok((path, value))
    }
    .boxed()
}

/// The entries of a listing: `data` where there is one, as newer servers repeat it at the top.
fn listing(value: Value) -> Map<String, Value> {
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
