//! Kustomizations through the command line.

use std::path::{Path, PathBuf};

use crate::run::{Repo, config_map};

#[test]
fn a_folder_is_built_as_kustomize_would_wherever_its_bases_lie() {
    let repo = Repo::new()
        .with("base/kustomization.yaml", "resources:\n- web.yaml\n")
        .with("base/web.yaml", &config_map("web"))
        .with(
            "overlay/kustomization.yaml",
            "resources:\n- ../base\nnamePrefix: dev-\n",
        );
    let from_above = repo.run(&["render", "overlay"]);
    assert_eq!(from_above.code, 0, "{}", from_above.stderr);
    assert!(
        from_above.stdout.contains("name: dev-web"),
        "{}",
        from_above.stdout
    );
    let inside = repo.run_in("overlay", &["render"]);
    assert_eq!(inside.stdout, from_above.stdout);
    let dotted = repo.run_in("base", &["render", "../overlay"]);
    assert_eq!(dotted.stdout, from_above.stdout);
}

#[test]
fn the_reference_estate_is_sound() {
    let ran = Repo::new().run(&["check", env!("CARGO_MANIFEST_DIR")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// The conformance corpus: `$TRUEUP_CONFORMANCE`, or `shared/conformance` beside a folder above.
fn conformance() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TRUEUP_CONFORMANCE") {
        return Some(path.into());
    }
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above
        .map(|folder| folder.join("shared/conformance"))
        .find(|path| path.is_dir())
}

#[test]
fn the_estate_of_a_real_platform_is_printed_as_kustomize_prints_it() {
    let Some(conformance) = conformance() else {
        eprintln!("!!! the conformance corpus is absent: the estate was NOT compared");
        return;
    };
    let estate = conformance.join("estate");
    for (folder, expected) in [
        ("hub/_pre", "_pre"),
        ("hub/installs/local_tilt_dev", "local_tilt_dev"),
        ("hub/installs/cluster_dev", "cluster_dev"),
        ("hub/installs/cluster_prod", "cluster_prod"),
    ] {
        let path = estate.join(folder);
        let expected = estate.join("expected").join(format!("{expected}.yaml"));
        let expected = std::fs::read_to_string(expected).unwrap();
        // As a script would: from somewhere else, with the flags of `kustomize build`.
        let ran = Repo::new().run(&[
            "render",
            path.to_str().unwrap(),
            "--load-restrictor",
            "LoadRestrictionsNone",
        ]);
        assert_eq!(ran.code, 0, "{folder}: {}", ran.stderr);
        assert!(
            ran.stdout == expected,
            "{folder} differs from what kustomize prints"
        );
    }
}

#[test]
fn files_are_named_as_kustomize_names_them() {
    let object = |api: &str, kind: &str, rest: &str| {
        format!("---\napiVersion: {api}\nkind: {kind}\nmetadata: {{{rest}}}\n")
    };
    let web = object("apps/v1", "Deployment", "name: Web, namespace: Hub")
        + &object("v1", "Namespace", "name: hub")
        + &object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "name: 'system:x/y'",
        );
    let other = object("v1", "ConfigMap", "name: a");
    for (resources, expected) in [
        (
            web.clone(),
            &[
                "apps_v1_deployment_web.yaml",
                "rbac.authorization.k8s.io_v1_clusterrole_system:x_y.yaml",
                "v1_namespace_hub.yaml",
            ][..],
        ),
        (
            web + &other,
            &[
                "default_v1_configmap_a.yaml",
                "hub_apps_v1_deployment_web.yaml",
                "rbac.authorization.k8s.io_v1_clusterrole_system:x_y.yaml",
                "v1_namespace_hub.yaml",
            ],
        ),
    ] {
        let repo = Repo::new()
            .with("kustomization.yaml", "resources: [all.yaml]\n")
            .with("all.yaml", &resources)
            .with("out/.keep", "");
        let ran = repo.run(&["render", "-o", "out"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let mut names: Vec<String> = std::fs::read_dir(repo.path().join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".keep")
            .collect();
        names.sort();
        assert_eq!(names, expected);
    }
}

/// A kustomization that inflates a chart beside it.
fn with_chart() -> Repo {
    Repo::new()
        .with(
            "kustomization.yaml",
            "helmCharts:\n- name: web\n  releaseName: r\n  valuesInline: {own: inline}\n",
        )
        .with(
            "charts/web/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        )
        .with("charts/web/values.yaml", "own: chart\nother: chart\n")
        .with(
            "charts/web/templates/cm.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  kube: {{ .Capabilities.KubeVersion.Version }}\n  has: {{ .Capabilities.APIVersions.Has \"example.com/v1\" | quote }}\n  own: {{ .Values.own }}\n  other: {{ .Values.other }}\n",
        )
}

#[test]
fn flags_for_charts_reach_them_or_are_refused() {
    let repo = with_chart();
    let built = repo.run(&[
        "render",
        "--enable-helm",
        "--helm-kube-version",
        "v1.27.3",
        "--helm-api-versions",
        "example.com/v1",
        "--helm-debug",
        "--helm-command",
        "helm",
    ]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    for line in [
        "kube: v1.27.3",
        "has: \"true\"",
        "own: inline",
        "other: chart",
    ] {
        assert!(built.stdout.contains(line), "{line}: {}", built.stdout);
    }
    assert!(
        built.stderr.contains("`--helm-debug` is not used"),
        "{}",
        built.stderr
    );
    for (arguments, message) in [
        (
            &["--helm-kube-version", "v1.27.3"][..],
            "`--helm-kube-version` is for charts",
        ),
        (
            &["--helm-api-versions", "a/v1"],
            "`--helm-api-versions` is for charts",
        ),
        (
            &["--network-name", "bridge"],
            "`--network-name` is for functions in containers",
        ),
        (&["--enable-star"], "functions in Starlark are not run"),
        (&[], "charts are not inflated here"),
    ] {
        let ran = repo.run(&[&["render"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
}

#[test]
fn the_address_of_a_repository_may_be_built() {
    let repo = Repo::new()
        .with(
            "deploy/kustomization.yaml",
            "resources: [web.yaml]\nnamePrefix: x-\n",
        )
        .with("deploy/web.yaml", &config_map("web"));
    repo.commit("first");
    let address = format!("file://{}//deploy?ref=main", repo.path().display());
    let ran = Repo::new().run(&["render", &address]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("name: x-web"), "{}", ran.stdout);
    let lost = Repo::new().run(&["render", &address.replace("deploy", "lost")]);
    assert_eq!(lost.code, 1, "{}", lost.stdout);
}

#[test]
fn what_is_wrong_in_independent_places_is_told_at_once_with_the_way_there() {
    let repo = Repo::new()
        .with(
            "top/kustomization.yaml",
            "resources: [../a, ../b, lost.yaml]\nconfigMapGenerator:\n- name: c\n  literals: [nothing]\npatches:\n- path: gone.yaml\n",
        )
        .with("a/kustomization.yaml", "resources: [web.yaml]\npatchs: []\n")
        .with("a/web.yaml", &config_map("web"))
        .with("b/kustomization.yaml", "resources: [db.yaml]\n")
        .with("b/db.yaml", "apiVersion: v1\nkind: ConfigMap\n")
        .with("same/kustomization.yaml", "resources: [one, two]\n")
        .with("same/one/kustomization.yaml", "resources: [../../a2]\n")
        .with("same/two/kustomization.yaml", "resources: [../../a2]\n")
        .with("a2/kustomization.yaml", "resources: [web.yaml]\n")
        .with("a2/web.yaml", &config_map("web"))
        .with("bare/kustomization.yaml", "resources: [../none]\n")
        .with("none/x", "");
    let ran = repo.run(&["render", "./top"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    for (message, place, chain) in [
        (
            "`patchs` is not a field",
            "a/kustomization.yaml:2:1",
            "top → a",
        ),
        ("has no `metadata.name`", "b/db.yaml:1:1", "top → b"),
        (
            "`top/lost.yaml` does not exist",
            "top/kustomization.yaml:1:25",
            "top",
        ),
        (
            "of the form `key=value`",
            "top/kustomization.yaml:4:14",
            "top",
        ),
        (
            "`top/gone.yaml` does not exist",
            "top/kustomization.yaml:6:9",
            "top",
        ),
    ] {
        let found = ran
            .stderr
            .split("error[")
            .find(|error| error.contains(message));
        let found = found.unwrap_or_else(|| panic!("{message}: {}", ran.stderr));
        assert!(found.contains(&format!("--> {place}")), "{found}");
        assert!(found.contains(&format!("through {chain}")), "{found}");
    }
    assert!(ran.stderr.contains("5 errors"), "{}", ran.stderr);
    // One base on two ways, and a base without its file.
    let same = repo.run(&["render", "./same"]).stderr;
    for part in [
        "comes in twice",
        "same → same/one → a2",
        "same → same/two → a2",
    ] {
        assert!(same.contains(part), "{part}: {same}");
    }
    let bare = repo.run(&["render", "./bare"]).stderr;
    assert!(bare.contains("--> bare/kustomization.yaml:1:13"), "{bare}");
}
