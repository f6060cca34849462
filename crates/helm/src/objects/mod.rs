//! What templates see beside their values: `.Chart`, `.Files`, `.Capabilities`, and the types that Go gives
//! them, which error messages name.
//!
//! Flows in: charts and what is known of the cluster. Flows out: [`trueup_gotemplate::Value`]s. It must never change
//! what it is given.

mod capabilities;
mod chart;
mod files;
mod glob;
mod named;

pub use capabilities::{Capabilities, DEFAULT_KUBE_VERSION, HELM_VERSION};
pub(crate) use chart::chart;
pub(crate) use files::files;
pub(crate) use named::values;
