//! A Git repository that the demo commits to.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use git2::{IndexAddOption, Repository as Git, RepositoryInitOptions, Signature};

use super::DemoError;

/// The branch that the demo works on.
pub(super) const BRANCH: &str = "main";

/// A repository with a work tree, so that a spectator can edit and commit in it as well.
pub(super) struct Repository {
    git: Git,
    folder: PathBuf,
}

impl Repository {
    /// Makes one of the files in a folder, which must not be one yet.
    pub(super) fn make(folder: &Path) -> Result<Self, DemoError> {
        let mut options = RepositoryInitOptions::new();
        options
            .initial_head(BRANCH)
            .no_reinit(true)
            .external_template(false);
        let git = Git::init_opts(folder, &options)?;
        Ok(Self {
            git,
            folder: folder.to_owned(),
        })
    }

    /// Commits everything as it is in the work tree; gives the commit's id.
    pub(super) fn commit(&self, message: &str) -> Result<String, DemoError> {
        let mut index = self.git.index()?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
        index.update_all(["*"], None)?;
        index.write()?;
        let tree = self.git.find_tree(index.write_tree()?)?;
        let author = Signature::now("trueup demo", "demo@trueup.invalid")?;
        let parent = match self.git.head() {
            Ok(head) => Some(head.peel_to_commit()?),
            Err(_) => None,
        };
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = self
            .git
            .commit(Some("HEAD"), &author, &author, message, &tree, &parents)?;
        Ok(id.to_string())
    }

    /// Replaces a piece of a file that is there exactly once.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) -> Result<(), DemoError> {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).map_err(|error| about(&path, error))?;
        if text.matches(from).count() != 1 {
            return Err(DemoError::Estate {
                file: file.to_owned(),
                piece: from.to_owned(),
            });
        }
        fs::write(&path, text.replacen(from, to, 1)).map_err(|error| about(&path, error))
    }

    /// Removes a file.
    pub(super) fn remove(&self, file: &str) -> Result<(), DemoError> {
        let path = self.folder.join(file);
        fs::remove_file(&path).map_err(|error| about(&path, error))
    }

    /// The address that a source follows.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// An I/O error with the file it is about.
pub(super) fn about(path: &Path, error: io::Error) -> DemoError {
    DemoError::File {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_holds_what_was_added_changed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "one two").unwrap();
        fs::write(dir.path().join("b"), "").unwrap();
        let repository = Repository::make(dir.path()).unwrap();
        let first = repository.commit("first").unwrap();
        repository.edit("a", "two", "three").unwrap();
        repository.remove("b").unwrap();
        let second = repository.commit("second").unwrap();
        assert_ne!(first, second);

        let git = Git::open(dir.path()).unwrap();
        let head = git.head().unwrap();
        assert_eq!(head.shorthand().unwrap(), BRANCH);
        let commit = head.peel_to_commit().unwrap();
        assert_eq!(commit.parent_id(0).unwrap().to_string(), first);
        let tree = commit.tree().unwrap();
        assert_eq!(tree.len(), 1);
        let blob = tree
            .get_name("a")
            .unwrap()
            .to_object(&git)
            .unwrap()
            .peel_to_blob()
            .unwrap();
        assert_eq!(blob.content(), b"one three");
    }

    #[test]
    fn an_edit_that_finds_nothing_to_replace_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "one one").unwrap();
        let repository = Repository::make(dir.path()).unwrap();
        for piece in ["one", "two"] {
            let error = repository.edit("a", piece, "x").unwrap_err().to_string();
            assert_eq!(
                error,
                format!("the estate has changed: `a` does not hold `{piece}` once")
            );
        }
    }
}
