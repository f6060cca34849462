//! What objects say of each other: names that changed on the way, and vars.
//!
//! Flows in: all objects at the end of a build, with every name they ever had. Flows out: the same
//! objects, with references that lead to the present names.
//! It must never look through all objects for one reference: candidates come from an index by name.

mod candidates;
mod expand;
mod names;
mod vars;

pub(crate) use self::{names::mend_names, vars::resolve_vars};
