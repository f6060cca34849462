//! `values.schema.json`: whether values are what a chart's JSON Schema asks for.
//!
//! Flows in: the text of a schema and values as JSON. Flows out: the findings, in the words of the
//! validator that Helm uses (`santhosh-tekuri/jsonschema` 6), which users search for. Drafts 4 to 2020-12 as charts use them;
//! it must never fetch anything: a reference to another document is an error that says so.
//!
//! Our own, because no Rust validator words its findings so, and Helm's are part of what is compared;
//! it is smaller than what the mapping from another's findings would be.

mod document;
mod equality;
mod format;
mod keywords;
mod message;
mod reference;
#[cfg(test)]
mod tests;
mod validate;
mod verify;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use regex::Regex;
use serde_json::Value;

use self::document::{Document, Id};

/// A schema, ready to check values with.
pub(crate) struct Checker {
    document: Document,
    draft: u16,
    /// What the references of schemas lead to.
    targets: HashMap<Id, Id>,
    /// The patterns that values have met, by the place of the pattern or of its schema.
    patterns: Mutex<HashMap<Id, Option<Regex>>>,
}

impl Checker {
    /// Of a schema's text. An error is the schema's own.
    pub(crate) fn read(schema: &[u8]) -> Result<Self, String> {
        let document = Document::read(schema)?;
        Ok(Self {
            targets: verify::document(&document)?,
            draft: keywords::draft(&document),
            document,
            patterns: Mutex::default(),
        })
    }

    /// What the values fail; none where they are as the schema asks.
    pub(crate) fn check(&self, values: &Value) -> Option<Vec<Finding>> {
        validate::validate(self, values)
    }

    /// Whether a text has a match of a pattern.
    fn matches(&self, id: Id, pattern: &str, text: &str) -> bool {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let regex = patterns
            .entry(id)
            .or_insert_with(|| Regex::new(pattern).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

pub(crate) use message::{Finding, print};
