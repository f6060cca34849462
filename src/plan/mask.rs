//! Takes values that must not be shown out of what a plan says.

use serde_json::Value;
use trueup_manifest::is_secret;

use super::path::Path;

/// What stands in the place of a value that must not be shown.
pub(super) const MASK: &str = "***";
/// Where kubectl keeps a copy of what it applied, values of Secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

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

/// A value with every scalar replaced; keys stay.
pub(super) fn masked(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), masked(value)))
            .collect(),
        _ => Value::String(MASK.to_owned()),
    }
}
