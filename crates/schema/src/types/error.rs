//! Field errors in the words of the real server.

use std::fmt;

use serde_json::Value;

use crate::value::{go_json, go_number, quote};

/// What is wrong with one field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// `spec.ports[0].name`; empty for the object itself.
    pub path: String,
    /// The kind of problem.
    pub reason: Reason,
    /// What is wrong, in words; may be empty.
    pub detail: String,
    /// The offending value, where the message shows one.
    pub bad_value: Option<Value>,
}

/// The kinds of problems, as `field.ErrorType` in apimachinery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A value is missing.
    Required,
    /// A value breaks a rule.
    Invalid,
    /// A value is of the wrong type.
    TypeInvalid,
    /// A value is none of the allowed ones.
    NotSupported,
    /// Something it refers to is not there.
    NotFound,
    /// Two items are the same.
    Duplicate,
    /// A value is not allowed here.
    Forbidden,
    /// A text is too long.
    TooLong,
    /// A list or map has too many items.
    TooMany,
}

impl Reason {
    /// The cause type in a `Status`.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::NotFound => "FieldValueNotFound",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::NotFound => "Not found",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }
}

impl FieldError {
    pub(crate) fn new(path: impl Into<String>, reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason,
            detail: detail.into(),
            bad_value: None,
        }
    }

    pub(crate) fn with_value(mut self, value: Value) -> Self {
        self.bad_value = Some(value);
        self
    }

    /// The message without the path: the `message` of a status cause.
    pub fn body(&self) -> String {
        let mut out = self.reason.words().to_owned();
        if let Some(value) = &self.bad_value {
            out.push_str(": ");
            match value {
                Value::String(text) => out.push_str(&quote(text)),
                Value::Number(number) => out.push_str(&go_number(number)),
                other => out.push_str(&go_json(other)),
            }
        }
        if !self.detail.is_empty() {
            out.push_str(": ");
            out.push_str(&self.detail);
        }
        out
    }

    /// The `field` of a status cause: the path, or `<nil>` for the object itself.
    pub fn field(&self) -> &str {
        if self.path.is_empty() {
            "<nil>"
        } else {
            &self.path
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field(), self.body())
    }
}

impl std::error::Error for FieldError {}
