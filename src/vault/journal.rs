//! How far the bootstrap of a Vault is, written before each step that cannot be taken back.
//!
//! ```text
//!  (nothing) ─► intent ─► answered ─► saved ─► configured
//!               │         │           │        └ trueup's own login works, the root token is revoked
//!               │         │           └ the keys were read back from the store and opened
//!               │         └ the answer of `sys/init` is here, sealed, as it came
//!               └ `sys/init` may have been sent: from here on there may be keys
//! ```

use serde::{Deserialize, Serialize};

use super::{
    error::{ErrorKind, VaultError},
    store::{KeyStore, Slot},
};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Stage {
    /// `sys/init` may have been sent.
    Intent,
    /// Its answer is in the journal.
    Answered,
    /// The keys are in the store, and were read back from there.
    Saved,
    /// Nothing of the bootstrap is left to do.
    Configured,
}

/// The journal of one bootstrap. It holds nothing in clear that is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Journal {
    /// A name for this attempt.
    pub attempt: String,
    /// How far it is.
    pub stage: Stage,
    /// The server that was, or is to be, initialised.
    pub server: String,
    /// The answer of `sys/init`, sealed: age's armoured text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<String>,
}

impl Journal {
    /// Reads the journal of a store; none where no bootstrap was ever begun.
    pub(super) async fn load(store: &dyn KeyStore) -> Result<Option<Self>, VaultError> {
        let Some(bytes) = store.load(Slot::Journal).await? else {
            return Ok(None);
        };
        let journal = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!(
                "the journal beside {} is damaged: {error}",
                store.describe()
            );
            VaultError::new(ErrorKind::Keys, message).help(
                "bring it back from a backup; do not delete it while keys may be lost with it",
            )
        })?;
        Ok(Some(journal))
    }

    /// Writes the journal.
    pub(super) async fn save(&self, store: &dyn KeyStore) -> Result<(), VaultError> {
        let text = serde_json::to_vec(self).map_err(|error| {
            VaultError::new(
                ErrorKind::Keys,
                format!("the journal cannot be written: {error}"),
            )
        })?;
        store.save(Slot::Journal, &text).await
    }
}
