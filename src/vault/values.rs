//! Reads values for others: for charts and kustomizations of the environment that the Vault belongs to.
//!
//! Nothing is initialised, unsealed or configured for it, and no lease is left behind: a value that is another one
//! at each reading would never let an environment come to rest.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    ledger::{Digester, Ledger},
    patience::patiently,
    phase::{Depth, Phase},
    run::{Run, Whose},
    token::revoke,
};
use crate::source::Secret;

/// What is at a path.
pub struct Held {
    /// The values by their names.
    pub values: Map<String, Value>,
    /// What tells them from others: the version of a KV engine that has them, or else a keyed digest; none where there
    /// is no key that a later run has too.
    pub version: Option<String>,
}

/// What was found at a path: none where nothing is.
type Found = Result<Option<Held>, VaultError>;

impl Phase {
    /// What is at these paths, as people name them: `secret/hub/auth0`, of whichever version the engine is. An error
    /// where the Vault cannot be asked at all.
    pub async fn values(
        &self,
        paths: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Found>, VaultError> {
        let found = self.reach.find().await?;
        let run = Run::new(self, found, Depth::Everything, true);
        let mut foreseen = self.report();
        let keys = run.foresee(&mut foreseen).await?;
        let server = match (foreseen.steps.first(), run.active().await?) {
            (Some(step), _) => {
                let message = match step.what {
                    "init" => format!("{} is not initialised yet", step.server),
                    _ => format!("{} is sealed", step.server),
                };
                return Err(VaultError::new(ErrorKind::Sealed, message));
            }
            (None, None) => {
                let message = "every server of the Vault is sealed";
                return Err(VaultError::new(ErrorKind::Sealed, message));
            }
            (None, Some(server)) => server,
        };
        let (client, whose) = run.authorised(server, keys.as_ref()).await?;
        let read = self.read_all(&client, paths).await;
        let revoked = match whose {
            Whose::Own | Whose::Made => revoke(&client).await,
            Whose::Given | Whose::Kept => Ok(()),
        };
        if let Some(kept) = &self.kept {
            kept.guard.release().await;
        }
        revoked.and(read)
    }

    async fn read_all(
        &self,
        client: &Client,
        paths: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Found>, VaultError> {
        let digester = self.known_digester().await?;
        let mut all = BTreeMap::new();
        for path in paths {
            all.insert(path.clone(), read(client, path, digester.as_ref()).await);
        }
        Ok(all)
    }

    /// The digests of the ledger, where one is kept.
    async fn known_digester(&self) -> Result<Option<Digester>, VaultError> {
        let Some(kept) = &self.kept else {
            return Ok(None);
        };
        let mut ledger = Ledger::load(&*kept.store).await?;
        if ledger.key.is_empty() {
            return Ok(None);
        }
        ledger.digester(&kept.sealer).await.map(Some)
    }
}

async fn read(client: &Client, path: &str, digester: Option<&Digester>) -> Found {
    let path = path.trim_matches('/');
    let (api, versioned) = place(client, path).await?;
    let Some(answer) = patiently(|| client.find(&api).boxed()).await? else {
        return Ok(None);
    };
    let lease = answer.get("lease_id").and_then(Value::as_str);
    if let Some(lease) = lease.filter(|lease| !lease.is_empty()) {
        client
            .put("sys/leases/revoke", &json!({"lease_id": lease}))
            .await?;
        let message = format!("{path} gives another value at each reading, and a lease with it");
        return Err(VaultError::new(ErrorKind::Invalid, message).help(
            "only what stays can be a value here; let the pod itself ask for what is made for it",
        ));
    }
    let data = answer.get("data").cloned().unwrap_or_default();
    let (data, version) = if versioned {
        let text = |pointer: &str| data.pointer(pointer).map(ToString::to_string);
        let version = text("/metadata/version").zip(text("/metadata/created_time"));
        let version = version.map(|(version, created)| format!("{version} of {created}"));
        (data.get("data").cloned().unwrap_or_default(), version)
    } else {
        let text = Secret::new(data.to_string());
        (
            data,
            digester.and_then(|digester| digester.lasting(path, &text)),
        )
    };
    match data {
        Value::Object(values) => Ok(Some(Held { values, version })),
        // A version that was deleted.
        _ => Ok(None),
    }
}

/// Where a path is read: an engine of version 2 has its values under `data/`. Whether it is one.
async fn place(client: &Client, path: &str) -> Result<(String, bool), VaultError> {
    let asked = format!("sys/internal/ui/mounts/{path}");
    let mount = match patiently(|| client.find(&asked).boxed()).await {
        Ok(mount) => mount,
        // Whoever may not see the mount may still read the path, or is told so by that.
        Err(error) if error.kind == ErrorKind::Forbidden => None,
        Err(error) => return Err(error),
    };
    let text = |pointer: &str| {
        let found = mount.as_ref().and_then(|mount| mount.pointer(pointer));
        found.and_then(Value::as_str).unwrap_or_default()
    };
    let versioned = text("/data/type") == "kv" && text("/data/options/version") == "2";
    let at = text("/data/path").trim_end_matches('/');
    match path
        .strip_prefix(at)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        // As people write it who know the API.
        Some(rest) if versioned && rest.starts_with("data/") => Ok((path.to_owned(), true)),
        Some(rest) if versioned => Ok((format!("{at}/data/{rest}"), true)),
        _ => Ok((path.to_owned(), false)),
    }
}
