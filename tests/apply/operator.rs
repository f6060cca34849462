//! Kinds that an operator of the same environment brings while the run goes on.

use std::time::Duration;

use trueup::{
    apply::{Event, Events, Options, Stop, stopping},
    config::reconcile::Adoption,
    report::{ActionResult, Outcome},
};

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const OPERATOR: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: TAG}
spec:
  selector: {matchLabels: {app: operator}}
  template: {metadata: {labels: {app: operator}}, spec: {containers: [{name: operator, image: example.com/operator:1}]}}
";
/// Of a plural that nobody would guess.
const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boxen.TAG.example.com}
spec:
  group: TAG.example.com
  scope: SCOPE
  names: {kind: Box, plural: boxen, singular: box, listKind: BoxList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";
const BOX: &str = "\n---\napiVersion: TAG.example.com/v1\nkind: Box\nmetadata: {name: b, namespace: TAG}\nspec: {a: b}\n";
const OTHER: &str = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: TAG}\ndata: {a: b}\n";
const AFTER: &str = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: TAG}\ndata: {a: b}\n";

/// What the operator does: once its Deployment is there, it installs its CRD.
async fn operate(world: &World, crd: &str) {
    world.until_there("apps/v1 Deployment TAG/operator").await;
    // Long enough that whoever does not wait has failed.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.apply_as("operator", crd).await;
}

fn namespaced() -> String {
    CRD.replace("SCOPE", "Namespaced")
}

#[test]
fn what_an_operator_of_the_same_environment_brings_is_waited_for() {
    on_every_server(async |world| {
        let phases = [
            ("all", &*(NAMESPACE.to_owned() + BOX + OPERATOR + OTHER)),
            ("after", AFTER),
        ];
        let plan = world.plan(&phases).await.unwrap();
        let planned = plan.actions.iter().find(|action| action.id().kind == "Box");
        let planned = planned.unwrap();
        assert_eq!(planned.why, "waits for its CRD");
        assert_eq!(planned.awaits.as_ref().unwrap().bringers.len(), 1);

        let crd = namespaced();
        let operator = async {
            operate(&world, &crd).await;
            // What does not need the kind was done before the kind was there.
            assert!(world.live("v1 ConfigMap TAG/other").await.is_some());
        };
        let (report, ()) = tokio::join!(world.reconcile(&phases), operator);
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(report.counts.created, 5);
        let writes = world.writes();
        let place = |what: &str| {
            writes
                .iter()
                .position(|write| write.contains(what))
                .unwrap()
        };
        assert!(place("ConfigMap") < place("Box."), "{writes:?}");
        assert!(
            place("Box.") < place("/after"),
            "the phase after waits: {writes:?}"
        );
        let live = world.live("TAG.example.com/v1 Box TAG/b").await.unwrap();
        assert_eq!(live.text(&["spec", "a"]), "b");

        let report = world.converge(&phases).await;
        assert_eq!(report.counts.unchanged, 5, "on {}", world.server);
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
        // It is ours from the start, and goes when it leaves Git.
        let without = [
            ("all", &*(NAMESPACE.to_owned() + OPERATOR + OTHER)),
            ("after", AFTER),
        ];
        let report = world.converge(&without).await;
        assert_eq!(report.counts.pruned, 1, "on {}", world.server);
    });
}

#[test]
fn a_kind_that_comes_may_have_no_namespaces_or_need_one() {
    on_every_server(async |world| {
        for (scope, word) in [("Namespaced", "default/b"), ("Cluster", "b")] {
            let tag = format!("TAG-{}", scope.to_lowercase());
            let within =
                |text: &str| text.replace("TAG.example.com", &format!("{tag}.example.com"));
            let namespace = if scope == "Cluster" { "TAG" } else { "" };
            let object =
                within(BOX).replace(", namespace: TAG", &format!(", namespace: '{namespace}'"));
            let object = object.replace(", namespace: ''", "");
            let all = NAMESPACE.to_owned() + OPERATOR + &object;
            let crd = within(&CRD.replace("SCOPE", scope));
            let phases = [("all", &*all)];
            let (report, ()) = tokio::join!(world.reconcile(&phases), operate(&world, &crd));
            assert_eq!(
                report.outcome,
                Outcome::Converged,
                "on {}:\n{report}",
                world.server
            );
            let words = format!("{tag}.example.com/v1 Box {word}");
            assert!(
                world.live(&words).await.is_some(),
                "on {}: {words}",
                world.server
            );
            world.writes();
            world.converge(&phases).await;
            assert_eq!(world.writes(), [""; 0], "on {}", world.server);
        }
    });
}

