//! Which objects a list or watch is about: label and field selectors.
//!
//! In: the texts of the query. Out: a [`Selection`] that judges objects. It must never fetch.

use serde_json::Value;

mod fields;
mod labels;
#[cfg(test)]
mod tests;

pub(crate) use fields::FieldSelector;
pub(crate) use labels::LabelSelector;

use crate::registry::Resource;
use crate::status::ApiError;

/// Both selectors together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(crate) fn parse(labels: &str, fields: &str, resource: &Resource) -> Result<Self, ApiError> {
        Ok(Self {
            labels: LabelSelector::parse(labels)?,
            fields: FieldSelector::parse(fields, resource)?,
        })
    }

    /// Adds `metadata.name=<name>`.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.fields.require("metadata.name", name);
        self
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

/// Whether a label selector in its text form selects an object; a malformed one selects nothing.
pub(crate) fn labels_match(text: &str, object: &Value) -> bool {
    LabelSelector::parse(text).is_ok_and(|selector| selector.matches(object))
}
