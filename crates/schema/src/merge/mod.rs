//! Structured merge over typed values: compare, combine, remove, and the field sets of values.
//!
//! In flow values with their [`Type`](crate::Type), out flow values and [`FieldSet`](crate::FieldSet)s. The rules
//! are those of `sigs.k8s.io/structured-merge-diff` 6.3.3, with the types that `kube-openapi`'s `schemaconv` would
//! make of the same schema; the differential test in `tests/field_manager.rs` holds the two together. Nothing here
//! knows of managers, versions or time.

mod atom;
mod check;
mod combine;
mod compare;
mod contains;
mod extract;
mod named;
mod reconcile;
mod remove;

use std::fmt;

pub(crate) use check::{Duplicates, check};
pub(crate) use combine::combine;
pub(crate) use compare::{Comparison, compare};
pub(crate) use contains::contains;
pub(crate) use extract::extract;
pub(crate) use named::{leads_by_named_fields, with_named_fields};
pub(crate) use reconcile::reconcile;
pub(crate) use remove::remove;

/// Why a value cannot be merged by its type, in the words of the real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeError {
    /// Each problem as `.path.to[key="x"].field: message`.
    pub problems: Vec<String>,
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.problems.as_slice() {
            return f.write_str(only);
        }
        f.write_str("errors:")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for MergeError {}
