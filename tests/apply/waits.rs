//! Phases that wait for their objects, and runs that are told to stop.

use std::time::Duration;

use trueup::{
    apply::{Event, Events, Options, Stop, stopping},
    report::{ActionResult, Outcome, PhaseResult},
};

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: example.com/api:1}]}}
";
const AFTER: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: TAG}\ndata: {a: b}\n";
const READY: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}
";

const PHASES: [(&str, &str); 3] = [("pre", NAMESPACE), ("app", DEPLOYMENT), ("after", AFTER)];

#[test]
fn the_next_phase_begins_when_the_one_before_is_healthy() {
    on_every_server(async |mut world| {
        world.wait = true;
        let (events, mut receiver) = Events::channel();
        let options = Options {
            events,
            ..Options::default()
        };
        let controller = async {
            loop {
                if let Some(Event::Waiting { .. }) = receiver.recv().await {
                    assert!(world.live("v1 ConfigMap TAG/after").await.is_none());
                    world.set_status(READY).await;
                    return receiver;
                }
            }
        };
        let (report, mut receiver) =
            tokio::join!(world.reconcile_with(&PHASES, &options), controller);
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        let mut healthy = false;
        while let Ok(event) = receiver.try_recv() {
            healthy |= matches!(event, Event::Healthy { id } if id.name == "api");
        }
        assert!(healthy, "the listener is told");
        let report = world.converge(&PHASES).await;
        assert_eq!(report.counts.unchanged, 3);
    });
}

#[test]
fn what_does_not_become_healthy_in_time_says_why_and_stops_what_comes_after() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.timeout = Duration::from_millis(500);
        let report = world.reconcile(&PHASES).await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        let results: Vec<ActionResult> =
            report.actions.iter().map(|action| action.result).collect();
        assert_eq!(
            results,
            [
                ActionResult::Done,
                ActionResult::Unhealthy,
                ActionResult::Skipped
            ]
        );
        let error = report.all_errors().next().unwrap();
        assert_eq!(error.code, "apply/unhealthy");
        assert!(
            error.message.contains("no controller has seen it yet"),
            "{error}"
        );
        let help = error.help.as_deref().unwrap();
        assert!(
            help.contains("kubectl -n ") && help.contains("describe deployment.apps/api"),
            "{help}"
        );
        // Nothing was changed since, and still it is not healthy.
        let report = world.reconcile(&PHASES).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(report.phases[2].result, PhaseResult::Skipped);
    });
}

#[test]
fn a_rollout_that_failed_is_not_waited_for() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.timeout = Duration::from_mins(5);
        let failed = READY.replace(
            "status: {",
            "status: {conditions: [{type: Progressing, status: \"False\", reason: ProgressDeadlineExceeded, message: too slow}], ",
        );
        let controller = async {
            world.until_there("apps/v1 Deployment TAG/api").await;
            world.set_status(&failed).await;
        };
        let (report, ()) = tokio::join!(world.reconcile(&PHASES), controller);
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(
            report
                .to_string()
                .contains("ProgressDeadlineExceeded: too slow"),
            "{report}"
        );
    });
}

/// Runs until something is waited for, then tells the run to stop.
async fn stop_while_waiting(world: &World, why: Stop) -> trueup::report::Report {
    let (events, mut receiver) = Events::channel();
    let (stopper, stopped) = stopping();
    let options = Options {
        events,
        stopped,
        ..Options::default()
    };
    let stop = async {
        while let Some(event) = receiver.recv().await {
            if matches!(event, Event::Waiting { .. }) {
                return stopper.stop(why);
            }
        }
    };
    let (report, ()) = tokio::join!(world.reconcile_with(&PHASES, &options), stop);
    report
}

#[test]
fn a_newer_revision_ends_the_wait_at_once() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.timeout = Duration::from_hours(1);
        let report = stop_while_waiting(&world, Stop::Superseded).await;
        assert_eq!(
            report.outcome,
            Outcome::Superseded,
            "on {}:\n{report}",
            world.server
        );
        let after = &report.actions[2];
        assert_eq!(after.result, ActionResult::Skipped);
        assert_eq!(after.because.as_deref(), Some("a newer revision took over"));
        assert_eq!(
            report.actions[1].result,
            ActionResult::Done,
            "it was applied"
        );
    });
}

#[test]
fn a_shutdown_ends_the_run_and_the_next_one_goes_on() {
    on_every_server(async |mut world| {
        world.wait = true;
        let report = stop_while_waiting(&world, Stop::Shutdown).await;
        assert_eq!(report.outcome, Outcome::Stopped);
        world.set_status(READY).await;
        let report = world.converge(&PHASES).await;
        assert_eq!(report.counts.created, 1);
    });
}

