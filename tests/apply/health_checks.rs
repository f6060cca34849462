//! Health by expressions of the Environment.

use std::time::Duration;

use trueup::{
    config::{Expression, HealthCheck, reconcile::KindPattern},
    report::{ActionResult, Outcome},
};

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const CRD: &str = "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pumps.TAG.example.com}
spec:
  group: TAG.example.com
  scope: Namespaced
  names: {kind: Pump, plural: pumps, singular: pump, listKind: PumpList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";
const PUMP: &str = "\n---\napiVersion: TAG.example.com/v1\nkind: Pump\nmetadata: {name: p, namespace: TAG}\nspec: {rate: 3}\n";
const AFTER: &str = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: TAG}\ndata: {a: b}\n";
const STATUS: &str = "{apiVersion: TAG.example.com/v1, kind: Pump, metadata: {name: p, namespace: TAG}, status: {STATUS}}";

fn check(current: &str, failed: Option<&str>) -> HealthCheck {
    let compile = |text: &str| Expression::compile(text).unwrap();
    HealthCheck {
        kind: KindPattern::new("Pump"),
        api_version: None,
        name: None,
        namespace: None,
        current: compile(current),
        in_progress: None,
        failed: failed.map(compile),
    }
}

async fn pumping(world: &World) -> (String, String) {
    let pre = NAMESPACE.to_owned() + CRD;
    world.converge(&[("pre", &pre)]).await;
    world.writes();
    (pre, PUMP.to_owned())
}

#[test]
fn an_object_is_waited_for_until_its_expression_holds() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.policy.health_checks = vec![check("status.rate >= spec.rate", None)];
        let (pre, app) = pumping(&world).await;
        let controller = async {
            world.until_there("TAG.example.com/v1 Pump TAG/p").await;
            world.set_status(&STATUS.replace("STATUS", "rate: 1")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(world.live("v1 ConfigMap TAG/after").await.is_none());
            world.set_status(&STATUS.replace("STATUS", "rate: 3")).await;
        };
        let phases = [("pre", &*pre), ("app", &*app), ("after", AFTER)];
        let (report, ()) = tokio::join!(world.reconcile(&phases), controller);
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
    });
}

#[test]
fn what_is_missing_is_waited_for_and_named_at_the_deadline() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.policy.health_checks = vec![check("status.rate >= spec.rate", None)];
        let (pre, app) = pumping(&world).await;
        world.timeout = Duration::from_millis(500);
        let report = world
            .reconcile(&[("pre", &pre), ("app", &app), ("after", AFTER)])
            .await;
        let text = report.to_string();
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{text}",
            world.server
        );
        assert!(text.contains("there is no `status`"), "{text}");
        assert_eq!(report.counts.skipped, 1);
    });
}

#[test]
fn an_expression_that_says_failed_ends_the_wait() {
    on_every_server(async |mut world| {
        world.wait = true;
        world.policy.health_checks = vec![check("status.rate >= spec.rate", Some("status.broken"))];
        let (pre, app) = pumping(&world).await;
        world.timeout = Duration::from_mins(5);
        let controller = async {
            world.until_there("TAG.example.com/v1 Pump TAG/p").await;
            let status = "broken: true, conditions: [{type: Ready, status: \"False\", reason: Leak, message: it drips}]";
            world.set_status(&STATUS.replace("STATUS", status)).await;
        };
        let phases = [("pre", &*pre), ("app", &*app)];
        let (report, ()) = tokio::join!(world.reconcile(&phases), controller);
        let pump = report
            .actions
            .iter()
            .find(|action| action.object.kind == "Pump")
            .unwrap();
        assert_eq!(
            pump.result,
            ActionResult::Unhealthy,
            "on {}:\n{report}",
            world.server
        );
        let text = report.to_string();
        assert!(
            text.contains("`failed` holds: status.broken") && text.contains("Leak: it drips"),
            "{text}"
        );
    });
}
