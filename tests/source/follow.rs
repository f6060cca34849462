//! What a source follows.

use trueup::source::{GitConfig, Note, Reference, Source};

use crate::{
    http::Server,
    repository::{Repository, git, open, poll, polled, text},
};

#[tokio::test]
async fn the_default_branch_is_followed_as_it_moves() {
    let repository = Repository::new();
    let source = open(repository.file_config());
    let first = poll(&source).await;
    assert_eq!(text(&first, "file"), "one");
    let moved = repository.commit("file", "two", "second\n\nWith a body.");
    let second = poll(&source).await;
    assert_eq!(second.revision().to_string(), format!("main@sha1:{moved}"));
    assert_eq!(text(&second, "file"), "two");
    // A snapshot never changes.
    assert_eq!(text(&first, "file"), "one");
}

#[tokio::test]
async fn a_revision_says_who_committed_it_when_and_why() {
    let repository = Repository::new();
    let commit = poll(&open(repository.file_config()))
        .await
        .revision()
        .commit
        .clone()
        .unwrap();
    assert_eq!(commit.author, "Ada");
    assert_eq!(commit.email, "ada@example.com");
    assert_eq!(commit.time.to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(commit.subject, "first");
}

#[tokio::test]
async fn a_branch_tag_version_or_commit_is_followed_over_every_transport() {
    let repository = Repository::new();
    let first = repository.head();
    repository.git(&["tag", "v1.0.0"]);
    let second = repository.commit("file", "two", "second");
    repository.git(&["tag", "-a", "-m", "annotated", "v1.2.0"]);
    repository.git(&["checkout", "-q", "-b", "release/x"]);
    let third = repository.commit("file", "three", "third");
    repository.git(&["tag", "v2.0.0-rc.1"]);
    repository.git(&["push", "-q", "--tags", "origin"]);
    let server = Server::start(&repository.bare()).await;
    for config in [repository.file_config(), repository.config(&server.url)] {
        for (reference, name, commit, content) in [
            (Reference::Default, "main", &second, "two"),
            (
                Reference::Branch("release/x".to_owned()),
                "release/x",
                &third,
                "three",
            ),
            (Reference::Tag("v1.0.0".to_owned()), "v1.0.0", &first, "one"),
            (
                Reference::Tag("v1.2.0".to_owned()),
                "v1.2.0",
                &second,
                "two",
            ),
            (
                Reference::Version(">=1.0.0".parse().unwrap()),
                "v1.2.0",
                &second,
                "two",
            ),
            (
                Reference::Version("~1.0".parse().unwrap()),
                "v1.0.0",
                &first,
                "one",
            ),
            (Reference::Commit(first.clone()), "HEAD", &first, "one"),
            (
                Reference::Commit(third.to_uppercase()),
                "HEAD",
                &third,
                "three",
            ),
        ] {
            let shown = format!("{reference} at {}", config.url);
            let source = open(GitConfig {
                reference,
                ..config.clone()
            });
            let snapshot = poll(&source).await;
            assert_eq!(
                snapshot.revision().to_string(),
                format!("{name}@sha1:{commit}"),
                "{shown}"
            );
            assert_eq!(text(&snapshot, "file"), content, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_commit_that_no_ref_stands_at_is_found_in_the_history() {
    let repository = Repository::new();
    repository.commit("file", "two", "second");
    let wanted = repository.head();
    repository.commit("file", "three", "third");
    let server = Server::start(&repository.bare()).await;
    for allowed in ["false", "true"] {
        git(
            &repository.bare(),
            &["config", "uploadpack.allowReachableSHA1InWant", allowed],
        );
        let config = GitConfig {
            reference: Reference::Commit(wanted.clone()),
            cache_dir: repository.cache().join(allowed),
            ..repository.config(&server.url)
        };
        let source = open(config);
        assert_eq!(
            text(&poll(&source).await, "file"),
            "two",
            "allowed: {allowed}"
        );
        // It never changes, so nobody is asked again.
        server.seen();
        poll(&source).await;
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_new_highest_version_is_taken_up() {
    let repository = Repository::new();
    repository.git(&["tag", "v1.0.0"]);
    repository.git(&["push", "-q", "--tags", "origin"]);
    let reference = Reference::Version("1.x".parse().unwrap());
    let source = open(GitConfig {
        reference,
        ..repository.file_config()
    });
    assert_eq!(poll(&source).await.revision().name, "v1.0.0");
    repository.commit("file", "two", "second");
    repository.git(&["tag", "v1.1.0"]);
    repository.git(&["tag", "v2.0.0"]);
    repository.git(&["push", "-q", "--tags", "origin"]);
    let polled = polled(&source).await;
    assert_eq!(polled.snapshot.revision().name, "v1.1.0");
    assert_eq!(polled.notes, []);
}

#[tokio::test]
async fn an_unchanged_branch_costs_one_request_and_gives_the_same_files() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let source = open(repository.config(&server.url));
    let first = poll(&source).await;
    server.seen();
    let second = poll(&source).await;
    assert!(std::sync::Arc::ptr_eq(first.tree(), second.tree()));
    let paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/r.git/info/refs"]);
}

#[tokio::test]
async fn one_commit_is_fetched_where_the_transport_can_and_all_where_not() {
    let repository = Repository::new();
    for number in 0..5 {
        repository.commit("file", &number.to_string(), "next");
    }
    let server = Server::start(&repository.bare()).await;
    let count = |cache: &std::path::Path| git(cache, &["rev-list", "--count", "refs/trueup/last"]);
    for (config, depth, commits) in [
        (repository.config(&server.url), 1, "1"),
        (repository.config(&server.url), 3, "3"),
        (repository.config(&server.url), 0, "6"),
        (repository.file_config(), 1, "6"),
    ] {
        let cache_dir = tempfile::tempdir().unwrap();
        let source = open(GitConfig {
            depth,
            cache_dir: cache_dir.path().to_owned(),
            ..config
        });
        poll(&source).await;
        let folder = std::fs::read_dir(cache_dir.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        assert_eq!(count(&folder.join("1")), commits);
    }
}

#[tokio::test]
async fn a_shallow_copy_goes_on_being_shallow() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let source = open(repository.config(&server.url));
    for number in 0..4 {
        repository.commit("file", &number.to_string(), "next");
        assert_eq!(text(&poll(&source).await, "file"), number.to_string());
    }
    let [copy] = repository.copies().try_into().unwrap();
    assert_eq!(
        git(&copy, &["rev-list", "--count", "refs/trueup/last"]),
        "1"
    );
}

#[tokio::test]
async fn a_copy_that_has_grown_is_replaced_and_old_snapshots_stay_readable() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let source = open(GitConfig {
        reclone_after: 2,
        ..repository.config(&server.url)
    });
    let first = poll(&source).await;
    for number in 0..3 {
        repository.commit("file", &format!("new {number}"), "next");
        assert_eq!(text(&poll(&source).await, "file"), format!("new {number}"));
    }
    // The first copy took two fetches; somebody still holds a snapshot of it.
    let [old, new] = repository.copies().try_into().unwrap();
    assert!(old.ends_with("1") && new.ends_with("2"), "{old:?} {new:?}");
    assert_eq!(text(&first, "file"), "one");
    drop(first);
    assert_eq!(repository.copies(), [new]);
}

#[tokio::test]
async fn a_restart_uses_the_local_copy_and_recalls_the_last_good_revision() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let config = repository.config(&server.url);
    assert!(open(config.clone()).recall().await.is_none());
    let before = poll(&open(config.clone())).await;
    server.break_with(crate::http::Fault::Status(503));
    let restarted = open(config);
    assert!(restarted.poll().await.is_err());
    let recalled = restarted.recall().await.unwrap();
    assert_eq!(recalled.revision(), before.revision());
    assert_eq!(text(&recalled, "file"), "one");
    server.break_with(crate::http::Fault::None);
    server.seen();
    poll(&restarted).await;
    // Nothing is fetched again.
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_folder_of_the_repository_can_be_the_root() {
    let repository = Repository::new();
    repository.commit("deploy/app/file", "inside", "second");
    let source = open(GitConfig {
        path: "deploy/./app/".to_owned(),
        ..repository.file_config()
    });
    let snapshot = poll(&source).await;
    assert_eq!(text(&snapshot, "file"), "inside");
    let path = trueup_manifest::TreePath::new("file").unwrap();
    assert_eq!(
        trueup_manifest::Tree::display(&snapshot, &path),
        "deploy/app/file"
    );
    let source = open(GitConfig {
        path: "nowhere".to_owned(),
        ..repository.file_config()
    });
    assert_eq!(
        source.poll().await.unwrap_err().to_string(),
        "cannot read `nowhere`: there is no such folder at this revision"
    );
}

#[tokio::test]
async fn a_rewritten_history_is_noted_where_it_can_be_seen() {
    let repository = Repository::new();
    let first = repository.head();
    let source = open(GitConfig {
        depth: 0,
        ..repository.file_config()
    });
    repository.commit("file", "two", "second");
    let second = poll(&source).await;
    repository.git(&["reset", "-q", "--hard", &first]);
    repository.commit("file", "three", "another second");
    let polled = polled(&source).await;
    assert_eq!(text(&polled.snapshot, "file"), "three");
    let from = second.revision().id.clone();
    assert_eq!(polled.notes, [Note::HistoryRewritten { from }]);
}
