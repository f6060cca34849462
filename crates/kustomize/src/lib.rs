//! Kustomize, natively: builds a kustomization into manifests, byte for byte as `kustomize build`
//! v5.8.2 prints them.
//!
//! Flows in: a [`Tree`] of files and a directory in it, and what the caller lends: [`RemoteFetcher`]
//! for remote bases, [`ChartInflator`] for charts. Flows out: a [`Build`] of manifests in order, or
//! [`Diagnostics`] that name file, line and column and the bases that led there.
//! It must never do I/O but through those traits, never run anything, and never talk to a cluster.
//!
//! The steps, in the order of the rooms: `load` reads files, `accumulate` walks resources, bases and
//! components, `generate` makes config maps and secrets, `transform` and `patch` change objects,
//! `plugin` runs builtin generators and transformers that are configured in files, `refs` mends names
//! that changed, `order` sorts. Beside them `fix` rewrites the deprecated fields of a file.

/// Maps of names inside one build. Their keys are not worth an attack: who writes them may as well
/// write more objects.
type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A [`HashMap`] with room for so many keys.
fn map_with_room<K, V>(room: usize) -> HashMap<K, V> {
    HashMap::with_capacity_and_hasher(room, foldhash::fast::RandomState::default())
}

mod accumulate;
mod cache;
mod context;
mod fix;
mod generate;
mod load;
mod node;
mod number;
mod openapi;
mod order;
mod output;
mod parallel;
mod patch;
mod plugin;
mod refs;
mod resource;
mod trace;
mod transform;

use std::{sync::Arc, time::Duration};

use trueup_manifest::{Diagnostic, Diagnostics, Manifest, Tree, TreePath};

use self::context::Context;
pub use self::{
    cache::{Cache, Inputs},
    context::Limits,
    fix::{Fixed, Item, fix, replacements_for_vars},
    plugin::{
        chart::{Chart, ChartInflator, Inflated, ValuesMerge, merge_values},
        function::{FunctionCall, FunctionRunner},
    },
    trace::{Snapshot, Traced, TracedStep, trace},
};

/// Which files a kustomization may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// Files in or below its own directory (`LoadRestrictionsRootOnly`).
    #[default]
    RootOnly,
    /// Any file of the tree (`LoadRestrictionsNone`).
    None,
}

/// The order of the objects where the kustomization says none (`--reorder`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// By kind, namespaces first and webhooks last, then by name.
    #[default]
    Legacy,
    /// As loaded.
    None,
}

/// A repository that a kustomization names, as `git fetch` would take it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteRepository {
    /// The address: `https://…`, `ssh://…`, `file://…` or `user@host:path`.
    pub url: String,
    /// Branch, tag or commit; empty for the default branch.
    pub reference: String,
    /// How long fetching it may take (`?timeout=`).
    pub timeout: Duration,
    /// Whether its submodules are fetched too (`?submodules=`).
    pub submodules: bool,
}

/// Fetches what lies outside the tree: files over HTTP and Git repositories.
pub trait RemoteFetcher: Send + Sync {
    /// The content of the file at an `http://` or `https://` address, or why it cannot be had.
    fn file(&self, url: &str) -> Result<Arc<[u8]>, Diagnostic>;

    /// The files of a repository, or why they cannot be had.
    fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn Tree>, Diagnostic>;
}

/// How to build.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Which files a kustomization may read.
    pub load_restrictor: LoadRestrictor,
    /// The order where the kustomization says none.
    pub reorder: Reorder,
    /// Inflates `helmCharts`; without it a chart is an error (`--enable-helm`).
    pub charts: Option<&'a dyn ChartInflator>,
    /// Runs the programs that functions are (`--enable-exec`); without it they are errors.
    pub functions: Option<&'a dyn FunctionRunner>,
    /// Fetches remote resources and bases; without it they are errors.
    pub remote: Option<&'a dyn RemoteFetcher>,
    /// Labels every object `app.kubernetes.io/managed-by` (`--enable-managedby-label`).
    pub managed_by_label: bool,
    /// The absolute path of the tree's root, so that absolute paths into it are understood.
    pub tree_root: Option<&'a str>,
    /// Bounds on what one build may take.
    pub limits: Limits,
}

/// What a build gave.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The objects, in the order in which they are printed.
    pub manifests: Vec<Manifest>,
    /// What works but should be changed.
    pub warnings: Vec<Diagnostic>,
    inputs: Inputs,
}

impl Build {
    /// What was read of the tree; nothing where the build was not one of a [`Cache`], which alone
    /// takes notes.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The bytes that `kustomize build` prints.
    pub fn to_yaml(&self) -> String {
        self.to_yaml_pieces().concat()
    }

    /// [`Self::to_yaml`] in pieces that were printed side by side, for a writer that needs no whole.
    pub fn to_yaml_pieces(&self) -> Vec<String> {
        output::to_yaml(&self.manifests)
    }
}

/// Builds the kustomization in `dir` of `tree`.
///
/// # Errors
///
/// Whatever upstream refuses is refused, with as many findings at once as can be told apart.
pub fn build(tree: &dyn Tree, dir: &TreePath, options: &Options<'_>) -> Result<Build, Diagnostics> {
    build_with(tree, dir, options, None).map(|(build, _)| build)
}

/// Builds the kustomization that an address of a Git repository leads to, such as
/// `github.com/org/repo//folder?ref=v1`. `tree` is where the build runs, and only the fetched
/// repository is read.
///
/// # Errors
///
/// As [`build`], and what [`Options::remote`] has to say.
pub fn build_remote(
    tree: &dyn Tree,
    address: &str,
    options: &Options<'_>,
) -> Result<Build, Diagnostics> {
    let context = Context::new(options, None);
    let resources = accumulate::run_remote(&context, tree, address)?;
    Ok(Build {
        manifests: output::manifests(resources)?,
        warnings: context.into_warnings(),
        inputs: Inputs::default(),
    })
}

/// Whether a path is the address of a repository elsewhere, as `kustomize build` reads it.
pub fn is_remote(path: &str) -> bool {
    load::is_remote(path)
}

/// [`build`], and whether it depends on nothing but its tree and options.
fn build_with(
    tree: &dyn Tree,
    dir: &TreePath,
    options: &Options<'_>,
    cache: Option<&Cache>,
) -> Result<(Build, bool), Diagnostics> {
    let context = Context::new(options, cache);
    let resources = accumulate::run(&context, tree, dir)?;
    let manifests = output::manifests(resources)?;
    let pure = context.is_pure();
    let build = Build {
        manifests,
        warnings: context.into_warnings(),
        inputs: Inputs::default(),
    };
    Ok((build, pure))
}

/// Whether a kind is known to live outside namespaces. Of a kind that nobody knows it is not; upstream
/// names the files of `kustomize build --output DIR` by that.
pub fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    openapi::is_cluster_scoped(api_version, kind)
}
