//! Kustomizations that name what lies elsewhere.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use crate::run::{Repo, config_map, environment};

/// A repository with a base in `deploy/base`, tagged `v1`, and a second commit on `main`.
fn elsewhere() -> Repo {
    let repo = Repo::new()
        .with(
            "deploy/base/kustomization.yaml",
            "resources: [web.yaml, ../shared]\n",
        )
        .with("deploy/base/web.yaml", &config_map("web"))
        .with(
            "deploy/shared/kustomization.yaml",
            "resources: [shared.yaml]\n",
        )
        .with("deploy/shared/shared.yaml", &config_map("shared"));
    repo.commit("first");
    git(repo.path(), &["tag", "v1"]);
    repo.write("deploy/base/web.yaml", &config_map("newer"));
    repo.commit("second");
    repo
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .output()
        .expect("these tests need `git`");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository whose one kustomization names `resource`.
fn naming(resource: &str) -> Repo {
    let phases = "    - {name: all, kustomize: {path: app}}\n";
    Repo::new()
        .with("environments/dev.yaml", &environment("dev", phases))
        .with(
            "app/kustomization.yaml",
            &format!("resources:\n- {resource}\n"),
        )
}

fn address(repo: &Repo) -> String {
    format!("file://{}", repo.path().display())
}

#[test]
fn a_base_in_another_repository_is_built_at_the_revision_it_names() {
    let other = elsewhere();
    let commit = git(other.path(), &["rev-parse", "v1"]);
    for (reference, name) in [
        ("?ref=v1", "name: web"),
        ("?version=v1&timeout=2m", "name: web"),
        (&format!("?ref={commit}"), "name: web"),
        ("?ref=main", "name: newer"),
        ("", "name: newer"),
    ] {
        let repo = naming(&format!("{}//deploy/base{reference}", address(&other)));
        for what in ["dev", "./app"] {
            let ran = repo.run(&["render", what]);
            assert_eq!(ran.code, 0, "{reference}: {}", ran.stderr);
            assert!(ran.stdout.contains(name), "{reference}: {}", ran.stdout);
            assert!(ran.stdout.contains("name: shared"), "{}", ran.stdout);
        }
    }
}

#[test]
fn what_was_fetched_serves_a_later_run_without_a_network() {
    let other = elsewhere();
    let commit = git(other.path(), &["rev-parse", "HEAD"]);
    let by_branch = naming(&format!("{}//deploy/base?ref=main", address(&other)));
    let by_commit = naming(&format!("{}//deploy/base?ref={commit}", address(&other)));
    let never = naming(&format!("{}//deploy/base", address(&other)));
    let first = by_branch.run(&["render", "dev"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let pinned = by_commit.run(&["render", "dev"]);
    assert_eq!(pinned.code, 0, "{}", pinned.stderr);
    drop(other);
    // A commit never changes, so nobody is asked.
    assert_eq!(by_commit.run(&["render", "dev"]).stdout, pinned.stdout);
    let gone = by_branch.run(&["render", "dev"]);
    assert_eq!(gone.code, 1);
    assert!(
        gone.stderr.contains("app/kustomization.yaml:2:3"),
        "{}",
        gone.stderr
    );
    let kept = by_branch.run(&["render", "dev", "--offline"]);
    assert_eq!((kept.code, kept.stdout), (0, first.stdout));
    // A check asks nobody either.
    let checked = by_branch.run(&["check"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let refused = never.run(&["render", "dev", "--offline"]);
    assert_eq!(refused.code, 1);
    for part in [
        "was never fetched on this machine, and nothing may be fetched now",
        "app/kustomization.yaml:2:3",
        "run `trueup render` once where it can be reached",
    ] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    let unchecked = never.run(&["check"]);
    assert_eq!(unchecked.code, 0, "{}", unchecked.stderr);
    assert!(
        unchecked.stderr.contains("so its phases are not checked"),
        "{}",
        unchecked.stderr
    );
}

#[test]
fn what_is_not_there_is_told_with_what_comes_close() {
    let other = elsewhere();
    for (rest, message) in [
        ("//deploy/base?ref=v11", "did you mean `v1`?"),
        (
            "//deploy/bsae?ref=v1",
            "there is no directory `deploy/bsae`",
        ),
        (
            "//deploy/base/web.yaml?ref=v1",
            "there is a file, not a directory, `deploy/base/web.yaml`",
        ),
    ] {
        let ran = naming(&format!("{}{rest}", address(&other))).run(&["render", "./app"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{rest}");
        assert!(ran.stderr.contains(message), "{rest}: {}", ran.stderr);
    }
}

#[test]
fn an_error_in_another_repository_names_the_repository_and_its_file() {
    let other = Repo::new()
        .with("base/kustomization.yaml", "resources: [web.yaml]\n")
        .with("base/web.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    other.commit("first");
    let ran = naming(&format!("{}//base", address(&other))).run(&["render", "./app"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("/base/web.yaml:1:1") && ran.stderr.contains("file://"),
        "{}",
        ran.stderr
    );
}

#[test]
fn submodules_are_fetched_unless_the_address_says_no() {
    let module = elsewhere();
    let other = Repo::new().with(
        "deploy/kustomization.yaml",
        "resources: [../lib/deploy/base]\n",
    );
    other.commit("first");
    let path = module.path().to_str().unwrap();
    git(other.path(), &["submodule", "-q", "add", path, "lib"]);
    git(other.path(), &["commit", "-q", "-m", "second"]);
    let repo = naming(&format!("{}//deploy", address(&other)));
    let ran = repo.run(&["render", "dev"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("name: newer"), "{}", ran.stdout);
    let without = naming(&format!("{}//deploy?submodules=false", address(&other)));
    let ran = without.run(&["render", "dev"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("Git submodule"), "{}", ran.stderr);
}

/// Answers each request for a path with a status and a body, on a thread that ends with the test.
fn serve(pages: &'static [(&'static str, u16, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let page = pages.iter().find(|page| page.0 == path);
            let (_, status, body) = page.copied().unwrap_or(("", 404, "none"));
            let head = match status {
                302 => format!("Location: {body}\r\n"),
                _ => String::new(),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    url
}

#[test]
fn a_file_over_http_is_a_resource_and_is_kept() {
    let url = serve(&[
        (
            "/cm.yaml",
            200,
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: far}\n",
        ),
        ("/moved.yaml", 302, "/cm.yaml"),
        ("/page", 200, "<html>a: b: c</html>"),
    ]);
    for path in ["/cm.yaml", "/moved.yaml"] {
        let repo = naming(&format!("{url}{path}"));
        let ran = repo.run(&["render", "dev"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("name: far"), "{}", ran.stdout);
        let kept = repo.run(&["render", "dev", "--offline"]);
        assert_eq!(kept.stdout, ran.stdout, "{}", kept.stderr);
    }
    let absent = naming(&format!("{url}/none.yaml")).run(&["render", "./app"]);
    assert_eq!((absent.code, absent.stdout.as_str()), (1, ""));
    let page = naming(&format!("{url}/page")).run(&["render", "./app"]);
    assert_eq!((page.code, page.stdout.as_str()), (1, ""));
    for (ran, message) in [
        (&absent, "answers with status 404"),
        (&page, "a mapping is not allowed here"),
    ] {
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
}

#[test]
fn credentials_in_an_address_are_never_shown() {
    let repo = naming("https://me:hunter2@127.0.0.1:1/org/repo.git//x?ref=v1");
    let ran = repo.run(&["render", "./app"]);
    assert_eq!(ran.code, 1);
    let outside_the_quoted_line = ran
        .stderr
        .lines()
        .filter(|line| !line.contains("| -"))
        .all(|line| !line.contains("hunter2"));
    assert!(outside_the_quoted_line, "{}", ran.stderr);
}
