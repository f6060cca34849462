//! The commands that talk to a cluster, against the embedded API server: `reconcile`, `diff`, `plan`
//! and `status`.

use trueup_embedded::Server;

use crate::run::{Ran, Repo, config_map, environment};

/// A repository and the server that its environment `dev` is on.
struct Scene {
    repo: Repo,
    server: Server,
}

impl Scene {
    async fn new() -> Self {
        let phases = "    - {name: pre, manifests: {path: pre}}\n    - {name: hub, manifests: {path: plain}}\n";
        let environment = environment("dev", phases)
            .replace("embedded: {}", "kubeconfig: {path: kubeconfig}")
            + "  reconcile: {deletionBudget: {count: 1}}\n";
        let in_hub =
            |name: &str| config_map(name).replace("metadata:\n", "metadata:\n  namespace: hub\n");
        let repo = Repo::new()
            .with("environments/dev.yaml", &environment)
            .with("pre/hub.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: hub}\n")
            .with("plain/a.yaml", &in_hub("a"))
            .with("plain/b.yaml", &in_hub("b"))
            .with("plain/c.yaml", &in_hub("c"))
            .with("plain/s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: hub}\nstringData: {p: hunter2}\n");
        let server = Server::builder().start().await.unwrap();
        repo.write("kubeconfig", &server.kubeconfig());
        Self { repo, server }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        // The server answers on this runtime while the command runs.
        tokio::task::block_in_place(|| self.repo.run(arguments))
    }

    /// How many writes the server has seen since the last time, leaving out dry runs.
    fn writes(&self) -> usize {
        let writes = self
            .server
            .log()
            .writes()
            .iter()
            .filter(|entry| !entry.dry_run)
            .count();
        self.server.log().clear();
        writes
    }
}

