//! A read-only file tree at one revision: all that rendering may read.

use std::{fmt, sync::Arc};

use crate::path::TreePath;

/// What a path in a tree is, symlinks followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entry {
    /// A file.
    File,
    /// A folder.
    Dir,
}

/// What is at a path, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is there.
    pub entry: Entry,
    /// The path once every symlink on the way is resolved.
    pub path: TreePath,
}

/// A read-only file tree at one revision. Implementations resolve symlinks and refuse those that
/// leave the tree, so that a caller cannot be led out of it. Reads are repeatable: the same path
/// gives the same bytes for the life of the value.
pub trait Tree: Send + Sync {
    /// The bytes of the file at `path`, symlinks followed.
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError>;

    /// Adds the bytes of the file at `path` to `into`: for whoever reads many files and keeps them in a form of
    /// its own.
    fn read_into(&self, path: &TreePath, into: &mut Vec<u8>) -> Result<(), TreeError> {
        into.extend_from_slice(&self.read(path)?);
        Ok(())
    }

    /// What is at `path`, symlinks followed; none where there is nothing.
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError>;

    /// The names in the folder at `path`, sorted by their bytes.
    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError>;

    /// Where `path` leads once every symlink on the way is resolved.
    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError>;

    /// [`Self::entry`] and [`Self::resolve`] in one look.
    fn find(&self, path: &TreePath) -> Result<Option<Found>, TreeError> {
        match self.entry(path)? {
            None => Ok(None),
            Some(entry) => {
                let path = self.resolve(path)?;
                Ok(Some(Found { entry, path }))
            }
        }
    }

    /// A name of the content of the file at `path` that no other content has, where the store keeps
    /// one and so need not read the file.
    fn content_id(&self, path: &TreePath) -> Option<String> {
        let _ = path;
        None
    }

    /// How to show `path` to a person: relative to the repository, or as they typed it.
    fn display(&self, path: &TreePath) -> String {
        path.to_string()
    }

    /// [`Self::read`] as text; a file that is not UTF-8 is a [`TreeErrorKind::NotText`].
    fn read_text(&self, path: &TreePath) -> Result<Arc<str>, TreeError> {
        let bytes = self.read(path)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Arc::from(text)),
            Err(error) => Err(TreeError::new(
                TreeErrorKind::NotText,
                &self.display(path),
                &format!("the file is not UTF-8 (byte {})", error.valid_up_to()),
            )),
        }
    }
}

/// Why a path could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TreeErrorKind {
    /// Nothing is there.
    NotFound,
    /// A folder where a file was asked for.
    IsDir,
    /// A file where a folder was asked for.
    NotDir,
    /// The path, or a symlink on it, leads out of the tree.
    Escape,
    /// Symlinks lead in a circle.
    Loop,
    /// The file is not UTF-8 text.
    NotText,
    /// The file is larger than a tree hands out.
    TooLarge,
    /// The store under the tree failed (disk, object database).
    Io,
}

/// A failed read from a [`Tree`]: the path as shown to a person, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeError {
    kind: TreeErrorKind,
    path: String,
    reason: String,
}

impl TreeError {
    /// An error about `path`, which is what the person will read.
    pub fn new(kind: TreeErrorKind, path: &str, reason: &str) -> Self {
        Self {
            kind,
            path: path.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// What went wrong, for decisions.
    pub fn kind(&self) -> TreeErrorKind {
        self.kind
    }

    /// The path as shown to a person.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: {}", self.path, self.reason)
    }
}

impl std::error::Error for TreeError {}
