//! `trueup render`.

use crate::run::{Repo, config_map, environment};

#[test]
fn an_environment_is_printed_phase_by_phase() {
    let phases = "    - {name: crds, manifests: {path: plain}}\n    - {name: hub, manifests: {path: hub.yaml}}\n";
    let repo = Repo::small()
        .with("environments/dev.yaml", &environment("dev", phases))
        .with("plain/b.yaml", &config_map("b"))
        .with("plain/a/a.json", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}}]}")
        .with("hub.yaml", &config_map("hub"))
        .with("plain/.hidden.yaml", "a: [")
        .with("plain/notes.md", "a: [");
    insta::assert_snapshot!(repo.run(&["render", "dev"]).transcript());
    let one = repo.run(&["render", "dev", "--phase", "hub"]);
    assert_eq!(
        one.stdout,
        "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: hub\n"
    );
    let none = repo.run(&["render", "dev", "--phase", "hbu"]);
    assert_eq!(none.code, 1);
    assert!(
        none.stderr.contains("the phases are `crds`, `hub`"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_name_is_never_guessed() {
    let repo = Repo::small().with("dev/kustomization.yaml", "resources: []\n");
    let ran = repo.run(&["render", "dev"]);
    insta::assert_snapshot!(ran.transcript());
    let ran = repo.run(&["render", "dve"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn the_output_goes_where_it_is_sent() {
    let repo = Repo::small()
        .with(
            "plain/web.yaml",
            &(config_map("web")
                + "---\n"
                + &config_map("Other").replace("name: Other", "name: other\n  namespace: x")),
        )
        .with("out/keep", "");
    let all = repo.run(&["render", "dev"]).stdout;
    let ran = repo.run(&["render", "dev", "-o", "all.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert_eq!(repo.read("all.yaml"), all);
    let ran = repo.run(&["render", "dev", "--output", "out"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        repo.read("out/default_v1_configmap_web.yaml")
            .contains("name: web")
    );
    assert!(
        repo.read("out/x_v1_configmap_other.yaml")
            .contains("name: other")
    );
    let ran = repo.run(&["render", "dev", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let ran = repo.run(&["render", "dev", "-o", "nowhere/all.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("cannot write `nowhere/all.yaml`"),
        "{}",
        ran.stderr
    );
}

/// A repository whose phase substitutes as `rule` says, over `object`.
fn substituting(rule: &str, variables: &str, object: &str) -> Repo {
    let environment = environment(
        "dev",
        &format!("    - name: all\n      manifests: {{path: plain}}\n      substitute: {rule}\n"),
    );
    let environment = environment.replace(
        "  phases:",
        &format!("  variables: {{{variables}}}\n  phases:"),
    );
    Repo::new()
        .with("environments/dev.yaml", &environment)
        .with("plain/a.yaml", object)
}

const TYPED: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  annotations: {a: 'x-${name}-$${kept}-$(A)-$B', b: \"${replicas}\"}
spec:
  replicas: ${replicas}
  paused: ${paused}
  encrypted: ${encrypted}
  text: p${replicas}
  script: |
    echo ${name}
";

#[test]
fn variables_are_put_in_with_their_types() {
    let repo = substituting(
        "true",
        "name: web, replicas: 3, paused: false, encrypted: \"true\"",
        TYPED,
    );
    insta::assert_snapshot!(repo.run(&["render", "dev"]).transcript());
    let ran = repo.run(&[
        "render",
        "dev",
        "--var",
        "replicas=5",
        "--var",
        "name=other",
    ]);
    assert!(
        ran.stdout.contains("replicas: 5\n") && ran.stdout.contains("name: other\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn variables_are_put_in_where_it_is_declared_only() {
    for rule in [
        "false",
        "[{kinds: [Service]}]",
        "[{files: [\"other/*\"]}]",
        "[{fields: [spec/nothing]}]",
    ] {
        let repo = substituting(rule, "name: web", TYPED);
        let ran = repo.run(&["render", "dev"]);
        assert!(
            ran.stdout.contains("name: ${name}"),
            "{rule}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
    for rule in [
        "[{kinds: [Deployment.apps], fields: [metadata/name]}]",
        "[{files: [\"plain/*.yaml\"], fields: [metadata/name]}]",
    ] {
        let repo = substituting(rule, "name: web", TYPED);
        let ran = repo.run(&["render", "dev"]);
        assert!(
            ran.stdout.contains("name: web") && ran.stdout.contains("replicas: ${replicas}"),
            "{rule}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn a_variable_that_cannot_be_put_in_is_an_error_with_its_place() {
    let object = "apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  ${key}: a
  undefined: a ${dmoain} b
  unknown: ${zzz}
  fact: ${eks.oidcIssuer}
  default: ${domain:-x}
  open: ${domain
  run: |
    echo ${HOME}
";
    let ran = substituting("true", "domain: d", object).run(&["render", "dev"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn an_environment_may_have_its_files_in_another_repository() {
    let files = Repo::new().with("plain/web.yaml", &config_map("from-afar"));
    files.commit("first");
    let phases = "    - {name: all, manifests: {path: plain}}\n";
    let source = format!(
        "  source: {{git: {{url: \"file://{}\", ref: {{branch: main}}}}}}\n",
        files.path().display()
    );
    let repo = Repo::new().with(
        "environments/dev.yaml",
        &(environment("dev", phases) + &source),
    );

    let ran = repo.run(&["check"]);
    assert_eq!(
        ran.code, 0,
        "offline, nothing can be said of it: {}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("was never fetched on this machine, so its phases are not checked"),
        "{}",
        ran.stderr
    );

    let ran = repo.run(&["render", "dev"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("name: from-afar"), "{}", ran.stdout);
    let ran = repo.run(&["check"]);
    assert!(
        ran.stderr
            .ends_with("1 environment, 1 phase, 1 object: all good\n"),
        "{}",
        ran.stderr
    );

    files.write("plain/web.yaml", "a: [\n");
    files.commit("broken");
    let ran = repo.run(&["render", "dev"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("plain/web.yaml:1:4"), "{}", ran.stderr);
    let ran = repo.run(&["diff", "dev", "--base", "HEAD"]);
    assert_eq!(ran.code, 2);
}

const CHART: [(&str, &str); 4] = [
    (
        "charts/web/Chart.yaml",
        "{apiVersion: v2, name: web, version: 1.0.0}",
    ),
    ("charts/web/values.yaml", "word: hello\n"),
    (
        "charts/web/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {word: {{ .Values.word }}}\n",
    ),
    (
        "charts/web/templates/b.yaml",
        "{{- if .Values.draw }}\napiVersion: v1\nkind: Secret\nmetadata: {name: drawn}\nstringData: {a: {{ randAlphaNum 8 }}}\n{{- end }}\n",
    ),
];

fn with_chart() -> Repo {
    let repo = Repo::small();
    CHART
        .iter()
        .fold(repo, |repo, (path, text)| repo.with(path, text))
}

#[test]
fn the_folder_of_a_chart_is_rendered_with_its_own_values() {
    let ran = with_chart().run(&["render", "charts/web"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (
            0,
            "apiVersion: v1\ndata:\n  word: hello\nkind: ConfigMap\nmetadata:\n  name: release-name\n  namespace: default\n"
        ),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_chart_that_draws_is_said_to_be_nondeterministic() {
    let phases =
        "    - {name: web, helm: {chart: charts/web, release: web, inline: {draw: true}}}\n";
    let repo = with_chart().with("environments/dev.yaml", &environment("dev", phases));
    let ran = repo.run(&["render", "dev"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(
            "the release `default/web` is nondeterministic: its chart draws by `randAlphaNum`"
        ),
        "{}",
        ran.stderr
    );
    assert_ne!(ran.stdout, repo.run(&["render", "dev"]).stdout);
}

#[test]
fn flags_of_helm_that_cannot_be_honoured_say_what_to_do_instead() {
    let repo = with_chart();
    for flag in [
        "--validate",
        "--dry-run=server",
        "--post-renderer=cat",
        "--post-renderer-args=x",
        "--enable-dns",
        "--verify",
    ] {
        let ran = repo.run(&["helm", "template", "web", "charts/web", flag]);
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        assert_eq!(ran.code, 1, "{flag}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(name) && ran.stderr.contains("help: "),
            "{flag}: {}",
            ran.stderr
        );
    }
    let plain = repo.run(&["helm", "template", "web", "charts/web"]);
    for flag in [
        "--wait",
        "--atomic",
        "--timeout=5m",
        "--force",
        "--kube-context=x",
        "--dry-run",
        "-la=b",
        "--skip-crds",
        "--devel",
    ] {
        let ran = repo.run(&["helm", "template", "web", "charts/web", flag]);
        assert_eq!(
            (ran.code, &ran.stdout),
            (0, &plain.stdout),
            "{flag}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_release_without_a_name_or_a_namespace_is_called_as_helm_calls_it() {
    let repo = with_chart().with(
        "charts/web/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\", namespace: \"{{ .Release.Namespace }}\"}\n",
    );
    let printed = |args: &[&str]| {
        let ran = repo.run(&[&["helm", "template"], args].concat());
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
        let line = ran.stdout.lines().find(|line| line.starts_with("metadata"));
        line.unwrap().to_owned()
    };
    let plain = "metadata: {name: \"release-name\", namespace: \"default\"}";
    for args in [
        &["charts/web"][..],
        &["-g", "charts/web"],
        &["--generate-name", "charts/web", "--namespace="],
        &["charts/web", "-n", ""],
    ] {
        assert_eq!(printed(args), plain, "{args:?}");
    }
    assert_eq!(
        printed(&[
            "charts/web",
            "--name-template",
            "{{ \"Web\" | lower }}-1",
            "--namespace=hub"
        ]),
        "metadata: {name: \"web-1\", namespace: \"hub\"}"
    );
    for flag in ["--generate-name", "--name-template=x"] {
        let ran = repo.run(&["helm", "template", "web", "charts/web", flag]);
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        assert_eq!(ran.code, 1, "{flag}");
        let said = format!("Error: cannot set {name} and also specify a name");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
}
