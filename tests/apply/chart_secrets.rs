//! Secrets among the values of charts: nothing that the program says or writes down holds one, whatever becomes of them.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use trueup::{apply::Options, pipeline};

use crate::{
    charts::{again_without_a_write, repository, run, settled},
    harness::{World, on_embedded, on_every_server},
};

const SECRET: &str = "swordfish-of-the-chart";

const ENVIRONMENT: &str = "\
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: charts}
spec:
  cluster: {embedded: {}}
  phases:
    - name: web
      helm:
        chart: chart
        release: web
        namespace: TAG
        valuesFrom:
          - {secret: given, key: token, targetPath: auth.token}
          - {configMap: given, key: more.yaml}
";

/// A secret in all kinds of places, most of them where none should be.
const TEMPLATE: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: leaky
  namespace: {{ .Release.Namespace }}
  annotations: {note: {{ .Values.auth.token | quote }}}
data:
  plain: {{ .Values.auth.token }}
  coded: {{ printf "user:%s" .Values.auth.token | b64enc }}
  file.yaml: |
{{ toYaml .Values.auth | indent 4 }}
  json: {{ toJson .Values.auth | quote }}
  template: {{ tpl "{{ .Values.auth.token }}" . }}
  looked: {{ with (lookup "v1" "Secret" .Release.Namespace "given").data }}{{ .token | b64dec }}{{ else }}none{{ end }}
  more: {{ .Values.more }}
"#;

const BROKEN: &str =
    "{{ if .Values.broken }}{{ fail (printf \"no good: %s\" .Values.auth.token) }}{{ end }}\n";
const NO_YAML: &str = "{{ if .Values.noYaml }}a: [{{ .Values.auth.token }}\n{{ end }}";

fn files() -> [(&'static str, &'static str); 4] {
    [
        (
            "chart/Chart.yaml",
            "{apiVersion: v2, name: leaky, version: 1.0.0}",
        ),
        ("chart/templates/leaky.yaml", TEMPLATE),
        ("chart/templates/broken.yaml", BROKEN),
        ("chart/templates/no-yaml.yaml", NO_YAML),
    ]
}

async fn give(world: &World, token: &str) {
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}";
    world.apply_as("admin", namespace).await;
    let secret = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: given, namespace: TAG}}, stringData: {{token: {token}}}}}"
    );
    world.apply_as("admin", &secret).await;
    let more = "{apiVersion: v1, kind: ConfigMap, metadata: {name: given, namespace: TAG}, data: {more.yaml: 'more: open-to-all'}}";
    world.apply_as("admin", more).await;
}

/// The forms in which a secret would be found.
fn forms(secret: &str) -> Vec<String> {
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
    ]
}

fn check(said: &str, what: &str) {
    for form in forms(SECRET) {
        assert!(!said.contains(&form), "{what} says a secret:\n{said}");
    }
}

#[test]
fn secrets_among_values_are_masked_in_plans_and_reports_and_reach_the_cluster() {
    on_every_server(async |mut world| {
        give(&world, SECRET).await;
        let folder = repository(&ENVIRONMENT.replace("TAG", &world.tag), &files());
        let (_, report) = run(&world, folder.path()).await;
        let leaky = world.live("v1 ConfigMap TAG/leaky").await.unwrap();
        assert_eq!(leaky.text(&["data", "plain"]), SECRET);
        assert_eq!(leaky.text(&["data", "looked"]), SECRET);
        assert_eq!(leaky.text(&["data", "more"]), "open-to-all");
        check(
            &format!("{report}{}", serde_json::to_string(&report).unwrap()),
            "the report",
        );
        again_without_a_write(&mut world, folder.path()).await;

        // Somebody changes it: the old value and the new one are both secret.
        let other = serde_json::json!({"data": {"plain": "open", "coded": "open", "json": "open"}});
        world.patch("v1 ConfigMap TAG/leaky", other).await;
        let prepared = settled(&world, folder.path()).await.unwrap();
        let planned = pipeline::plan(&prepared, &world.session, trueup::plan::Consent::default());
        let plan = planned.await.unwrap().plan;
        let text = serde_json::to_string(&*plan).unwrap();
        assert!(
            text.contains("data.plain") && text.contains("***"),
            "{text}"
        );
        check(&text, "the plan");
        let report = pipeline::reconcile(&prepared, &world.session, &Options::default()).await;
        assert_eq!(report.counts.configured, 1, "{report}");
    });
}

