//! Who owns which field, and which environment owns which object.

use serde_json::json;
use trueup::{
    config::reconcile::Conflicts,
    plan::{ENVIRONMENT, GROUP_KINDS, NAMESPACES, PARENT_ID, PART_OF, TOOLING},
    report::Outcome,
};

use crate::harness::on_every_server;

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: example.com/api:1}]}}
";
const SCALED: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: TAG}, spec: {replicas: 7}}";

fn config_map(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: TAG}}\ndata: {{a: b}}\n"
    )
}

#[test]
fn the_parent_says_what_the_specification_asks_for() {
    on_every_server(async |world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", DEPLOYMENT)])
            .await;
        let parent = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        let member = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(parent.label(PARENT_ID), member.label(PART_OF));
        assert!(parent.annotation(TOOLING).unwrap().starts_with("trueup/v"));
        assert_eq!(
            parent.annotation(GROUP_KINDS),
            Some("Deployment.apps,Namespace")
        );
        assert_eq!(parent.annotation(NAMESPACES), Some(world.tag.as_str()));
        assert_eq!(
            parent.annotation(ENVIRONMENT),
            Some(&*format!("env_{}", world.tag))
        );
        assert_eq!(parent.value()["status"]["observedRevision"], "r1");
        assert_eq!(parent.value()["status"]["conditions"][0]["status"], "True");
        let crd = "apiextensions.k8s.io/v1 CustomResourceDefinition environments.trueup.dev";
        let crd = world.live(crd).await.unwrap();
        assert_eq!(
            crd.label("applyset.kubernetes.io/is-parent-type"),
            Some("true")
        );
    });
}

#[test]
fn the_parent_is_narrowed_once_what_left_is_gone() {
    on_every_server(async |world| {
        world
            .converge(&[
                ("pre", NAMESPACE),
                ("app", &(DEPLOYMENT.to_owned() + &config_map("a"))),
            ])
            .await;
        world
            .converge(&[("pre", NAMESPACE), ("app", DEPLOYMENT)])
            .await;
        let parent = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        assert_eq!(
            parent.annotation(GROUP_KINDS),
            Some("Deployment.apps,Namespace")
        );
    });
}

#[test]
fn without_its_parent_an_environment_loses_nothing_and_finds_what_left_it() {
    on_every_server(async |world| {
        let both = config_map("a") + &config_map("b");
        let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: TAG}\nspec: {ports: [{port: 80}]}\n";
        world
            .converge(&[("pre", NAMESPACE), ("app", &(both.clone() + service))])
            .await;
        world.delete("trueup.dev/v1 Environment env-TAG").await;
        // Even of a kind that the desired set no longer has.
        let report = world.converge(&[("pre", NAMESPACE), ("app", &both)]).await;
        assert_eq!(report.counts.pruned, 1, "on {}:\n{report}", world.server);
        assert!(world.live("v1 Service TAG/s").await.is_none());
        assert!(
            world
                .live("trueup.dev/v1 Environment env-TAG")
                .await
                .is_some()
        );
    });
}

#[test]
fn a_parent_of_another_tool_is_left_alone() {
    on_every_server(async |world| {
        world.converge(&[("pre", NAMESPACE)]).await;
        let mut other = world.desired(&[("app", &config_map("a"))]);
        other.environment = format!("other-{}", world.tag);
        world
            .apply_as(
                "kubectl-applyset",
                "{apiVersion: trueup.dev/v1, kind: Environment, metadata: {name: other-TAG, annotations: {applyset.kubernetes.io/tooling: kubectl/v1.32}}}",
            )
            .await;
        let options = trueup::apply::Options::default();
        let report = world
            .session
            .reconcile(&other, &world.policy, &options)
            .await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(
            report.to_string().contains("is managed by `kubectl`"),
            "{report}"
        );
    });
}

