//! Other writers between our reading and our writing, and reads that are behind.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use trueup::{
    apply::Options,
    cluster::{Cluster, Patch},
    plan::Consent,
    report::Outcome,
};
use trueup_embedded::{Fault, Rule};

use crate::harness::{on_embedded, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

fn map(name: &str, value: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: TAG}}\ndata: {{a: {value}}}\n"
    )
}

#[test]
fn what_others_write_after_the_plan_was_made_is_neither_lost_nor_deleted() {
    on_every_server(async |world| {
        let before =
            map("kept", "one") + &map("gone", "one") + &map("old", "one") + &map("back", "one");
        world
            .converge(&[("pre", NAMESPACE), ("app", &before)])
            .await;
        let theirs = map("theirs", "one").replace("data: {a: one}", "data: {a: one, more: b}");
        world.create_as("kubectl-client-side-apply", &theirs).await;
        let after = map("kept", "two") + &map("gone", "two") + &map("theirs", "one");
        let desired = world.desired(&[("pre", NAMESPACE), ("app", &after)]);
        let planned = world
            .session
            .plan(&desired, &world.policy, Consent::default());
        let planned = planned.await.unwrap();

        // A field more, an object less, a new version of what is taken over, another object of the name
        // of one that is to be deleted, and one that is deleted already.
        world
            .patch("v1 ConfigMap TAG/kept", json!({"data": {"theirs": "x"}}))
            .await;
        world.delete("v1 ConfigMap TAG/gone").await;
        world
            .patch("v1 ConfigMap TAG/theirs", json!({"data": {"late": "x"}}))
            .await;
        world.delete("v1 ConfigMap TAG/old").await;
        let other = world.apply_as("somebody", &map("old", "theirs")).await;
        world.delete("v1 ConfigMap TAG/back").await;

        let report = world
            .session
            .carry_out(&planned, &world.policy, &Options::default())
            .await;
        assert_ne!(
            report.outcome,
            Outcome::Held,
            "on {}: {report}",
            world.server
        );
        let data = async |name: &str| {
            let live = world.live(&format!("v1 ConfigMap TAG/{name}")).await;
            live.map(|live| live.value()["data"].clone())
        };
        let server = world.server;
        assert_eq!(
            data("kept").await,
            Some(json!({"a": "two", "theirs": "x"})),
            "on {server}"
        );
        assert_eq!(data("gone").await, Some(json!({"a": "two"})), "on {server}");
        assert_eq!(
            data("theirs").await,
            Some(json!({"a": "one", "late": "x"})),
            "on {server}"
        );
        let old = world.live("v1 ConfigMap TAG/old").await.unwrap();
        assert_eq!(old.uid(), other.uid(), "on {server}");
        assert_eq!(data("back").await, None);
        let report = world.converge(&[("pre", NAMESPACE), ("app", &after)]).await;
        assert_eq!(report.counts.unchanged, 4, "on {server}: {report}");
    });
}

#[test]
fn a_storm_of_other_writes_delays_ours_and_loses_neither() {
    const ROUNDS: usize = 15;
    on_every_server(async |world| {
        let map_of = |value: usize| map("busy", &format!("'{value}'"));
        let first = map_of(0);
        world.converge(&[("pre", NAMESPACE), ("app", &first)]).await;
        let target = world.target("v1 ConfigMap TAG/busy").await;
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (cluster, target) = (Arc::clone(&world.cluster), target.clone());
                let stop = Arc::clone(&stop);
                tokio::spawn(async move {
                    let mut count = 0;
                    while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                        count += 1;
                        let key = format!("writer-{writer}");
                        let patch = Patch::Merge(json!({"data": {key: count.to_string()}}));
                        // The writers lose against one another, too.
                        let _ = cluster.patch(&target, &patch, false).await;
                    }
                    count
                })
            })
            .collect();
        for value in 1..=ROUNDS {
            let app = map_of(value);
            world.converge(&[("pre", NAMESPACE), ("app", &app)]).await;
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        let mut others = 0;
        for writer in writers {
            others += writer.await.unwrap();
        }
        eprintln!(
            "on {}: {ROUNDS} changes of ours among {others} of others",
            world.server
        );
        assert!(others > ROUNDS, "{others}");
        let live = world.live("v1 ConfigMap TAG/busy").await.unwrap();
        let data = live.value()["data"].as_object().unwrap();
        assert_eq!(data["a"], ROUNDS.to_string());
        assert_eq!(data.len(), 5, "{data:?}");
    });
}

#[test]
fn a_server_that_finds_no_moment_between_other_writers_is_asked_again() {
    on_embedded(async |world, server| {
        world.converge(&[("pre", NAMESPACE)]).await;
        let theirs = map("theirs", "one").replace("data: {a: one}", "data: {a: one, more: b}");
        world.create_as("kubectl-client-side-apply", &theirs).await;
        let conflict = || {
            Rule::new(Fault::Status(409))
                .verb("patch")
                .resource("configmaps")
        };
        server.faults().inject(conflict().name("ours").times(3));
        server.faults().inject(conflict().name("theirs").times(4));
        let app = map("ours", "one") + &map("theirs", "one");
        let report = world.converge(&[("pre", NAMESPACE), ("app", &app)]).await;
        assert_eq!(
            (report.counts.created, report.counts.adopted),
            (1, 1),
            "{report}"
        );
        let live = world.live("v1 ConfigMap TAG/theirs").await.unwrap();
        assert_eq!(live.value()["data"], json!({"a": "one"}));
    });
}

#[test]
fn lists_that_are_behind_lead_to_no_second_object_and_no_wrong_deletion() {
    on_every_server(async |mut world| {
        let both = map("a", "one") + &map("b", "one");
        let phases = [("pre", NAMESPACE), ("app", both.as_str())];
        world.cluster.remember_lists();
        world.converge(&phases).await;
        let uid = |live: Option<trueup::cluster::Live>| live.map(|live| live.uid().to_owned());
        let first = uid(world.live("v1 ConfigMap TAG/a").await);
        // A server whose cache knows nothing of what was made.
        world.restart();
        world.cluster.answer_from_memory(true);
        let report = world.reconcile(&phases).await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}: {report}",
            world.server
        );
        world.cluster.answer_from_memory(false);
        assert_eq!(uid(world.live("v1 ConfigMap TAG/a").await), first);
        // One that still shows an object that somebody has made anew since, and that has left Git.
        world.cluster.remember_lists();
        let one = map("a", "one");
        let less = [("pre", NAMESPACE), ("app", one.as_str())];
        world.plan(&phases).await.unwrap();
        world.delete("v1 ConfigMap TAG/b").await;
        let other = world.apply_as("somebody", &map("b", "theirs")).await;
        world.cluster.answer_from_memory(true);
        world.reconcile(&less).await;
        world.cluster.answer_from_memory(false);
        let live = world.live("v1 ConfigMap TAG/b").await;
        assert_eq!(
            uid(live).as_deref(),
            Some(other.uid()),
            "on {}",
            world.server
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.converge(&less).await;
    });
}