#[test]
fn a_missing_secret_is_an_error_that_names_it_and_an_optional_one_is_none() {
    on_every_server(async |world| {
        let environment = ENVIRONMENT.replace("TAG", &world.tag);
        let folder = repository(&environment, &files());
        let findings = settled(&world, folder.path()).await.unwrap_err();
        let text = findings.to_string();
        let named = format!("`Secret {}/given` is not there", world.tag);
        assert!(text.contains(&named), "{text}");
        let optional = environment
            .replace(
                "targetPath: auth.token}",
                "targetPath: auth.token, optional: true}",
            )
            .replace("key: more.yaml}", "key: more.yaml, optional: true}");
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Values.auth | default \"none\" }}}\n";
        let folder = repository(
            &optional,
            &[
                (
                    "chart/Chart.yaml",
                    "{apiVersion: v2, name: c, version: 1.0.0}",
                ),
                ("chart/templates/a.yaml", template),
            ],
        );
        settled(&world, folder.path()).await.unwrap();
    });
}

fn trueup(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trueup"))
        .current_dir(folder)
        .args(args)
        .arg("--kubeconfig=kubeconfig")
        .env("RUST_LOG", "trace,hyper_util=debug")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What a run says, all of it.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn the_whole_program_says_no_secret_of_a_chart_even_at_trace_level() {
    on_embedded(async |world, server| {
        give(&world, SECRET).await;
        let folder = repository(&ENVIRONMENT.replace("TAG", &world.tag), &files());
        let folder = folder.path();
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
            server.url()
        );
        fs::write(folder.join("kubeconfig"), kubeconfig).unwrap();
        let run = async |args: &[&str], code: i32| {
            let (folder, args) = (
                folder.to_owned(),
                args.iter().map(ToString::to_string).collect::<Vec<_>>(),
            );
            let output = tokio::task::spawn_blocking(move || {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                trueup(&folder, &args)
            });
            let output = output.await.unwrap();
            let said = said(&output);
            assert_eq!(output.status.code(), Some(code), "{said}");
            check(&said, "the program");
            said
        };
        for format in ["text", "json", "yaml", "markdown"] {
            run(&["diff", "charts", "-o", format], 1).await;
        }
        run(&["render", "charts"], 0).await;
        run(&["plan", "charts", "-o", "plan.json"], 0).await;
        check(
            &fs::read_to_string(folder.join("plan.json")).unwrap(),
            "the saved plan",
        );
        run(&["reconcile", "charts"], 0).await;
        let drift = serde_json::json!({"data": {"plain": "open", "coded": "open"}});
        world.patch("v1 ConfigMap TAG/leaky", drift).await;
        for format in ["text", "json", "markdown"] {
            let said = run(&["diff", "charts", "-o", format], 1).await;
            assert!(said.contains("***"), "{said}");
        }
        // Templates that fail with the secret in their mouth.
        let environment = folder.join("environments/charts.yaml");
        let sound = fs::read_to_string(&environment).unwrap();
        for (values, word) in [
            ("{broken: true}", "***"),
            ("{noYaml: true}", "is not closed"),
        ] {
            let broken = sound.replace(
                "        chart: chart\n",
                &format!("        chart: chart\n        inline: {values}\n"),
            );
            fs::write(&environment, broken).unwrap();
            let said = run(&["reconcile", "charts"], 1).await;
            assert!(said.contains(word), "{said}");
        }
        fs::write(&environment, sound).unwrap();
        // Events and status of the cluster.
        let target = world
            .target(&format!("trueup.dev/v1 Environment {}", "charts"))
            .await;
        let live = trueup::cluster::Cluster::get(&*world.cluster, &target)
            .await
            .unwrap();
        check(&live.unwrap().value().to_string(), "the Environment object");
    });
}
