//! What trueup made in a Vault: the inventory of a phase whose objects carry no labels.
//!
//! Only what is in the ledger is ever deleted. Write-only values are remembered by a keyed digest, so
//! that a changed one is written once and an unchanged one never; the key is sealed with the keys.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    error::{ErrorKind, VaultError},
    sealer::Sealer,
    store::{KeyStore, Slot},
};
use crate::source::Secret;

/// What was made, and what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ledger {
    /// The paths that were made, with the word for what is there.
    pub made: BTreeMap<String, String>,
    /// Digests of write-only fields: `path#field` to digest.
    pub digests: BTreeMap<String, String>,
    /// The key of the digests, sealed.
    pub key: String,
    /// Configurations whose root credentials only the Vault knows, with the name of their access key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub rotated: BTreeMap<String, String>,
    /// The fields that were written at a path, so that one that the file no longer declares is emptied.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub fields: BTreeMap<String, BTreeSet<String>>,
    /// Audit devices that the server leaves to its own configuration, as it said when it was last asked.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub unmanaged: BTreeSet<String>,
}

impl Ledger {
    /// Reads the ledger; an empty one where there is none yet.
    pub(super) async fn load(store: &dyn KeyStore) -> Result<Self, VaultError> {
        let Some(bytes) = store.load(Slot::Ledger).await? else {
            return Ok(Self::default());
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("the ledger beside {} is damaged: {error}", store.describe());
            VaultError::new(ErrorKind::Keys, message)
                .help("bring it back from a backup; without it nothing can be pruned")
        })
    }

    /// Writes the ledger.
    pub(super) async fn save(&self, store: &dyn KeyStore) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec(self).map_err(|error| {
            VaultError::new(
                ErrorKind::Keys,
                format!("the ledger cannot be written: {error}"),
            )
        })?;
        store.save(Slot::Ledger, &bytes).await
    }

    /// What was made and is no longer wanted.
    pub(super) fn left<'a>(&'a self, wanted: &BTreeSet<&str>) -> Vec<(&'a str, &'a str)> {
        self.made
            .iter()
            .filter(|(path, _)| !wanted.contains(path.as_str()))
            .map(|(path, word)| (path.as_str(), word.as_str()))
            .collect()
    }

    /// Forgets what was deleted, and what went with it.
    pub(super) fn forget(&mut self, path: &str) {
        let below = format!("{path}/");
        self.made
            .retain(|made, _| made != path && !made.starts_with(&below));
        let fields = format!("{path}#");
        self.digests
            .retain(|place, _| !place.starts_with(&fields) && !place.starts_with(&below));
        self.rotated
            .retain(|made, _| made != path && !made.starts_with(&below));
        self.fields
            .retain(|made, _| made != path && !made.starts_with(&below));
    }

    /// Follows a mount to where it was moved. Digests are of places: those of before mean nothing.
    pub(super) fn moved(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        let made = std::mem::take(&mut self.made);
        self.made = made
            .into_iter()
            .map(|(path, word)| match path.strip_prefix(from) {
                Some(tail) if path == from || path.starts_with(&below) => {
                    (format!("{to}{tail}"), word)
                }
                _ => (path, word),
            })
            .collect();
        self.digests.retain(|place, _| !place.starts_with(&below));
        self.rotated = followed(&mut self.rotated, &below, to);
        self.fields = followed(&mut self.fields, &below, to);
    }

    /// The digests of this ledger, with its key opened, or a new one made.
    pub(super) async fn digester(&mut self, sealer: &Sealer) -> Result<Digester, VaultError> {
        let lasts = !self.key.is_empty();
        if !lasts {
            let mut key = [0_u8; 32];
            aws_lc_rs::rand::fill(&mut key).map_err(|_| {
                VaultError::new(ErrorKind::Keys, "the system gives no random numbers")
            })?;
            self.key = String::from_utf8_lossy(&sealer.seal(&key).await?).into_owned();
            self.digests.clear();
        }
        let key = sealer.open(self.key.as_bytes()).await?;
        Ok(Digester {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            lasts,
        })
    }
}

/// What is known of paths, with those of a mount where it is now.
fn followed<T>(known: &mut BTreeMap<String, T>, below: &str, to: &str) -> BTreeMap<String, T> {
    let known = std::mem::take(known).into_iter();
    known
        .map(|(path, value)| match path.strip_prefix(below) {
            Some(tail) => (format!("{to}/{tail}"), value),
            None => (path, value),
        })
        .collect()
}

/// Makes keyed digests of secrets.
pub(super) struct Digester {
    key: hmac::Key,
    /// Whether the key was kept before, so that a later run makes the same digests.
    lasts: bool,
}

impl Digester {
    /// For a comparison that no other run repeats: nothing secret goes into it.
    pub(super) fn passing() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]),
            lasts: false,
        }
    }

    /// The digest of a secret at a place: the same text elsewhere has another.
    pub(super) fn digest(&self, place: &str, secret: &Secret) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(place.as_bytes());
        context.update(&[0]);
        context.update(secret.expose().as_bytes());
        STANDARD.encode(context.sign())
    }

    /// The digest of what a plan relied on; none where no later run could make it again.
    pub(super) fn lasting(&self, path: &str, found: &Secret) -> Option<String> {
        self.lasts
            .then(|| self.digest(&format!("plan {path}"), found))
    }
}

/// The name of a field in the ledger.
pub(super) fn place(path: &str, field: &str) -> String {
    format!("{path}#{field}")
}
