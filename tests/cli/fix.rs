//! `trueup check --fix`.

use std::{path::PathBuf, process::Command};

use crate::run::{Repo, config_map};

const OLD: &str = "# the app\nbases:\n- ../base # what it builds on\ncommonLabels:\n  team: a\n# last\npatchesStrategicMerge:\n- patch.yaml\n- |-\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: web}\n  data: {c: d}\n";
const NEW: &str = "# the app\nresources:\n- ../base # what it builds on\nlabels:\n- includeSelectors: true\n  pairs:\n    team: a\n# last\npatches:\n- path: patch.yaml\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: web}\n    data: {c: d}\n";

fn old() -> Repo {
    Repo::new()
        .with("base/kustomization.yaml", "resources: [web.yaml]\n")
        .with("base/web.yaml", &config_map("web"))
        .with("app/kustomization.yaml", OLD)
        .with(
            "app/patch.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: e}\n",
        )
}

#[test]
fn deprecated_fields_are_rewritten_and_the_rest_of_the_file_stays() {
    let repo = old();
    let before = repo.run(&["render", "./app"]);
    assert!(
        before.stderr.contains("trueup check --fix"),
        "{}",
        before.stderr
    );
    let shown = repo.run(&["check", "--fix", "--dry-run"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert_eq!(repo.read("app/kustomization.yaml"), OLD);
    for line in [
        "--- app/kustomization.yaml",
        "-bases:",
        "+resources:",
        "+- path: patch.yaml",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
    assert!(
        shown
            .stderr
            .contains("1 kustomization file would be rewritten")
    );
    let ran = repo.run(&["check", "--fix", "."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert_eq!(repo.read("app/kustomization.yaml"), NEW);
    let after = repo.run(&["render", "./app"]);
    assert_eq!((after.stdout, after.stderr.as_str()), (before.stdout, ""));
    let again = repo.run(&["check", "--fix"]);
    assert!(
        again.stderr.contains("0 kustomization files rewritten"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_file_that_would_build_something_else_is_left_alone() {
    // The old field is applied before `patches` whichever comes first; what follows it wins.
    let repo = old().with(
        "app/kustomization.yaml",
        "resources: [../base]\npatches:\n- path: patch.yaml\npatchesStrategicMerge:\n- |-\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: web}\n  data: {a: f}\n",
    );
    let before = repo.read("app/kustomization.yaml");
    let ran = repo.run(&["check", "--fix"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(
            "`app/kustomization.yaml` is left as it is: rewritten, it would build something else"
        ),
        "{}",
        ran.stderr
    );
    assert_eq!(repo.read("app/kustomization.yaml"), before);
}

#[test]
fn vars_become_replacements_where_those_build_the_same() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: main\n        args: [\"--host=$(HOST)\"]\n        env:\n        - {name: HOST, value: $(HOST)}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: back}\n";
    let old = "resources: [web.yaml, back.yaml]\nnamePrefix: p-\n# where\nvars:\n- name: HOST\n  objref: {apiVersion: v1, kind: Service, name: back}\ncommonLabels: {a: b}\n";
    let repo = Repo::new()
        .with("app/kustomization.yaml", old)
        .with("app/web.yaml", deployment)
        .with("app/back.yaml", service);
    let before = repo.run(&["render", "./app"]);
    assert!(before.stdout.contains("--host=p-back"), "{}", before.stdout);
    let ran = repo.run(&["check", "--fix", "."]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let new = repo.read("app/kustomization.yaml");
    for line in [
        "# where\nreplacements:\n- source:\n    version: v1\n    kind: Service\n    name: back\n    fieldPath: metadata.name\n",
        "    - 'spec.template.spec.containers.[name=main].args.0'\n    options:\n      delimiter: '='\n      index: 1\n",
        "    - 'spec.template.spec.containers.[name=main].env.[name=HOST].value'\n",
        "labels:\n- includeSelectors: true\n  pairs: {a: b}\n",
    ] {
        assert!(new.contains(line), "{line}\nis not in\n{new}");
    }
    assert_eq!(repo.run(&["render", "./app"]).stdout, before.stdout);
    // A layer above renames the object afterwards, which a replacement does not see.
    let repo = Repo::new()
        .with("app/kustomization.yaml", old)
        .with("app/web.yaml", deployment)
        .with("app/back.yaml", service)
        .with(
            "top/kustomization.yaml",
            "resources: [../app]\nnameSuffix: -s\n",
        );
    let before = repo.run(&["render", "./top"]).stdout;
    let ran = repo.run(&["check", "--fix", "."]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let new = repo.read("app/kustomization.yaml");
    assert!(
        new.contains("vars:") && new.contains("includeSelectors"),
        "{new}"
    );
    assert_eq!(repo.run(&["render", "./top"]).stdout, before);
}

#[test]
fn the_result_builds_what_the_result_of_kustomize_edit_fix_builds() {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let kustomize = assets.map(|assets| assets.join("kustomize"));
    let Some(kustomize) = kustomize.filter(|path| path.is_file()) else {
        eprintln!("!!! no kustomize in $KUBEBUILDER_ASSETS: nothing was compared with it");
        return;
    };
    let (ours, theirs) = (old(), old());
    assert_eq!(ours.run(&["check", "--fix"]).code, 0);
    let output = Command::new(&kustomize)
        .current_dir(theirs.path().join("app"))
        .args(["edit", "fix"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let build = |repo: &Repo| {
        let built = Command::new(&kustomize)
            .current_dir(repo.path())
            .args(["build", "app"])
            .output()
            .unwrap();
        assert!(built.status.success());
        // Nothing deprecated is left for it to complain about.
        assert_eq!(String::from_utf8(built.stderr).unwrap(), "");
        String::from_utf8(built.stdout).unwrap()
    };
    assert_eq!(build(&ours), build(&theirs));
}
