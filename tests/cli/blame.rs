//! `trueup blame`.

use crate::run::{Repo, config_map, environment};

fn repo() -> Repo {
    let phases = "    - {name: all, kustomize: {path: overlay}}\n";
    Repo::new()
        .with("environments/dev.yaml", &environment("dev", phases))
        .with("base/kustomization.yaml", "resources: [web.yaml]\n")
        .with("base/web.yaml", &config_map("web"))
        .with(
            "overlay/kustomization.yaml",
            "resources: [../base]\nnamePrefix: p-\npatches: [path: patch.yaml]\n",
        )
        .with(
            "overlay/patch.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  a: new\n  b: more\n",
        )
}

#[test]
fn a_field_is_led_back_to_the_lines_that_set_it() {
    let repo = repo();
    let folder = repo.run(&["blame", "./overlay", "configmap/p-web", ".data.a"]);
    assert_eq!(folder.code, 0, "{}", folder.stderr);
    assert_eq!(
        folder.stdout,
        "is \"new\"\n  overlay/patch.yaml:6:6\n  in overlay\nwas \"b\"\n  base/web.yaml:6:6\n  in base\n\
         the object itself\n  base/web.yaml:1:1\nthrough overlay → base\n"
    );
    let environment = repo.run(&["blame", "dev", "configmaps/p-web", ".data.b"]);
    assert_eq!(environment.code, 0, "{}", environment.stderr);
    assert!(
        environment
            .stdout
            .starts_with("is \"more\"\n  overlay/patch.yaml:7:6\n"),
        "{}",
        environment.stdout
    );
    let name = repo.run(&["blame", "./overlay", "ConfigMap/p-web", ".metadata.name"]);
    assert!(
        name.stdout.starts_with("is \"p-web\"\n")
            && name.stdout.contains("was \"web\"\n  base/web.yaml:4:9"),
        "{}",
        name.stdout
    );
}

#[test]
fn what_is_not_there_is_told_with_what_comes_close() {
    let repo = repo();
    for (object, path, help) in [
        (
            "configmap/p-wbe",
            ".data",
            "did you mean `configmap/p-web`?",
        ),
        ("configmap/p-web", ".dta", "did you mean `data`?"),
        ("p-web", ".data", "write kind and name"),
    ] {
        let ran = repo.run(&["blame", "./overlay", object, path]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        assert!(ran.stderr.contains(help), "{}", ran.stderr);
    }
}

#[test]
fn the_value_of_a_secret_is_never_shown() {
    let repo = Repo::new()
        .with("app/kustomization.yaml", "resources: [s.yaml]\n")
        .with(
            "app/s.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: hunter2}\n",
        );
    for path in [".stringData.key", ".stringData", "."] {
        let ran = repo.run(&["blame", "./app", "secret/s", path]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(
            ran.stdout.contains("***") && !ran.stdout.contains("hunter2"),
            "{}",
            ran.stdout
        );
    }
}
