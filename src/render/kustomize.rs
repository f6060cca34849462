//! The seam to the kustomize engine.

use trueup_kustomize::{LoadRestrictor, Options, Reorder};
use trueup_manifest::{Diagnostic, Diagnostics, Manifest, Tree, TreePath};

/// How a kustomization is built.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildOptions<'a> {
    /// Whether it may read files outside its own folder.
    pub load_anywhere: bool,
    /// Whether objects stay in the order in which they were loaded where it says no order.
    pub as_loaded: bool,
    /// Whether to label every object `app.kubernetes.io/managed-by`.
    pub managed_by_label: bool,
    /// The absolute path of the tree's root, for a tree that is the machine's own.
    pub tree_root: Option<&'a str>,
}

/// Builds the kustomization in a folder: its objects in order, and warnings.
pub fn build(
    tree: &dyn Tree,
    folder: &TreePath,
    options: &BuildOptions<'_>,
) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Diagnostics> {
    let load_restrictor = if options.load_anywhere {
        LoadRestrictor::None
    } else {
        LoadRestrictor::RootOnly
    };
    let reorder = if options.as_loaded {
        Reorder::None
    } else {
        Reorder::Legacy
    };
    let options = Options {
        load_restrictor,
        reorder,
        managed_by_label: options.managed_by_label,
        tree_root: options.tree_root,
        ..Options::default()
    };
    let build = trueup_kustomize::build(tree, folder, &options)?;
    Ok((build.manifests, build.warnings))
}
