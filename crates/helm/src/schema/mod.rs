//! `values.schema.json`: whether values are what a chart's JSON Schema asks for.
//!
//! Flows in: the text of a schema and values as JSON. Flows out: the findings, in the words of the
//! validator that Helm uses (`santhosh-tekuri/jsonschema` 6), which users search for. Drafts 4 to 2020-12 as charts use them;
//! it must never fetch anything: a reference to another document is an error that says so.
//!
//! Our own, because no Rust validator words its findings so, and Helm's are part of what is compared;
//! it is smaller than what the mapping from another's findings would be.

mod compile;
mod format;
mod message;
#[cfg(test)]
mod tests;
mod validate;
mod verify;

use serde_json::Value;

/// A schema, ready to check values with.
pub(crate) struct Checker(compile::Schemas);

impl Checker {
    /// Of a schema's text. An error is the schema's own.
    pub(crate) fn read(schema: &[u8]) -> Result<Self, String> {
        let schema: Value = serde_json::from_slice(schema).map_err(|error| error.to_string())?;
        compile::Schemas::compile(schema).map(Self)
    }

    /// What the values fail; none where they are as the schema asks.
    pub(crate) fn check(&self, values: &Value) -> Option<Vec<Finding>> {
        validate::validate(&self.0, values)
    }
}

pub(crate) use message::{Finding, print};
