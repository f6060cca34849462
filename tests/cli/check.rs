//! `trueup check`.

use crate::run::{Repo, config_map, environment};

#[test]
fn a_sound_repository_is_said_to_be() {
    let ran = Repo::small().run(&["check"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn all_errors_of_all_environments_are_told_at_once() {
    let repo = Repo::small()
        .with("environments/a.yaml", &environment("a", "    - {name: x, kustomize: {path: overlays/dve}}\n    - {name: y, manifests: {path: plain}}\n"))
        .with("environments/b.yaml", &environment("b", "    - {name: x, kustomise: {path: overlays/dev}}\n"))
        .with("plain/a.yaml", "kind: ConfigMap\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {}\n");
    let ran = repo.run(&["check"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn a_base_with_an_error_is_told_once_however_many_use_it() {
    let phases = "    - {name: x, manifests: {path: plain}}\n";
    let repo = Repo::new()
        .with("environments/a.yaml", &environment("a", phases))
        .with("environments/b.yaml", &environment("b", phases))
        .with("plain/a.yaml", "a: [\n");
    let ran = repo.run(&["check"]);
    assert_eq!(
        ran.stderr.matches("error[yaml/syntax]").count(),
        1,
        "{}",
        ran.stderr
    );
}

#[test]
fn findings_can_be_read_by_a_program() {
    let repo = Repo::small().with(
        "environments/dev.yaml",
        &environment("dev", "    - {name: x}\n"),
    );
    let ran = repo.run(&["check", "--output", "json"]);
    assert_eq!(ran.code, 1);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let finding = &value["findings"][0];
    assert_eq!(finding["code"], "config/choice");
    assert_eq!(finding["locations"][0]["file"], "environments/dev.yaml");
    assert_eq!(finding["locations"][0]["line"], 7);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

#[test]
fn what_is_not_built_yet_is_said_with_its_place() {
    let phases = "    - {name: a, helm: {chart: c, release: r}}\n    - {name: b, vault: {path: v.yaml}}\n    - {name: c, processes: {path: p}}\n";
    let repo = Repo::new()
        .with("environments/a.yaml", &environment("a", phases))
        .with(
            "environments/b.yaml",
            &environment("b", "    - {name: x, manifests: {path: plain}}\n")
                .replace("embedded: {}", "eks: {name: a, region: b}"),
        )
        .with("plain/a.yaml", &config_map("a"));
    let ran = repo.run(&["check"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn an_object_in_two_phases_is_an_error_with_both_places() {
    let phases =
        "    - {name: a, manifests: {path: plain}}\n    - {name: b, manifests: {path: other}}\n";
    let repo = Repo::small()
        .with("environments/dev.yaml", &environment("dev", phases))
        .with("other/a.yaml", &config_map("web"));
    let ran = repo.run(&["check"]);
    insta::assert_snapshot!(ran.transcript());
}
