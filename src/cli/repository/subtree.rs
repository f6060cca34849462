//! A folder of a tree as a tree of its own: for a repository whose configuration lies in a folder.

use std::sync::Arc;

use trueup_manifest::{Entry, Tree, TreeError, TreeErrorKind, TreePath};

/// A folder of another tree. Nothing outside it can be read, even by a symlink.
pub(super) struct Subtree {
    whole: Arc<dyn Tree>,
    root: TreePath,
}

impl Subtree {
    pub(super) fn new(whole: Arc<dyn Tree>, root: TreePath) -> Self {
        Self { whole, root }
    }

    fn outer(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        self.root.join(path.as_str())
    }

    /// Where a path leads in the whole tree, unless that is outside this one.
    fn resolved(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        let found = self.whole.resolve(&self.outer(path)?)?;
        if found.is_within(&self.root) {
            return Ok(found);
        }
        Err(TreeError::new(
            TreeErrorKind::Escape,
            &self.display(path),
            "a symlink leads out of the tree",
        ))
    }
}

impl Tree for Subtree {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        self.whole.read(&self.resolved(path)?)
    }

    fn content_id(&self, path: &TreePath) -> Option<String> {
        self.whole.content_id(&self.resolved(path).ok()?)
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        match self.whole.entry(&self.outer(path)?)? {
            Some(_) => self.whole.entry(&self.resolved(path)?),
            None => Ok(None),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        self.whole.list(&self.resolved(path)?)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        let found = self.resolved(path)?;
        let inside = found
            .as_str()
            .strip_prefix(self.root.as_str())
            .unwrap_or_default();
        TreePath::new(inside.trim_start_matches('/'))
    }

    fn display(&self, path: &TreePath) -> String {
        match self.outer(path) {
            Ok(outer) => self.whole.display(&outer),
            Err(_) => path.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use trueup_manifest::{DiskTree, MemoryTree};

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    #[test]
    fn a_folder_is_read_as_if_it_were_the_root() {
        let mut whole = MemoryTree::new();
        whole.add("a/b/c.yaml", "x").unwrap();
        whole.add("other.yaml", "y").unwrap();
        let tree = Subtree::new(Arc::new(whole), path("a"));
        assert_eq!(&*tree.read_text(&path("b/c.yaml")).unwrap(), "x");
        assert_eq!(
            tree.list(&path("")).unwrap(),
            [("b".to_owned(), Entry::Dir)]
        );
        assert_eq!(tree.resolve(&path("b")).unwrap(), path("b"));
        assert_eq!(tree.entry(&path("other.yaml")).unwrap(), None);
        assert_eq!(tree.display(&path("b/c.yaml")), "a/b/c.yaml");
    }

    #[test]
    fn a_symlink_does_not_lead_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", dir.path().join("a/link")).unwrap();
        let tree = Subtree::new(Arc::new(DiskTree::new(dir.path()).unwrap()), path("a"));
        let error = tree.read(&path("link")).unwrap_err();
        assert_eq!(error.kind(), TreeErrorKind::Escape);
        assert!(tree.entry(&path("link")).is_err());
    }
}
