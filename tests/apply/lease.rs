//! Two processes at once: one writes, the other waits or says so.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use trueup::{
    apply::{Event, Events, Options, Stop, stopping},
    cluster::RetryPolicy,
    report::Outcome,
};

use trueup_embedded::{Fault, Rule};
use trueup_testbed::Proxy;

use crate::harness::{World, on_embedded, on_every_server, with_the_real_server};

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

/// Runs to its end; gives what was said of what is waited for, too.
async fn run_until_told(world: &World) -> (trueup::report::Report, String) {
    let (events, mut receiver) = Events::channel();
    let options = Options {
        events,
        ..Options::default()
    };
    let report = world.reconcile_with(&PHASES, &options).await;
    let mut said = String::new();
    while let Ok(event) = receiver.try_recv() {
        if let Event::Waiting { health, .. } = event {
            said.push_str(&health.message);
        }
    }
    (report, said)
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
fn a_holder_that_does_not_renew_is_told_with_when_it_last_did_and_when_its_lease_expires() {
    on_every_server(async |mut world| {
        hold(&world, "somebody", 3600).await;
        let renewed = json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}});
        world.patch(LEASE, renewed).await;
        world.restart_as("next", Duration::from_millis(300));
        world.policy.timeout = Duration::from_millis(600);
        world.writes();
        let (report, said) = run_until_told(&world).await;
        assert_eq!(report.outcome, Outcome::Failed);
        for part in [
            "`somebody` holds the lease of this environment",
            "it was last renewed at 2026-01-01T00:00:00.000000Z by its holder's clock",
            "and expires in 3600 s unless it is renewed",
        ] {
            let text = report.to_string();
            assert!(text.contains(part), "on {}: {text}", world.server);
            assert!(said.contains(part), "on {}: {said}", world.server);
        }
        let error = report.errors.iter().next().unwrap();
        assert_eq!(error.code, "apply/lease");
        assert!(
            error.message.contains("has not renewed it in the"),
            "{error}"
        );
        let help = error.help.as_deref().unwrap();
        let command = format!(
            "`kubectl delete lease -n kube-system trueup-env-{}`",
            world.tag
        );
        assert!(help.contains(&command), "{help}");
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}

#[test]
fn a_holder_that_renews_is_told_as_one_that_writes() {
    on_every_server(async |mut world| {
        hold(&world, "somebody", 3600).await;
        world.restart_as("next", Duration::from_millis(500));
        world.policy.timeout = Duration::from_secs(1);
        world.writes();
        let work = async {
            for at in 0_u32.. {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let renewed =
                    json!({"spec": {"renewTime": format!("2026-01-01T00:00:00.{at:06}Z")}});
                world.patch(LEASE, renewed).await;
            }
        };
        let report = tokio::select! {
            report = world.reconcile(&PHASES) => report,
            () = work => unreachable!("it renews for ever"),
        };
        let error = report.errors.iter().next().unwrap();
        assert!(
            error.message.starts_with(
                "`somebody` writes to this environment, and has not finished after 1 s"
            ),
            "on {}: {error}",
            world.server
        );
        let help = error.help.as_deref().unwrap();
        assert!(help.contains("wait for it or end it"), "{help}");
    });
}

/// What the error says of a lease that cannot be read, as the server is away: once, and nothing is written.
fn away(report: &trueup::report::Report, writes: &[String], server: &str) {
    assert_eq!(report.outcome, Outcome::Failed, "on {server}: {report}");
    let errors: Vec<_> = report.all_errors().collect();
    assert_eq!(errors.len(), 1, "on {server}: {report}");
    assert_eq!(errors[0].code, "apply/unreachable", "on {server}: {report}");
    assert!(errors[0].help.is_some(), "on {server}: {report}");
    assert_eq!(writes, [""; 0], "on {server}");
}

#[test]
fn without_the_lease_nothing_is_written_while_the_server_is_away() {
    on_embedded(async |world, server| {
        for fault in [
            Fault::Status(503),
            Fault::ResetBefore,
            Fault::TooManyRequests { retry_after: 0 },
        ] {
            let mut own = World::impatient(server, impatience()).await;
            own.tag = format!("{}-{}", world.tag, u32::from(fault == Fault::ResetBefore));
            server.faults().inject(Rule::new(fault).resource("leases"));
            let report = own.reconcile(&PHASES).await;
            away(&report, &own.writes(), "embedded");
            server.faults().clear();
            assert!(own.live("v1 Namespace TAG").await.is_none());
        }
    });
}

#[test]
fn without_the_lease_nothing_is_written_while_a_real_server_is_away() {
    with_the_real_server(async |server| {
        let proxy = Arc::new(Proxy::before(server.port()).await);
        let token = format!("token: {}", trueup_testbed::TOKEN);
        let kubeconfig = server.write_kubeconfig("away", proxy.port(), &token);
        let mut world = World::reached_by(&kubeconfig).await;
        world.reconnect(impatience()).await;
        let at_the_lease = Arc::clone(&proxy);
        world
            .cluster
            .before_first("get Lease.", move |_| at_the_lease.go_away());
        let report = world.reconcile(&PHASES).await;
        away(&report, &world.writes(), "real");
        proxy.come_back();
        world.reconnect(RetryPolicy::default()).await;
        assert!(world.live("v1 Namespace TAG").await.is_none());
        world.converge(&PHASES).await;
    });
}

fn impatience() -> RetryPolicy {
    RetryPolicy {
        attempts: 2,
        first_delay: Duration::from_millis(10),
        longest_delay: Duration::from_millis(10),
        timeout: Duration::from_secs(5),
    }
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

/// What is said of a server that went while objects were waited for, and did not come back.
fn left_alone(report: &trueup::report::Report, server: &str) {
    let text = report.to_string();
    assert_eq!(report.outcome, Outcome::Failed, "on {server}: {text}");
    let api = report.actions.iter().find(|one| one.object.name == "api");
    let error = api.and_then(|one| one.error.as_ref()).unwrap();
    assert_eq!(error.code, "apply/unreachable", "on {server}: {text}");
    assert!(
        error.message.contains("the server does not answer"),
        "on {server}: {text}"
    );
    assert_eq!(text.matches("error[").count(), 1, "on {server}: {text}");
    assert_eq!(text.matches("warning[").count(), 0, "on {server}: {text}");
}

#[test]
fn a_run_ends_although_the_server_goes_during_a_wait_and_does_not_come_back() {
    on_embedded(async |world, server| {
        let mut own = World::impatient(server, impatience()).await;
        own.tag.clone_from(&world.tag);
        own.wait = true;
        own.timeout = Duration::from_secs(4);
        own.restart_as("first", Duration::from_secs(1));
        let (report, ()) = run_until_waiting(&own, async |_| {
            server.faults().inject(Rule::new(Fault::ResetBefore));
        })
        .await;
        left_alone(&report, "embedded");
        server.faults().clear();
    });
}

#[test]
fn a_run_ends_although_a_real_server_goes_during_a_wait_and_does_not_come_back() {
    with_the_real_server(async |server| {
        let proxy = Proxy::before(server.port()).await;
        let token = format!("token: {}", trueup_testbed::TOKEN);
        let kubeconfig = server.write_kubeconfig("gone", proxy.port(), &token);
        let mut own = World::reached_by(&kubeconfig).await;
        own.reconnect(impatience()).await;
        own.wait = true;
        own.timeout = Duration::from_secs(4);
        own.restart_as("first", Duration::from_secs(1));
        let (report, ()) = run_until_waiting(&own, async |_| proxy.go_away()).await;
        left_alone(&report, "real");
    });
}
