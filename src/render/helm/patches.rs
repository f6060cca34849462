//! Patches on what a chart printed, by the kustomize engine.

use trueup_kustomize::{Options, Reorder};
use trueup_manifest::{Diagnostic, Diagnostics, Manifest, MemoryTree, TreePath};
use trueup_yaml::{Document, emit};

use crate::config::Spanned;

/// The objects as patched; each stays where it is in their order.
pub(super) fn apply(
    manifests: Vec<Manifest>,
    patches: &[Spanned<Document>],
) -> Result<Vec<Manifest>, Diagnostics> {
    if patches.is_empty() {
        return Ok(manifests);
    }
    let mut kustomization = Document::empty_mapping();
    let root = kustomization.root();
    let resources = kustomization.new_sequence();
    let file = kustomization.new_str("chart.yaml");
    kustomization.push(resources, file);
    kustomization.set(root, "resources", resources);
    let list = kustomization.new_sequence();
    for patch in patches {
        let node = kustomization.import(&patch.value, patch.value.root());
        kustomization.push(list, node);
    }
    kustomization.set(root, "patches", list);
    let mut text = String::new();
    emit::kyaml(&kustomization, root, &mut text);
    let mut tree = MemoryTree::new();
    let chart = crate::render::to_yaml(&manifests)?;
    tree.add("kustomization.yaml", text)
        .and_then(|()| tree.add("chart.yaml", chart))
        .map_err(Diagnostic::from)?;
    let options = Options {
        reorder: Reorder::None,
        ..Options::default()
    };
    let place = patches.first().and_then(|patch| patch.location.clone());
    let built =
        trueup_kustomize::build(&tree, &TreePath::root(), &options).map_err(|findings| {
            // Places in files that we made up help nobody.
            findings
                .into_iter()
                .map(|mut finding| {
                    finding.labels.clear();
                    finding.at(place.clone())
                })
                .collect::<Diagnostics>()
        })?;
    let mut patched = built.manifests;
    // Where an object was printed is still the best that can be said of it.
    for manifest in &mut patched {
        if let Some(before) = manifests.iter().find(|before| before.id() == manifest.id()) {
            manifest.origin = before.origin.clone();
        }
    }
    Ok(patched)
}
