//! Hooks as steps before and after a release's objects.
//!
//! Helm runs hooks when it installs or upgrades. Here they are objects like all others, in steps of
//! their own: a Job that stands and has succeeded is a hook that was run. What makes it run again is a
//! mark in its pod template, which no Job lets change, so that it is made anew: a hash of all that the
//! release renders to.

use std::{collections::BTreeMap, fmt::Write as _};

use sha2::{Digest, Sha256};
use trueup_helm::{Chart, Event, Hook, Print, Release};
use trueup_manifest::{Diagnostic, Diagnostics, Manifest};
use trueup_yaml::{Document, Kind, NodeId};

use super::{Step, objects};
use crate::config::Helm;

/// The mark in the pod template of a Job.
const MARK: &str = "trueup.dev/hook-run";

/// The steps of a release's hooks.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) before: Vec<Step>,
    pub(super) after: Vec<Step>,
}

impl Steps {
    pub(super) fn of(chart: &Chart, release: &Release) -> Result<Self, Diagnostics> {
        let mark = mark(release);
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        let mut findings = Diagnostics::new();
        for hook in &release.hooks {
            let has = |event| hook.events.contains(&event);
            let on_upgrade = has(Event::PreUpgrade) || has(Event::PostUpgrade);
            let (steps, word): (&mut BTreeMap<i64, Step>, _) =
                if has(Event::PreInstall) || has(Event::PreUpgrade) {
                    (&mut before, "before")
                } else if has(Event::PostInstall) || has(Event::PostUpgrade) {
                    (&mut after, "after")
                } else {
                    continue;
                };
            let made = findings.keep(objects(chart, &hook.manifest.path, &hook.manifest.content));
            let step = steps.entry(hook.weight).or_insert_with(|| Step {
                name: format!("{word} ({})", hook.weight),
                manifests: Vec::new(),
            });
            for mut manifest in made.unwrap_or_default() {
                if manifest.kind() == "Job" {
                    prepare(&mut manifest, on_upgrade.then_some(&mark));
                }
                step.manifests.push(manifest);
            }
        }
        findings.into_result(Self {
            before: before.into_values().collect(),
            after: after.into_values().collect(),
        })
    }
}

/// What stands for all that a release renders to.
fn mark(release: &Release) -> String {
    let text = release.print(Print::default());
    let hash = Sha256::digest(text.as_bytes());
    let mut text = String::new();
    for byte in hash.iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Makes a Job one that stands when it is done, and that runs again where the mark changes.
fn prepare(manifest: &mut Manifest, mark: Option<&String>) {
    let doc = &mut manifest.doc;
    let Some(spec) = doc.get(doc.root(), "spec") else {
        return;
    };
    // Gone by itself, it would be made and run again.
    doc.remove(spec, "ttlSecondsAfterFinished");
    let Some(mark) = mark else {
        return;
    };
    let template = entry(doc, spec, "template");
    let metadata = entry(doc, template, "metadata");
    let annotations = entry(doc, metadata, "annotations");
    let value = doc.new_str(mark);
    doc.set(annotations, MARK, value);
}

/// The mapping of a key, made where there is none.
fn entry(doc: &mut Document, map: NodeId, key: &str) -> NodeId {
    match doc.get(map, key) {
        Some(node) if doc.kind(node) == Kind::Mapping => node,
        _ => {
            let node = doc.new_mapping();
            doc.set(map, key, node);
            node
        }
    }
}

/// What hooks ask for and do not get.
pub(super) fn warnings(release: &Release, helm: &Helm) -> Vec<Diagnostic> {
    let never = |hook: &&Hook| {
        !hook.events.iter().any(|event| {
            matches!(
                event,
                Event::PreInstall
                    | Event::PostInstall
                    | Event::PreUpgrade
                    | Event::PostUpgrade
                    | Event::Test
            )
        })
    };
    release
        .hooks
        .iter()
        .filter(|_| helm.hooks)
        .filter(never)
        .map(|hook| {
            let message = format!(
                "the hook `{}/{}` of `{}` is not run: only installs and upgrades have hooks here",
                hook.manifest.kind, hook.manifest.name, hook.manifest.path
            );
            Diagnostic::warning("helm/hook", message).at(helm.release.location.clone())
        })
        .collect()
}