/// The output without what differs from run to run.
fn steady(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end().trim_matches(['(', ')']);
        let is_time = bare.len() == 20 && bare.ends_with('Z') && bare.as_bytes()[10] == b'T';
        let is_span = word.starts_with('(') && bare.contains('.') && bare.parse::<f64>().is_ok();
        if is_time || is_span {
            word.replace(bare, "TIME")
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_brought_to_what_the_repository_says() {
    let scene = Scene::new().await;

    let ran = scene.run(&["reconcile", "dev", "--dry-run"]);
    assert_eq!(ran.code, 2, "changes are pending: {}", ran.stderr);
    insta::assert_snapshot!("dry_run", steady(&ran.transcript()));
    assert_eq!(scene.writes(), 0, "a dry run writes nothing");

    let ran = scene.run(&["reconcile", "dev", "--once"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    insta::assert_snapshot!("first_run", steady(&ran.stdout));
    assert!(scene.writes() > 4);

    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        scene.writes(),
        0,
        "a second run writes nothing: {}",
        ran.stdout
    );
    let ran = scene.run(&["diff", "dev"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);

    let ran = scene.run(&["status", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    insta::assert_snapshot!("status", steady(&ran.stdout));
    let ran = scene.run(&["status", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value[0]["environment"], "dev");
    assert_eq!(value[0]["objects"]["Current"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_shown_field_by_field_and_then_made() {
    let scene = Scene::new().await;
    assert_eq!(scene.run(&["reconcile", "dev"]).code, 0);
    let file = scene
        .repo
        .read("plain/a.yaml")
        .replace("a: b", "a: c\n  text: |\n    one\n    two");
    scene.repo.write("plain/a.yaml", &file);
    let secret = scene
        .repo
        .read("plain/s.yaml")
        .replace("hunter2", "hunter3");
    scene.repo.write("plain/s.yaml", &secret);
    std::fs::remove_file(scene.repo.path().join("plain/c.yaml")).unwrap();

    let ran = scene.run(&["diff", "dev"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        !ran.stdout.contains("hunter") && !ran.stderr.contains("hunter"),
        "{}",
        ran.stdout
    );
    insta::assert_snapshot!("change", steady(&ran.transcript()));

    let ran = scene.run(&["diff", "dev", "-o", "markdown"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(!ran.stdout.contains("hunter"), "{}", ran.stdout);
    insta::assert_snapshot!("markdown", steady(&ran.stdout));

    let ran = scene.run(&["plan", "dev", "-o", "plan.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let plan = scene.repo.read("plan.json");
    assert!(
        !plan.contains("hunter") && !plan.contains("aHVudGVy"),
        "{plan}"
    );
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["prune"][0]["target"]["name"], "c");

    let ran = scene.run(&["reconcile", "dev", "-o", "json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["counts"]["configured"], 2);
    assert_eq!(report["counts"]["pruned"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_written_looked_at_and_applied_from_its_own_revision() {
    let scene = Scene::new().await;
    scene.repo.commit("one");
    let folder = tempfile::tempdir().unwrap();
    let file_of_plan = folder.path().join("plan.json").display().to_string();
    let ran = scene.run(&["plan", "dev", "-o", &file_of_plan]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // The checkout goes on; the plan is of its own revision.
    let file = scene.repo.read("plain/a.yaml").replace("a: b", "a: c");
    scene.repo.write("plain/a.yaml", &file);
    scene.repo.commit("two");
    let ran = scene.run(&["apply", &file_of_plan]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("5 created"), "{}", ran.stdout);
    scene.writes();
    let ran = scene.run(&["diff", "dev"]);
    assert!(
        ran.stdout.contains("-  a: b\n+  a: c  # plain/a.yaml:7:6"),
        "{}",
        ran.stdout
    );
    // A plan of what nobody has committed is of these files only.
    let file = file.replace("a: c", "a: d");
    scene.repo.write("plain/a.yaml", &file);
    let ran = scene.run(&["plan", "dev", "-o", &file_of_plan]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    scene
        .repo
        .write("plain/a.yaml", &file.replace("a: d", "a: e"));
    let ran = scene.run(&["apply", &file_of_plan]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("error[plan/stale]: the plan is of `main+changes@sha1:"),
        "{}",
        ran.stderr
    );
    assert_eq!(scene.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_said_once_where_both_streams_go_to_one_place() {
    let scene = Scene::new().await;
    let ran = tokio::task::block_in_place(|| scene.repo.run_merged(&["reconcile", "dev"]));
    let times = |what: &str| ran.matches(what).count();
    assert_eq!(times("+ ConfigMap hub/a"), 1, "{ran}");
    assert_eq!(times("converged: 5 created"), 1, "{ran}");
    std::fs::remove_file(scene.repo.path().join("plain/c.yaml")).unwrap();
    let ran = tokio::task::block_in_place(|| scene.repo.run_merged(&["reconcile", "dev"]));
    assert_eq!(ran.matches("ConfigMap hub/c").count(), 1, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_deletes_too_much_waits_for_somebody_to_confirm_it() {
    let scene = Scene::new().await;
    assert_eq!(scene.run(&["reconcile", "dev"]).code, 0);
    for file in ["plain/b.yaml", "plain/c.yaml"] {
        std::fs::remove_file(scene.repo.path().join(file)).unwrap();
    }
    scene.writes();
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("waits for confirmation"),
        "{}",
        ran.stdout
    );
    let ran = scene.run(&["status", "dev"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("Held"), "{}", ran.stdout);
    let ran = scene.run(&["reconcile", "dev", "--confirm"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("2 pruned"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_does_not_render_touches_nothing() {
    let scene = Scene::new().await;
    assert_eq!(scene.run(&["reconcile", "dev"]).code, 0);
    scene.writes();
    scene.repo.write("plain/a.yaml", "a: [\n");
    std::fs::remove_file(scene.repo.path().join("plain/b.yaml")).unwrap();
    for (command, code) in [("reconcile", 1), ("diff", 2), ("plan", 1)] {
        let ran = scene.run(&[command, "dev"]);
        assert_eq!(ran.code, code, "{command}");
        assert!(
            ran.stderr.contains("plain/a.yaml:1:4"),
            "{command}: {}",
            ran.stderr
        );
    }
    assert_eq!(scene.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_one_clear_error() {
    let scene = Scene::new().await;
    let Scene { repo, server } = scene;
    server.stop().await.unwrap();
    repo.write(
        "kubeconfig",
        &repo
            .read("kubeconfig")
            .replace("http://127.0.0.1:", "http://127.0.0.1:1/"),
    );
    let unknown = repo.run(&["status", "dev", "--kubeconfig", "nowhere"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("error[cluster/connect]"),
        "{}",
        unknown.stderr
    );
    assert!(unknown.stderr.ends_with("1 error\n"), "{}", unknown.stderr);
}

#[test]
fn what_is_not_built_is_said_before_anything_is_asked() {
    let repo = Repo::small().with(
        "environments/dev.yaml",
        &environment("dev", "    - {name: all, manifests: {path: plain}}\n")
            .replace("embedded: {}", "eks: {name: a, region: b}"),
    );
    for (arguments, code) in [
        (["reconcile", "dev"], 1),
        (["diff", "dev"], 2),
        (["plan", "dev"], 1),
    ] {
        let ran = repo.run(&arguments);
        assert_eq!(ran.code, code, "{arguments:?}");
        assert!(
            ran.stderr
                .contains("error[not-built]: `eks` clusters are not built yet"),
            "{}",
            ran.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_a_generated_name_runs_once_for_what_it_is() {
    let scene = Scene::new().await;
    let phases = "    - {name: pre, manifests: {path: pre}}\n    - {name: job, manifests: {path: job}, wait: false}\n";
    let environment =
        environment("dev", phases).replace("embedded: {}", "kubeconfig: {path: kubeconfig}");
    scene.repo.write("environments/dev.yaml", &environment);
    std::fs::create_dir(scene.repo.path().join("job")).unwrap();
    let job = |image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{generateName: migrate-, namespace: hub}}\nspec:\n  template:\n    \
             spec: {{restartPolicy: Never, containers: [{{name: a, image: {image}}}]}}\n"
        )
    };
    scene.repo.write("job/job.yaml", &job("one"));
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("+ Job.batch hub/migrate-"),
        "{}",
        ran.stdout
    );
    scene.writes();
    assert_eq!(scene.run(&["reconcile", "dev"]).code, 0);
    assert_eq!(scene.writes(), 0, "it has run");
    // Another Job runs, and the one before goes.
    scene.repo.write("job/job.yaml", &job("two"));
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("1 created, 1 pruned"), "{}", ran.stdout);

    scene.repo.write(
        "job/job.yaml",
        &job("two").replace("kind: Job", "kind: CronJob"),
    );
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("error[render/generate-name]")
            && ran.stderr.contains("job/job.yaml:3:26"),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_every_file_as_it_was() {
    let scene = Scene::new().await;
    let ran = scene.run(&["plan", "dev", "-o", "plan.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let before = scene.repo.read("plan.json");
    assert!(before.len() > 1024);
    let entries = || std::fs::read_dir(scene.repo.path()).unwrap().count();
    let count = entries();
    let limited = |arguments: &[&str]| {
        tokio::task::block_in_place(|| scene.repo.run_within("ulimit -f 0", arguments))
    };
    for arguments in [
        &["plan", "dev", "-o", "plan.json"][..],
        &["render", "dev", "-o", "plan.json"],
    ] {
        let ran = limited(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("plan.json"), "{}", ran.stderr);
        assert_eq!(scene.repo.read("plan.json"), before);
        assert_eq!(entries(), count, "nothing is left beside it");
    }
    // The cluster does not need the disk.
    let ran = limited(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_for_want_of_memory_is_followed_by_one_that_converges() {
    let scene = Scene::new().await;
    let mut ended_early = 0;
    // From too little to start with, up to enough.
    for mebibytes in (16..2_048).step_by(16) {
        let limit = format!("ulimit -v {}", mebibytes * 1024);
        let ran =
            tokio::task::block_in_place(|| scene.repo.run_within(&limit, &["reconcile", "dev"]));
        if ran.code == 0 {
            break;
        }
        ended_early += 1;
    }
    assert!(ended_early > 0, "no limit was low enough to end a run");
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    scene.writes();
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!((ran.code, scene.writes()), (0, 0), "{}", ran.stdout);
    let status: serde_json::Value =
        serde_json::from_str(&scene.run(&["status", "-o", "json"]).stdout).unwrap();
    assert_eq!(status[0]["objects"]["Current"], 5);
}

#[test]
fn the_embedded_server_needs_nothing_at_all() {
    let ran = Repo::small().run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("converged: 1 created"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_tool_owns_is_a_step_of_the_plan() {
    const MAP: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}, "data": {"a": "b", "old": "c"}}"#;
    let scene = Scene::new().await;
    assert_eq!(scene.run(&["reconcile", "dev"]).code, 0);
    let path = "/api/v1/namespaces/hub/configmaps?fieldManager=kubectl-client-side-apply";
    let json = [("content-type", "application/json")];
    let made = trueup_testbed::Raw::new(&scene.server.url(), "");
    let made = made.send("POST", path, &json, MAP).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let map = scene
        .repo
        .read("plain/a.yaml")
        .replace("name: a", "name: d");
    scene.repo.write("plain/d.yaml", &map);
    let step = "migrate ownership from kubectl-client-side-apply: 2 fields";
    let ran = scene.run(&["diff", "dev"]);
    assert!(ran.stdout.contains(step), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("\n-  old: c\n"), "{}", ran.stdout);
    let ran = scene.run(&["diff", "dev", "-o", "markdown"]);
    assert!(ran.stdout.contains(&format!("! {step}")), "{}", ran.stdout);
    let ran = scene.run(&["diff", "dev", "-o", "json"]);
    assert!(
        ran.stdout
            .contains("\"manager\": \"kubectl-client-side-apply\""),
        "{}",
        ran.stdout
    );
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.run(&["diff", "dev"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_checks_of_the_environment_hold_for_runs_and_for_the_status() {
    let scene = Scene::new().await;
    let checks = "  healthChecks:\n    - {kind: ConfigMap, name: a, current: data.a == 'z'}\n";
    let file = scene.repo.read("environments/dev.yaml");
    let file = file.replace("deletionBudget: {count: 1}", "timeout: 1s") + checks;
    scene.repo.write("environments/dev.yaml", &file);
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let all = ran.stdout + &ran.stderr;
    assert!(
        all.contains("`current` does not hold yet: data.a == 'z'"),
        "{all}"
    );
    let ran = scene.run(&["status", "dev", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(status[0]["objects"]["InProgress"], 1, "{status}");

    let map = scene.repo.read("plain/a.yaml").replace("a: b", "a: z");
    scene.repo.write("plain/a.yaml", &map);
    let ran = scene.run(&["reconcile", "dev"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    scene.repo.write(
        "environments/dev.yaml",
        &file.replace("data.a ==", "dota.a =="),
    );
    let ran = scene.run(&["check"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let all = ran.stdout + &ran.stderr;
    assert!(
        all.contains("there is no `dota`") && all.contains("environments/dev.yaml:"),
        "{all}"
    );
}
