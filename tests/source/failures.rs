//! Each failure is one clear error, and leaves the last good revision in force.

use std::{fs, path::Path, time::Duration};

use tokio::net::TcpListener;
use trueup::source::{
    Auth, ErrorKind, GitConfig, GitSource, Note, Reference, Secret, SecretSource, Source,
};

use crate::{
    http::{Fault, Server},
    repository::{Repository, failure, git, open, poll, polled, text},
};

/// Lets a poll fail after a good one: the error is as told, and after the cause is gone the next
/// poll gives the newest files.
async fn fails_and_recovers(fault: Fault, message: &str, kind: ErrorKind) {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let source = open(repository.config(&server.url));
    let good = poll(&source).await;
    repository.commit("file", "two", "second");
    server.break_with(fault);
    let error = failure(&source).await;
    assert_eq!(error.to_string().replace(&server.url, "URL"), message);
    assert_eq!(error.kind(), kind);
    assert_eq!(text(&good, "file"), "one");
    assert_eq!(source.recall().await.unwrap().revision(), good.revision());
    server.break_with(Fault::None);
    assert_eq!(text(&poll(&source).await, "file"), "two");
}

/// Text that does not compress, the same each time (xorshift).
pub(crate) fn noise(length: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + u8::try_from(state >> 58).unwrap())
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[tokio::test]
async fn a_server_in_trouble_is_a_passing_failure() {
    for status in [500, 503, 429] {
        let message = format!("`URL` answers with status {status}");
        fails_and_recovers(Fault::Status(status), &message, ErrorKind::Transient).await;
    }
}

#[tokio::test]
async fn a_vanished_or_hidden_repository_is_said_to_be_missing() {
    let message = "`URL` is not a Git repository, or is hidden from these credentials";
    fails_and_recovers(Fault::Status(404), message, ErrorKind::NotFound).await;
}

#[tokio::test]
async fn a_forbidden_repository_is_a_failure_of_credentials() {
    let message = "`URL` asks for credentials and none are set";
    fails_and_recovers(Fault::Status(403), message, ErrorKind::Auth).await;
}

#[tokio::test]
async fn a_truncated_pack_is_refused() {
    let message = "`URL` sent a broken or incomplete pack: could not read from remote repository";
    fails_and_recovers(Fault::HalfPack, message, ErrorKind::Transient).await;
}

#[tokio::test]
async fn a_web_page_in_place_of_git_is_named() {
    let message = "`URL` does not speak Git as expected: invalid content-type: 'text/html'";
    fails_and_recovers(Fault::Page, message, ErrorKind::Transient).await;
}

#[tokio::test]
async fn a_corrupted_pack_is_refused() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let source = open(repository.config(&server.url));
    poll(&source).await;
    // Large enough that the flipped byte lies in the pack, and not in the protocol around it.
    repository.commit("file", &"noise ".repeat(50), "second");
    let noise = noise(40_000);
    repository.commit("noise", &noise, "third");
    server.break_with(Fault::FlippedPack);
    let error = failure(&source).await;
    assert_eq!(error.code(), "source/bad-pack", "{error}");
    server.break_with(Fault::None);
    assert_eq!(text(&poll(&source).await, "noise"), noise);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_at_the_deadline() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let config = repository.config(&server.url);
    poll(&open(config.clone())).await;
    server.break_with(Fault::Hang);
    let impatient = open(GitConfig {
        timeout: Duration::from_millis(200),
        ..config
    });
    let error = failure(&impatient).await;
    assert_eq!(
        error.to_string(),
        format!("`{}` gave no answer in 200 ms", server.url)
    );
    assert_eq!(error.kind(), ErrorKind::Transient);
    // The thread that was given up still holds the local copy; nobody works in it meanwhile.
    let error = failure(&impatient).await;
    assert_eq!(error.code(), "source/busy", "{error}");
    server.break_with(Fault::None);
    while let Err(error) = impatient.poll().await {
        assert!(
            matches!(error.code(), "source/busy" | "source/timed-out"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_unreachable_host_is_a_passing_failure() {
    let repository = Repository::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/r.git");
    let error = failure(&open(repository.config(&url))).await;
    assert_eq!(
        error.to_string(),
        format!("cannot reach `{url}`: failed to connect to 127.0.0.1: Connection refused")
    );
    assert_eq!(error.kind(), ErrorKind::Transient);
    let error = failure(&open(
        repository.config("http://no-such-host.invalid/r.git"),
    ))
    .await;
    assert_eq!(error.code(), "source/unreachable", "{error}");
}

#[tokio::test]
async fn a_force_push_is_followed() {
    let repository = Repository::new();
    let first = repository.head();
    repository.commit("file", "two", "second");
    let server = Server::start(&repository.bare()).await;
    for config in [repository.file_config(), repository.config(&server.url)] {
        let source = open(config);
        poll(&source).await;
        repository.git(&["reset", "-q", "--hard", &first]);
        let rewritten = repository.commit("file", "three", "another second");
        let snapshot = poll(&source).await;
        assert_eq!(snapshot.revision().id, rewritten);
        assert_eq!(text(&snapshot, "file"), "three");
        repository.git(&[
            "push",
            "-q",
            "--force",
            "origin",
            &format!("{first}:refs/heads/main"),
        ]);
        assert_eq!(poll(&source).await.revision().id, first);
    }
}

#[tokio::test]
async fn a_deleted_branch_keeps_the_last_good_revision_until_it_is_restored() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "release"]);
    repository.commit("file", "two", "second");
    let reference = Reference::Branch("release".to_owned());
    let source = open(GitConfig {
        reference,
        ..repository.file_config()
    });
    let good = poll(&source).await;
    repository.git(&["push", "-q", "origin", "--delete", "release"]);
    let error = failure(&source).await;
    assert_eq!(
        error.to_string(),
        format!(
            "`file://{}` has no branch `release`",
            repository.bare().display()
        )
    );
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(text(&good, "file"), "two");
    repository.git(&["push", "-q", "origin", "release"]);
    assert_eq!(poll(&source).await.revision(), good.revision());
}

