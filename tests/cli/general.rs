//! What every command has in common.

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use crate::{
    page,
    run::{Repo, config_map, environment},
};

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let ran = Repo::new().run(&["reference", "cli"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    page::compare("cli.md", &ran.stdout);
}

#[test]
fn help_and_version_are_data_and_mistakes_are_messages() {
    let repo = Repo::new();
    for arguments in [
        &["--help"][..],
        &["render", "--help"],
        &["--version"],
        &["version"],
    ] {
        let ran = repo.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}");
        assert!(
            ran.stdout.contains("trueup") && ran.stderr.is_empty(),
            "{arguments:?}"
        );
    }
    for arguments in [
        &["rendr"][..],
        &["render", "--nope"],
        &["check", "-o", "xml"],
        &[],
    ] {
        let ran = repo.run(arguments);
        assert_eq!(
            ran.code,
            if arguments.is_empty() { ran.code } else { 64 },
            "{arguments:?}"
        );
        assert!(
            ran.stdout.is_empty() && !ran.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_version_can_be_read_by_a_program() {
    let ran = Repo::new().run(&["version", "--output", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["version"], env!("CARGO_PKG_VERSION"));
    let ran = Repo::new().run(&["version", "-o", "yaml"]);
    assert!(ran.stdout.contains("version: "), "{}", ran.stdout);
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Repo::new().run(&["completions", shell]);
        assert!(ran.code == 0 && ran.stdout.contains("trueup"), "{shell}");
    }
}

#[test]
fn colour_is_used_where_it_is_asked_for_only() {
    let repo = Repo::small().with("environments/dev.yaml", "a: [\n");
    let colored = |ran: &crate::run::Ran| ran.stderr.contains('\u{1b}');
    assert!(!colored(&repo.run(&["check"])), "not on a terminal");
    assert!(colored(&repo.run(&["check", "--color", "always"])));
    assert!(!colored(&repo.run(&["check", "--color", "never"])));
    let output = repo
        .command()
        .args(["check", "--color", "always"])
        .env("NO_COLOR", "1")
        .output();
    let output = output.unwrap();
    assert!(output.stderr.contains(&0x1b), "the flag wins over NO_COLOR");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut repo = Repo::small();
    // More than a pipe holds, so that the write does fail.
    let many: String = (0..5_000)
        .map(|at| config_map(&format!("web-{at}")) + "---\n")
        .collect();
    repo = repo.with("plain/web.yaml", &many);
    let mut child = repo
        .command()
        .args(["render", "dev"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((line.as_str(), said.as_str()), ("apiVersion: v1\n", ""));
}

#[test]
fn the_repository_is_found_from_any_folder_in_it() {
    let repo = Repo::small();
    for folder in ["", "plain", "environments"] {
        let ran = repo.run_in(folder, &["check"]);
        assert_eq!(ran.code, 0, "{folder}: {}", ran.stderr);
    }
    let elsewhere = Repo::new().with("x", "");
    let ran = elsewhere.run(&["check", "-C", repo.path().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn the_search_for_the_repository_ends_at_the_git_repository() {
    let repo = Repo::small()
        .with("vendor/other/.git/HEAD", "")
        .with("vendor/other/x", "");
    let ran = repo.run_in("vendor/other", &["check"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("there is no file in `environments/`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_repository_that_is_not_there_is_one_clear_error() {
    let ran = Repo::new().run(&["check", "-C", "nowhere"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stderr,
        "error[source/unreadable]: cannot read `nowhere`: no such file or folder\n\n1 error\n"
    );
}

#[test]
fn paths_in_messages_start_where_the_person_stands() {
    let repo = Repo::new().with(
        "deep/repo/environments/dev.yaml",
        &environment("Dev", "    []\n"),
    );
    let ran = repo.run_in("deep", &["check", "repo"]);
    assert!(
        ran.stderr.contains("--> repo/environments/dev.yaml:3:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_variable_is_explained_with_everyone_who_gave_it_a_value() {
    let phases = "    - {name: all, manifests: {path: plain}}\n";
    let own = environment("dev", phases).replace("name: dev", "name: dev, labels: {tier: dev}");
    let context = "apiVersion: trueup.dev/v1\nkind: Context\nmetadata: {name: shared}\nspec:\n  \
                   attach: {labels: {tier: dev}}\n  variables: {domain: all.example.com, replicas: 2}\n";
    let repo = Repo::small()
        .with(
            "environments/dev.yaml",
            &(own + "  variables: {domain: dev.example.com}\n"),
        )
        .with("contexts/shared.yaml", context);
    insta::assert_snapshot!(repo.run(&["variables", "dev"]).stdout, @r#"
    domain = "dev.example.com"  (the environment, environments/dev.yaml:8:23)
      over "all.example.com"  (context `shared` (by labels), contexts/shared.yaml:6:23)
    replicas = 2  (context `shared` (by labels), contexts/shared.yaml:6:50)
    "#);
    let ran = repo.run(&["variables", "dev", "domian"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("did you mean `domain`?"),
        "{}",
        ran.stderr
    );
    let ran = repo.run(&["variables", "dev", "domain", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value[0]["given"][1]["value"], "all.example.com");
}
