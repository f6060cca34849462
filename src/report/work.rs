//! The work of a phase that is more than objects: what a Vault is told.

use serde::Serialize;
use trueup_manifest::{Diagnostic, Diagnostics};

use crate::plan::{WorkAction, WorkStep};

/// What the work of a phase did, or would do, that is more than objects.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkReport {
    /// The name of the phase.
    pub phase: String,
    /// What it is about, for people: ``vault `vault` ``.
    pub about: String,
    /// How many things were changed, or would be.
    pub changed: usize,
    /// How many are as they should be.
    pub unchanged: usize,
    /// Whether this is as far as can be told: what it is about cannot be read yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tentative: bool,
    /// What is done first, to what the work is about as a whole.
    pub steps: Vec<WorkStep>,
    /// What is done with each thing that changes.
    pub actions: Vec<WorkAction>,
    /// The same for people, a line each, details indented.
    #[serde(skip)]
    pub lines: Vec<String>,
    /// What went wrong.
    pub errors: Diagnostics,
    /// What is worth saying.
    pub warnings: Vec<Diagnostic>,
}
