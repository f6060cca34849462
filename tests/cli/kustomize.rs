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
