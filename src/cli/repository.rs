//! The repository that a command works on.

mod subtree;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use trueup_manifest::{DiskTree, Tree};

use self::subtree::Subtree;

use super::{exit::Failure, global::Global};
use crate::{
    config::{Config, ENVIRONMENTS},
    source::{Snapshot, WorkTree},
};

/// A checkout and the configuration in it.
pub(super) struct Repository {
    pub(super) tree: DiskTree,
    pub(super) config: Config,
}

impl Repository {
    /// Opens the repository that the flags name, or the one round the current folder.
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        Self::at(&root(global)?)
    }

    /// Opens the repository at a folder.
    pub(super) fn at(root: &Path) -> Result<Self, Failure> {
        let tree = DiskTree::new(root)?;
        let tree = match std::env::current_dir() {
            Ok(here) => tree.shown_from(here),
            Err(_) => tree,
        };
        let config = Config::load(&tree)?;
        Ok(Self { tree, config })
    }
}

impl Repository {
    /// The files at another revision of the Git repository that this one is a work tree of: at the
    /// commit where the histories parted, or just there.
    pub(super) fn base(&self, revision: &str, exact: bool) -> Result<Base, Failure> {
        let work_tree = WorkTree::discover(self.tree.root())?;
        let snapshot: Snapshot = if exact {
            work_tree.revision(revision)?
        } else {
            work_tree.merge_base(revision)?
        };
        let name = snapshot.revision().short();
        let here = work_tree.here().clone();
        let tree: Arc<dyn Tree> = if here.is_root() {
            Arc::clone(snapshot.tree())
        } else {
            Arc::new(Subtree::new(Arc::clone(snapshot.tree()), here))
        };
        Ok(Base { tree, name })
    }
}

/// The files at another revision.
pub(super) struct Base {
    pub(super) tree: Arc<dyn Tree>,
    pub(super) name: String,
}

/// The folder that the flags name, or the repository round the current one.
pub(super) fn root(global: &Global) -> Result<PathBuf, Failure> {
    match &global.repo {
        Some(root) => Ok(root.clone()),
        None => Ok(find(&current_folder()?)),
    }
}

/// The nearest folder from `here` upwards that has Environment files, but not above the Git
/// repository round `here`; `here` itself where there is none.
pub(super) fn find(here: &Path) -> PathBuf {
    for folder in here.ancestors() {
        if folder.join(ENVIRONMENTS).is_dir() {
            return folder.to_owned();
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    here.to_owned()
}

pub(super) fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(
            "cli/no-folder",
            format!("the current folder cannot be told: {error}"),
        )
    })
}
