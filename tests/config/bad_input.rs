//! What a person reads for each mistake, to the letter: one snapshot for each row.

use trueup::config::Config;
use trueup_manifest::MemoryTree;

/// An environment whose `spec` is given, indented by two.
fn environment(spec: &str) -> String {
    format!("apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n{spec}")
}

/// An environment that is fine but for `reconcile`.
fn reconcile(fields: &str) -> String {
    environment(&format!(
        "  cluster: {{embedded: {{}}}}\n  phases: [{{name: all, kustomize: {{path: x}}}}]\n  reconcile:\n{fields}"
    ))
}

/// An environment that is fine but for its phases.
fn phases(phases: &str) -> String {
    environment(&format!(
        "  cluster: {{embedded: {{}}}}\n  phases:\n{phases}"
    ))
}

/// An environment that is fine but for its cluster.
fn cluster(cluster: &str) -> String {
    environment(&format!(
        "  cluster:\n{cluster}  phases: [{{name: all, kustomize: {{path: x}}}}]\n"
    ))
}

fn source(git: &str) -> String {
    cluster("    embedded: {}\n") + "  source:\n    git:\n" + git
}

fn context(spec: &str) -> String {
    format!("apiVersion: trueup.dev/v1\nkind: Context\nmetadata: {{name: shared}}\nspec:\n{spec}")
}

/// What is said about the files.
fn said(files: &[(&str, String)]) -> String {
    let mut tree = MemoryTree::new();
    for (path, text) in files {
        tree.add(path, text).unwrap();
    }
    let findings = Config::load(&tree).unwrap().findings();
    assert!(!findings.is_empty(), "nothing was found");
    findings.render(false)
}

fn check(rows: &[(&str, String)]) {
    for (name, text) in rows {
        insta::assert_snapshot!(*name, said(&[("environments/dev.yaml", text.clone())]));
    }
}

#[test]
fn a_file_that_is_not_an_environment_is_refused() {
    check(&[
        ("file_empty", "# nothing\n".to_owned()),
        (
            "file_broken",
            "apiVersion: trueup.dev/v1\nkind: [Environment\n".to_owned(),
        ),
        ("file_list", "- apiVersion: trueup.dev/v1\n".to_owned()),
        (
            "file_two_documents",
            phases("    - {name: a, kustomize: {path: x}}\n") + "---\na: 1\n",
        ),
        (
            "file_other_kind",
            phases("    - {name: a, kustomize: {path: x}}\n")
                .replace("Environment", "Deployment")
                .replace("trueup.dev/v1", "apps/v1"),
        ),
        (
            "file_duplicate_key",
            phases("    - {name: a, kustomize: {path: x}}\n") + "  phases: []\n",
        ),
        (
            "file_nothing_but_kind",
            "apiVersion: trueup.dev/v1\nkind: Environment\n".to_owned(),
        ),
        (
            "name_invalid",
            phases("    - {name: a, kustomize: {path: x}}\n")
                .replace("name: dev", "name: Dev Cluster"),
        ),
        (
            "labels_not_text",
            phases("    - {name: a, kustomize: {path: x}}\n")
                .replace("name: dev", "name: dev, labels: {tier: 1, ok: yes}"),
        ),
    ]);
}

#[test]
fn a_mistake_in_a_health_check_is_refused_at_its_place() {
    let checks = |text: &str| {
        environment(&format!(
            "  cluster: {{embedded: {{}}}}\n  phases: [{{name: a, kustomize: {{path: x}}}}]\n  healthChecks:\n{text}"
        ))
    };
    check(&[
        (
            "health_check_expressions",
            checks(
                "  - kind: Pump.demo.dev\n    current: stats.ready == 1 && status.rate > 2\n    inProgress: \"status.phase in ['a', 'b'\"\n    failed: |\n      has(status.error) &&\n        status.error.beginsWith('x')\n",
            ),
        ),
        (
            "health_check_fields",
            checks("  - {kind: pump, curent: status.ready}\n"),
        ),
    ]);
}

