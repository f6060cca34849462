//! Field errors in the words of the real server.

use serde_json::Value;
use trueup_schema::{FieldError, Reason};

fn flaw(
    path: impl Into<String>,
    reason: Reason,
    value: Option<Value>,
    detail: impl Into<String>,
) -> FieldError {
    FieldError {
        path: path.into(),
        reason,
        detail: detail.into(),
        bad_value: value,
    }
}

/// A value is missing.
pub(crate) fn required(path: impl Into<String>, detail: impl Into<String>) -> FieldError {
    flaw(path, Reason::Required, None, detail)
}

/// A value breaks a rule.
pub(crate) fn invalid(
    path: impl Into<String>,
    value: impl Into<Value>,
    detail: impl Into<String>,
) -> FieldError {
    flaw(path, Reason::Invalid, Some(value.into()), detail)
}

/// A value is not allowed here.
pub(crate) fn forbidden(path: impl Into<String>, detail: impl Into<String>) -> FieldError {
    flaw(path, Reason::Forbidden, None, detail)
}

/// A value is none of those supported.
pub(crate) fn not_supported(
    path: impl Into<String>,
    value: impl Into<Value>,
    supported: &[&str],
) -> FieldError {
    let words: Vec<String> = supported.iter().map(|word| format!("{word:?}")).collect();
    let detail = format!("supported values: {}", words.join(", "));
    flaw(path, Reason::NotSupported, Some(value.into()), detail)
}