#[tokio::test]
async fn a_moved_tag_is_accepted_and_noted() {
    let repository = Repository::new();
    repository.git(&["tag", "v1"]);
    repository.git(&["push", "-q", "--tags", "origin"]);
    let server = Server::start(&repository.bare()).await;
    let reference = Reference::Tag("v1".to_owned());
    let source = open(GitConfig {
        reference,
        ..repository.config(&server.url)
    });
    let before = poll(&source).await;
    repository.commit("file", "two", "second");
    repository.git(&["tag", "-f", "-a", "-m", "moved", "v1"]);
    repository.git(&["push", "-q", "--tags", "--force", "origin"]);
    let polled = polled(&source).await;
    assert_eq!(text(&polled.snapshot, "file"), "two");
    let from = before.revision().id.clone();
    assert_eq!(
        polled.notes,
        [Note::TagMoved {
            tag: "v1".to_owned(),
            from
        }]
    );
    assert_eq!(source.poll().await.unwrap().notes, []);
}

#[tokio::test]
async fn an_empty_repository_has_no_default_branch() {
    let repository = Repository::new();
    let empty = repository.path().join("served/empty.git");
    git(
        repository.path(),
        &["init", "-q", "--bare", empty.to_str().unwrap()],
    );
    let server = Server::start(&empty).await;
    let url = server.url.replace("r.git", "empty.git");
    for url in [empty.to_str().unwrap(), &url] {
        let error = failure(&open(repository.config(url))).await;
        assert_eq!(error.code(), "source/no-reference", "{error}");
    }
}

#[tokio::test]
async fn what_is_no_repository_is_said_to_be_none() {
    let repository = Repository::new();
    let error = failure(&open(repository.config("/no/such/folder"))).await;
    assert_eq!(
        error.to_string(),
        "`file:///no/such/folder` is not a Git repository, or is hidden from these credentials"
    );
}

