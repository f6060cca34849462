//! Hooks and definitions of charts on a server: run once, run again where the release changes, and gone on with after a crash.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use trueup::{
    apply::Options,
    cluster::{Cluster, Freshness, Selection},
    pipeline,
    report::Outcome,
};
use trueup_manifest::Gvk;

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
    - {name: web, helm: {chart: chart, release: web, namespace: TAG, createNamespace: true, inline: {word: one}}}
";

const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: NAME
  annotations: {helm.sh/hook: 'EVENTS', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'x.test/a:1'}]}}
";

fn chart() -> TempDir {
    let job = |name: &str, events: &str| JOB.replace("NAME", name).replace("EVENTS", events);
    let (migrate, seed) = (
        job("migrate", "pre-install,pre-upgrade"),
        job("seed", "post-install"),
    );
    let test = job("probe", "test");
    repository(
        ENVIRONMENT,
        &[
            (
                "chart/Chart.yaml",
                "{apiVersion: v2, name: web, version: 1.0.0}",
            ),
            ("chart/templates/migrate.yaml", &migrate),
            ("chart/templates/seed.yaml", &seed),
            ("chart/templates/probe.yaml", &test),
            (
                "chart/templates/config.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {word: {{ .Values.word }}}\n",
            ),
        ],
    )
}

fn change(folder: &TempDir, from: &str, to: &str) {
    let path = folder.path().join("environments/charts.yaml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Lets every Job of the test succeed as soon as it is there, for ever.
async fn finish_jobs(world: &World) {
    let kinds = world.cluster.kinds(Freshness::Cached).await.unwrap();
    let jobs = kinds.get(&Gvk::new("batch/v1", "Job")).unwrap().clone();
    let mut done = BTreeSet::new();
    loop {
        let selection = Selection {
            namespace: world.tag.clone(),
            ..Selection::default()
        };
        for job in Cluster::list(&*world.cluster, &jobs, &selection)
            .await
            .unwrap()
            .items
        {
            if job.is_terminating() || !done.insert(job.uid().to_owned()) {
                continue;
            }
            let name = job.text(&["metadata", "name"]);
            let status = format!(
                "{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}, namespace: TAG}}, status: {{succeeded: 1, \
                 startTime: '2024-01-01T00:00:00Z', completionTime: '2024-01-01T00:00:01Z', conditions: [\
                 {{type: SuccessCriteriaMet, status: 'True', lastTransitionTime: '2024-01-01T00:00:01Z'}}, \
                 {{type: Complete, status: 'True', lastTransitionTime: '2024-01-01T00:00:01Z'}}]}}}}"
            );
            // It may have been made anew meanwhile.
            if let Err(error) = world.try_set_status(&status).await {
                assert!(error.is_not_found(), "{error}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn uid(world: &World, name: &str) -> String {
    let live = world
        .live(&format!("batch/v1 Job TAG/{name}"))
        .await
        .unwrap();
    live.uid().to_owned()
}

/// Reconciles while a second process lets Jobs succeed.
async fn converge(world: &World, folder: &TempDir) {
    let controller = world.second("controller").await;
    tokio::select! {
        _ = run(world, folder.path()) => {}
        () = finish_jobs(&controller) => {}
    }
}

#[test]
fn a_hook_is_run_once_and_again_where_the_release_changes() {
    on_every_server(async |mut world| {
        let folder = chart();
        change(&folder, "TAG", &world.tag);
        converge(&world, &folder).await;
        assert!(
            world.live("batch/v1 Job TAG/probe").await.is_none(),
            "tests are not run"
        );
        let (migrate, seed) = (uid(&world, "migrate").await, uid(&world, "seed").await);
        again_without_a_write(&mut world, folder.path()).await;
        assert_eq!(
            (&migrate, &seed),
            (&uid(&world, "migrate").await, &uid(&world, "seed").await)
        );
        change(&folder, "word: one", "word: two");
        world.restart();
        converge(&world, &folder).await;
        assert_ne!(
            migrate,
            uid(&world, "migrate").await,
            "an upgrade runs it anew"
        );
        assert_eq!(
            seed,
            uid(&world, "seed").await,
            "a hook of installs is run once"
        );
        again_without_a_write(&mut world, folder.path()).await;
    });
}

#[test]
fn a_hook_that_fails_holds_back_the_release_and_is_not_tried_again_and_again() {
    on_embedded(async |mut world, _| {
        let folder = chart();
        change(&folder, "TAG", &world.tag);
        let failing = async {
            world.until_there("batch/v1 Job TAG/migrate").await;
            let status = "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, namespace: TAG}, status: {failed: 1, \
                          conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: no luck}]}}";
            world.set_status(status).await;
        };
        let prepared = settled(&world, folder.path()).await.unwrap();
        let options = Options::default();
        let reconciling = pipeline::reconcile(&prepared, &world.session, &options);
        let (report, ()) = tokio::join!(reconciling, failing);
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(report.to_string().contains("no luck"), "{report}");
        assert!(
            world.live("v1 ConfigMap TAG/config").await.is_none(),
            "what comes after waits"
        );
        let failed = uid(&world, "migrate").await;
        world.restart();
        let report = pipeline::reconcile(&prepared, &world.session, &options).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(
            failed,
            uid(&world, "migrate").await,
            "the same release does not run it twice"
        );
        // Another release does.
        change(&folder, "word: one", "word: two");
        converge(&world, &folder).await;
        assert_ne!(failed, uid(&world, "migrate").await);
    });
}

/// The death of the process at any request between two releases, and the next one that goes on.
#[test]
fn a_release_that_is_cut_off_is_gone_on_with_and_runs_no_hook_twice() {
    let ended = AtomicBool::new(false);
    for at in (1..400).step_by(7) {
        on_embedded(async |mut world, _| {
            let folder = chart();
            change(&folder, "TAG", &world.tag);
            world.restart_as("the same", Duration::from_hours(1));
            converge(&world, &folder).await;
            change(&folder, "word: one", "word: two");
            let controller = world.second("controller").await;
            world.cluster.die_at(at);
            let survived = tokio::select! {
                _ = run(&world, folder.path()) => true,
                () = world.cluster.death() => false,
                () = finish_jobs(&controller) => false,
            };
            ended.store(survived, Ordering::SeqCst);
            world.cluster.die_at(u64::MAX);
            // Whether the hook of the new release stands already: its mark is another one than before.
            let mark = async |world: &World| {
                let live = world.live("batch/v1 Job TAG/migrate").await;
                live.map(|live| {
                    let path = [
                        "spec",
                        "template",
                        "metadata",
                        "annotations",
                        "trueup.dev/hook-run",
                    ];
                    (live.text(&path).to_owned(), live.uid().to_owned())
                })
            };
            let before = mark(&controller).await;
            world.restart_as("the same", Duration::from_hours(1));
            converge(&world, &folder).await;
            let after = mark(&controller).await.unwrap();
            if let Some(before) = before.filter(|before| before.0 == after.0) {
                assert_eq!(
                    before.1, after.1,
                    "at {at}: a hook that stood was run again"
                );
            }
            let config = world.live("v1 ConfigMap TAG/config").await.unwrap();
            assert_eq!(config.text(&["data", "word"]), "two");
            again_without_a_write(&mut world, folder.path()).await;
        });
        if ended.load(Ordering::SeqCst) {
            break;
        }
    }
    assert!(ended.into_inner(), "the walk comes to the end of the run");
}

fn definition(world: &World, more: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{tag}.test.dev}}\nspec:\n  \
         group: {tag}.test.dev\n  scope: Namespaced\n  names: {{kind: Thing, plural: things, singular: thing, listKind: ThingList}}\n  \
         versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, \
         properties: {{{more}}}}}}}}}}}}}]\n",
        tag = world.tag
    )
}

