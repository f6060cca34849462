//! A folder as a source.

use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::TempDir;
use trueup::source::{DirectoryConfig, DirectorySource, Source};
use trueup_manifest::{Tree, TreePath};

use crate::repository::{Repository, git, text};

async fn id(source: &DirectorySource) -> String {
    source.poll().await.unwrap().snapshot.revision().id.clone()
}

fn open(path: &std::path::Path) -> DirectorySource {
    DirectorySource::open(DirectoryConfig::new(path)).unwrap()
}

#[tokio::test]
async fn a_folder_has_the_id_that_git_would_give_its_files() {
    let repository = Repository::new();
    let work = repository.work();
    // Names that sort differently for Git when one of them is a folder.
    for (name, content) in [
        ("a", "1"),
        ("a.b", "2"),
        ("a-b", "3"),
        ("b/c/d", "4"),
        ("ä", "5"),
    ] {
        fs::create_dir_all(work.join(name).parent().unwrap()).unwrap();
        fs::write(work.join(name), content).unwrap();
    }
    fs::create_dir(work.join("b.c")).unwrap();
    fs::write(work.join("b.c/x"), "6").unwrap();
    fs::create_dir(work.join("empty")).unwrap();
    fs::set_permissions(work.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("a", work.join("link")).unwrap();
    repository.commit_all("all");
    let source = open(&work);
    assert_eq!(
        id(&source).await,
        repository.git(&["rev-parse", "HEAD^{tree}"])
    );
    let snapshot = source.poll().await.unwrap().snapshot;
    assert!(snapshot.revision().short().starts_with("directory@sha1:"));
    // And the same outside any repository.
    let copy = TempDir::new().unwrap();
    let status = std::process::Command::new("cp")
        .arg("-a")
        .arg(work.join("."))
        .arg(copy.path())
        .status();
    assert!(status.unwrap().success());
    fs::remove_dir_all(copy.path().join(".git")).unwrap();
    assert_eq!(id(&open(copy.path())).await, id(&source).await);
}

#[tokio::test]
async fn an_empty_folder_has_the_id_of_the_empty_tree() {
    let folder = TempDir::new().unwrap();
    assert_eq!(
        id(&open(folder.path())).await,
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    );
}

#[tokio::test]
async fn the_revision_moves_with_what_git_sees_and_stands_still_otherwise() {
    let repository = Repository::new();
    let work = repository.work();
    fs::write(work.join(".gitignore"), "*.log\nbuild/\n!kept.log\n").unwrap();
    fs::write(work.join("tracked.log"), "1").unwrap();
    repository.commit_all("with ignored files");
    let source = open(&work);
    let mut last = id(&source).await;
    for (file, content, moves) in [
        ("file", "two", true),
        ("file", "two", false),
        ("new", "untracked", true),
        ("noise.log", "ignored", false),
        ("build/out", "ignored", false),
        ("kept.log", "not ignored", true),
        ("tracked.log", "2", true),
    ] {
        let path = work.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        let now = id(&source).await;
        assert_eq!(now != last, moves, "{file}");
        last = now;
    }
    // Ignored files are there to be read all the same.
    let snapshot = source.poll().await.unwrap().snapshot;
    assert_eq!(text(&snapshot, "noise.log"), "ignored");
}

#[tokio::test]
async fn a_folder_that_its_outer_repository_ignores_is_a_world_of_its_own() {
    let repository = Repository::new();
    repository.commit(".gitignore", "out/\n", "ignore");
    let out = repository.work().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("file"), "one").unwrap();
    let alone = TempDir::new().unwrap();
    fs::write(alone.path().join("file"), "one").unwrap();
    assert_eq!(id(&open(&out)).await, id(&open(alone.path())).await);
}

#[tokio::test]
async fn a_file_that_changes_under_a_snapshot_is_an_error_and_never_other_bytes() {
    let folder = TempDir::new().unwrap();
    for name in ["read", "unread"] {
        fs::write(folder.path().join(name), "before").unwrap();
    }
    let source = open(folder.path());
    let snapshot = source.poll().await.unwrap().snapshot;
    assert_eq!(text(&snapshot, "read"), "before");
    for name in ["read", "unread"] {
        fs::write(folder.path().join(name), "after").unwrap();
    }
    assert_eq!(text(&snapshot, "read"), "before");
    let error = snapshot
        .read(&TreePath::new("unread").unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read `unread`: the file has changed since the folder was looked at; try again"
    );
    let next = source.poll().await.unwrap().snapshot;
    assert_eq!(text(&next, "unread"), "after");
}

#[tokio::test]
async fn what_is_no_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, reason) in [
        (file, "it is not a folder"),
        (folder.path().join("none"), "no such folder"),
    ] {
        let error = DirectorySource::open(DirectoryConfig::new(&path))
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            format!("cannot use `{}`: {reason}", path.display())
        );
    }
}

#[tokio::test]
async fn a_folder_that_vanishes_is_an_error_until_it_is_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("files");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("file"), "one").unwrap();
    let source = open(&path);
    let good = id(&source).await;
    fs::rename(&path, folder.path().join("away")).unwrap();
    assert_eq!(source.poll().await.unwrap_err().code(), "source/io");
    fs::rename(folder.path().join("away"), &path).unwrap();
    assert_eq!(id(&source).await, good);
    // A repository beside it does not matter.
    git(folder.path(), &["init", "-q"]);
    assert_eq!(id(&source).await, good);
}
