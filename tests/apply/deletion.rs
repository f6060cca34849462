//! An environment that is taken out of its cluster.

use serde_json::json;
use trueup::{
    apply::{Deletion, Options},
    config::reconcile::KindPattern,
    plan::PART_OF,
    report::{Outcome, Report},
};

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const OBJECTS: &str = "---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: TAG}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: TAG}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: TAG}, spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {serviceAccountName: a, containers: [{name: x, image: x, envFrom: [{configMapRef: {name: c}}]}]}}}}
";
const PARENT: &str = "trueup.dev/v1 Environment env-TAG";

async fn delete(world: &World, deletion: Deletion, confirmed: bool) -> Report {
    let options = Options {
        confirmed,
        ..Options::default()
    };
    let desired = world.desired(&[]);
    world
        .session
        .delete(&desired, &world.policy, deletion, &options)
        .await
}

#[test]
fn an_environment_is_deleted_in_reverse_order_once_somebody_confirms_it() {
    on_every_server(async |mut world| {
        world
            .apply_as(
                "somebody",
                "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}",
            )
            .await;
        world.converge(&[("app", OBJECTS)]).await;
        world.writes();
        let report = delete(&world, Deletion::Delete, false).await;
        assert_eq!(report.outcome, Outcome::Held, "{report}");
        assert!(
            report.to_string().contains("3 objects would be deleted"),
            "{report}"
        );
        let writes = world.writes();
        assert!(
            writes.iter().all(|write| write.contains("/status")),
            "{writes:?}"
        );
        let report = delete(&world, Deletion::Delete, true).await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(report.counts.pruned, 3);
        let deletes: Vec<String> = world
            .writes()
            .into_iter()
            .filter(|write| write.starts_with("delete"))
            .collect();
        assert!(
            deletes[0].contains("Deployment"),
            "what refers goes first: {deletes:?}"
        );
        assert!(
            deletes[3].contains("Environment"),
            "the parent goes last: {deletes:?}"
        );
        assert!(world.live(PARENT).await.is_none());
        // Once more finds nothing, and says so.
        world.restart();
        let report = delete(&world, Deletion::Delete, true).await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
    });
}

#[test]
fn what_may_not_go_stays_ours_and_keeps_the_environment() {
    on_every_server(async |mut world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", OBJECTS)])
            .await;
        let report = delete(&world, Deletion::Delete, true).await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
        assert!(
            report
                .to_string()
                .contains("the environment stays, as 1 of its objects do"),
            "{report}"
        );
        assert!(world.live("v1 Namespace TAG").await.is_some());
        assert!(world.live(PARENT).await.is_some());
        // A namespace that is let go is gone with the next run; a real server without controllers
        // never finishes that, so only the order to go is looked for.
        if world.server == "embedded" {
            world.policy.prune_kinds = vec![KindPattern::new("Namespace")];
            let report = delete(&world, Deletion::Delete, true).await;
            assert_eq!(report.outcome, Outcome::Converged, "{report}");
            assert!(world.live(PARENT).await.is_none());
        }
    });
}

#[test]
fn orphaned_objects_stay_and_belong_to_nobody() {
    on_every_server(async |world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", OBJECTS)])
            .await;
        let before = world.live("v1 ConfigMap TAG/c").await.unwrap();
        let report = delete(&world, Deletion::Orphan, true).await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        let after = world.live("v1 ConfigMap TAG/c").await.unwrap();
        assert_eq!(after.uid(), before.uid());
        assert_eq!(after.label(PART_OF), None);
        assert!(world.live(PARENT).await.is_none());
        // Whoever declares them next has them.
        let report = world
            .converge(&[("pre", NAMESPACE), ("app", OBJECTS)])
            .await;
        assert_eq!(report.counts.adopted, 4, "{report}");
        let live = world.live("v1 ConfigMap TAG/c").await.unwrap();
        assert_eq!(live.value()["metadata"]["uid"], json!(before.uid()));
    });
}