#[test]
fn an_object_that_is_being_deleted_is_created_anew_once_it_is_gone() {
    on_every_server(async |world| {
        world.converge(&PHASES).await;
        let words = "v1 ConfigMap TAG/after";
        let hold = serde_json::json!({"metadata": {"finalizers": ["example.com/hold"]}});
        let before = world.patch(words, hold).await;
        world.delete(words).await;
        let release = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            world
                .patch(words, serde_json::json!({"metadata": {"finalizers": null}}))
                .await;
        };
        let (report, ()) = tokio::join!(world.reconcile(&PHASES), release);
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        let after = world.live(words).await.unwrap();
        assert_ne!(after.uid(), before.uid());
        assert!(!after.is_terminating());
    });
}

#[test]
fn a_job_that_cleans_up_after_itself_has_succeeded() {
    const JOB: &str = "
apiVersion: batch/v1
kind: Job
metadata: {name: job, namespace: TAG}
spec:
  ttlSecondsAfterFinished: 0
  template: {spec: {restartPolicy: Never, containers: [{name: job, image: example.com/job:1}]}}
";
    on_every_server(async |mut world| {
        world.wait = true;
        let (events, mut receiver) = Events::channel();
        let options = Options {
            events,
            ..Options::default()
        };
        let controller = async {
            while let Some(event) = receiver.recv().await {
                if matches!(event, Event::Waiting { .. }) {
                    let words = "batch/v1 Job TAG/job";
                    world
                        .patch(words, serde_json::json!({"metadata": {"finalizers": null}}))
                        .await;
                    return world.delete(words).await;
                }
            }
        };
        let phases = [("pre", NAMESPACE), ("app", JOB), ("after", AFTER)];
        let (report, ()) = tokio::join!(world.reconcile_with(&phases, &options), controller);
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
    });
}

fn crd(plural: &str, kind: &str) -> String {
    format!(
        "---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.TAG.example.com}}
spec:
  group: TAG.example.com
  scope: Namespaced
  names: {{plural: {plural}, singular: {singular}, kind: {kind}, listKind: {kind}List}}
  versions:
  - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}
",
        singular = kind.to_lowercase()
    )
}

#[test]
fn health_that_is_seen_before_the_answer_to_the_apply_counts() {
    on_every_server(async |mut world| {
        world.timeout = Duration::from_secs(5);
        world
            .cluster
            .hold_crd(&format!("widgets.{}.example.com", world.tag));
        let crds = crd("gadgets", "Gadget") + &crd("widgets", "Widget");
        let object = |kind: &str| {
            format!(
                "---\napiVersion: TAG.example.com/v1\nkind: {kind}\nmetadata: {{name: one, namespace: TAG}}\n"
            )
        };
        let set = format!("{NAMESPACE}{crds}{}{}", object("Gadget"), object("Widget"));
        world.converge(&[("all", &set)]).await;
    });
}

#[test]
fn a_container_that_dies_again_and_again_is_told_with_how_it_ended_and_where_its_log_is() {
    const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: api-1, namespace: TAG, labels: {app: api}}
spec: {containers: [{name: api, image: example.com/api:1}]}
";
    const STATUS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: api-1, namespace: TAG}
status:
  phase: Running
  conditions: [{type: Ready, status: \"False\", reason: ContainersNotReady}]
  containerStatuses:
  - name: api
    image: example.com/api:1
    imageID: \"\"
    ready: false
    restartCount: 7
    state: {waiting: {reason: CrashLoopBackOff, message: back-off 5m0s}}
    lastState: {terminated: {exitCode: 137, reason: OOMKilled}}
";
    const EVENT: &str = "
apiVersion: v1
kind: Event
metadata: {name: api-1.dies, namespace: TAG}
involvedObject: {apiVersion: v1, kind: Pod, name: api-1, namespace: TAG, uid: UID}
type: Warning
reason: BackOff
message: Back-off restarting failed container api
lastTimestamp: 2026-11-21T10:00:00Z
";
    on_every_server(async |mut world| {
        world.converge(&[("pre", NAMESPACE)]).await;
        let account =
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: TAG}}";
        world.apply_as("test", account).await;
        let pod = world.apply_as("test", POD).await;
        world.set_status(STATUS).await;
        world
            .apply_as("test", &EVENT.replace("UID", pod.uid()))
            .await;
        world.wait = true;
        world.timeout = Duration::from_millis(500);
        let report = world.reconcile(&PHASES).await;
        let error = report.all_errors().next().unwrap();
        for words in [
            "pod `api-1`: container `api`: CrashLoopBackOff: back-off 5m0s",
            "it ended with OOMKilled, exit code 137 (7 restarts)",
            "BackOff: Back-off restarting failed container api",
        ] {
            assert!(
                error.message.contains(words),
                "on {}: {words}: {error}",
                world.server
            );
        }
        let help = error.help.as_deref().unwrap();
        let log = format!("`kubectl -n {} logs api-1 -c api --previous`", world.tag);
        assert!(help.contains(&log), "on {}: {help}", world.server);
    });
}
