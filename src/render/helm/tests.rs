use std::sync::Arc;

use trueup_manifest::{Diagnostic, MemoryTree, TreePath};

use crate::{
    config::Config,
    render::{ChartSource, ChartWanted, Desired, RenderOptions, render},
};

const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: NAME\n  annotations: {helm.sh/hook: \"EVENT\", helm.sh/hook-weight: \"WEIGHT\"}\nspec:\n  ttlSecondsAfterFinished: 5\n  template: {spec: {restartPolicy: Never, containers: [{name: a, image: \"{{ .Values.image }}\"}]}}\n";

fn hook(name: &str, event: &str, weight: &str) -> String {
    JOB.replace("NAME", name)
        .replace("EVENT", event)
        .replace("WEIGHT", weight)
}

fn desired(helm: &str, templates: &[(&str, &str)]) -> Result<Desired, String> {
    let mut tree = MemoryTree::new();
    let mut add = |path: &str, text: &str| tree.add(path, text).unwrap();
    add(
        "environments/dev.yaml",
        &format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n  \
             cluster: {{embedded: {{}}}}\n  variables: {{tag: v7, n: 3}}\n  phases:\n    - \
             {{name: web, helm: {{chart: chart, {helm}}}}}\n    - {{name: next, manifests: {{path: m.yaml}}}}\n"
        ),
    );
    add(
        "m.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: x}\n",
    );
    add(
        "chart/Chart.yaml",
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    );
    add("chart/values.yaml", "image: default\nreplicas: 1\n");
    add("v.yaml", "image: from-file\n");
    for (path, text) in templates {
        add(&format!("chart/{path}"), text);
    }
    let config = Config::load(&tree).map_err(|findings| findings.to_string())?;
    let environment = config.environment("dev").map_err(|e| e.to_string())?;
    assert!(tree_is_there(&tree));
    render(&tree, environment, &RenderOptions::default()).map_err(|e| e.to_string())
}

fn tree_is_there(tree: &MemoryTree) -> bool {
    use trueup_manifest::Tree as _;
    tree.entry(&TreePath::root()).is_ok()
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {image: \"{{ .Values.image }}\", n: \"{{ .Values.replicas }}\"}\n";

fn data(desired: &Desired, phase: &str) -> String {
    let phase = desired.phases.iter().find(|p| p.name == phase).unwrap();
    crate::render::to_yaml(&phase.manifests).unwrap()
}

#[test]
fn values_of_files_and_inline_ones_with_variables_reach_the_templates() {
    let desired = desired(
        "release: 'r-${tag}', namespace: web, createNamespace: true, values: [v.yaml], inline: {replicas: '${n}'}",
        &[("templates/a.yaml", CONFIG)],
    )
    .unwrap();
    assert_eq!(
        data(&desired, "web"),
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  labels:\n    name: web\n  name: web\n---\n\
         apiVersion: v1\ndata:\n  image: from-file\n  \"n\": \"3\"\nkind: ConfigMap\nmetadata:\n  name: r-v7\n  namespace: web\n"
    );
}

#[test]
fn hooks_are_steps_by_weight_and_what_waits_for_the_phase_waits_for_them() {
    let templates = [
        ("templates/a.yaml", CONFIG.to_owned()),
        ("templates/late.yaml", hook("late", "post-install,post-upgrade", "0")),
        ("templates/second.yaml", hook("second", "pre-upgrade,pre-install", "5")),
        ("templates/first.yaml", hook("first", "pre-install", "-5")),
        ("templates/test.yaml", hook("test", "test", "0")),
        ("crds/a.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\n".to_owned()),
    ];
    let templates: Vec<(&str, &str)> = templates.iter().map(|(p, t)| (*p, t.as_str())).collect();
    let rendered = desired("release: r", &templates).unwrap();
    let names: Vec<&str> = rendered.phases.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "web: definitions",
            "web: before (-5)",
            "web: before (5)",
            "web: objects",
            "web",
            "next"
        ]
    );
    for pair in rendered.phases.windows(2) {
        assert_eq!(pair[1].depends_on, [pair[0].name.clone()]);
    }
    let (first, second) = (
        data(&rendered, "web: before (-5)"),
        data(&rendered, "web: before (5)"),
    );
    assert!(!first.contains("trueup.dev/hook-run"), "{first}");
    assert!(second.contains("trueup.dev/hook-run"), "{second}");
    assert!(!second.contains("ttlSecondsAfterFinished"), "{second}");
    // What the release renders to decides whether a hook of upgrades runs again.
    let same = desired("release: r", &templates).unwrap();
    assert_eq!(second, data(&same, "web: before (5)"));
    let other = desired("release: r, inline: {replicas: 2}", &templates).unwrap();
    assert_ne!(second, data(&other, "web: before (5)"));
    let without = desired("release: r, hooks: false, includeCRDs: false", &templates).unwrap();
    assert_eq!(without.phases.len(), 2);
}