#[test]
fn a_mistake_in_a_phase_is_refused() {
    check(&[
        (
            "phases_empty",
            environment("  cluster: {embedded: {}}\n  phases: []\n"),
        ),
        (
            "phases_mapping",
            environment("  cluster: {embedded: {}}\n  phases: {pre: {kustomize: {path: x}}}\n"),
        ),
        (
            "phase_unknown_field",
            phases("    - name: hub\n      kustomise: {path: overlays/dev}\n      timeOut: 10m\n"),
        ),
        (
            "phase_far_field",
            phases("    - name: hub\n      kustomize: {path: x}\n      zzz: 1\n"),
        ),
        (
            "phase_no_content",
            phases("    - name: hub\n      timeout: 10m\n"),
        ),
        (
            "phase_two_contents",
            phases("    - name: hub\n      kustomize: {path: a}\n      manifests: {path: b}\n"),
        ),
        (
            "phase_no_path",
            phases("    - name: hub\n      kustomize: {}\n"),
        ),
        (
            "phase_path_alone",
            phases("    - name: hub\n      kustomize: overlays/dev\n"),
        ),
        (
            "phase_path_escapes",
            phases("    - name: hub\n      kustomize: {path: ../other}\n"),
        ),
        (
            "phase_path_absolute",
            phases("    - name: hub\n      manifests: {path: /etc}\n"),
        ),
        (
            "phase_names_twice",
            phases(
                "    - {name: a, kustomize: {path: x}}\n    - {name: b, kustomize: {path: x}}\n    - {name: a, kustomize: {path: y}}\n",
            ),
        ),
        (
            "phase_depends_on_nobody",
            phases(
                "    - {name: prep, kustomize: {path: x}}\n    - {name: hub, kustomize: {path: x}, dependsOn: [perp]}\n",
            ),
        ),
        (
            "phase_circle",
            phases(
                "    - {name: a, kustomize: {path: x}, dependsOn: [c]}\n    - {name: b, kustomize: {path: x}, dependsOn: [a]}\n    - {name: c, kustomize: {path: x}}\n",
            ),
        ),
        (
            "phase_waits_for_itself",
            phases("    - {name: a, kustomize: {path: x}, dependsOn: [a]}\n"),
        ),
        (
            "phase_timeout_without_unit",
            phases("    - {name: a, kustomize: {path: x}, timeout: 10}\n"),
        ),
        (
            "phase_timeout_nonsense",
            phases("    - {name: a, kustomize: {path: x}, timeout: 10 minutes}\n"),
        ),
        (
            "phase_timeout_too_short",
            phases("    - {name: a, kustomize: {path: x}, timeout: 10ms}\n"),
        ),
        (
            "phase_wait_yes",
            phases("    - {name: a, kustomize: {path: x}, wait: yes}\n"),
        ),
        (
            "phase_name_number",
            phases("    - {name: 1, kustomize: {path: x}}\n"),
        ),
        (
            "phase_substitute_word",
            phases("    - {name: a, kustomize: {path: x}, substitute: all}\n"),
        ),
        (
            "phase_substitute_empty_rule",
            phases("    - {name: a, kustomize: {path: x}, substitute: [{}]}\n"),
        ),
        (
            "phase_load_restrictor",
            phases("    - {name: a, kustomize: {path: x, loadRestrictor: LoadRestrictionsNone}}\n"),
        ),
        (
            "phase_helm_typo",
            phases("    - name: vault\n      helm: {chart: bases/vault, relase: vault}\n"),
        ),
    ]);
}

#[test]
fn a_mistake_in_the_cluster_is_refused() {
    check(&[
        ("cluster_none", cluster("    {}\n")),
        (
            "cluster_absent",
            environment("  phases: [{name: all, kustomize: {path: x}}]\n"),
        ),
        (
            "cluster_two",
            cluster("    kubeconfig: {context: dev}\n    embedded: {}\n"),
        ),
        (
            "cluster_unknown",
            cluster("    kubeConfig: {context: dev}\n"),
        ),
        (
            "cluster_eks_incomplete",
            cluster("    eks: {name: x, assumeRole: {}}\n"),
        ),
        (
            "cluster_embedded_fields",
            cluster("    embedded: {port: 1}\n"),
        ),
    ]);
}

#[test]
fn a_mistake_in_reconcile_is_refused() {
    check(&[
        (
            "reconcile_many",
            reconcile(
                "    intervall: 1m\n    prune: \"true\"\n    recreate: StorageClass\n    adoption: adoptall\n    conflicts: win\n",
            ),
        ),
        (
            "reconcile_kind",
            reconcile("    recreate: [storageclass, Deployment.Apps]\n"),
        ),
        (
            "reconcile_protect_nothing",
            reconcile("    protect: [{}]\n"),
        ),
        (
            "reconcile_budget",
            reconcile("    deletionBudget: {count: -1, percent: 101}\n"),
        ),
        (
            "reconcile_budget_empty",
            reconcile("    deletionBudget: {}\n"),
        ),
        (
            "reconcile_interval_order",
            reconcile("    interval: 30s1m\n"),
        ),
    ]);
}