#[test]
fn definitions_of_a_chart_are_kept_up_to_date_and_what_is_to_be_kept_stays_when_the_release_goes() {
    on_every_server(async |world| {
        let thing = "apiVersion: TAG.test.dev/v1\nkind: Thing\nmetadata: {name: thing}\nspec: {size: 3, color: {{ .Values.word }}}\n";
        let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}\n";
        let plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n";
        let first = definition(&world, "size: {type: integer}, color: {type: string}");
        let folder = repository(
            &ENVIRONMENT.replace("TAG", &world.tag).replace(
                "  phases:\n",
                "  reconcile: {deletionBudget: {count: 20}}\n  phases:\n    - {name: other, manifests: {path: other.yaml}}\n",
            ),
            &[
                ("other.yaml", &"{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: TAG-other}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: TAG-other}}\n".replace("TAG", &world.tag)),
                ("chart/Chart.yaml", "{apiVersion: v2, name: web, version: 1.0.0}"),
                ("chart/crds/things.yaml", &first),
                ("chart/templates/thing.yaml", &thing.replace("TAG", &world.tag)),
                ("chart/templates/kept.yaml", kept),
                ("chart/templates/plain.yaml", plain),
            ],
        );
        run(&world, folder.path()).await;
        let words = format!("{}.test.dev/v1 Thing TAG/thing", world.tag);
        assert!(world.live(&words).await.is_some());
        // A new version of the chart brings a field with its definition.
        let newer = definition(
            &world,
            "size: {type: integer}, color: {type: string}, weight: {type: integer}",
        );
        fs::write(folder.path().join("chart/crds/things.yaml"), newer).unwrap();
        let template = folder.path().join("chart/templates/thing.yaml");
        let text = fs::read_to_string(&template)
            .unwrap()
            .replace("size: 3", "size: 3, weight: 7");
        fs::write(template, text).unwrap();
        run(&world, folder.path()).await;
        let thing = world.live(&words).await.unwrap();
        assert_eq!(thing.at(&["spec", "weight"]), Some(&serde_json::json!(7)));
        // The release goes; its namespace, its definitions and what is marked stay.
        let environment = folder.path().join("environments/charts.yaml");
        let text = fs::read_to_string(&environment).unwrap();
        let lines = text.lines().filter(|line| !line.contains("name: web"));
        fs::write(&environment, lines.collect::<Vec<_>>().join("\n")).unwrap();
        let (_, report) = run(&world, folder.path()).await;
        assert!(
            world.live("v1 ConfigMap TAG/plain").await.is_none(),
            "{report}"
        );
        for words in [
            "v1 ConfigMap TAG/kept".to_owned(),
            "v1 Namespace TAG".to_owned(),
        ] {
            assert!(
                world.live(&words).await.is_some(),
                "{words} on {}: {report}",
                world.server
            );
        }
        let words = format!(
            "apiextensions.k8s.io/v1 CustomResourceDefinition things.{}.test.dev",
            world.tag
        );
        assert!(world.live(&words).await.is_some(), "{report}");
    });
}
