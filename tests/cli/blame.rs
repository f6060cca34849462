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

/// What `trueup blame` says of a field, without the lines about the whole object.
fn blamed(repo: &Repo, object: &str, path: &str) -> String {
    let ran = repo.run(&["blame", "./overlay", object, path]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (told, _) = ran
        .stdout
        .split_once("the object itself")
        .unwrap_or((&ran.stdout, ""));
    told.to_owned()
}

#[test]
fn what_generators_and_transformers_make_is_led_back_to_the_lines_that_ask_for_it() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - name: main\n        image: nginx:1\n        envFrom: [{configMapRef: {name: conf}}]\n";
    let repo = Repo::new()
        .with("base/kustomization.yaml", "resources: [web.yaml]\n")
        .with("base/web.yaml", deployment)
        .with("overlay/part/kustomization.yaml", "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nreplicas:\n- {name: web, count: 3}\n")
        .with("overlay/conf.env", "# which\nLEVEL=debug\n")
        .with(
            "overlay/kustomization.yaml",
            "resources: [../base]\ncomponents: [part]\nnamespace: shop\nlabels:\n- pairs:\n    team: a\nimages:\n- name: nginx\n  newTag: \"2\"\nconfigMapGenerator:\n- name: conf\n  literals:\n  - a=b\n  envs: [conf.env]\n",
        );
    for (object, path, expected) in [
        (
            "deployment/web",
            ".metadata.namespace",
            "is \"shop\"\n  overlay/kustomization.yaml:3:1 (`namespace`)\n  in overlay\n",
        ),
        (
            "deployment/web",
            ".metadata.labels.team",
            "is \"a\"\n  overlay/kustomization.yaml:6:5 (`labels`)\n  in overlay\n",
        ),
        (
            "deployment/web",
            ".spec.template.spec.containers[name=main].image",
            "is \"nginx:2\"\n  overlay/kustomization.yaml:9:3 (`images`)\n  in overlay\nwas \"nginx:1\"\n  base/web.yaml:10:16\n  in base\n",
        ),
        (
            "deployment/web",
            ".spec.replicas",
            "is 3\n  overlay/part/kustomization.yaml:4:3 (`replicas`)\n  in overlay/part\nwas 1\n  base/web.yaml:5:13\n  in base\n",
        ),
    ] {
        assert_eq!(blamed(&repo, object, path), expected, "{path}");
    }
    let rendered = repo.run(&["render", "./overlay"]).stdout;
    let name = rendered
        .lines()
        .find_map(|line| line.trim().strip_prefix("name: conf-"))
        .unwrap();
    let map = format!("configmap/conf-{name}");
    assert_eq!(
        blamed(&repo, &map, ".data.a"),
        "is \"b\"\n  overlay/kustomization.yaml:13:5 (`configMapGenerator`)\n  in overlay\n"
    );
    assert_eq!(
        blamed(&repo, &map, ".data.LEVEL"),
        "is \"debug\"\n  overlay/conf.env:2:1 (`configMapGenerator`)\n  in overlay\n"
    );
    assert_eq!(
        blamed(&repo, &map, ".metadata.name"),
        format!(
            "is \"conf-{name}\"\n  overlay/kustomization.yaml:11:3 (the hash of what it holds)\n  in overlay\nwas \"conf\"\n  overlay/kustomization.yaml:11:3 (`configMapGenerator`)\n  in overlay\n"
        )
    );
    let reference = ".spec.template.spec.containers[0].envFrom[0].configMapRef.name";
    assert_eq!(
        blamed(&repo, "deployment/web", reference),
        format!(
            "is \"conf-{name}\"\n  overlay/kustomization.yaml:11:3 (follows the name of this object)\n  in overlay\nwas \"conf\"\n  base/web.yaml:11:41\n  in base\n"
        )
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
