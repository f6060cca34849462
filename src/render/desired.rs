//! What an environment should hold, rendered.

use std::time::Duration;

use trueup_manifest::{Diagnostic, Manifest};

use super::{Hidden, asked::LookedUp};
use crate::config::ForeignPatch;

/// Everything an environment should hold at a revision, in phases.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The environment's name.
    pub environment: String,
    /// The revision it was rendered from; none for a plain directory.
    pub revision: Option<String>,
    /// Which repository it comes from, where the caller knows; see [`identity`](crate::source::identity).
    pub source: Option<String>,
    /// The phases in the order of the file.
    pub phases: Vec<DesiredPhase>,
    /// Patches on objects of others.
    pub patches: Vec<ForeignPatch>,
    /// What rendering had to say that does not stop it.
    pub warnings: Vec<Diagnostic>,
    /// Texts that must not be shown, wherever they are met.
    pub hidden: Hidden,
    /// What charts looked up in the cluster, and took from Vaults.
    pub looked_up: Vec<LookedUp>,
    /// Phases whose objects cannot be told for now, and why: they fail, nothing is pruned, and the rest goes on.
    pub untold: Vec<(String, Diagnostic)>,
}

/// One phase: a unit of ordering and of failure.
#[derive(Clone, Debug)]
pub struct DesiredPhase {
    /// Its name, unique in the environment.
    pub name: String,
    /// The phases that must be done first, resolved: what the file says, or the phase before.
    pub depends_on: Vec<String>,
    /// How long its objects may take to become healthy.
    pub timeout: Duration,
    /// Whether the phases after it wait for its objects to become healthy.
    pub wait: bool,
    /// Whether nothing of it is written unless a dry run takes all of it.
    pub atomic: bool,
    /// The phase of the file with whose failure goes what the run has made of it: that of a release with
    /// `cleanupOnFail`.
    pub cleaned_up_with: Option<String>,
    /// Its objects.
    pub manifests: Vec<Manifest>,
}