#[tokio::test]
async fn a_damaged_local_copy_is_fetched_anew() {
    type Damage = fn(&Path);
    let lose_packs: Damage = |copy| {
        for entry in fs::read_dir(copy.join("objects/pack")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    };
    let garble_head: Damage = |copy| fs::write(copy.join("HEAD"), "nonsense").unwrap();
    let lose_objects: Damage = |copy| fs::remove_dir_all(copy.join("objects")).unwrap();
    let garble_packs: Damage = |copy| {
        for entry in fs::read_dir(copy.join("objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            bytes[12..].fill(0x55);
            fs::remove_file(&path).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    for damage in [lose_packs, garble_head, lose_objects, garble_packs] {
        for restart in [false, true] {
            let repository = Repository::new();
            let server = Server::start(&repository.bare()).await;
            let config = repository.config(&server.url);
            let mut source = Some(open(config.clone()));
            poll(source.as_ref().unwrap()).await;
            if restart {
                source = None;
            }
            damage(&repository.copies()[0]);
            let source = source.unwrap_or_else(|| open(config));
            repository.commit("file", "two", "second");
            let polled = polled(&source).await;
            assert_eq!(text(&polled.snapshot, "file"), "two");
            let rebuilt = matches!(polled.notes.as_slice(), [Note::CacheRebuilt { .. }, ..]);
            assert!(rebuilt || polled.notes.is_empty(), "{:?}", polled.notes);
            assert_eq!(text(&poll(&source).await, "file"), "two");
        }
    }
}

#[tokio::test]
async fn a_broken_object_is_an_error_when_read_and_repaired_by_the_next_poll() {
    use trueup_manifest::{Tree, TreePath};
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let source = open(repository.config(&server.url));
    poll(&source).await;
    drop(source);
    let copy = repository.copies().remove(0);
    // Take the one blob out of the copy, and leave the commit and its tree.
    let blob = repository.git(&["rev-parse", "HEAD:file"]);
    let pack = fs::read_dir(copy.join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let packs: Vec<_> = pack.collect();
    let outside = repository.path().join("moved");
    fs::create_dir(&outside).unwrap();
    for path in packs {
        fs::rename(&path, outside.join(path.file_name().unwrap())).unwrap();
    }
    for entry in fs::read_dir(&outside).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "pack")
        {
            let script = format!("git unpack-objects -q < {}", path.display());
            let status = std::process::Command::new("sh")
                .args(["-c", &script])
                .current_dir(&copy)
                .status();
            assert!(status.unwrap().success());
        }
    }
    fs::remove_file(copy.join("objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let source = open(repository.config(&server.url));
    let broken = poll(&source).await;
    let error = broken.read(&TreePath::new("file").unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot read `file`: object {blob} is not in the local copy")
    );
    let polled = polled(&source).await;
    assert!(
        matches!(polled.notes.as_slice(), [Note::CacheRebuilt { .. }]),
        "{:?}",
        polled.notes
    );
    assert_eq!(text(&polled.snapshot, "file"), "one");
}

#[tokio::test]
async fn a_cache_in_use_by_another_is_left_alone() {
    let repository = Repository::new();
    let config = repository.file_config();
    let first = open(config.clone());
    poll(&first).await;
    let error = failure(&open(config.clone())).await;
    assert_eq!(error.code(), "source/cache-in-use");
    assert_eq!(error.kind(), ErrorKind::Fatal);
    drop(first);
    poll(&open(config)).await;
}

#[tokio::test]
async fn a_fetch_beyond_the_limit_is_stopped() {
    let repository = Repository::new();
    let noise = noise(200_000);
    repository.commit("noise", &noise, "second");
    let server = Server::start(&repository.bare()).await;
    let config = repository.config(&server.url);
    let error = failure(&open(GitConfig {
        max_bytes: 10_000,
        ..config.clone()
    }))
    .await;
    assert_eq!(
        error.to_string(),
        format!("the fetch from `{}` is larger than 10000 bytes", server.url)
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);
    poll(&open(config)).await;
}

#[tokio::test]
async fn a_repository_of_sha256_objects_is_said_to_be_unsupported() {
    let repository = Repository::new();
    let other = repository.path().join("served/sha256.git");
    let path = other.to_str().unwrap();
    git(
        repository.path(),
        &["init", "-q", "--bare", "--object-format=sha256", path],
    );
    let work = repository.path().join("sha256");
    git(
        repository.path(),
        &[
            "init",
            "-q",
            "--object-format=sha256",
            "-b",
            "main",
            work.to_str().unwrap(),
        ],
    );
    git(&work, &["commit", "-q", "--allow-empty", "-m", "first"]);
    git(&work, &["push", "-q", path, "main"]);
    let server = Server::start(&other).await;
    let url = server.url.replace("r.git", "sha256.git");
    for url in [path, &url] {
        let error = failure(&open(repository.config(url))).await;
        assert!(error.to_string().contains("sha256"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn settings_that_ask_for_signatures_are_refused_until_they_can_be_checked() {
    let repository = Repository::new();
    let config = GitConfig {
        verify: Some("gpg".to_owned()),
        ..repository.file_config()
    };
    let error = GitSource::open(config).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the source is not set up right: `verify`: verifying the signature of commits is not built yet"
    );
}

/// The address of the server with `user:password@` in it.
fn with_login(url: &str, login: &str) -> String {
    url.replace("http://", &format!("http://{login}@"))
}

#[tokio::test]
async fn every_way_to_log_in_over_http_works_and_its_failure_is_told_without_the_secret() {
    let value = |text: &str| SecretSource::Value(Secret::new(text));
    // `me:pass word`, `x-access-token:token` and `oauth2:token` in base64.
    let basic = "Basic bWU6cGFzcyB3b3Jk";
    for (auth, login, header) in [
        (
            Auth::Basic {
                username: "me".to_owned(),
                password: value("pass word"),
            },
            "",
            basic,
        ),
        (Auth::None, "me:pass%20word", basic),
        (
            Auth::Token {
                token: value("token"),
                username: None,
            },
            "",
            "Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4=",
        ),
        (
            Auth::Token {
                token: value("token"),
                username: Some("oauth2".to_owned()),
            },
            "",
            "Basic b2F1dGgyOnRva2Vu",
        ),
        (
            Auth::Bearer {
                token: value("token"),
            },
            "",
            "Bearer token",
        ),
    ] {
        let repository = Repository::new();
        let server = Server::start(&repository.bare()).await;
        server.demand(header);
        let url = if login.is_empty() {
            server.url.clone()
        } else {
            with_login(&server.url, login)
        };
        let source = open(GitConfig {
            auth: auth.clone(),
            ..repository.config(&url)
        });
        assert_eq!(text(&poll(&source).await, "file"), "one", "{header}");
        server.demand("Basic bm90OnRoaXM=");
        repository.commit("file", "two", "second");
        let error = failure(&source).await;
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        for secret in ["pass word", "pass%20word", "token"] {
            let shown = format!("{error} {error:?} {:?}", error.help());
            assert!(
                !shown
                    .replace("a token", "")
                    .replace("the token", "")
                    .contains(secret),
                "{shown}"
            );
        }
        server.demand(header);
        assert_eq!(text(&poll(&source).await, "file"), "two");
    }
}

#[tokio::test]
async fn a_renewed_token_is_taken_up_without_a_restart() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    server.demand("Bearer old");
    let file = repository.path().join("token");
    fs::write(&file, "old\n").unwrap();
    let auth = Auth::Bearer {
        token: SecretSource::File(file.clone()),
    };
    let source = open(GitConfig {
        auth,
        ..repository.config(&server.url)
    });
    poll(&source).await;
    server.demand("Bearer new");
    assert_eq!(failure(&source).await.code(), "source/auth-refused");
    fs::write(&file, "new\n").unwrap();
    poll(&source).await;
    fs::remove_file(&file).unwrap();
    let error = failure(&source).await;
    assert_eq!(
        error.to_string(),
        format!(
            "cannot read the token from `{}`: no such file",
            file.display()
        )
    );
}

#[tokio::test]
async fn a_server_that_wants_a_login_is_said_to_want_one() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    server.demand("Bearer token");
    let error = failure(&open(repository.config(&server.url))).await;
    assert_eq!(
        error.to_string(),
        format!("`{}` asks for credentials and none are set", server.url)
    );
}

#[tokio::test]
async fn credentials_never_follow_a_redirect_to_another_host() {
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let other = Server::start(&repository.bare()).await;
    // Another name for this machine, so another host to the client.
    let elsewhere = other.url.replace("127.0.0.1", "localhost");
    server.break_with(Fault::Redirect(elsewhere));
    let value = || SecretSource::Value(Secret::new("secret"));
    for auth in [
        Auth::Bearer { token: value() },
        Auth::Token {
            token: value(),
            username: None,
        },
    ] {
        let source = open(GitConfig {
            auth,
            ..repository.config(&server.url)
        });
        let error = failure(&source).await;
        assert_eq!(error.code(), "source/redirected", "{error}");
        assert!(other.seen().is_empty());
    }
    // With nothing to lose a redirect is followed, as Git does; but no login is given there.
    let source = open(repository.config(&server.url));
    assert_eq!(text(&poll(&source).await, "file"), "one");
    assert!(other.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn every_error_code_is_explained_in_the_reference() {
    let code = include_str!("../../src/source/error.rs");
    let reference = include_str!("../../docs/reference/sources.md");
    let codes = code
        .split('"')
        .filter(|text| text.starts_with("source/"))
        .collect::<Vec<_>>();
    assert!(codes.len() > 20, "{codes:?}");
    for code in codes {
        assert!(
            reference.contains(&format!("`{code}`")),
            "`{code}` is missing"
        );
    }
}
