//! From a file tree to the objects an environment should hold.
//!
//! Flows in: a tree at a revision and an [`Environment`](crate::config::Environment). Flows out:
//! [`Desired`], or every error of every phase at once. Phases are rendered side by side; the result
//! does not depend on it.
//! It must never do I/O but through the tree it is given, and never ask a cluster: the same input
//! gives the same bytes.

pub mod asked;
mod blame;
mod compare;
mod desired;
mod generated_name;
mod helm;
mod hidden;
mod kustomize;
mod manifests;
mod output;
mod phase;
mod substitute;
mod supplied;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;
use trueup_kustomize::{Cache, RemoteFetcher};
use trueup_manifest::{Diagnostic, Diagnostics, Manifest, ObjectId, Tree};

pub use self::{
    asked::Asked,
    blame::{FieldPath, Setting, blame},
    compare::{Comparison, Difference, DifferenceKind, compare},
    desired::{Desired, DesiredPhase},
    helm::{Inflator, render_chart},
    hidden::Hidden,
    kustomize::{
        BuildOptions, build as build_kustomization, build_remote, file_names,
        trace as trace_kustomization,
    },
    output::{to_json, to_yaml, to_yaml_pieces},
};
use crate::{
    config::{Content, Environment, Phase, RepositoryTls},
    sops::Keys,
};

/// What rendering depends on besides the files.
#[derive(Clone, Copy, Default)]
pub struct RenderOptions<'a> {
    /// The revision that the tree is of; none for a plain directory.
    pub revision: Option<&'a str>,
    /// Fetches the remote resources that kustomizations name; without it they are errors.
    pub remote: Option<&'a dyn RemoteFetcher>,
    /// What earlier renders of this process left: a kustomization whose inputs are the same is not
    /// built again. Without it nothing is kept.
    pub cache: Option<&'a Cache>,
    /// What charts may know of the cluster, and what they drew before; without it none is known.
    pub asked: Option<&'a Arc<Asked>>,
    /// Fetches the charts of repositories and registries; without it they are errors.
    pub charts: Option<&'a Arc<dyn ChartSource>>,
    /// Opens the sealed files that values are taken from; without it they are errors.
    pub keys: Option<&'a Keys>,
}

/// A chart of a repository or a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartWanted<'a> {
    /// The address of the repository or registry.
    pub repository: &'a str,
    /// The chart's name.
    pub name: &'a str,
    /// Its exact version.
    pub version: &'a str,
    /// Whom to trust; what is usual where nothing is said.
    pub tls: Option<&'a RepositoryTls>,
}

