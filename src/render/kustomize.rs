//! The seam to the kustomize engine.

use std::collections::HashSet;

use trueup_kustomize::{
    Cache, ChartInflator, FunctionRunner, LoadRestrictor, Options, RemoteFetcher, Reorder, Traced,
};
use trueup_manifest::{Diagnostic, Diagnostics, Manifest, Tree, TreePath};

use super::helm::Inflator;

/// How a kustomization is built.
#[derive(Clone, Copy, Default)]
pub struct BuildOptions<'a> {
    /// Whether it may read files outside its own folder.
    pub load_anywhere: bool,
    /// Whether objects stay in the order in which they were loaded where it says no order.
    pub as_loaded: bool,
    /// Whether to label every object `app.kubernetes.io/managed-by`.
    pub managed_by_label: bool,
    /// Inflates charts; without it they are errors.
    pub charts: Option<&'a Inflator>,
    /// The absolute path of the tree's root, for a tree that is the machine's own.
    pub tree_root: Option<&'a str>,
    /// Runs the programs that functions are; without it they are errors.
    pub functions: Option<&'a dyn FunctionRunner>,
    /// Fetches the remote resources that it names; without it they are errors.
    pub remote: Option<&'a dyn RemoteFetcher>,
    /// What earlier builds left, where builds are to be kept.
    pub cache: Option<&'a Cache>,
}

impl<'a> BuildOptions<'a> {
    /// As the engine takes them.
    fn of_engine(&self) -> Options<'a> {
        let load_restrictor = if self.load_anywhere {
            LoadRestrictor::None
        } else {
            LoadRestrictor::RootOnly
        };
        let reorder = if self.as_loaded {
            Reorder::None
        } else {
            Reorder::Legacy
        };
        Options {
            load_restrictor,
            reorder,
            managed_by_label: self.managed_by_label,
            tree_root: self.tree_root,
            functions: self.functions,
            remote: self.remote,
            charts: self.charts.map(|inflator| inflator as &dyn ChartInflator),
            ..Options::default()
        }
    }
}

/// Builds the kustomization in a folder with notes of what each step did to each object.
pub fn trace(
    tree: &dyn Tree,
    folder: &TreePath,
    options: &BuildOptions<'_>,
) -> Result<Vec<Traced>, Diagnostics> {
    trueup_kustomize::trace(tree, folder, &options.of_engine())
}

/// Builds the kustomization in a folder: its objects in order, and warnings.
pub fn build(
    tree: &dyn Tree,
    folder: &TreePath,
    options: &BuildOptions<'_>,
) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Diagnostics> {
    let cache = options.cache;
    let options = options.of_engine();
    let Some(cache) = cache else {
        let build = trueup_kustomize::build(tree, folder, &options)?;
        return Ok((build.manifests, build.warnings));
    };
    // The phase writes into its objects, so it gets its own.
    let build = cache.build(tree, folder, &options)?;
    Ok((build.manifests.clone(), build.warnings.clone()))
}

/// Builds the kustomization that an address of a Git repository leads to. `tree` is where the build
/// runs.
pub fn build_remote(
    tree: &dyn Tree,
    address: &str,
    options: &BuildOptions<'_>,
) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Diagnostics> {
    let build = trueup_kustomize::build_remote(tree, address, &options.of_engine())?;
    Ok((build.manifests, build.warnings))
}

/// The file that `kustomize build --output DIR` writes each object to, by its current namespace where
/// there are several, as `commands/build/writer.go` of kustomize 5.8 does.
pub fn file_names(manifests: &[Manifest]) -> Vec<String> {
    let spaces: Vec<Option<&str>> = manifests
        .iter()
        .map(|manifest| {
            let outside =
                trueup_kustomize::is_cluster_scoped(manifest.api_version(), manifest.kind());
            let space = if manifest.namespace().is_empty() {
                "default"
            } else {
                manifest.namespace()
            };
            (!outside).then_some(space)
        })
        .collect();
    let several = spaces.iter().flatten().collect::<HashSet<_>>().len() > 1;
    manifests
        .iter()
        .zip(&spaces)
        .map(|(manifest, space)| {
            let gvk = manifest.gvk();
            let kind = [gvk.group.as_str(), &gvk.version, &gvk.kind];
            let kind = kind.into_iter().filter(|part| !part.is_empty());
            let space = space.iter().copied().filter(|_| several);
            let parts: Vec<&str> = space.chain(kind).chain([manifest.name()]).collect();
            // A name with a slash must not lead to another folder.
            format!(
                "{}.yaml",
                parts.join("_").to_lowercase().replace(['/', '\\'], "_")
            )
        })
        .collect()
}