#[test]
fn patches_change_what_the_chart_prints() {
    let patched = desired(
        "release: r, patches: [{target: {kind: ConfigMap}, patch: '[{\"op\": \"add\", \"path\": \"/data/extra\", \"value\": \"x\"}]'}]",
        &[("templates/a.yaml", CONFIG)],
    )
    .unwrap();
    assert!(data(&patched, "web").contains("extra: x"));
}

#[test]
fn a_missing_value_is_told_with_its_template_its_path_and_the_file_that_should_set_it() {
    let template = "a: {{ .Values.image.tag.name }}\n";
    let error = desired(
        "release: r, inline: {image: {tag: null}}",
        &[("templates/a.yaml", template)],
    )
    .unwrap_err();
    assert!(
        error.contains("chart/templates/a.yaml:1:")
            && error.contains("nil pointer evaluating interface {}.name"),
        "{error}"
    );
}

/// A repository with one chart, in which a ConfigMap is named after the release.
struct Shelf;

impl ChartSource for Shelf {
    fn chart(&self, wanted: &ChartWanted<'_>) -> Result<Arc<[u8]>, Diagnostic> {
        let ChartWanted {
            repository,
            name,
            version,
            tls,
        } = *wanted;
        if let Some(tls) = tls {
            return Err(Diagnostic::error("test", format!("{tls:?}")));
        }
        if (repository, name, version) != ("oci://r.test/charts", "c", "1.2.0") {
            let message = format!("no `{name}` {version} in `{repository}`");
            return Err(Diagnostic::error("test", message));
        }
        let mut tree = MemoryTree::new();
        tree.add("Chart.yaml", "{apiVersion: v2, name: c, version: 1.2.0}")
            .unwrap();
        tree.add("templates/a.yaml", CONFIG).unwrap();
        Ok(trueup_helm::repository::pack(&tree, &TreePath::root())
            .unwrap()
            .1
            .into())
    }
}

fn from_shelf(phase: &str, files: &[(&str, &str)]) -> Result<Desired, String> {
    let mut tree = MemoryTree::new();
    let environment = format!(
        "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n  \
         cluster: {{embedded: {{}}}}\n  phases:\n    - {{name: web, {phase}}}\n"
    );
    tree.add("environments/dev.yaml", environment).unwrap();
    for (path, text) in files {
        tree.add(path, *text).unwrap();
    }
    let config = Config::load(&tree).map_err(|findings| findings.to_string())?;
    let environment = config.environment("dev").map_err(|e| e.to_string())?;
    let shelf: Arc<dyn ChartSource> = Arc::new(Shelf);
    let options = RenderOptions {
        charts: Some(&shelf),
        ..RenderOptions::default()
    };
    render(&tree, environment, &options).map_err(|e| e.to_string())
}

