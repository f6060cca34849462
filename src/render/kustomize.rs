//! The seam to the kustomize engine.

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
    _options: &BuildOptions<'_>,
) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Diagnostics> {
    let shown = tree.display(folder);
    Err(Diagnostic::error(
        "not-built",
        format!("kustomizations are not built yet: `{shown}`"),
    )
    .into())
}
