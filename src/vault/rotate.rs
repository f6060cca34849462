//! Replaces the root credentials of AWS mounts by ones that only the Vault knows.
//!
//! From then on the file's own are of no use: the ledger says so before the server is asked, so that no
//! run ever writes them back. Whoever writes others into the file means those, and they are written.

use serde_json::{Value, json};

use super::{
    client::Client,
    error::VaultError,
    ledger::Ledger,
    store::KeyStore,
    wanted::{Class, Wanted, What},
};

/// A mount whose root credentials can be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rotatable {
    /// The mount, as the file names it.
    pub mount: String,
    /// The path of its configuration.
    pub config: String,
}

/// The mounts of a file that have root credentials: AWS ones with a configuration.
pub(super) fn rotatable(wanted: &[Wanted]) -> Vec<Rotatable> {
    let mounts = wanted.iter().filter_map(|one| match &one.what {
        What::Auth(mount) if mount.kind == "aws" => Some((&one.path, "config/client")),
        What::Secrets(mount) if mount.kind == "aws" => Some((&one.path, "config/root")),
        _ => None,
    });
    mounts
        .map(|(mount, rest)| Rotatable {
            mount: mount.clone(),
            config: format!("{mount}/{rest}"),
        })
        .filter(|found| {
            wanted.iter().any(|one| {
                one.path == found.config && matches!(one.what, What::Data(Class::Config, _))
            })
        })
        .collect()
}

/// Replaces those of one mount; gives the name of the new access key.
pub(super) async fn rotate(
    client: &Client,
    target: &Rotatable,
    ledger: &mut Ledger,
    store: &dyn KeyStore,
) -> Result<String, VaultError> {
    let before = ledger.rotated.get(&target.config).cloned();
    // Known before it is done: a crash in between must not bring the old ones back.
    ledger
        .rotated
        .insert(target.config.clone(), before.clone().unwrap_or_default());
    ledger.save(store).await?;
    let path = format!("{}/config/rotate-root", target.mount);
    let answer = match client.write(&path, &json!({})).await {
        Ok(answer) => answer,
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => {
            // It was refused, so nothing has changed.
            if before.is_none() {
                ledger.rotated.remove(&target.config);
                ledger.save(store).await?;
            }
            return Err(error);
        }
    };
    let key = answer.pointer("/data/access_key").and_then(Value::as_str);
    let key = key.unwrap_or_default().to_owned();
    ledger.rotated.insert(target.config.clone(), key.clone());
    ledger.save(store).await?;
    Ok(key)
}