#[test]
fn charts_of_repositories_are_rendered_by_phases_and_kustomizations() {
    let repo = "repo: 'oci://r.test/charts'";
    let phase =
        format!("helm: {{chart: c, {repo}, version: 1.2.0, release: r, inline: {{image: i}}}}");
    let rendered = from_shelf(&phase, &[]).unwrap();
    assert!(data(&rendered, "web").contains("name: r\n"));
    let kustomization = format!(
        "helmCharts: [{{name: c, {repo}, version: 1.2.0, releaseName: k, valuesInline: {{image: i}}}}]\n"
    );
    let rendered = from_shelf(
        "kustomize: {path: k}",
        &[("k/kustomization.yaml", &kustomization)],
    )
    .unwrap();
    assert!(data(&rendered, "web").contains("name: k\n"));
}

#[test]
fn a_chart_of_a_repository_names_its_exact_version() {
    for (fields, says) in [
        ("repo: 'oci://r.test/charts'", "needs its `version`"),
        (
            "repo: 'oci://r.test/charts', version: ^1.2",
            "no exact version",
        ),
        ("version: 1.2.0", "there is no `repo`"),
        (
            "repo: 'oci://r.test/charts', version: 9.0.0",
            "no `c` 9.0.0",
        ),
    ] {
        let error =
            from_shelf(&format!("helm: {{chart: c, {fields}, release: r}}"), &[]).unwrap_err();
        assert!(error.contains(says), "{fields}: {error}");
    }
}

#[test]
fn whom_to_trust_for_a_chart_is_told_to_who_fetches_it_and_is_nothing_without_a_repository() {
    let phase = |chart: &str| {
        format!(
            "helm: {{{chart}, release: r, tls: {{caFile: /ca.pem, certFile: /c.pem, keyFile: /k.pem}}}}"
        )
    };
    let of_repository = phase("chart: c, repo: 'oci://r.test/charts', version: 1.2.0");
    let said = from_shelf(&of_repository, &[]).unwrap_err();
    let told = r#"ca_file: Some("/ca.pem"), cert_file: Some("/c.pem"), key_file: Some("/k.pem"), unverified: false"#;
    assert!(said.contains(told), "{said}");
    for (phase, reason) in [
        (phase("chart: c"), "there is no `repo`"),
        (
            of_repository.replace(", keyFile: /k.pem", ""),
            "`certFile` and `keyFile` go together",
        ),
        (
            of_repository.replace(
                "certFile: /c.pem, keyFile: /k.pem",
                "insecureSkipTLSVerify: true",
            ),
            "`caFile` is of no use",
        ),
    ] {
        let said = from_shelf(&phase, &[]).unwrap_err();
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn a_chart_that_one_phase_was_given_is_not_that_of_a_phase_that_trusts_others() {
    let chart = "chart: c, repo: 'oci://r.test/charts', version: 1.2.0, inline: {image: i}";
    let first = format!("helm: {{{chart}, release: a}}");
    assert!(from_shelf(&first, &[]).is_ok());
    let both = format!(
        "{first}}}\n    - {{name: b, helm: {{{chart}, release: b, tls: {{caFile: /ca.pem}}}}"
    );
    let said = from_shelf(&both, &[]).unwrap_err();
    assert!(said.contains(r#"ca_file: Some("/ca.pem")"#), "{said}");
}

#[test]
fn a_chart_that_cannot_be_read_is_an_error_of_each_phase_that_names_it() {
    let mut tree = MemoryTree::new();
    tree.add(
        "environments/dev.yaml",
        "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {name: dev}\nspec:\n  cluster: {embedded: {}}\n  phases:\n    \
         - {name: a, helm: {chart: chart, release: a}}\n    - {name: b, helm: {chart: chart, release: b}}\n",
    )
    .unwrap();
    tree.add("chart/values.yaml", "a: b\n").unwrap();
    let config = Config::load(&tree).unwrap();
    let environment = config.environment("dev").unwrap();
    let findings = render(&tree, environment, &RenderOptions::default()).unwrap_err();
    let said = findings.to_string();
    assert_eq!(said.matches("it has no `Chart.yaml`").count(), 2, "{said}");
    for place in ["dev.yaml:7:", "dev.yaml:8:"] {
        assert!(said.contains(place), "{place}: {said}");
    }
}