#[test]
fn a_mistake_in_variables_or_patches_is_refused() {
    check(&[
        (
            "variables",
            cluster("    embedded: {}\n")
                + "  variables:\n    1st: x\n    eks.issuer: x\n    list: [a]\n    nothing:\n",
        ),
        (
            "patches",
            cluster("    embedded: {}\n")
                + "  patches:\n    - target: {kind: DaemonSet}\n      json: [{op: ad, path: spec/x}, {op: remove, path: /x, value: 1}, {op: add, path: /x}]\n    - target: {kind: A, name: b}\n",
        ),
    ]);
}

#[test]
fn a_secret_in_a_file_is_refused_and_never_shown() {
    let rows = [
        (
            "secret_literal",
            source(
                "      url: https://h/r\n      auth:\n        token: ghp_hunter2\n      zzz: 1\n",
            ),
        ),
        (
            "secret_literal_deep",
            source(
                "      url: https://h/r\n      auth: {basic: {username: me, password: hunter2}}\n",
            ),
        ),
        (
            "secret_literal_block",
            source(
                "      url: git@h:r\n      auth:\n        sshKey:\n          key: |\n            -----BEGIN hunter2\n            hunter2\n      zzz: 1\n",
            ),
        ),
        (
            "secret_in_url",
            source("      url: https://me:hunter2@h/r\n      reff: {branch: x}\n"),
        ),
        (
            "secret_both",
            source(
                "      url: https://h/r\n      ref: {branch: a, tag: b}\n      auth: {token: {token: {env: A, file: b}}}\n",
            ),
        ),
    ];
    check(&rows);
    for (name, text) in rows {
        let said = said(&[("environments/dev.yaml", text)]);
        assert!(!said.contains("hunter2"), "{name}: {said}");
    }
}

#[test]
fn a_mistake_in_a_source_is_refused() {
    check(&[
        (
            "source_url",
            source("      url: github.com/platform/config\n"),
        ),
        (
            "source_range",
            source("      url: https://h/r\n      ref: {semver: latest}\n"),
        ),
        (
            "source_contradictions",
            source(
                "      url: https://h/r\n      ref: {commit: abc123}\n      auth: {sshAgent: {}}\n      \
                 knownHostsFile: known_hosts\n",
            ),
        ),
        (
            "source_path",
            source("      url: https://h/r\n      path: ../up\n"),
        ),
    ]);
}

#[test]
fn a_mistake_in_a_context_is_refused() {
    let dev = phases("    - {name: all, kustomize: {path: x}}\n");
    for (name, spec) in [
        (
            "context_attached_to_nothing_at_all",
            "  variables: {a: b}\n",
        ),
        ("context_attach_empty", "  attach: {}\n"),
        (
            "context_typo",
            "  attach: {enviroments: [dev]}\n  priority: high\n  variabels: {}\n",
        ),
        ("context_idle", "  attach: {environments: [prod]}\n"),
    ] {
        let files = [
            ("environments/dev.yaml", dev.clone()),
            ("contexts/shared.yaml", context(spec)),
        ];
        insta::assert_snapshot!(name, said(&files));
    }
}

#[test]
fn two_files_that_do_not_fit_together_are_refused() {
    let dev = phases("    - {name: all, kustomize: {path: x}}\n");
    let renamed = |name: &str| dev.replace("name: dev", &format!("name: {name}"));
    for (name, files) in [
        (
            "two_environments_one_name",
            [
                ("environments/a.yaml", dev.clone()),
                ("environments/b.yaml", dev.clone()),
            ],
        ),
        (
            "two_environments_one_object",
            [
                ("environments/a.yaml", renamed("a_b")),
                ("environments/b.yaml", renamed("a-b")),
            ],
        ),
        (
            "two_files_all_errors",
            [
                ("environments/a.yaml", renamed("A")),
                (
                    "environments/b.yaml",
                    renamed("b").replace("embedded", "embeded"),
                ),
            ],
        ),
    ] {
        insta::assert_snapshot!(name, said(&files));
    }
}
