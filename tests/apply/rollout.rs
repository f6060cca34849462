//! Rollouts on a cluster that really rolls them out.

use std::time::Duration;

use trueup::report::{ActionResult, Outcome};

use crate::harness::on_a_cluster_with_nodes;

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}, annotations: {}}
    spec: {containers: [{name: api, image: example.com/api:1}]}
";
const STATEFUL_SET: &str = "
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: TAG}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: example.com/db:1}]}
";
const DAEMON_SET: &str = "
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: TAG}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: example.com/agent:1}]}
";
const JOB: &str = "
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: TAG}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: example.com/migrate:1}]}}
";
const AFTER: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: TAG}\ndata: {a: b}\n";

#[test]
fn what_comes_after_a_rollout_begins_once_all_of_it_is_ready() {
    on_a_cluster_with_nodes(async |mut world| {
        world.timeout = Duration::from_mins(2);
        let app = DEPLOYMENT.to_owned() + STATEFUL_SET + DAEMON_SET + JOB;
        let phases = [("pre", NAMESPACE), ("app", app.as_str()), ("after", AFTER)];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.created, 6, "{report}");
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(live.value()["status"]["readyReplicas"], 3);
        let live = world.live("batch/v1 Job TAG/migrate").await.unwrap();
        assert_eq!(live.value()["status"]["succeeded"], 1);
        // A new image is rolled out, and awaited, too.
        let next = app.replace("api:1", "api:2");
        let phases = [("pre", NAMESPACE), ("app", next.as_str()), ("after", AFTER)];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.configured, 1, "{report}");
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(live.value()["status"]["observedGeneration"], 2);
        assert_eq!(live.value()["status"]["updatedReplicas"], 3);
    });
}

#[test]
fn a_rollout_that_never_becomes_ready_says_which_pods_why_and_where_to_look() {
    on_a_cluster_with_nodes(async |mut world| {
        world.timeout = Duration::from_secs(8);
        let app = DEPLOYMENT.replace(
            "annotations: {}",
            "annotations: {trueup.dev/test: never-ready}",
        );
        let phases = [("pre", NAMESPACE), ("app", app.as_str()), ("after", AFTER)];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert_eq!(report.actions[1].result, ActionResult::Unhealthy);
        assert_eq!(report.actions[2].result, ActionResult::Skipped);
        let error = report.all_errors().next().unwrap();
        for words in [
            "is not healthy after 8 s: 0 of 3 replicas are available",
            "pod `api-",
            "container `api`: ImagePullBackOff: Back-off pulling image example.com/api:1",
            "Failed: Failed to pull image: no such image",
        ] {
            assert!(error.message.contains(words), "{words}: {error}");
        }
        let help = format!("kubectl -n {} describe deployment.apps/api", world.tag);
        assert!(error.help.as_deref().unwrap().contains(&help), "{error:?}");
        // The fix is taken up, and what waited goes on.
        let phases = [("pre", NAMESPACE), ("app", DEPLOYMENT), ("after", AFTER)];
        world.timeout = Duration::from_mins(2);
        world.converge(&phases).await;
    });
}

#[test]
fn pods_that_no_node_takes_say_so() {
    on_a_cluster_with_nodes(async |mut world| {
        world.timeout = Duration::from_secs(8);
        let app = DEPLOYMENT.replace(
            "spec: {containers:",
            "spec: {nodeSelector: {disk: none}, containers:",
        );
        let phases = [("pre", NAMESPACE), ("app", app.as_str())];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        let error = report.all_errors().next().unwrap();
        assert!(error.message.contains("Unschedulable: 0/"), "{error}");
        assert!(error.message.contains("FailedScheduling"), "{error}");
    });
}
