//! What tells one repository from another, however it is reached.
//!
//! An environment's name is not enough: two repositories may both have a `dev`. The cluster remembers
//! which of them an environment comes from, so that neither prunes what the other made.

use std::path::Path;

use super::worktree::WorkTree;

/// The identity of the files in a folder: that of the Git repository round it, and which of its folders
/// it is, or, outside Git, the folder itself.
pub fn identity(folder: &Path) -> String {
    let found = WorkTree::discover(folder).ok().and_then(|work_tree| {
        let here = work_tree.here().clone();
        Some(with_folder(work_tree.identity()?, here.as_str()))
    });
    found.unwrap_or_else(|| {
        let real = folder.canonicalize();
        let folder = real.as_deref().unwrap_or(folder);
        format!("folder {}", folder.display())
    })
}

/// The identity of a folder in a repository: one repository may hold several, each with its own
/// environments.
pub(super) fn with_folder(repository: String, folder: &str) -> String {
    match folder.trim_matches('/') {
        "" | "." => repository,
        folder => format!("{repository}//{folder}"),
    }
}
