//! `trueup diff`.

use crate::run::{Repo, config_map, environment};

/// `small`, committed on `main`, with a branch `topic` checked out.
fn committed() -> Repo {
    let repo = Repo::small()
        .with("plain/old.yaml", &config_map("old"))
        .with("plain/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2, b: same}\n");
    repo.commit("first");
    repo.branch("topic");
    repo
}

#[test]
fn a_pull_request_is_shown_object_by_object() {
    let repo = committed();
    let same = repo.run(&["diff", "dev", "--base", "main"]);
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (0, ""),
        "{}",
        same.stderr
    );
    assert_eq!(same.stderr, "no difference in 3 objects\n");

    repo.write(
        "plain/web.yaml",
        &(config_map("web").replace("a: b", "a: c") + "---\n" + &config_map("new")),
    );
    std::fs::remove_file(repo.path().join("plain/old.yaml")).unwrap();
    repo.write(
        "plain/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter3, b: same}\n",
    );
    let ran = repo.run(&["diff", "dev", "--base", "main"]);
    assert!(!ran.stdout.contains("hunter"), "{}", ran.stdout);
    insta::assert_snapshot!(ran.transcript());

    let ran = repo.run(&["diff", "dev", "--base", "main", "-o", "json"]);
    assert_eq!(ran.code, 1);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["objects"].as_array().unwrap().len(), 4);
    assert_eq!(value["objects"][0]["action"], "configure");

    let colored = repo.run(&["diff", "dev", "--base", "main", "--color", "always"]);
    assert!(colored.stdout.contains("\u{1b}[32m"), "{}", colored.stdout);
}

#[test]
fn what_happened_on_the_other_side_since_is_not_shown() {
    let repo = committed();
    repo.write("plain/web.yaml", &config_map("ours"));
    repo.commit("ours");
    repo.branch("ours");
    // `main` goes on with another change.
    let git = git2::Repository::open(repo.path()).unwrap();
    git.set_head("refs/heads/main").unwrap();
    git.checkout_head(Some(git2::build::CheckoutBuilder::new().force()))
        .unwrap();
    repo.write("plain/old.yaml", &config_map("theirs"));
    repo.commit("theirs");
    git.set_head("refs/heads/ours").unwrap();
    git.checkout_head(Some(git2::build::CheckoutBuilder::new().force()))
        .unwrap();
    let ran = repo.run(&["diff", "dev", "--base", "main"]);
    assert!(
        ran.stdout.contains("ours") && !ran.stdout.contains("theirs"),
        "{}",
        ran.stdout
    );
    let ran = repo.run(&["diff", "dev", "--base", "main", "--exact"]);
    assert!(
        ran.stdout.contains("ours") && ran.stdout.contains("theirs"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_environment_that_the_base_does_not_have_is_all_new() {
    let repo = committed();
    repo.write(
        "environments/next.yaml",
        &environment("next", "    - {name: all, manifests: {path: plain}}\n"),
    );
    let ran = repo.run(&["diff", "next", "--base", "main"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.stderr, "3 to create, 0 unchanged\n");
}

#[test]
fn a_repository_in_a_folder_of_a_git_repository_is_compared_with_its_own_folder() {
    let repo = Repo::new()
        .with(
            "deploy/environments/dev.yaml",
            &environment("dev", "    - {name: all, manifests: {path: plain}}\n"),
        )
        .with("deploy/plain/web.yaml", &config_map("web"));
    repo.commit("first");
    repo.write("deploy/plain/web.yaml", &config_map("bew"));
    let ran = repo.run_in("deploy", &["diff", "dev", "--base", "HEAD"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (1, "1 to create, 1 to prune, 0 unchanged\n")
    );
}

#[test]
fn a_failure_is_told_apart_from_a_difference() {
    let repo = committed();
    for (arguments, said) in [
        (
            &["diff", "dev", "--base", "nowhere"][..],
            "no revision `nowhere`",
        ),
        (
            &["diff", "dve", "--base", "main"],
            "no environment is called `dve`",
        ),
    ] {
        let ran = repo.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    repo.write("plain/old.yaml", "a: [\n");
    repo.commit("broken");
    repo.write("plain/old.yaml", "b: [\n");
    let ran = repo.run(&["diff", "dev", "--base", "HEAD"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr.matches("error[yaml/syntax]").count(),
        2,
        "both sides: {}",
        ran.stderr
    );
    let outside = Repo::small().run(&["diff", "dev", "--base", "main"]);
    assert_eq!(outside.code, 2);
    assert!(
        outside.stderr.contains("not in a Git work tree"),
        "{}",
        outside.stderr
    );
}
