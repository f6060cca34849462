//! Git repositories made by the `git` command, and sources that follow them.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use tempfile::TempDir;
use trueup::source::{GitConfig, GitSource, Polled, Snapshot, Source, SourceError};
use trueup_manifest::{Tree, TreePath};

/// A folder for one test: a bare repository that is served, a checkout that is worked in, and a
/// cache.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    /// A repository with the commit `first` on `main`, which holds `file` with the text `one`.
    pub(crate) fn new() -> Self {
        let repository = Self {
            folder: TempDir::new().unwrap(),
        };
        let bare = repository.bare();
        git(
            repository.folder.path(),
            &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()],
        );
        let work = repository.work();
        git(
            repository.folder.path(),
            &["init", "-q", "-b", "main", work.to_str().unwrap()],
        );
        git(&work, &["remote", "add", "origin", bare.to_str().unwrap()]);
        repository.commit("file", "one", "first");
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The repository that is served, as `r.git` in its folder.
    pub(crate) fn bare(&self) -> PathBuf {
        self.folder.path().join("served/r.git")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Runs `git` in the checkout and gives what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.work(), arguments)
    }

    /// Writes a file, commits it and pushes the branch.
    pub(crate) fn commit(&self, path: &str, content: &str, subject: &str) -> String {
        let file = self.work().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
        self.commit_all(subject)
    }

    /// Commits what is in the checkout and pushes the branch.
    pub(crate) fn commit_all(&self, subject: &str) -> String {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["push", "-q", "--force", "origin", "HEAD"]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Settings to follow the default branch at `url`.
    pub(crate) fn config(&self, url: &str) -> GitConfig {
        GitConfig {
            cache_dir: self.cache(),
            // Long, so that a slow machine fails no test; those about the deadline set their own.
            timeout: Duration::from_mins(5),
            ..GitConfig::new(url.parse().unwrap())
        }
    }

    /// Settings to follow the default branch through the file system.
    pub(crate) fn file_config(&self) -> GitConfig {
        self.config(self.bare().to_str().unwrap())
    }

    /// The local copies in the cache.
    pub(crate) fn copies(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.cache())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut copies: Vec<PathBuf> = folders
            .flat_map(|folder| {
                fs::read_dir(folder)
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
            })
            .filter(|path| path.is_dir())
            .collect();
        copies.sort();
        copies
    }
}

/// Runs `git` as nobody in particular: no settings of the machine or the user have a say.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = try_git(folder, arguments);
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

pub(crate) fn try_git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    plain_git(&mut command);
    command
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("these tests need `git`")
}

/// Sets the environment for a plain `git`.
pub(crate) fn plain_git(command: &mut Command) {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z");
}

pub(crate) fn open(config: GitConfig) -> GitSource {
    GitSource::open(config).unwrap()
}

pub(crate) async fn poll(source: &GitSource) -> Snapshot {
    polled(source).await.snapshot
}

pub(crate) async fn polled(source: &GitSource) -> Polled {
    source
        .poll()
        .await
        .unwrap_or_else(|error| panic!("{error} ({error:?})"))
}

pub(crate) async fn failure(source: &GitSource) -> SourceError {
    match source.poll().await {
        Ok(polled) => panic!("the poll succeeded: {polled:?}"),
        Err(error) => error,
    }
}

/// The text of a file in a snapshot.
pub(crate) fn text(snapshot: &Snapshot, path: &str) -> String {
    snapshot
        .read_text(&TreePath::new(path).unwrap())
        .unwrap()
        .to_string()
}

/// Says that a test could not run, past the test runner, which would keep it to itself.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}
