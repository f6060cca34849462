//! OpenAPI knowledge for Kubernetes kinds, and structured merge by it.
//!
//! In flow objects as [`serde_json::Value`] and what describes them: the builtin kinds ([`builtin`]) and custom
//! resource definitions ([`crd`]), both as a [`Type`]. Out flow merged objects with field ownership ([`apply`],
//! [`managed`]), patched objects ([`strategic`]), and answers: valid or not, defaulted, pruned, normalised. All of it
//! is pure: no clock, no network, no storage, and nothing is cached but the builtin table.

pub mod apply;
pub mod builtin;
pub mod crd;
pub mod managed;
mod merge;
pub mod quantity;
pub mod strategic;
mod types;
pub mod value;

pub use managed::FieldSet;
pub use merge::MergeError;
pub use types::{FieldError, Kind, ListType, Reason, Type};
