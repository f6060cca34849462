//! Charts against the embedded API server, through the commands: what they look up is part of a plan.

use trueup_embedded::Server;
use trueup_testbed::Raw;

use crate::run::{Ran, Repo, environment};

const CONFIG: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  word: {{ dig "data" "word" "nothing" (lookup "v1" "ConfigMap" "hub" "seen") | quote }}
  sum: {{ dig "data" "key" "" (lookup "v1" "Secret" "hub" "known") | sha256sum }}
"#;

struct Scene {
    repo: Repo,
    server: Server,
}

impl Scene {
    /// An environment with a release of a chart that looks up a ConfigMap and a Secret.
    async fn new() -> Self {
        let phases = "    - {name: web, helm: {chart: chart, release: web, namespace: hub, createNamespace: true}}\n";
        let environment =
            environment("dev", phases).replace("embedded: {}", "kubeconfig: {path: kubeconfig}");
        let repo = Repo::new()
            .with("environments/dev.yaml", &environment)
            .with(
                "chart/Chart.yaml",
                "{apiVersion: v2, name: web, version: 1.0.0}",
            )
            .with("chart/templates/config.yaml", CONFIG);
        let server = Server::builder().start().await.unwrap();
        repo.write("kubeconfig", &server.kubeconfig());
        Self { repo, server }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        // The server answers on this runtime while the command runs.
        tokio::task::block_in_place(|| self.repo.run(arguments))
    }

    /// Makes an object of the namespace, or changes what it holds.
    async fn put(&self, kind: &str, name: &str, data: &str) {
        let plural = format!("{}s", kind.to_lowercase());
        let path =
            format!("/api/v1/namespaces/hub/{plural}/{name}?fieldManager=somebody&force=true");
        let body =
            format!("{{apiVersion: v1, kind: {kind}, metadata: {{name: {name}}}, data: {data}}}");
        let json = [("content-type", "application/apply-patch+yaml")];
        let raw = Raw::new(&self.server.url(), "");
        let answer = raw.send("PATCH", &path, &json, body).await.unwrap();
        assert!(answer.status < 300, "{}", answer.text());
    }

    async fn delete(&self, path: &str) {
        let raw = Raw::new(&self.server.url(), "");
        let path = format!("/api/v1/namespaces/hub/{path}");
        let answer = raw.send("DELETE", &path, &[], "").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// How many writes the server has seen since the last time.
    fn writes(&self) -> usize {
        let log = self.server.log();
        let writes = log.writes().iter().filter(|entry| !entry.dry_run).count();
        log.clear();
        writes
    }

    async fn word(&self) -> String {
        let raw = Raw::new(&self.server.url(), "");
        let path = "/api/v1/namespaces/hub/configmaps/web";
        let answer = raw.send("GET", path, &[], "").await.unwrap();
        let found: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        found["data"]["word"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_refused_once_what_a_chart_looked_up_has_changed() {
    let scene = Scene::new().await;
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.word().await, "nothing");
    scene.put("ConfigMap", "seen", "{word: one}").await;
    scene.put("Secret", "known", "{key: aHVudGVyMg==}").await;
    let plan = |scene: &Scene| {
        let ran = scene.run(&["plan", "dev", "-o", "plan.json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let text = scene.repo.read("plan.json");
        assert!(
            !text.contains("aHVudGVyMg") && !text.contains("hunter2"),
            "{text}"
        );
        scene.writes();
    };
    let refused = |scene: &Scene, what: &str| {
        let ran = scene.run(&["apply", "plan.json"]);
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        let said = format!(
            "error[plan/stale]: `{what}`, which a chart looks up, is not what it was when the plan was made"
        );
        let all = format!("{}{}", ran.stdout, ran.stderr);
        let help = "help: look at it with `trueup diff`, and plan again";
        assert!(all.contains(&said) && all.contains(help), "{said}\n{all}");
        assert_eq!(scene.writes(), 0, "{all}");
    };

    // It changes, and changes nothing of what the plan does: its answer is what the plan was made with.
    plan(&scene);
    scene
        .put("ConfigMap", "seen", "{word: one, other: two}")
        .await;
    scene.writes();
    refused(&scene, "ConfigMap hub/seen");
    // It changes what is rendered.
    plan(&scene);
    scene.put("ConfigMap", "seen", "{word: two}").await;
    scene.writes();
    refused(&scene, "ConfigMap hub/seen");
    // So does a Secret, of which nothing is shown.
    plan(&scene);
    scene.put("Secret", "known", "{key: c3dvcmRmaXNo}").await;
    scene.writes();
    refused(&scene, "Secret hub/known");
    // It is gone.
    plan(&scene);
    scene.delete("secrets/known").await;
    scene.writes();
    refused(&scene, "Secret hub/known");
    assert_eq!(
        scene.word().await,
        "nothing",
        "nothing of all that was applied"
    );

    // A plan whose answers still hold is applied, whatever else has changed.
    plan(&scene);
    scene.put("ConfigMap", "another", "{word: three}").await;
    let ran = scene.run(&["apply", "plan.json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.word().await, "two");
}
