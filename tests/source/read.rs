//! What can be read from a snapshot, and what is refused.

use std::{fs, os::unix::fs::symlink};

use trueup::source::{DirectoryConfig, DirectorySource, GitConfig, Snapshot, Source};
use trueup_manifest::{Entry, Tree, TreeErrorKind, TreePath};

use crate::repository::{Repository, open, poll, text};

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

/// A commit with all that a hostile author may think of.
fn awkward() -> Repository {
    let repository = Repository::new();
    let work = repository.work();
    fs::create_dir_all(work.join("base/deep")).unwrap();
    fs::write(work.join("base/deep/file.yaml"), "deep").unwrap();
    fs::write(work.join("base/run.sh"), "#!/bin/sh\n").unwrap();
    for (link, target) in [
        ("to-file", "base/deep/file.yaml"),
        ("to-dir", "base/deep"),
        ("base/deep/up", "../../file"),
        ("escape", "../outside"),
        ("absolute", "/etc/passwd"),
        ("circle", "circle"),
        ("dangling", "nowhere"),
        ("to-git", ".git/config"),
        ("through", "to-dir/up"),
    ] {
        symlink(target, work.join(link)).unwrap();
    }
    fs::write(repository.path().join("outside"), "secret").unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    fs::write(work.join("large.bin"), pointer).unwrap();
    // A submodule, as an entry without content.
    let commit = repository.head();
    fs::create_dir_all(work.join("module")).unwrap();
    crate::repository::git(&work.join("module"), &["init", "-q"]);
    repository.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{commit},module"),
    ]);
    crate::repository::git(
        &work.join("module"),
        &["commit", "-q", "--allow-empty", "-m", "x"],
    );
    repository.commit_all("awkward");
    repository
}

/// The same files from Git and from the folder that is checked out.
async fn both(repository: &Repository) -> [(&'static str, Snapshot); 2] {
    let directory = DirectorySource::open(DirectoryConfig::new(repository.work())).unwrap();
    [
        ("git", poll(&open(repository.file_config())).await),
        ("directory", directory.poll().await.unwrap().snapshot),
    ]
}

#[tokio::test]
async fn symlinks_are_followed_inside_the_tree() {
    let repository = awkward();
    for (store, snapshot) in both(&repository).await {
        for (from, content, real) in [
            ("to-file", "deep", "base/deep/file.yaml"),
            ("to-dir/file.yaml", "deep", "base/deep/file.yaml"),
            ("base/deep/up", "one", "file"),
            ("through", "one", "file"),
        ] {
            assert_eq!(text(&snapshot, from), content, "{store}: {from}");
            assert_eq!(
                snapshot.resolve(&path(from)).unwrap(),
                path(real),
                "{store}: {from}"
            );
        }
        assert_eq!(snapshot.entry(&path("to-dir")).unwrap(), Some(Entry::Dir));
        assert_eq!(snapshot.entry(&path("dangling")).unwrap(), None);
        assert_eq!(snapshot.entry(&path("file/below")).unwrap(), None);
    }
}

#[tokio::test]
async fn what_leads_out_of_the_tree_is_refused() {
    use TreeErrorKind::{Escape, Io, IsDir, Loop, NotDir, NotFound};
    let repository = awkward();
    for (store, snapshot) in both(&repository).await {
        for (from, kind, message) in [
            (
                "escape",
                Escape,
                "cannot read `escape`: a symlink leads out of the tree",
            ),
            (
                "absolute",
                Escape,
                "cannot read `absolute`: a symlink leads out of the tree, to `/etc/passwd`",
            ),
            (
                "circle",
                Loop,
                "cannot read `circle`: symlinks lead in a circle",
            ),
            (
                "to-git",
                Escape,
                "cannot read `to-git`: `.git` is not part of the files",
            ),
            (
                ".git/config",
                Escape,
                "cannot read `.git/config`: `.git` is not part of the files",
            ),
            (
                ".GIT",
                Escape,
                "cannot read `.GIT`: `.git` is not part of the files",
            ),
            (
                "module/x",
                Io,
                "cannot read `module/x`: it is a Git submodule, and trueup does not fetch those; copy the files into the repository",
            ),
            (
                "large.bin",
                Io,
                "cannot read `large.bin`: the file is kept in Git LFS, which trueup does not fetch from",
            ),
            ("base", IsDir, "cannot read `base`: it is a folder"),
            (
                "none",
                NotFound,
                "cannot read `none`: no such file or folder",
            ),
            (
                "dangling",
                NotFound,
                "cannot read `dangling`: no such file or folder",
            ),
        ] {
            let error = snapshot.read(&path(from)).unwrap_err();
            assert_eq!(error.to_string(), message, "{store}");
            assert_eq!(error.kind(), kind, "{store}: {from}");
        }
        assert_eq!(snapshot.list(&path("file")).unwrap_err().kind(), NotDir);
        assert_eq!(snapshot.list(&path("none")).unwrap_err().kind(), NotFound);
        assert_eq!(snapshot.list(&path("escape")).unwrap_err().kind(), Escape);
    }
    assert_eq!(TreePath::new("../outside").unwrap_err().kind(), Escape);
    assert_eq!(TreePath::new("/etc/passwd").unwrap_err().kind(), Escape);
}

#[tokio::test]
async fn a_folder_lists_its_names_in_order_and_never_dot_git() {
    let repository = awkward();
    for (store, snapshot) in both(&repository).await {
        let names = snapshot.list(&TreePath::root()).unwrap();
        let shown: Vec<String> = names
            .iter()
            .map(|(name, entry)| {
                if *entry == Entry::Dir {
                    format!("{name}/")
                } else {
                    name.clone()
                }
            })
            .collect();
        assert_eq!(
            shown,
            [
                "absolute",
                "base/",
                "circle",
                "dangling",
                "escape",
                "file",
                "large.bin",
                "module/",
                "through",
                "to-dir/",
                "to-file",
                "to-git"
            ],
            "{store}"
        );
    }
}

#[tokio::test]
async fn a_root_inside_the_repository_cannot_be_left_even_to_its_other_files() {
    let repository = awkward();
    let source = open(GitConfig {
        path: "base".to_owned(),
        ..repository.file_config()
    });
    let snapshot = poll(&source).await;
    assert_eq!(text(&snapshot, "deep/file.yaml"), "deep");
    let error = snapshot.read(&path("deep/up")).unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Escape);
    assert_eq!(
        error.to_string(),
        "cannot read `base/deep/up`: a symlink leads out of the tree"
    );
}

#[tokio::test]
async fn a_file_that_is_far_too_large_is_refused_unread() {
    let repository = Repository::new();
    let file = fs::File::create(repository.work().join("huge")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    repository.commit_all("huge");
    for (store, snapshot) in both(&repository).await {
        let error = snapshot.read(&path("huge")).unwrap_err();
        assert_eq!(error.kind(), TreeErrorKind::TooLarge, "{store}");
        assert_eq!(
            error.to_string(),
            "cannot read `huge`: the file has 67108865 bytes; the most is 67108864"
        );
    }
}
