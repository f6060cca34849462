//! A tree held in memory: for tests, demos and archives.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    path::TreePath,
    tree::{Entry, Tree, TreeError, TreeErrorKind},
};

/// A [`Tree`] of files in memory. Folders exist where a file lies below them, or where
/// [`MemoryTree::add_dir`] made an empty one. It has no symlinks.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    files: BTreeMap<TreePath, Arc<[u8]>>,
    dirs: std::collections::BTreeSet<TreePath>,
}

impl MemoryTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces the file at `path`.
    pub fn add(&mut self, path: &str, content: impl AsRef<[u8]>) -> Result<(), TreeError> {
        let path = TreePath::new(path)?;
        if let Some(parent) = path.parent() {
            self.add_dir(parent.as_str())?;
        }
        self.files.insert(path, Arc::from(content.as_ref()));
        Ok(())
    }

    /// Makes the folder at `path` and those above it.
    pub fn add_dir(&mut self, path: &str) -> Result<(), TreeError> {
        let mut next = Some(TreePath::new(path)?);
        while let Some(path) = next {
            next = path.parent();
            self.dirs.insert(path);
        }
        Ok(())
    }

    /// Removes the file at `path`, and says whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.files.remove(path).is_some()
    }
}

impl Tree for MemoryTree {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        self.files.get(path).cloned().ok_or_else(|| {
            if self.dirs.contains(path) {
                TreeError::new(TreeErrorKind::IsDir, &self.display(path), "it is a folder")
            } else {
                TreeError::new(TreeErrorKind::NotFound, &self.display(path), "no such file")
            }
        })
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        Ok(if self.files.contains_key(path) {
            Some(Entry::File)
        } else if path.is_root() || self.dirs.contains(path) {
            Some(Entry::Dir)
        } else {
            None
        })
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        match self.entry(path)? {
            Some(Entry::Dir) => {}
            Some(Entry::File) => {
                return Err(TreeError::new(
                    TreeErrorKind::NotDir,
                    &self.display(path),
                    "it is a file, not a folder",
                ));
            }
            None => {
                return Err(TreeError::new(
                    TreeErrorKind::NotFound,
                    &self.display(path),
                    "no such folder",
                ));
            }
        }
        let inside = |candidate: &TreePath| candidate.parent().as_ref() == Some(path);
        let mut names: Vec<(String, Entry)> = self
            .dirs
            .iter()
            .filter(|dir| inside(dir))
            .map(|dir| (dir.file_name().to_owned(), Entry::Dir))
            .chain(
                self.files
                    .keys()
                    .filter(|file| inside(file))
                    .map(|file| (file.file_name().to_owned(), Entry::File)),
            )
            .collect();
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        Ok(path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_tree_knows_files_folders_and_absence() {
        let mut tree = MemoryTree::new();
        tree.add("a/b/c.yaml", "x: 1\n").unwrap();
        let path = |text| TreePath::new(text).unwrap();
        assert_eq!(tree.entry(&path("a/b")).unwrap(), Some(Entry::Dir));
        assert_eq!(tree.entry(&path("a/b/c.yaml")).unwrap(), Some(Entry::File));
        assert_eq!(tree.entry(&path("a/x")).unwrap(), None);
        assert_eq!(
            tree.list(&path("a")).unwrap(),
            [("b".to_owned(), Entry::Dir)]
        );
        assert_eq!(&*tree.read_text(&path("a/b/c.yaml")).unwrap(), "x: 1\n");
        assert_eq!(
            tree.read(&path("a")).unwrap_err().kind(),
            TreeErrorKind::IsDir
        );
        assert_eq!(
            tree.read(&path("z")).unwrap_err().kind(),
            TreeErrorKind::NotFound
        );
    }
}
