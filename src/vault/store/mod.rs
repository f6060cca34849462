//! Where sealed bytes are kept: the keys, and the journal of how they came to be.
//!
//! A store keeps what it is given or says that it did not: nothing is half written, and what is there
//! is replaced at once or not at all.

mod file;
mod s3;
mod secret;

use futures::future::BoxFuture;

pub(super) use self::{file::FileStore, s3::S3Store, secret::SecretStore};
use super::error::VaultError;

/// What a store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The keys of the Vault.
    Keys,
    /// How far the bootstrap is.
    Journal,
    /// What was made in the Vault.
    Ledger,
    /// Shares that are about to become the keys.
    Next,
    /// What trueup logs in with on later runs.
    Login,
    /// What proves that the store keeps what it is given.
    Canary,
}

impl Slot {
    /// What it is called where it is kept.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Journal => "journal",
            Self::Ledger => "ledger",
            Self::Next => "next",
            Self::Login => "login",
            Self::Canary => "canary",
        }
    }
}

/// Keeps sealed bytes.
pub(super) trait KeyStore: Send + Sync {
    /// What to call it, for people.
    fn describe(&self) -> String;

    /// What is in a slot; none where there is nothing.
    fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>>;

    /// Puts bytes into a slot, durably, in place of what was there.
    fn save<'a>(&'a self, slot: Slot, sealed: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>>;

    /// Empties a slot.
    fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>>;
}
