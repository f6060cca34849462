//! What a user configures: which environments there are, and which variables they share.
//!
//! Flows in: a file tree, whose `environments/*.yaml` and `contexts/*.yaml` are read. Flows out:
//! [`Environment`]s with their defaults filled in and their variables gathered, or every error of
//! every file at once, each with its place and a way out.
//! It must never do I/O but through the tree it is given, never ask a cluster, and never hold a
//! secret: the files only say where secrets are to be found.

mod cluster;
mod context;
mod decode;
mod environment;
mod expression;
mod field_rule;
mod format;
mod health_check;
mod load;
mod names;
mod patch;
mod phase;
pub mod reconcile;
mod reference;
mod substitute;
mod variables;

#[cfg(test)]
mod tests;

pub use self::{
    cluster::{ClusterRef, Eks},
    context::Context,
    decode::{Field, Need, Shape, Spanned, Type, format_duration, parse_duration},
    environment::{Environment, SourceRef},
    expression::{Expression, Verdict},
    field_rule::{FieldRule, FieldRules, Pointer},
    health_check::HealthCheck,
    load::{CONTEXTS, Config, ENVIRONMENTS},
    patch::{ForeignPatch, JsonOp, JsonOperation, PatchChange, PatchTarget},
    phase::{Content, FileFrom, Helm, Phase, RepositoryTls, ValuesFrom, ValuesHolder},
    reconcile::Reconcile,
    reference::{context_page, environment_page, vault_page},
    substitute::{FieldPath, Substitution},
    variables::{Given, Giver, Literal, Variables},
};
pub(crate) use self::{
    decode::{Decoder, Fields, Value},
    environment::not_built,
    format::check_kind,
    names::is_variable,
};
