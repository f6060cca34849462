//! The keys of a Vault: what `sys/init` gives, once.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::error::{ErrorKind, VaultError};
use crate::source::Secret;

/// Shares and the first token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// The shares that unseal; none where the seal opens by itself.
    pub shares: Vec<Secret>,
    /// The shares that recover, where the seal opens by itself.
    pub recovery: Vec<Secret>,
    /// How many of them are needed.
    pub threshold: u64,
    /// The first token, until it is revoked.
    pub root: Option<Secret>,
    /// Whether each share is sealed, by `OpenPGP`, to the person who holds it.
    pub withheld: bool,
}

impl Keys {
    /// Reads the answer of `sys/init`. `threshold` is what was asked for.
    pub(super) fn of_answer(answer: &[u8], threshold: u64) -> Result<Self, VaultError> {
        let value = parse(answer)?;
        let keys = Self {
            shares: texts(&value, "keys"),
            recovery: texts(&value, "recovery_keys"),
            threshold,
            root: text(&value, "root_token"),
            withheld: false,
        };
        if keys.shares.is_empty() && keys.recovery.is_empty() {
            return Err(unreadable("it has no keys"));
        }
        Ok(keys)
    }

    /// Whether the shares are of no use here: each is sealed to the person who holds it.
    pub(super) fn is_withheld(&self) -> bool {
        self.withheld
    }

    /// The form in which they are kept, in clear: to be sealed.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let exposed = |secrets: &[Secret]| -> Vec<String> {
            secrets.iter().map(|one| one.expose().to_owned()).collect()
        };
        let value = json!({
            "version": 1,
            "threshold": self.threshold,
            "keys": exposed(&self.shares),
            "recoveryKeys": exposed(&self.recovery),
            "rootToken": self.root.as_ref().map(Secret::expose),
            "withheld": self.withheld,
        });
        Zeroizing::new(value.to_string().into_bytes())
    }

    /// Reads what [`Self::to_bytes`] gave.
    pub(super) fn of_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let value = parse(bytes)?;
        if value.get("version").and_then(Value::as_u64) != Some(1) {
            return Err(unreadable("it is of another version of trueup"));
        }
        Ok(Self {
            shares: texts(&value, "keys"),
            recovery: texts(&value, "recoveryKeys"),
            threshold: value.get("threshold").and_then(Value::as_u64).unwrap_or(0),
            root: text(&value, "rootToken"),
            withheld: value.get("withheld").and_then(Value::as_bool) == Some(true),
        })
    }
}

fn parse(bytes: &[u8]) -> Result<Value, VaultError> {
    // What serde says may quote the text.
    serde_json::from_slice(bytes).map_err(|_| unreadable("it is no JSON"))
}

fn unreadable(why: &str) -> VaultError {
    VaultError::new(ErrorKind::Keys, format!("the keys cannot be read: {why}"))
}

fn texts(value: &Value, name: &str) -> Vec<Secret> {
    let list = value.get(name).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(Secret::new).collect()
}

fn text(value: &Value, name: &str) -> Option<Secret> {
    let text = value.get(name).and_then(Value::as_str)?;
    (!text.is_empty()).then(|| Secret::new(text))
}