#[test]
fn a_kind_that_never_comes_is_one_error_that_names_it_and_who_should_have_brought_it() {
    on_every_server(async |mut world| {
        world.timeout = Duration::from_millis(800);
        let phases = [
            ("all", &*(NAMESPACE.to_owned() + BOX + OPERATOR + OTHER)),
            ("after", AFTER),
        ];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(report.counts.created, 3, "on {}:\n{report}", world.server);
        assert_eq!(
            report.counts.skipped, 1,
            "what comes after it waits:\n{report}"
        );
        let errors: Vec<_> = report.all_errors().collect();
        assert_eq!(errors.len(), 1, "{report}");
        let (message, help) = (&errors[0].message, errors[0].help.clone().unwrap());
        assert_eq!(errors[0].code, "apply/no-kind");
        assert!(
            message.contains("the CustomResourceDefinition of `Box`"),
            "{message}"
        );
        assert!(
            message.contains("expected from `Deployment.apps"),
            "{message}"
        );
        assert!(help.contains("logs deployment.apps/operator"), "{help}");
        assert!(errors[0].location().is_some());

        // One that is there and serves another version is named.
        let crd = namespaced().replace("name: v1,", "name: v1beta1,");
        world.apply_as("operator", &crd).await;
        world.until_served("TAG.example.com/v1beta1 Box").await;
        let report = world.reconcile(&phases).await;
        let text = report.to_string();
        assert!(text.contains("v1beta1"), "{text}");
    });
}

#[test]
fn where_what_should_bring_a_kind_fails_nobody_waits() {
    on_every_server(async |mut world| {
        world.timeout = Duration::from_mins(5);
        // A Deployment that no server takes.
        let broken = OPERATOR.replace("selector: {matchLabels: {app: operator}}", "replicas: 1");
        let report = world
            .reconcile(&[("all", &(NAMESPACE.to_owned() + BOX + &broken))])
            .await;
        assert_eq!(report.outcome, Outcome::Failed);
        let text = report.to_string();
        assert!(
            text.contains("what may bring it failed"),
            "on {}:\n{text}",
            world.server
        );
    });
}

#[test]
fn a_newer_revision_ends_the_wait_for_a_kind() {
    on_every_server(async |mut world| {
        world.timeout = Duration::from_mins(5);
        let (stopper, stopped) = stopping();
        let (events, mut receiver) = Events::channel();
        let options = Options {
            events,
            stopped,
            ..Options::default()
        };
        let all = NAMESPACE.to_owned() + BOX + OPERATOR;
        let phases = [("all", &*all)];
        let newer = async {
            while let Some(event) = receiver.recv().await {
                if matches!(event, Event::Waiting { id, .. } if id.kind == "Box") {
                    stopper.stop(Stop::Superseded);
                    return;
                }
            }
        };
        let (report, ()) = tokio::join!(world.reconcile_with(&phases, &options), newer);
        assert_eq!(
            report.outcome,
            Outcome::Superseded,
            "on {}:\n{report}",
            world.server
        );
    });
}

#[test]
fn what_is_there_once_its_kind_is_served_is_taken_over_only_where_the_policy_says_so() {
    on_every_server(async |mut world| {
        let older = namespaced().replace("name: v1,", "name: v1beta1,");
        let both = older.replace("storage: true", "storage: false")
            + &namespaced()[namespaced().rfind("  - {").unwrap()..];
        world
            .apply_as("operator", NAMESPACE.trim_start_matches("---"))
            .await;
        world.apply_as("operator", &older).await;
        world.until_served("TAG.example.com/v1beta1 Box").await;
        world
            .apply_as("operator", &BOX.replace("/v1", "/v1beta1"))
            .await;

        // Without anything that changes, a version that is not served is a mistake.
        let unchanged = [("all", &*(OTHER.to_owned() + BOX))];
        let plan = world.plan(&unchanged).await.unwrap();
        let blocked: Vec<_> = plan.actions.iter().map(|one| &one.blocked).collect();
        assert!(
            matches!(blocked[..], [None, Some(error)] if error.message.contains("serves no `Box`")),
            "on {}: {blocked:?}",
            world.server
        );

        world.policy.adoption = Adoption::MustMatch;
        let phases = [("all", &*(OPERATOR.to_owned() + BOX))];
        let (report, ()) = tokio::join!(world.reconcile(&phases), operate(&world, &both));
        let boxed = report
            .actions
            .iter()
            .find(|action| action.object.kind == "Box")
            .unwrap();
        assert_eq!(
            boxed.result,
            ActionResult::Failed,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(boxed.error.as_ref().unwrap().code, "plan/not-ours");
    });
}

#[test]
fn a_version_that_is_not_served_is_waited_for_only_while_something_changes_that_may_bring_it() {
    on_every_server(async |world| {
        let older = namespaced().replace("name: v1,", "name: v1beta1,");
        let running = NAMESPACE.to_owned() + OPERATOR;
        world.converge(&[("app", &running)]).await;
        world.apply_as("operator", &older).await;
        world.until_served("TAG.example.com/v1beta1 Box").await;
        let plan = world
            .plan(&[("app", &(running.clone() + BOX))])
            .await
            .unwrap();
        let boxed = plan
            .actions
            .iter()
            .find(|action| action.id().kind == "Box")
            .unwrap();
        let blocked = boxed.blocked.as_ref().unwrap();
        assert_eq!(blocked.code, "plan/unknown-kind", "on {}", world.server);
        assert!(
            blocked.help.as_deref().unwrap().contains("v1beta1"),
            "{blocked:?}"
        );
        // A newer operator may bring the newer version.
        let newer = running.replace("operator:1", "operator:2") + BOX;
        let plan = world.plan(&[("app", &newer)]).await.unwrap();
        let boxed = plan
            .actions
            .iter()
            .find(|action| action.id().kind == "Box")
            .unwrap();
        assert!(
            boxed.blocked.is_none() && boxed.awaits.is_some(),
            "on {}",
            world.server
        );
    });
}
