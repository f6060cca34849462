//! Functions of kustomizations: programs that run where that is allowed, and what never runs.

use std::{os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use crate::run::{Repo, config_map};

const ALLOWED: [&str; 2] = ["--enable-alpha-plugins", "--enable-exec"];

/// A function's configuration with what its annotation says.
fn function(spec: &str) -> String {
    format!(
        "apiVersion: example.com/v1\nkind: Change\nmetadata:\n  name: change\n  annotations:\n    \
         config.kubernetes.io/function: |\n      {spec}\nvalue: new\n"
    )
}

/// A kustomization `app` with one ConfigMap, whose function in `field` runs a script.
fn running(field: &str, script: &str) -> Repo {
    let repo = Repo::new()
        .with(
            "app/kustomization.yaml",
            &format!("resources: [web.yaml]\nnamePrefix: p-\n{field}: [function.yaml]\n"),
        )
        .with("app/web.yaml", &config_map("web"))
        .with(
            "app/function.yaml",
            &function("exec: {path: ./run.sh, args: [one], envs: [WORD=said]}"),
        )
        .with("app/run.sh", &format!("#!/bin/sh\n{script}\n"));
    let path = repo.path().join("app/run.sh");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    repo
}

/// What the real kustomize prints, where it is there.
fn upstream(repo: &Repo) -> Option<String> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let Some(kustomize) = assets
        .map(|assets| assets.join("kustomize"))
        .filter(|path| path.is_file())
    else {
        eprintln!("!!! no kustomize in $KUBEBUILDER_ASSETS: nothing was compared with it");
        return None;
    };
    let output = Command::new(kustomize)
        .current_dir(repo.path())
        .args(["build", "app"])
        .args(ALLOWED)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_program_changes_adds_and_removes_objects_as_upstream_has_it() {
    for (field, script, has) in [
        ("transformers", r#"sed "s/a: b/a: $WORD/""#, "a: said"),
        (
            "transformers",
            "sed 's/^  kind: ConfigMap/  kind: Widget/'",
            "kind: Widget",
        ),
        (
            "transformers",
            "cat >/dev/null; printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: made}\\n'",
            "name: made",
        ),
        (
            "transformers",
            "sed 's/^functionConfig:/- apiVersion: v1\\n  kind: Secret\\n  metadata: {name: more}\\nfunctionConfig:/'",
            "name: more",
        ),
        (
            "generators",
            "cat >/dev/null; cat <<'X'\napiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: made\n    annotations:\n      kustomize.config.k8s.io/needs-hash: \"true\"\n  data: {k: v}\nX",
            "name: p-made-",
        ),
        (
            "generators",
            "cat >/dev/null; cat <<'X'\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  annotations:\n    kustomize.config.k8s.io/behavior: merge\ndata: {k: v}\nX",
            "k: v",
        ),
        ("generators", "cat", "name: p-web"),
    ] {
        let repo = running(field, script);
        let ran = repo.run(&["render", "./app", ALLOWED[0], ALLOWED[1]]);
        assert_eq!(ran.code, 0, "{script}: {}", ran.stderr);
        assert!(ran.stdout.contains(has), "{script}: {}", ran.stdout);
        if let Some(expected) = upstream(&repo) {
            assert_eq!(ran.stdout, expected, "{script}");
        }
    }
}

#[test]
fn a_validator_passes_what_it_leaves_alone() {
    // Upstream refuses every function as a validator: its own notes on the answer count as a change.
    let ran = running("validators", "cat").run(&["render", "./app", ALLOWED[0], ALLOWED[1]]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("name: p-web"), "{}", ran.stdout);
    let changing = running("validators", "sed 's/a: b/a: c/'");
    let ran = changing.run(&["render", "./app", ALLOWED[0], ALLOWED[1]]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("a validator changes"), "{}", ran.stderr);
}

#[test]
fn a_program_runs_only_where_both_flags_say_so() {
    let repo = running("transformers", "touch ran; cat");
    for flags in [&[][..], &["--enable-alpha-plugins"]] {
        let mut arguments = vec!["render", "./app"];
        arguments.extend(flags);
        let ran = repo.run(&arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        for part in [
            "app/function.yaml:1:1",
            "runs the program `./run.sh`, and programs are not run here",
            "--enable-alpha-plugins --enable-exec",
        ] {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
    }
    let ran = repo.run(&["render", "./app", "--enable-exec"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(!repo.path().join("app/ran").exists());
}

#[test]
fn a_program_that_fails_is_told_with_what_it_said() {
    for (script, flags, message) in [
        (
            "echo no such luck >&2; exit 3",
            &[][..],
            "ended with 3: no such luck",
        ),
        ("kill -9 $$", &[], "was ended by a signal"),
        (
            "sleep 60",
            &["--function-timeout", "1s"],
            "did not end within 1 s",
        ),
        ("cat >/dev/null; echo 'a: ['", &[], "output of ./run.sh"),
        (
            "cat >/dev/null; printf '\\377'",
            &[],
            "prints what is not UTF-8",
        ),
    ] {
        let repo = running("transformers", script);
        let mut arguments = vec!["render", "./app", ALLOWED[0], ALLOWED[1]];
        arguments.extend(flags);
        let ran = repo.run(&arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{script}");
        assert!(ran.stderr.contains(message), "{script}: {}", ran.stderr);
    }
    let repo =
        running("transformers", "cat").with("app/function.yaml", &function("exec: {path: ./none}"));
    let ran = repo.run(&["render", "./app", ALLOWED[0], ALLOWED[1]]);
    assert!(ran.stderr.contains("cannot be started"), "{}", ran.stderr);
}

#[test]
fn what_a_program_finds_is_told_and_its_variables_may_be_set() {
    let results = "cat >/dev/null; echo \"$WORD\" >&2; cat <<'X'\napiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nresults:\n- message: too few\n  severity: warning\n  field: {path: spec.replicas}\nX";
    let repo = running("transformers", results);
    let ran = repo.run(&["render", "./app", ALLOWED[0], ALLOWED[1], "-e", "WORD=sung"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    for part in ["warning: too few (`spec.replicas`)", "sung"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn containers_and_scripts_in_starlark_never_run() {
    for (spec, message) in [
        (
            "container: {image: example.com/fn:v1}",
            "needs a container, and containers are not run here",
        ),
        (
            "container: {image: x, network: true, mounts: []}",
            "needs a container",
        ),
        ("starlark: {path: x.star, name: x}", "is a Starlark script"),
        ("exce: {path: x}", "`exce` is not a field of a function"),
        ("exec: {path: \"\"}", "`exec.path` is empty"),
    ] {
        let repo = running("transformers", "cat").with("app/function.yaml", &function(spec));
        let ran = repo.run(&["render", "./app", ALLOWED[0], ALLOWED[1]]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{spec}");
        assert!(ran.stderr.contains(message), "{spec}: {}", ran.stderr);
    }
    let repo = running("transformers", "cat");
    for flag in [&["--network"][..], &["--mount", "type=bind,src=.,dst=/x"]] {
        let mut arguments = vec!["render", "./app"];
        arguments.extend(flag);
        let ran = repo.run(&arguments);
        assert_eq!(ran.code, 1);
        assert!(
            ran.stderr.contains("for functions in containers"),
            "{}",
            ran.stderr
        );
    }
}
