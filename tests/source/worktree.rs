//! The work tree that a command runs in.

use std::fs;

use trueup::source::{ErrorKind, WorkTree};
use trueup_manifest::{Tree, TreePath};

use crate::repository::{Repository, git, text};

#[test]
fn a_work_tree_is_found_from_any_folder_below_it() {
    let repository = Repository::new();
    repository.commit("deep/er/file", "x", "second");
    let tree = WorkTree::discover(&repository.work().join("deep/er")).unwrap();
    assert_eq!(tree.top(), repository.work().canonicalize().unwrap());
    assert_eq!(tree.here(), &TreePath::new("deep/er").unwrap());
    let error = WorkTree::discover(repository.path()).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` is not in a Git work tree",
            repository.path().display()
        )
    );
    let error = WorkTree::discover(&repository.bare()).err().unwrap();
    assert_eq!(error.code(), "source/no-work-tree");
}

#[test]
fn any_revision_of_the_repository_can_be_read() {
    let repository = Repository::new();
    let first = repository.head();
    repository.git(&["tag", "v1"]);
    repository.commit("file", "two", "second");
    let tree = WorkTree::discover(&repository.work()).unwrap();
    for (revision, content) in [
        ("HEAD", "two"),
        ("main", "two"),
        ("origin/main", "two"),
        ("HEAD~1", "one"),
        ("v1", "one"),
        (first.as_str(), "one"),
        (&first[..8], "one"),
    ] {
        assert_eq!(
            text(&tree.revision(revision).unwrap(), "file"),
            content,
            "{revision}"
        );
    }
    for revision in ["none", "HEAD~9", "main:file", "@{x", ""] {
        let error = tree.revision(revision).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{revision}: {error}");
        assert_eq!(
            error.to_string(),
            format!("the repository has no revision `{revision}`")
        );
        assert_eq!(error.help(), None);
    }
}

#[test]
fn the_base_of_a_pull_request_is_where_its_branch_began() {
    let repository = Repository::new();
    let base = repository.head();
    repository.git(&["checkout", "-q", "-b", "change"]);
    repository.commit("file", "changed", "change");
    repository.git(&["checkout", "-q", "main"]);
    repository.commit("other", "meanwhile", "meanwhile");
    repository.git(&["checkout", "-q", "change"]);
    let tree = WorkTree::discover(&repository.work()).unwrap();
    let snapshot = tree.merge_base("origin/main").unwrap();
    assert_eq!(snapshot.revision().id, base);
    assert_eq!(text(&snapshot, "file"), "one");
    assert_eq!(
        snapshot.entry(&TreePath::new("other").unwrap()).unwrap(),
        None
    );
}

#[test]
fn the_files_on_disk_are_the_commit_until_they_change() {
    let repository = Repository::new();
    let tree = WorkTree::discover(&repository.work()).unwrap();
    let clean = tree.working_tree().unwrap();
    assert_eq!(
        clean.revision().to_string(),
        format!("main@sha1:{}", repository.head())
    );
    assert_eq!(clean.revision().commit.as_ref().unwrap().subject, "first");
    fs::write(repository.work().join("file"), "edited").unwrap();
    let edited = tree.working_tree().unwrap();
    assert_eq!(text(&edited, "file"), "edited");
    assert!(
        edited
            .revision()
            .to_string()
            .starts_with("main+changes@sha1:")
    );
    assert_eq!(text(&tree.revision("HEAD").unwrap(), "file"), "one");
}

#[test]
fn a_checkout_before_its_first_commit_has_files_but_no_head() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join("file"), "one").unwrap();
    let tree = WorkTree::discover(folder.path()).unwrap();
    assert_eq!(tree.head().unwrap(), None);
    assert_eq!(text(&tree.working_tree().unwrap(), "file"), "one");
}

#[test]
fn a_linked_work_tree_reads_the_objects_of_its_repository() {
    let repository = Repository::new();
    let linked = repository.path().join("linked");
    repository.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        linked.to_str().unwrap(),
    ]);
    let tree = WorkTree::discover(&linked).unwrap();
    assert_eq!(text(&tree.revision("main").unwrap(), "file"), "one");
    assert_eq!(tree.working_tree().unwrap().revision().name, "side");
}

#[test]
fn a_shallow_checkout_says_how_to_get_what_it_lacks() {
    let repository = Repository::new();
    let first = repository.head();
    repository.commit("file", "two", "second");
    let shallow = repository.path().join("shallow");
    let url = format!("file://{}", repository.bare().display());
    git(
        repository.path(),
        &["clone", "-q", "--depth=1", &url, shallow.to_str().unwrap()],
    );
    let tree = WorkTree::discover(&shallow).unwrap();
    let error = tree.revision(&first).err().unwrap();
    assert_eq!(
        error.help().unwrap(),
        format!("this checkout is shallow; fetch it first: `git fetch --depth=1 origin {first}`")
    );
}
