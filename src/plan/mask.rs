//! Takes values that must not be shown out of what a plan says, and puts keyed digests in their place.
//!
//! A digest tells a value from another one, and nothing else of it: two plans of one desired set can be
//! compared, and a person sees that a value changes. Its key is made from all Secrets of the desired
//! set, so that it needs no keeping and whoever cannot render them cannot try out a single guess.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};
use trueup_manifest::is_secret;

use super::{object::Object, path::Path};

/// What stands before the digest of a value that must not be shown.
pub(super) const MASK: &str = "***";
/// Where kubectl keeps a copy of what it applied, values of Secrets included.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// How many digits of a digest are shown of a value.
const SHOWN: usize = 8;
/// How often the key is hashed, so that guessing a weak Secret takes a while.
const ROUNDS: usize = 5_000;

/// The key of the digests of one plan. Its `Debug` does not show it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    /// The key for a desired set.
    pub(super) fn of(objects: &[Object]) -> Self {
        let mut bodies: Vec<bytes::Bytes> = objects
            .iter()
            .filter(|object| {
                let resource = &object.target.resource;
                is_secret(&resource.group, &resource.kind)
            })
            .filter_map(|object| object.body().ok())
            .collect();
        if bodies.is_empty() {
            return Self::default();
        }
        bodies.sort_unstable();
        let mut hash = Sha256::new_with_prefix("trueup plan");
        for body in bodies {
            hash.update(Sha256::digest(&body));
        }
        let mut key: [u8; 32] = hash.finalize().into();
        for _ in 0..ROUNDS {
            key = Sha256::digest(key).into();
        }
        Self(key)
    }

    /// The digest of some bytes, in hexadecimal: a nested hash, as in HMAC.
    pub(super) fn digest(&self, bytes: &[u8]) -> String {
        let inner = Sha256::new_with_prefix(self.0)
            .chain_update(bytes)
            .finalize();
        hex(&Sha256::new_with_prefix(self.0)
            .chain_update(inner)
            .finalize())
    }

    /// A value with every scalar replaced by its digest; keys stay.
    pub(super) fn masked(&self, value: &Value) -> Value {
        match value {
            Value::Null => Value::Null,
            Value::Array(items) => items.iter().map(|item| self.masked(item)).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), self.masked(value)))
                .collect(),
            scalar => {
                let digest = self.digest(scalar.to_string().as_bytes());
                Value::String(format!("{MASK}{}", digest.get(..SHOWN).unwrap_or_default()))
            }
        }
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the values of an object's field must not be shown.
pub(super) fn is_masked(group: &str, kind: &str, path: &Path) -> bool {
    if !is_secret(group, kind) {
        return false;
    }
    match path.first_key() {
        // The parts of a Secret that hold no values are few and known.
        "metadata" => path.key(2) == LAST_APPLIED || path.0.len() < 3,
        "type" | "immutable" | "apiVersion" | "kind" => false,
        _ => true,
    }
}
