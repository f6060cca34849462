//! A Vault that a file describes, connected: what is read before anything is sent.

use std::{collections::BTreeMap, fs, sync::Arc};

use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    error::{ErrorKind, VaultError},
    file::{Address, Bootstrap, KeysAt, Reference, Seal, Store},
    guard::{By, Guard},
    reach::Reach,
    report::VaultReport,
    run::Run,
    seal::{SealStatus, seal_status},
    sealer::{Kms, Sealer},
    store::{FileStore, KeyStore, S3Store, SecretStore},
    verify,
    wanted::What,
};
use crate::{apply::Stopped, aws::Provider, cluster::Cluster, plan::SavedWork, source::Secret};

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Unseal what is sealed, and nothing else.
    Unseal,
    /// All of it.
    Everything,
}

/// A Vault that a file describes, connected.
pub struct Phase {
    pub(super) bootstrap: Bootstrap,
    pub(super) reach: Reach,
    pub(super) kept: Option<Kept>,
    /// What a saved plan says of it.
    pub(super) expected: Option<SavedWork>,
}

/// Where keys are kept, what opens them, and what keeps others away meanwhile.
pub(super) struct Kept {
    pub store: Box<dyn KeyStore>,
    pub sealer: Sealer,
    pub guard: Guard,
}

impl Phase {
    /// Reads what the file refers to: certificates, identities, secrets. Nothing is sent to the Vault yet.
    /// The cluster is the one that pods and Secrets of the file are in.
    pub async fn open(
        mut bootstrap: Bootstrap,
        cluster: Option<Arc<dyn Cluster>>,
    ) -> Result<Self, Diagnostics> {
        let reach = Reach::new(&bootstrap.server, cluster.as_ref())
            .await
            .map_err(one)?;
        let kept = match &bootstrap.keys {
            Some(keys) => {
                Some(kept(keys, &bootstrap.server.address, cluster.as_ref()).map_err(one)?)
            }
            None => None,
        };
        let mut errors = Diagnostics::new();
        for (path, field, reference) in &bootstrap.secrets {
            match read(reference) {
                Ok(secret) => {
                    for wanted in bootstrap.wanted.iter_mut().filter(|one| one.path == *path) {
                        if let What::Data(_, data) = &mut wanted.what {
                            data.secrets.insert(field.clone(), secret.clone());
                        }
                    }
                }
                Err(error) => errors.push(Diagnostic::from(error)),
            }
        }
        for one in &bootstrap.sealed {
            match one.open(kept.as_ref().map(|kept| &kept.sealer)).await {
                Ok(values) => {
                    for wanted in bootstrap.wanted.iter_mut().filter(|to| to.path == one.path) {
                        if let What::Data(_, data) = &mut wanted.what {
                            data.secrets.extend(values.clone());
                        }
                    }
                }
                Err(error) => errors.push(Diagnostic::from(error)),
            }
        }
        errors.into_result(())?;
        Ok(Self {
            bootstrap,
            reach,
            kept,
            expected: None,
        })
    }

    /// Does only what a saved plan says: where anything else is to be done, nothing is.
    #[must_use]
    pub fn expecting(mut self, expected: Option<SavedWork>) -> Self {
        self.expected = expected;
        self
    }

    /// Once told to stop, it finishes the requests in hand, begins no other that writes, and leaves no token and no
    /// lease behind.
    #[must_use]
    pub fn until(mut self, stopped: Stopped) -> Self {
        if let Some(kept) = &mut self.kept {
            kept.guard.until(stopped);
        }
        self
    }

    /// A report of nothing yet.
    pub(super) fn report(&self) -> VaultReport {
        VaultReport {
            name: self.bootstrap.name.clone(),
            ..VaultReport::default()
        }
    }

    /// Takes the Vault to what the file says, or tells what that would take.
    pub async fn run(&self, depth: Depth, dry_run: bool) -> VaultReport {
        let mut report = self.report();
        let result = async {
            let found = self.reach.find().await?;
            Run::new(self, found, depth, dry_run)
                .advance(&mut report)
                .await
        };
        if let Err(error) = result.await {
            report.errors.push(Diagnostic::from(error));
        }
        if let Some(kept) = &self.kept {
            kept.guard.release().await;
        }
        report
    }

