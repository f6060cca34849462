//! Fields that cannot be changed.

use std::time::Duration;

use serde_json::json;
use trueup::{
    config::reconcile::{KindPattern, ProtectSelector},
    plan::ActionKind,
    report::Outcome,
};

use crate::harness::on_every_server;

const CLASS: &str = "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: TAG}
provisioner: example.com/disk
parameters: {encrypted: \"false\"}
";

fn encrypted() -> String {
    CLASS.replace("false", "true")
}

#[test]
fn without_leave_to_recreate_the_field_is_named_and_nothing_is_deleted() {
    on_every_server(async |world| {
        world.converge(&[("all", CLASS)]).await;
        let before = world
            .live("storage.k8s.io/v1 StorageClass TAG")
            .await
            .unwrap();
        let report = world.reconcile(&[("all", &encrypted())]).await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        let error = report.all_errors().next().unwrap();
        assert_eq!(
            error.code, "apply/immutable",
            "on {}: {error}",
            world.server
        );
        assert!(
            error
                .help
                .as_deref()
                .unwrap()
                .contains("add `StorageClass` to `reconcile.recreate`")
        );
        assert_eq!(
            world
                .live("storage.k8s.io/v1 StorageClass TAG")
                .await
                .unwrap(),
            before
        );
    });
}

#[test]
fn with_leave_the_object_is_deleted_and_created_anew() {
    on_every_server(async |mut world| {
        world.converge(&[("all", CLASS)]).await;
        let before = world
            .live("storage.k8s.io/v1 StorageClass TAG")
            .await
            .unwrap();
        world.policy.recreate = vec![KindPattern::new("StorageClass")];
        let text = encrypted();
        let plan = world.plan(&[("all", &text)]).await.unwrap();
        assert_eq!(plan.actions[0].kind, ActionKind::Recreate);
        assert_eq!(
            plan.actions[0].changes[0].path.to_string(),
            "parameters.encrypted"
        );
        let report = world.converge(&[("all", &text)]).await;
        assert_eq!(report.counts.recreated, 1);
        let after = world
            .live("storage.k8s.io/v1 StorageClass TAG")
            .await
            .unwrap();
        assert_ne!(after.uid(), before.uid());
        assert_eq!(after.value()["parameters"]["encrypted"], "true");
        assert_eq!(world.converge(&[("all", &text)]).await.counts.unchanged, 1);
    });
}

#[test]
fn what_is_protected_is_not_recreated() {
    on_every_server(async |mut world| {
        world.converge(&[("all", CLASS)]).await;
        world.policy.recreate = vec![KindPattern::new("StorageClass")];
        let name = Some(world.tag.clone());
        world.policy.protect = vec![ProtectSelector {
            name,
            ..ProtectSelector::default()
        }];
        let report = world.reconcile(&[("all", &encrypted())]).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(report.to_string().contains("is protected"), "{report}");
    });
}

#[test]
fn recreating_waits_for_finalizers_and_creates_once() {
    on_every_server(async |mut world| {
        world.converge(&[("all", CLASS)]).await;
        let words = "storage.k8s.io/v1 StorageClass TAG";
        let before = world
            .patch(
                words,
                json!({"metadata": {"finalizers": ["example.com/hold"]}}),
            )
            .await;
        world.policy.recreate = vec![KindPattern::new("StorageClass")];
        let text = encrypted();
        let phases = [("all", text.as_str())];
        let release = async {
            for _ in 0..500 {
                let live = world.live(words).await.unwrap();
                if live.is_terminating() {
                    assert_eq!(live.uid(), before.uid());
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            world
                .patch(words, json!({"metadata": {"finalizers": null}}))
                .await;
        };
        let (report, ()) = tokio::join!(world.reconcile(&phases), release);
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        assert_ne!(world.live(words).await.unwrap().uid(), before.uid());
    });
}

#[test]
fn finalizers_that_nobody_removes_are_named() {
    on_every_server(async |mut world| {
        world.converge(&[("all", CLASS)]).await;
        let words = "storage.k8s.io/v1 StorageClass TAG";
        world
            .patch(
                words,
                json!({"metadata": {"finalizers": ["example.com/hold"]}}),
            )
            .await;
        world.policy.recreate = vec![KindPattern::new("StorageClass")];
        world.timeout = Duration::from_secs(1);
        let report = world.reconcile(&[("all", &encrypted())]).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(
            report.to_string().contains("`example.com/hold`"),
            "{report}"
        );
        // The next run goes on where this one stopped.
        world
            .patch(words, json!({"metadata": {"finalizers": null}}))
            .await;
        world.converge(&[("all", &encrypted())]).await;
    });
}

#[test]
fn a_plain_validation_error_never_deletes_anything() {
    on_every_server(async |mut world| {
        world.policy.recreate = vec![KindPattern::new("ConfigMap"), KindPattern::new("Service")];
        let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
        let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: TAG}\nspec: {ports: [{port: 80}]}\n";
        world
            .converge(&[("pre", namespace), ("all", service)])
            .await;
        let before = world.live("v1 Service TAG/s").await.unwrap();
        let bad = service.replace("port: 80", "port: 99999999");
        let report = world.reconcile(&[("pre", namespace), ("all", &bad)]).await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(world.live("v1 Service TAG/s").await.unwrap(), before);
    });
}
