//! Two processes at once: one writes, the other waits or says so.

use std::time::Duration;

use serde_json::json;
use trueup::{
    apply::{Event, Events, Options, Stop, stopping},
    report::Outcome,
};

use trueup_embedded::{Fault, Rule};

use crate::harness::{World, on_embedded, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: example.com/api:1}]}}
";
const AFTER: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: TAG}\ndata: {a: b}\n";
const READY: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: TAG}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}}";
const PHASES: [(&str, &str); 3] = [("pre", NAMESPACE), ("app", DEPLOYMENT), ("after", AFTER)];

/// How long a lease holds without being renewed.
const HELD: Duration = Duration::from_secs(3);
const LEASE: &str = "coordination.k8s.io/v1 Lease kube-system/trueup-env-TAG";

async fn holder(world: &World) -> String {
    let lease = world.live(LEASE).await.unwrap();
    lease.text(&["spec", "holderIdentity"]).to_owned()
}

/// Somebody holds the lease of the environment, and never renews it.
async fn hold(world: &World, by: &str, seconds: u64) {
    world
        .apply_as(
            "other",
            "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: trueup-env-TAG, namespace: kube-system}}",
        )
        .await;
    let spec = json!({"spec": {"holderIdentity": by, "leaseDurationSeconds": seconds}});
    world.patch(LEASE, spec).await;
}

/// Runs until something is waited for, which is given with the rest of the run.
async fn run_until_waiting<T>(
    world: &World,
    meanwhile: impl AsyncFnOnce(String) -> T,
) -> (trueup::report::Report, T) {
    let (events, mut receiver) = Events::channel();
    let options = Options {
        events,
        ..Options::default()
    };
    let other = async {
        loop {
            if let Event::Waiting { id, .. } = receiver.recv().await.unwrap() {
                return meanwhile(id.to_string()).await;
            }
        }
    };
    tokio::join!(world.reconcile_with(&PHASES, &options), other)
}

#[test]
fn a_second_process_waits_until_the_first_one_has_written_and_finds_nothing_left_to_do() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.restart_as("first", HELD);
        let second = world.second("second").await;
        let (report, late) = run_until_waiting(&world, async |_| {
            assert_eq!(holder(&world).await, "first");
            let (late, ()) = tokio::join!(second.reconcile(&PHASES), async {
                // Longer than the lease holds without being renewed.
                tokio::time::sleep(HELD + Duration::from_secs(1)).await;
                assert_eq!(second.writes(), [""; 0], "on {}", world.server);
                world.set_status(READY).await;
            });
            late
        })
        .await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(
            late.outcome,
            Outcome::Converged,
            "on {}:\n{late}",
            world.server
        );
        assert_eq!(late.counts.changed(), 0, "on {}:\n{late}", world.server);
        assert_eq!(holder(&world).await, "", "it is given back");
    });
}

#[test]
fn a_process_that_waits_too_long_says_who_writes() {
    on_every_server(async |mut world| {
        hold(&world, "somebody", 3600).await;
        world.restart_as("next", Duration::from_millis(300));
        world.policy.timeout = Duration::from_millis(600);
        world.writes();
        let report = world.reconcile(&PHASES).await;
        assert_eq!(report.outcome, Outcome::Failed);
        let text = report.to_string();
        assert!(
            text.contains("`somebody` writes to this environment"),
            "{text}"
        );
        assert!(
            text.contains("its lease is `Lease.coordination.k8s.io"),
            "{text}"
        );
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}

#[test]
fn a_newer_revision_ends_the_wait_for_another_process() {
    on_every_server(async |world| {
        hold(&world, "somebody", 3600).await;
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
                    return stopper.stop(Stop::Superseded);
                }
            }
        };
        let (report, ()) = tokio::join!(world.reconcile_with(&PHASES, &options), stop);
        assert_eq!(report.outcome, Outcome::Superseded);
    });
}

#[test]
fn what_a_process_left_behind_runs_out_by_the_clock_of_the_one_that_waits() {
    on_every_server(async |world| {
        hold(&world, "dead", 1).await;
        // Whatever the dead one's clock said.
        for time in ["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"] {
            let spec = json!({"spec": {"holderIdentity": "dead", "leaseDurationSeconds": 1, "renewTime": time, "acquireTime": time}});
            world.patch(LEASE, spec).await;
            world.writes();
            let image = format!("image: example.com/api:{}", &time[..4]);
            let app = DEPLOYMENT.replace("image: example.com/api:1", &image);
            let phases = [("pre", NAMESPACE), ("app", app.as_str())];
            let (report, ()) = tokio::join!(world.reconcile(&phases), async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                let writes: Vec<String> = world.writes();
                assert_eq!(writes, [""; 0], "on {}: still held", world.server);
            });
            assert_eq!(
                report.outcome,
                Outcome::Converged,
                "on {}:\n{report}",
                world.server
            );
        }
    });
}

#[test]
fn a_process_that_lost_its_lease_writes_no_more() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.restart_as("first", HELD);
        let (report, ()) = run_until_waiting(&world, async |_| {
            // Somebody takes the lease away, as after a pause in which it ran out.
            let spec = json!({"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 3600}});
            world.patch(LEASE, spec).await;
            world.writes();
            // Until the first one has tried to renew it.
            tokio::time::sleep(HELD).await;
            world.set_status(READY).await;
        })
        .await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        assert!(
            report.to_string().contains("no longer holds the lease"),
            "{report}"
        );
        assert!(world.live("v1 ConfigMap TAG/after").await.is_none());
    });
}

#[test]
fn a_lease_that_ran_out_and_that_nobody_took_is_renewed_before_anything_is_written() {
    on_embedded(async |mut world, server| {
        world.wait = true;
        world.restart_as("first", Duration::from_secs(1));
        let (report, ()) = run_until_waiting(&world, async |_| {
            let late = Rule::new(Fault::Latency(Duration::from_secs(3)));
            server
                .faults()
                .inject(late.verb("patch").resource("leases").times(1));
            tokio::time::sleep(Duration::from_secs(2)).await;
            world.set_status(READY).await;
        })
        .await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
    });
}

#[test]
fn a_run_with_nothing_to_write_needs_no_lease() {
    on_every_server(async |world| {
        let phases = [("pre", NAMESPACE)];
        world.converge(&phases).await;
        hold(&world, "somebody", 3600).await;
        world.converge(&phases).await;
    });
}

#[test]
fn whoever_died_is_waited_out_however_short_the_phases_are() {
    on_every_server(async |mut world| {
        world.restart_as("next", HELD);
        world.policy.timeout = Duration::from_secs(1);
        hold(&world, "dead", HELD.as_secs()).await;
        world.converge(&[("pre", NAMESPACE)]).await;
        assert!(world.live("v1 Namespace TAG").await.is_some());
    });
}
