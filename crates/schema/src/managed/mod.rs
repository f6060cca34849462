//! Field ownership: which manager owns which fields of an object.
//!
//! `metadata.managedFields` comes in as JSON and leaves as JSON in the order the real server writes; between the
//! two stand [`Entry`] (one manager's claim) and [`FieldSet`] (the fields it claims, a tree on sorted vectors).
//! This module knows no schema and no clock: what a field means is [`crate::Type`]'s business, and times are text
//! that it carries along.

mod entry;
mod fields_v1;
mod path;
mod set;
#[cfg(test)]
mod tests;

pub(crate) use entry::seconds;
pub use entry::{Entry, Operation, decode, encode};
pub use path::{FieldPath, PathElement};
pub use set::FieldSet;
pub(crate) use set::SetBuilder;