#[test]
fn fields_that_nobody_owns_any_more_are_owned_again() {
    on_every_server(async |world| {
        let phases = [("pre", NAMESPACE), ("app", DEPLOYMENT)];
        world.converge(&phases).await;
        let stripped = json!({"metadata": {"managedFields": [{}]}});
        let before = world.patch("apps/v1 Deployment TAG/api", stripped).await;
        assert!(before.applied_by("trueup").is_none());
        let report = world.converge(&phases).await;
        assert_eq!(
            report.counts.configured, 1,
            "on {}:\n{report}",
            world.server
        );
        let after = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert!(after.applied_by("trueup").is_some());
        assert_eq!(after.value()["spec"], before.value()["spec"]);
        assert_eq!(world.converge(&phases).await.counts.unchanged, 2);
    });
}

#[test]
fn a_field_that_left_git_goes_from_the_cluster() {
    on_every_server(async |world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", DEPLOYMENT)])
            .await;
        let less = DEPLOYMENT.replace("  replicas: 2\n", "");
        let report = world.converge(&[("pre", NAMESPACE), ("app", &less)]).await;
        assert_eq!(report.counts.configured, 1);
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(
            live.value()["spec"]["replicas"],
            1,
            "the default on {}",
            world.server
        );
    });
}

#[test]
fn a_contested_field_can_be_left_to_its_owner() {
    on_every_server(async |mut world| {
        world.policy.conflicts = Conflicts::Leave;
        world
            .converge(&[("pre", NAMESPACE), ("app", DEPLOYMENT)])
            .await;
        world.apply_as("autoscaler", SCALED).await;
        let next = DEPLOYMENT.replace("api:1", "api:2");
        let phases = [("pre", NAMESPACE), ("app", next.as_str())];
        let report = world.converge(&phases).await;
        assert_eq!(
            report.counts.configured, 1,
            "on {}:\n{report}",
            world.server
        );
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(live.value()["spec"]["replicas"], 7);
        let image = &live.value()["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, "example.com/api:2");
        world.restart();
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.unchanged, 2, "on {}:\n{report}", world.server);
    });
}

#[test]
fn a_contested_field_can_be_an_error_that_names_the_other() {
    on_every_server(async |mut world| {
        world.policy.conflicts = Conflicts::Fail;
        world
            .converge(&[("pre", NAMESPACE), ("app", DEPLOYMENT)])
            .await;
        world.apply_as("autoscaler", SCALED).await;
        let report = world
            .reconcile(&[("pre", NAMESPACE), ("app", DEPLOYMENT)])
            .await;
        assert_eq!(report.outcome, Outcome::Failed);
        let error = report.all_errors().next().unwrap();
        assert_eq!(error.code, "apply/conflict");
        assert!(
            error.message.contains("autoscaler") && error.message.contains(".spec.replicas"),
            "{error}"
        );
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(live.value()["spec"]["replicas"], 7);
    });
}

#[test]
fn an_object_deleted_by_hand_is_created_again() {
    on_every_server(async |world| {
        let phases = [("pre", NAMESPACE), ("app", &*config_map("a"))];
        world.converge(&phases).await;
        world.delete("v1 ConfigMap TAG/a").await;
        let report = world.converge(&phases).await;
        assert_eq!((report.counts.created, report.counts.unchanged), (1, 1));
    });
}

#[test]
fn the_parent_does_not_grow_with_what_it_owns() {
    on_every_server(async |world| {
        let maps = |count: usize| {
            let names = (0..count).map(|at| config_map(&format!("member-{at}")));
            NAMESPACE.to_owned() + &names.collect::<String>()
        };
        world.converge(&[("app", &maps(2))]).await;
        let few = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        world.converge(&[("app", &maps(200))]).await;
        let many = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        let text = many.value().to_string();
        assert!(!text.contains("member-"), "no object is listed: {text}");
        let annotations = ["metadata", "annotations"];
        assert_eq!(
            few.at(&annotations),
            many.at(&annotations),
            "on {}",
            world.server
        );
        let grown = text.len().saturating_sub(few.value().to_string().len());
        assert!(
            grown < 100,
            "on {}: {grown} bytes more: {text}",
            world.server
        );
    });
}
