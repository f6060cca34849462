//! Releases with `cleanupOnFail`: what a run has made of one that fails goes again, and nothing else.

use std::fs;

use tempfile::TempDir;
use trueup::{
    apply::Options,
    pipeline,
    report::{ActionResult, Outcome, Report},
};

use crate::{
    charts::{again_without_a_write, repository, run, settled},
    harness::{World, on_embedded, on_every_server},
};

const ENVIRONMENT: &str = "\
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: charts}
spec:
  cluster: {embedded: {}}
  phases:
    - {name: namespace, manifests: {path: namespace.yaml}}
    - {name: web, timeout: 20s, helm: {chart: chart, release: web, namespace: TAG, cleanupOnFail: true}}
";

fn chart(world: &World, templates: &[(&str, &str)]) -> TempDir {
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}";
    let namespace = namespace.replace("TAG", &world.tag);
    let folder = repository(
        &ENVIRONMENT.replace("TAG", &world.tag),
        &[
            ("namespace.yaml", &namespace),
            (
                "chart/Chart.yaml",
                "{apiVersion: v2, name: web, version: 1.0.0}",
            ),
        ],
    );
    for (name, text) in templates {
        put(&folder, name, text);
    }
    folder
}

fn put(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join("chart/templates").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn map(name: &str, word: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{word: {word}}}}}\n"
    )
}

/// No Service has such a port.
const BAD: &str =
    "{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {ports: [{port: 99999}]}}\n";
const CLAIM: &str = "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

async fn reconcile(world: &World, folder: &TempDir) -> Report {
    let prepared = settled(world, folder.path()).await.unwrap();
    pipeline::reconcile(&prepared, &world.session, &Options::default()).await
}

async fn there(world: &World, words: &str) -> bool {
    world.live(words).await.is_some()
}

#[test]
fn what_a_run_has_made_of_a_release_that_fails_goes_again_and_nothing_else() {
    on_every_server(async |mut world| {
        let folder = chart(&world, &[("old.yaml", &map("old", "one"))]);
        run(&world, folder.path()).await;
        let old = world.live("v1 ConfigMap TAG/old").await.unwrap();
        let theirs = "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: TAG}, data: {word: one}}";
        world.apply_as("somebody", theirs).await;

        put(&folder, "old.yaml", &map("old", "two"));
        put(&folder, "new.yaml", &map("new", "one"));
        put(&folder, "theirs.yaml", &map("theirs", "one"));
        let kept = map("kept", "one").replace(
            "name: kept",
            "name: kept, annotations: {helm.sh/resource-policy: keep}",
        );
        put(&folder, "kept.yaml", &kept);
        put(&folder, "claim.yaml", CLAIM);
        put(&folder, "bad.yaml", BAD);
        world.restart();
        let report = reconcile(&world, &folder).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert!(!there(&world, "v1 ConfigMap TAG/new").await, "{report}");
        for words in [
            "v1 ConfigMap TAG/theirs",
            "v1 ConfigMap TAG/kept",
            "v1 PersistentVolumeClaim TAG/claim",
            "v1 Namespace TAG",
        ] {
            assert!(there(&world, words).await, "{words} on {}", world.server);
        }
        let changed = world.live("v1 ConfigMap TAG/old").await.unwrap();
        assert_eq!(
            (changed.uid(), changed.text(&["data", "word"])),
            (old.uid(), "two")
        );
        let with = |result| {
            let all = report.cleaned_up.iter();
            all.filter(move |one| one.result == result)
                .map(|one| one.object.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(with(ActionResult::Done), ["new"], "{report}");
        let mut stays = with(ActionResult::Skipped);
        stays.sort();
        assert_eq!(stays, ["claim", "kept"], "{report}");
        assert_eq!(report.counts.cleaned_up, 1);
        let text = report.to_string();
        for words in [
            "new is deleted again: this run had made it, and its release failed",
            "claim stays: its release failed, and a PersistentVolumeClaim goes only where",
            "1 cleaned up",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }

        // It fails as long as it is wrong, with the same end; mended, all of it is there.
        world.restart();
        let report = reconcile(&world, &folder).await;
        assert_eq!(report.counts.cleaned_up, 1, "{report}");
        fs::remove_file(folder.path().join("chart/templates/bad.yaml")).unwrap();
        world.restart();
        run(&world, folder.path()).await;
        assert!(there(&world, "v1 ConfigMap TAG/new").await);
        again_without_a_write(&mut world, folder.path()).await;
    });
}

#[test]
fn without_being_asked_nothing_of_a_release_that_fails_goes() {
    on_every_server(async |world| {
        let folder = chart(
            &world,
            &[("new.yaml", &map("new", "one")), ("bad.yaml", BAD)],
        );
        let environment = folder.path().join("environments/charts.yaml");
        let text = fs::read_to_string(&environment).unwrap();
        fs::write(&environment, text.replace(", cleanupOnFail: true", "")).unwrap();
        let report = reconcile(&world, &folder).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert!(there(&world, "v1 ConfigMap TAG/new").await, "{report}");
        assert!(report.cleaned_up.is_empty(), "{report}");
    });
}

#[test]
fn a_hook_that_fails_after_the_objects_takes_them_along_and_stays_to_be_looked_at() {
    on_embedded(async |world, _| {
        let job = "\
apiVersion: batch/v1
kind: Job
metadata: {name: smoke, annotations: {helm.sh/hook: post-install}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'x.test/a:1'}]}}}
";
        let folder = chart(
            &world,
            &[("new.yaml", &map("new", "one")), ("job.yaml", job)],
        );
        let failing = async {
            world.until_there("batch/v1 Job TAG/smoke").await;
            assert!(there(&world, "v1 ConfigMap TAG/new").await);
            let status = "{apiVersion: batch/v1, kind: Job, metadata: {name: smoke, namespace: TAG}, status: {failed: 1, \
                          conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: no luck}]}}";
            world.set_status(status).await;
        };
        let (report, ()) = tokio::join!(reconcile(&world, &folder), failing);
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert!(!there(&world, "v1 ConfigMap TAG/new").await, "{report}");
        assert!(there(&world, "batch/v1 Job TAG/smoke").await, "{report}");
    });
}

#[test]
fn what_does_not_become_healthy_goes_with_all_that_was_made_beside_it() {
    on_embedded(async |world, _| {
        let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'x.test/web:1'}]}
";
        let folder = chart(
            &world,
            &[("new.yaml", &map("new", "one")), ("web.yaml", deployment)],
        );
        let failing = async {
            world.until_there("apps/v1 Deployment TAG/web").await;
            let status = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: TAG}, status: {observedGeneration: 1, \
                          conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: no luck}]}}";
            world.set_status(status).await;
        };
        let (report, ()) = tokio::join!(reconcile(&world, &folder), failing);
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert_eq!(report.counts.cleaned_up, 2, "{report}");
        for words in ["v1 ConfigMap TAG/new", "apps/v1 Deployment TAG/web"] {
            assert!(!there(&world, words).await, "{words}: {report}");
        }
    });
}
