//! What runs where, in which order.

use std::collections::BTreeMap;

use trueup_manifest::{Diagnostic, Diagnostics, TreePath};
use trueup_yaml::Location;

use crate::source::GitConfig;

use super::{
    cluster::ClusterRef, decode::Spanned, patch::ForeignPatch, phase::Phase, reconcile::Reconcile,
    variables::Variables,
};

/// A file of `environments/`, checked, with its defaults filled in.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its name, unique in the repository.
    pub name: Spanned<String>,
    /// The file it was read from.
    pub file: TreePath,
    /// Its labels, by which contexts find it.
    pub labels: BTreeMap<String, String>,
    /// Where the files of its phases lie; in the repository of its own file where it is not set.
    pub source: Option<SourceRef>,
    /// The cluster to keep true.
    pub cluster: Spanned<ClusterRef>,
    /// Its variables and those of the contexts attached to it.
    pub variables: Variables,
    /// Its phases in the order of the file; at least one.
    pub phases: Vec<Phase>,
    /// The indices of the phases that each phase waits for.
    pub(super) waits: Vec<Vec<usize>>,
    /// Patches on objects that it does not own.
    pub patches: Vec<ForeignPatch>,
    /// How it is reconciled.
    pub reconcile: Reconcile,
    /// What contexts bring along that cannot be done yet: without it nothing is rendered.
    pub(super) not_built: Diagnostics,
}

/// A Git repository that the phases of an environment are read from.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRef {
    /// The repository and how to reach it, polled on the interval of the environment.
    pub git: Box<GitConfig>,
    /// Where it is written.
    pub location: Option<Location>,
}

impl Environment {
    /// The names of the phases that a phase (by its index) waits for.
    pub fn depends_on(&self, phase: usize) -> Vec<String> {
        let waits = self.waits.get(phase).map(Vec::as_slice).unwrap_or_default();
        let named = waits.iter().filter_map(|index| self.phases.get(*index));
        named.map(|phase| phase.name.value.clone()).collect()
    }

    /// Every use of a feature that must be there to render this environment and is not.
    pub fn not_built_to_render(&self) -> &Diagnostics {
        &self.not_built
    }

    /// Every use of a feature that must be there to reach the cluster and change it, and is not.
    pub fn not_built_to_apply(&self) -> Diagnostics {
        let mut findings = Diagnostics::new();
        if matches!(self.cluster.value, ClusterRef::Eks(_)) {
            findings.push(not_built(
                "`eks` clusters",
                &self.cluster.clone().map(|_| ()),
                "make a kubeconfig with `aws eks update-kubeconfig` and use `kubeconfig: {context: …}`",
            ));
        }
        findings
    }

    /// The name of the object in the cluster that stands for this environment: a name as
    /// Kubernetes allows it.
    pub fn object_name(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// The one error for what is declared but cannot be done yet.
pub(crate) fn not_built(what: &str, place: &Spanned<()>, help: &str) -> Diagnostic {
    Diagnostic::error("not-built", format!("{what} are not built yet"))
        .at(place.location.clone())
        .help(help)
}