/// Gives charts of repositories and registries.
pub trait ChartSource: Send + Sync {
    /// The packed chart of an exact version. Blocks until it is there.
    fn chart(&self, wanted: &ChartWanted<'_>) -> Result<Arc<[u8]>, Diagnostic>;
}

/// Renders all phases of an environment. With an error in any phase nothing is given back, so that
/// nothing can be applied or pruned from a part.
pub fn render(
    tree: &dyn Tree,
    environment: &Environment,
    options: &RenderOptions<'_>,
) -> Result<Desired, Diagnostics> {
    let offline;
    let asked = if let Some(asked) = options.asked {
        asked
    } else {
        offline = Arc::new(Asked::offline());
        &offline
    };
    let charts = helm::Loaded::default();
    let rendered: Vec<Result<phase::Rendered, Diagnostics>> = environment
        .phases
        .par_iter()
        .map(|phase| phase::render(tree, environment, phase, options, asked, &charts))
        .collect();
    let mut findings = environment.not_built_to_render().clone();
    let (mut warnings, mut untold) = (Vec::new(), Vec::new());
    let mut hidden = Hidden::default();
    let mut phases = Vec::with_capacity(rendered.len());
    for (index, (phase, rendered)) in environment.phases.iter().zip(rendered).enumerate() {
        let Some(rendered) = findings.keep(rendered) else {
            continue;
        };
        warnings.extend(rendered.warnings);
        hidden.extend(&rendered.hidden);
        let name = &phase.name.value;
        let unavailable = rendered.unavailable.into_iter();
        untold.extend(unavailable.map(|why| (name.clone(), why)));
        let whole = DesiredPhase {
            name: phase.name.value.clone(),
            depends_on: environment.depends_on(index),
            timeout: phase.timeout.unwrap_or(environment.reconcile.timeout),
            wait: phase.wait,
            atomic: phase.atomic,
            cleaned_up_with: cleans_up(phase).then(|| phase.name.value.clone()),
            manifests: rendered.manifests,
        };
        if phase.atomic && !(rendered.before.is_empty() && rendered.after.is_empty()) {
            findings.push(atomic_with_hooks(phase));
            continue;
        }
        phases.extend(steps(whole, rendered.before, rendered.after));
    }
    findings.extend(duplicates(&phases));
    warnings.extend(asked.draws_anew(Some(environment)));
    findings.into_result(Desired {
        environment: environment.name.value.clone(),
        revision: options.revision.map(str::to_owned),
        source: None,
        patches: environment.patches.clone(),
        phases,
        warnings,
        hidden,
        looked_up: asked.looked_up(),
        untold,
    })
}

fn cleans_up(phase: &Phase) -> bool {
    matches!(&phase.content, Content::Helm(helm) if helm.cleanup_on_fail)
}

/// Hooks run between the writes of a phase: by the time one has run, part of the phase is written.
fn atomic_with_hooks(phase: &Phase) -> Diagnostic {
    let message = format!(
        "phase `{}` cannot be `atomic`: its chart runs hooks",
        phase.name.value
    );
    Diagnostic::error("render/atomic", message)
        .at(phase.name.location.clone())
        .help("set `hooks: false`, or remove `atomic`")
}

/// A phase with its steps as phases of their own, each waiting for the one before. The last of them
/// bears the phase's name, so that what waits for the phase waits for all of it.
fn steps(
    mut whole: DesiredPhase,
    before: Vec<helm::Step>,
    after: Vec<helm::Step>,
) -> Vec<DesiredPhase> {
    if before.is_empty() && after.is_empty() {
        return vec![whole];
    }
    let objects = std::mem::take(&mut whole.manifests);
    let mut parts: Vec<(String, Vec<Manifest>, bool)> = Vec::new();
    // Hooks need the namespace and the kinds that the release brings.
    let is_early =
        |manifest: &Manifest| matches!(manifest.kind(), "Namespace" | "CustomResourceDefinition");
    let (early, objects): (Vec<_>, Vec<_>) = objects
        .into_iter()
        .partition(|manifest| !before.is_empty() && is_early(manifest));
    if !early.is_empty() {
        parts.push(("definitions".to_owned(), early, true));
    }
    parts.extend(
        before
            .into_iter()
            .map(|step| (step.name, step.manifests, true)),
    );
    parts.push(("objects".to_owned(), objects, whole.wait));
    parts.extend(
        after
            .into_iter()
            .map(|step| (step.name, step.manifests, true)),
    );
    let last = parts.len() - 1;
    let mut phases: Vec<DesiredPhase> = Vec::with_capacity(parts.len());
    for (index, (name, manifests, wait)) in parts.into_iter().enumerate() {
        phases.push(DesiredPhase {
            name: if index == last {
                whole.name.clone()
            } else {
                format!("{}: {name}", whole.name)
            },
            depends_on: match phases.last() {
                Some(previous) => vec![previous.name.clone()],
                None => whole.depends_on.clone(),
            },
            timeout: whole.timeout,
            wait,
            atomic: false,
            cleaned_up_with: whole.cleaned_up_with.clone(),
            manifests,
        });
    }
    phases
}

/// An error for each object that two phases, or one phase twice, define.
fn duplicates(phases: &[DesiredPhase]) -> Vec<Diagnostic> {
    let mut seen: HashMap<ObjectId, (&DesiredPhase, &Manifest)> = HashMap::new();
    let mut findings = Vec::new();
    for phase in phases {
        for manifest in &phase.manifests {
            let id = manifest.id();
            if let Some((first_phase, first)) = seen.get(&id) {
                findings.push(duplicate(&id, (first_phase, first), (phase, manifest)));
            } else {
                seen.insert(id, (phase, manifest));
            }
        }
    }
    findings
}

fn duplicate(
    id: &ObjectId,
    (first_phase, first): (&DesiredPhase, &Manifest),
    (phase, manifest): (&DesiredPhase, &Manifest),
) -> Diagnostic {
    let message = if first_phase.name == phase.name {
        format!("`{id}` is defined twice in phase `{}`", phase.name)
    } else {
        format!(
            "`{id}` is defined in phase `{}` and in phase `{}`",
            first_phase.name, phase.name
        )
    };
    let place = |manifest: &Manifest, phase: &DesiredPhase| match manifest.origin.location {
        Some(_) => format!("phase `{}`", phase.name),
        None => format!("phase `{}`: {}", phase.name, manifest.origin),
    };
    Diagnostic::error("render/duplicate", message)
        .label(
            manifest.origin.location.clone(),
            format!("again here, {}", place(manifest, phase)),
        )
        .label(
            first.origin.location.clone(),
            format!("first here, {}", place(first, first_phase)),
        )
        .help("keep it in one place only; moving an object to another phase never deletes it")
}
