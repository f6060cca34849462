//! The files of a source at one revision.

use std::{fmt, sync::Arc};

use trueup_manifest::{Entry, Tree, TreeError, TreePath};

use super::revision::Revision;

/// The files of a source at one revision: immutable, and cheap to clone.
#[derive(Clone)]
pub struct Snapshot {
    revision: Arc<Revision>,
    tree: Arc<dyn Tree>,
    configuration: Option<Arc<Self>>,
    source: Option<Arc<str>>,
    submodules: Arc<[Submodule]>,
}

/// A folder that is another repository at some commit. Nothing in it is in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// The folder.
    pub path: TreePath,
    /// The address of the other repository, as written; it may be relative to that of this one.
    pub url: String,
    /// The commit.
    pub commit: String,
}

impl Snapshot {
    /// The files of `tree`, which are those at `revision`.
    pub fn new(revision: Revision, tree: Arc<dyn Tree>) -> Self {
        Self {
            revision: Arc::new(revision),
            tree,
            configuration: None,
            source: None,
            submodules: Arc::default(),
        }
    }

    /// These files, with the Environment files and what they name lying in another source. What
    /// identifies both is the two ids together: a change of either is a new revision.
    #[must_use]
    pub fn configured_by(&self, configuration: Self) -> Self {
        let own = self.revision.as_ref();
        let revision = Revision {
            id: format!("{}+{}", own.id, configuration.revision.id),
            ..own.clone()
        };
        Self {
            revision: Arc::new(revision),
            tree: Arc::clone(&self.tree),
            configuration: Some(Arc::new(configuration)),
            source: self.source.clone(),
            submodules: Arc::clone(&self.submodules),
        }
    }

    /// The files that hold the configuration: these, where they were given no others.
    pub fn configuration(&self) -> &Self {
        self.configuration.as_deref().unwrap_or(self)
    }

    /// Says which repository the files belong to; see [`identity`](super::identity).
    pub fn of(mut self, source: &str) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which repository the files belong to; none where nobody said so.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The same, with the submodules that it names.
    pub(super) fn with_submodules(mut self, submodules: Vec<Submodule>) -> Self {
        self.submodules = submodules.into();
        self
    }

    /// The submodules that it names.
    pub fn submodules(&self) -> &[Submodule] {
        &self.submodules
    }

    /// What the files were taken at.
    pub fn revision(&self) -> &Arc<Revision> {
        &self.revision
    }

    /// The files.
    pub fn tree(&self) -> &Arc<dyn Tree> {
        &self.tree
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({})", self.revision)
    }
}

impl Tree for Snapshot {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        self.tree.read(path)
    }

    fn content_id(&self, path: &TreePath) -> Option<String> {
        self.tree.content_id(path)
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        self.tree.entry(path)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        self.tree.list(path)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        self.tree.resolve(path)
    }

    fn display(&self, path: &TreePath) -> String {
        self.tree.display(path)
    }
}