    /// Says what [`Self::verify`] would try, and asks nobody.
    pub fn to_verify(&self) -> VaultReport {
        let mut report = self.report();
        if self.bootstrap.verify.is_empty() {
            report.errors.push(Diagnostic::from(nothing_to_verify()));
        }
        report.to_verify = verify::tries(&self.bootstrap.verify);
        report
    }

    /// Shows that what was configured works, and changes nothing.
    pub async fn verify(&self) -> VaultReport {
        let mut report = self.report();
        let result = async {
            if self.bootstrap.verify.is_empty() {
                return Err(nothing_to_verify());
            }
            let found = self.reach.find().await?;
            let run = Run::new(self, found, Depth::Everything, false);
            run.verify(&mut report).await
        };
        if let Err(error) = result.await {
            report.errors.push(Diagnostic::from(error));
        }
        report
    }

    /// Whether a server of an initialised Vault is sealed; an error where one does not answer.
    pub(super) async fn any_sealed(&self) -> Result<bool, VaultError> {
        let (mut initialised, mut sealed) = (false, false);
        for server in &self.reach.find().await?.servers {
            let status = seal_status(server).await?;
            initialised |= status.initialised;
            sealed |= status.sealed;
        }
        Ok(initialised && sealed)
    }

    /// What each server says of itself; an error where not even the servers can be told.
    pub async fn status(
        &self,
    ) -> Result<BTreeMap<String, Result<SealStatus, VaultError>>, VaultError> {
        let mut all = BTreeMap::new();
        let found = self.reach.find().await?;
        for server in &found.servers {
            all.insert(server.describe(), seal_status(server).await);
        }
        for why in found.missing {
            let error = VaultError::new(ErrorKind::Unreachable, why.clone());
            all.insert(why, Err(error));
        }
        Ok(all)
    }
}

fn nothing_to_verify() -> VaultError {
    let message = "the file says nothing of what has to work";
    VaultError::new(ErrorKind::Invalid, message).help("`verify` in its `spec` does")
}

fn kept(
    keys: &KeysAt,
    address: &Address,
    cluster: Option<&Arc<dyn Cluster>>,
) -> Result<Kept, VaultError> {
    let (sealer, region, provider) = match &keys.seal {
        Seal::Age {
            recipients,
            identity,
        } => {
            let identity = identity.as_ref().map(read).transpose()?;
            let sealer = Sealer::new(recipients, identity.as_ref())?;
            (sealer, "", Provider::default())
        }
        Seal::Kms {
            key,
            region,
            provider,
        } => {
            let kms = Kms::new(key, region, provider.clone());
            (Sealer::Kms(kms), region.as_str(), provider.clone())
        }
    };
    let (store, by): (Box<dyn KeyStore>, By) = match &keys.store {
        Store::File(path) => {
            let store = FileStore::new(path);
            let lock = By::File(store.beside("lock"));
            (Box::new(store), lock)
        }
        Store::Secret { namespace, name } => {
            let Some(cluster) = cluster else {
                let message = "the keys are in a Secret, and there is no cluster to find it in";
                return Err(VaultError::new(ErrorKind::Keys, message));
            };
            let store = SecretStore::new(Arc::clone(cluster), namespace, name);
            let lease = format!("vault-{namespace}-{name}");
            (Box::new(store), By::Lease(Arc::clone(cluster), lease))
        }
        Store::S3 { bucket, key } => {
            let store = S3Store::new(bucket, key, region, provider);
            (Box::new(store), By::Versions)
        }
    };
    // Whoever works on the same pods with other keys is kept away too.
    let by = match (address, cluster) {
        (Address::Pods(at), Some(cluster)) => {
            let lease = format!("vault-{}-{}", at.namespace, at.stateful_set);
            By::Lease(Arc::clone(cluster), lease)
        }
        _ => by,
    };
    Ok(Kept {
        store,
        sealer,
        guard: Guard::new(by),
    })
}

fn one(error: VaultError) -> Diagnostics {
    Diagnostic::from(error).into()
}

/// Reads a secret from where a reference says.
pub(super) fn read(reference: &Reference) -> Result<Secret, VaultError> {
    let found = match reference {
        Reference::Env(name) => std::env::var(name).map_err(|_| "it is not set".to_owned()),
        Reference::File(path) => fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    match found {
        Ok(text) => Ok(Secret::new(text.strip_suffix('\n').unwrap_or(&text))),
        Err(why) => Err(VaultError::new(
            ErrorKind::Keys,
            format!(
                "a secret cannot be read from {}: {why}",
                reference.describe()
            ),
        )),
    }
}
