//! What the configuration files look like: which fields there are, and how each is read.
//!
//! Flows in: one parsed file. Flows out: an [`Environment`](super::Environment) or a
//! [`Context`](super::Context) in the making, and every error of the file at once. Each file of this folder holds
//! the [`Shape`](super::Shape)s of one section, from which its reference page is made, and the function that
//! reads it. It must never look at another file: what depends on several is for the loader.

mod chart_tls;
mod cluster;
mod context;
mod environment;
mod field_rule;
mod health_check;
mod patch;
mod phase;
mod reconcile;
mod source;
mod substitute;

use trueup_manifest::Diagnostic;

use super::{
    decode::{Fields, Value},
    names,
    variables::Declared,
};

pub(super) use self::{
    context::{CONTEXT, decode as decode_context},
    environment::{ENVIRONMENT, decode as decode_environment},
};

/// The version of all configuration files.
pub(super) const API_VERSION: &str = "trueup.dev/v1";

/// Checks `apiVersion` and `kind`.
pub(crate) fn check_kind(fields: &Fields<'_>, kind: &'static str) {
    for (name, expected) in [("apiVersion", API_VERSION), ("kind", kind)] {
        if let Some(value) = fields.required(name)
            && let Some(text) = value.text()
            && *text != expected
        {
            value.invalid(
                format!("`{name}` must be `{expected}`, but is `{}`", text.value),
                format!("write `{name}: {expected}`"),
            );
        }
    }
}

fn decode_variables(value: Value<'_>) -> Option<Declared> {
    let mut declared = Declared::new();
    for (name, value) in value.entries()? {
        if let Err((message, help)) = names::variable(&name) {
            value.report(
                Diagnostic::error(
                    "config/invalid-value",
                    format!("the name of a variable {message}"),
                )
                .at(name.location.clone())
                .help(help),
            );
            continue;
        }
        if let Some(literal) = value.literal() {
            declared.push((name, value.spanned(literal)));
        }
    }
    Some(declared)
}
