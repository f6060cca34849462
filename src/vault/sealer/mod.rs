//! Encrypts what must be kept, and opens it again: to age recipients, or under a key of AWS KMS.
//!
//! Keys rest nowhere in clear: neither in the key store nor in the journal. That what was sealed can be
//! opened here is proven before keys exist.

mod age;
mod kms;

use zeroize::Zeroizing;

use self::age::Age;
pub(super) use self::kms::Kms;
use super::error::VaultError;
use crate::source::Secret;

/// Seals and opens.
pub(super) enum Sealer {
    /// To age recipients.
    Age(Age),
    /// Under a key of AWS KMS.
    Kms(Kms),
}

impl Sealer {
    /// Of age recipients (`age1…`) and the text of an identity file, if there is one here.
    pub(super) fn new(
        recipients: &[String],
        identities: Option<&Secret>,
    ) -> Result<Self, VaultError> {
        Age::new(recipients, identities).map(Self::Age)
    }

    /// Whether it opens files that others sealed with age.
    pub(super) fn opens(&self) -> bool {
        matches!(self, Self::Age(age) if age.opens())
    }

    /// Encrypts, as text.
    pub(super) async fn seal(&self, clear: &[u8]) -> Result<Vec<u8>, VaultError> {
        match self {
            Self::Age(age) => age.seal(clear),
            Self::Kms(kms) => kms.seal(clear).await,
        }
    }

    /// Opens what [`Self::seal`] gave.
    pub(super) async fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match self {
            Self::Age(age) => age.open(sealed),
            Self::Kms(kms) => kms.open(sealed).await,
        }
    }
}
