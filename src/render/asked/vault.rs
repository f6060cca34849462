//! What is asked of Vaults, and the answers.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use trueup_manifest::Diagnostic;

/// A path in the Vault of a phase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VaultPath {
    /// The phase that describes the Vault.
    pub phase: String,
    /// The path, as people name it.
    pub path: String,
}

/// What is at a path. Its `Debug` shows no value.
#[derive(Clone)]
pub enum VaultAnswer {
    /// Values by their names.
    Held {
        /// The values.
        values: Map<String, Value>,
        /// What tells them from others, without showing anything of them.
        version: Option<String>,
    },
    /// Nothing.
    Absent,
    /// The Vault cannot be asked, or not for this.
    Unavailable(Diagnostic),
}

impl std::fmt::Debug for VaultAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Held { .. } => "Held(***)",
            Self::Absent => "Absent",
            Self::Unavailable(_) => "Unavailable",
        })
    }
}

impl VaultAnswer {
    /// The text at a key: a text as it is, anything else as JSON. All of it, as a mapping in JSON, where no key is
    /// named. None where there is no such key.
    pub(in crate::render) fn text(&self, key: Option<&str>) -> Option<String> {
        let Self::Held { values, .. } = self else {
            return None;
        };
        let Some(key) = key else {
            return Some(Value::Object(values.clone()).to_string());
        };
        values.get(key).map(as_text)
    }

    /// All of it in lines of `NAME=value`, as `envs` of a generator take them. None where a value does not fit into a
    /// line.
    pub(in crate::render) fn lines(&self) -> Option<String> {
        let Self::Held { values, .. } = self else {
            return None;
        };
        let mut lines = String::new();
        for (name, value) in values {
            let text = as_text(value);
            if text.contains('\n') {
                return None;
            }
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{name}={text}");
        }
        Some(lines)
    }

    /// Why there is no text at a key; none where that does not matter.
    pub(in crate::render) fn missing(
        &self,
        shown: &str,
        key: Option<&str>,
        optional: bool,
    ) -> Option<Diagnostic> {
        let message = match (self, key) {
            (Self::Unavailable(why), _) => return Some(why.clone()),
            _ if optional => return None,
            (Self::Absent, _) => format!("{shown} is not there"),
            (_, Some(key)) => format!("{shown} has no `{key}`"),
            (_, None) => format!(
                "{shown} holds a text of several lines, which fits into no line of `NAME=value`"
            ),
        };
        Some(
            Diagnostic::error("vault/values", message)
                .help("put it there, by `initialValues` or by hand"),
        )
    }

    /// The texts of all its values.
    pub(in crate::render) fn texts(&self) -> Vec<String> {
        match self {
            Self::Held { values, .. } => values.values().flat_map(texts_of).collect(),
            _ => Vec::new(),
        }
    }
}

/// A text as it is, anything else as JSON.
pub(in crate::render) fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The texts of all that a value holds.
pub(in crate::render) fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts_of).collect(),
        Value::Object(entries) => entries.values().flat_map(texts_of).collect(),
        Value::Null => Vec::new(),
        scalar => vec![as_text(scalar)],
    }
}
