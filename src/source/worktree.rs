//! The Git work tree that a command runs in.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use git2::{ErrorCode, Repository};
use trueup_manifest::TreePath;

use super::{
    deadline::Cancel,
    directory::{DirectoryTree, real_dir},
    error::{SourceError, tame},
    git::{ObjectTree, Objects, revision_of},
    revision::Revision,
    scan::StatCache,
    snapshot::Snapshot,
    url::GitUrl,
};

/// A checkout on this machine: its files as they are on disk, and those of any revision that its
/// repository holds. All paths are those of the repository, whatever folder it was found from.
pub struct WorkTree {
    top: PathBuf,
    here: TreePath,
    repository: Mutex<Repository>,
    objects: Arc<Objects>,
}

impl WorkTree {
    /// Finds the work tree that `path` lies in.
    pub fn discover(path: &Path) -> Result<Self, SourceError> {
        let real = real_dir(path)?;
        let none = || SourceError::NoWorkTree {
            path: path.to_owned(),
        };
        let failed = |error: git2::Error| match error.code() {
            ErrorCode::NotFound => none(),
            ErrorCode::Owner => SourceError::NotOwner { path: real.clone() },
            _ => io(&real, &error),
        };
        let repository = Repository::discover(&real).map_err(failed)?;
        let top = repository.workdir().ok_or_else(none)?;
        let top = real_dir(top)?;
        let inside = real
            .strip_prefix(&top)
            .ok()
            .and_then(Path::to_str)
            .ok_or_else(none)?;
        let here = TreePath::new(inside)?;
        let objects = Objects::open(repository.commondir()).map_err(|error| io(&real, &error))?;
        Ok(Self {
            top,
            here,
            repository: Mutex::new(repository),
            objects: Arc::new(objects),
        })
    }

    /// The top folder.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Where the folder that it was found from lies in it.
    pub fn here(&self) -> &TreePath {
        &self.here
    }

    /// What tells the repository from others: where it is cloned from, or, where that is not known, its
    /// first commit. None before the first commit.
    pub fn identity(&self) -> Option<String> {
        let repository = self.repository();
        let remotes = repository.remotes().ok();
        let only = remotes.as_ref().and_then(|names| {
            if names.len() == 1 {
                names.get(0).ok().flatten()
            } else {
                None
            }
        });
        let cloned_from = repository
            .find_remote("origin")
            .ok()
            .or_else(|| repository.find_remote(only?).ok())
            .and_then(|remote| remote.url().ok()?.parse::<GitUrl>().ok());
        if let Some(url) = cloned_from {
            return Some(url.identity());
        }
        let mut walk = repository.revwalk().ok()?;
        walk.push_head().ok()?;
        walk.simplify_first_parent().ok()?;
        let first = walk.filter_map(Result::ok).last()?;
        Some(format!("commit {first}"))
    }

    /// The revision that is checked out; none before the first commit.
    pub fn head(&self) -> Result<Option<Revision>, SourceError> {
        let repository = self.repository();
        let head = match repository.head() {
            Ok(head) => head,
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                return Ok(None);
            }
            Err(error) => return Err(io(&self.top, &error)),
        };
        let name = if head.is_branch() {
            head.shorthand().unwrap_or("HEAD")
        } else {
            "HEAD"
        };
        let commit = head
            .peel_to_commit()
            .map_err(|error| io(&self.top, &error))?;
        Ok(Some(revision_of(&commit, name)))
    }

    /// The files at a revision, written as Git writes it: `main`, `origin/main`, `v1.2.3`, `HEAD~1`,
    /// or a commit id.
    pub fn revision(&self, revision: &str) -> Result<Snapshot, SourceError> {
        let repository = self.repository();
        let commit = self.commit(&repository, revision)?;
        Ok(self.snapshot(&commit, revision))
    }

    /// The files at the commit where the checked-out history left that of `revision`: what a pull
    /// request against `revision` is compared with.
    pub fn merge_base(&self, revision: &str) -> Result<Snapshot, SourceError> {
        let repository = self.repository();
        let theirs = self.commit(&repository, revision)?;
        let ours = self.commit(&repository, "HEAD")?;
        let base = repository
            .merge_base(ours.id(), theirs.id())
            .map_err(|error| match error.code() {
                ErrorCode::NotFound => no_revision(&repository, revision),
                _ => io(&self.top, &error),
            })?;
        let base = repository
            .find_commit(base)
            .map_err(|error| io(&self.top, &error))?;
        Ok(self.snapshot(&base, revision))
    }

    /// The files as they are on disk. Where they are just those of the checked-out commit, that is
    /// their revision; else its name says that they are not.
    pub fn working_tree(&self) -> Result<Snapshot, SourceError> {
        let (tree, id) =
            DirectoryTree::take(&self.top, &mut StatCache::default(), &Cancel::default())?;
        let head = self.head()?;
        let clean = match &head {
            Some(head) => {
                let repository = self.repository();
                self.commit(&repository, &head.id)?.tree_id() == id
            }
            None => false,
        };
        let revision = match head {
            Some(head) if clean => head,
            Some(head) => Revision::new(format!("{}+changes", head.name), id.to_string()),
            None => Revision::new("directory", id.to_string()),
        };
        Ok(Snapshot::new(revision, Arc::new(tree)))
    }

    fn repository(&self) -> MutexGuard<'_, Repository> {
        self.repository
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn commit<'r>(
        &self,
        repository: &'r Repository,
        revision: &str,
    ) -> Result<git2::Commit<'r>, SourceError> {
        let found = repository
            .revparse_single(revision)
            .and_then(|found| found.peel_to_commit());
        found.map_err(|error| match error.code() {
            ErrorCode::NotFound
            | ErrorCode::InvalidSpec
            | ErrorCode::Ambiguous
            | ErrorCode::Peel => no_revision(repository, revision),
            _ => io(&self.top, &error),
        })
    }

    fn snapshot(&self, commit: &git2::Commit<'_>, name: &str) -> Snapshot {
        let tree = ObjectTree::new(Arc::clone(&self.objects), commit.tree_id());
        Snapshot::new(revision_of(commit, name), Arc::new(tree))
    }
}

fn io(path: &Path, error: &git2::Error) -> SourceError {
    SourceError::Io {
        path: path.to_owned(),
        reason: tame(error.message()),
    }
}

fn no_revision(repository: &Repository, revision: &str) -> SourceError {
    SourceError::NoRevision {
        revision: revision.to_owned(),
        shallow: repository.is_shallow(),
    }
}
