//! Sealed bytes in Secrets of a cluster, one a slot.
//!
//! Each write names the version that it replaces, so that of two processes that write at once only one
//! does. Who may read Secrets learns nothing: what is in them is sealed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{KeyStore, Slot};
use crate::{
    cluster::{
        ApplyOptions, Cluster, DeleteOptions, Error, ErrorKind as ClusterError, Freshness, Live,
        Patch, Target,
    },
    plan::FIELD_MANAGER,
    vault::error::{ErrorKind, VaultError},
};

/// The entry of each Secret that holds the bytes.
const ENTRY: &str = "sealed";

/// Keeps each slot in a Secret: the keys in that of the name, the others in those that begin with it.
pub(in crate::vault) struct SecretStore {
    cluster: Arc<dyn Cluster>,
    namespace: String,
    name: String,
    /// The versions that were seen last.
    versions: Mutex<HashMap<&'static str, String>>,
}

impl SecretStore {
    /// A store whose keys are in the Secret of this name.
    pub(in crate::vault) fn new(cluster: Arc<dyn Cluster>, namespace: &str, name: &str) -> Self {
        Self {
            cluster,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            versions: Mutex::default(),
        }
    }

    async fn target(&self, slot: Slot) -> Result<Target, VaultError> {
        let kinds = self.cluster.kinds(Freshness::Cached).await;
        let kinds = kinds.map_err(|error| failed(&error))?;
        let Some(resource) = kinds.preferred("", "Secret") else {
            return Err(VaultError::new(
                ErrorKind::Keys,
                "the cluster has no Secrets",
            ));
        };
        let name = match slot {
            Slot::Keys => self.name.clone(),
            other => format!("{}-{}", self.name, other.name()),
        };
        Ok(Target {
            resource: Arc::clone(resource),
            namespace: self.namespace.clone(),
            name,
        })
    }

    fn seen(&self, slot: Slot) -> Option<String> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(slot.name()).cloned()
    }

    fn note(&self, slot: Slot, live: Option<&Live>) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let version = live.map(|live| live.resource_version().to_owned());
        versions.insert(slot.name(), version.unwrap_or_default());
    }

    /// The version that a write replaces; of a Secret that is not there yet, that of the empty one which is
    /// created.
    async fn version(&self, slot: Slot, target: &Target) -> Result<String, VaultError> {
        if let Some(version) = self.seen(slot).filter(|version| !version.is_empty()) {
            return Ok(version);
        }
        let was_absent = self.seen(slot).is_some();
        let live = self.cluster.get(target).await;
        let live = match live.map_err(|error| failed(&error))? {
            Some(live) if was_absent && !is_empty(&live) => return Err(Self::raced(target)),
            Some(live) => live,
            None => match self.create(target).await? {
                created if is_empty(&created) => created,
                _ => return Err(Self::raced(target)),
            },
        };
        Ok(live.resource_version().to_owned())
    }

    async fn create(&self, target: &Target) -> Result<Live, VaultError> {
        let body = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"name": target.name, "namespace": target.namespace},
        });
        let options = ApplyOptions {
            field_manager: FIELD_MANAGER.into(),
            force: false,
            dry_run: false,
            subresource: None,
        };
        let applied = self
            .cluster
            .apply(target, body.to_string().into(), &options)
            .await;
        applied
            .map(|applied| applied.live)
            .map_err(|error| failed(&error))
    }

    async fn write(&self, slot: Slot, sealed: &[u8]) -> Result<(), VaultError> {
        let target = self.target(slot).await?;
        let version = self.version(slot, &target).await?;
        let text = STANDARD.encode(sealed);
        let patch = Patch::Merge(json!({
            "metadata": {"resourceVersion": version},
            "data": {ENTRY: text},
        }));
        let live = match self.cluster.patch(&target, &patch, false).await {
            Ok(live) => live,
            Err(error) if matches!(error.kind(), ClusterError::Conflict { .. }) => {
                // An answer that got lost on its way makes our own write look like another's.
                let live = self.cluster.get(&target).await;
                match live.map_err(|error| failed(&error))? {
                    Some(live) if live.text(&["data", ENTRY]) == text => live,
                    _ => return Err(Self::raced(&target)),
                }
            }
            Err(error) => return Err(failed(&error)),
        };
        self.note(slot, Some(&live));
        Ok(())
    }

    fn raced(target: &Target) -> VaultError {
        let message = format!("another process wrote to {target} at the same time");
        VaultError::new(ErrorKind::Keys, message)
            .help("let it finish, then run again: nothing was overwritten")
    }
}

impl KeyStore for SecretStore {
    fn describe(&self) -> String {
        format!("the Secret {}/{}", self.namespace, self.name)
    }

    fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>> {
        async move {
            let target = self.target(slot).await?;
            let live = self.cluster.get(&target).await;
            let live = live.map_err(|error| failed(&error))?;
            self.note(slot, live.as_ref());
            let Some(live) = live.filter(|live| !is_empty(live)) else {
                return Ok(None);
            };
            let bytes = STANDARD.decode(live.text(&["data", ENTRY]));
            let bytes = bytes.map_err(|_| {
                let message = format!("`{ENTRY}` of {target} is no base64");
                VaultError::new(ErrorKind::Keys, message)
            })?;
            Ok(Some(bytes))
        }
        .boxed()
    }

    fn save<'a>(&'a self, slot: Slot, sealed: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>> {
        self.write(slot, sealed).boxed()
    }

    fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>> {
        async move {
            let target = self.target(slot).await?;
            let options = DeleteOptions::default();
            let deleted = self.cluster.delete(&target, &options).await;
            deleted.map_err(|error| failed(&error))?;
            self.note(slot, None);
            Ok(())
        }
        .boxed()
    }
}

/// Whether it was created and never written to.
fn is_empty(live: &Live) -> bool {
    live.at(&["data", ENTRY]).is_none_or(Value::is_null)
}

fn failed(error: &Error) -> VaultError {
    let kind = match error.kind() {
        ClusterError::Unreachable | ClusterError::Transient => ErrorKind::Server,
        _ => ErrorKind::Keys,
    };
    let found = VaultError::new(kind, error.to_string());
    match error.help() {
        Some(help) => found.help(help),
        None => found,
    }
}
