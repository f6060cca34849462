//! Who wins which field: rules by field, manager and object.

use serde_json::{Value, json};
use trueup::{
    config::{
        FieldRule, Pointer,
        reconcile::{Conflicts, KindPattern},
    },
    report::Outcome,
};

use crate::harness::{World, on_a_cluster_with_nodes, on_every_server, outline};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: example.com/api:1}]}}
";
const API: &str = "apps/v1 Deployment TAG/api";

fn rule(paths: &[&str], managers: &[&str], conflicts: Conflicts) -> FieldRule {
    let pointer = |path: &&str| Pointer::parse(path).unwrap();
    FieldRule {
        kind: Some(KindPattern::new("Deployment.apps")),
        name: None,
        namespace: None,
        paths: paths.iter().map(pointer).collect(),
        managers: managers.iter().map(|name| (*name).to_owned()).collect(),
        conflicts,
    }
}

fn replicas_are_left() -> Vec<FieldRule> {
    vec![rule(&["/spec/replicas"], &[], Conflicts::Leave)]
}

/// Scales as an autoscaler does: through the subresource `scale`, by an update.
async fn scale(world: &World, replicas: u32) {
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments/api/scale?fieldManager=kube-controller-manager",
        world.tag
    );
    let body = json!({"spec": {"replicas": replicas}}).to_string();
    let headers = [("content-type", "application/merge-patch+json")];
    let answer = world.raw().send("PATCH", &path, &headers, body).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn at(world: &World, path: &str) -> Value {
    let live = world.live(API).await.unwrap();
    live.value().pointer(path).cloned().unwrap_or_default()
}

const IMAGE: &str = "/spec/template/spec/containers/0/image";

#[test]
fn replicas_are_left_to_their_autoscaler_although_git_names_a_number() {
    on_every_server(async |mut world| {
        world.policy.field_rules = replicas_are_left();
        let all = NAMESPACE.to_owned() + DEPLOYMENT;
        world.converge(&[("app", &all)]).await;
        assert_eq!(
            at(&world, "/spec/replicas").await,
            2,
            "set when it is created"
        );
        // As long as nobody else sets it, Git does.
        let three = all.replace("replicas: 2", "replicas: 3");
        world.converge(&[("app", &three)]).await;
        assert_eq!(at(&world, "/spec/replicas").await, 3, "on {}", world.server);

        scale(&world, 7).await;
        world.writes();
        let report = world.converge(&[("app", &three)]).await;
        assert_eq!(world.writes(), [""; 0], "on {}:\n{report}", world.server);
        world.restart();
        world.converge(&[("app", &three)]).await;
        assert_eq!(
            world.writes(),
            [""; 0],
            "nor does a new process, on {}",
            world.server
        );
        let plan = world.plan(&[("app", &three)]).await.unwrap();
        assert_eq!(outline(&plan), "", "no drift on {}", world.server);
        let left = plan.actions.iter().flat_map(|action| &action.left);
        let left: Vec<String> = left.map(ToString::to_string).collect();
        assert_eq!(left, ["spec.replicas"], "the plan says what it leaves");

        // Everything else is Git's, also what the same people set.
        let newer = three
            .replace("api:1", "api:2")
            .replace("replicas: 3", "replicas: 4");
        let report = world.converge(&[("app", &newer)]).await;
        assert_eq!(report.counts.configured, 1);
        assert_eq!(at(&world, IMAGE).await, "example.com/api:2");
        assert_eq!(at(&world, "/spec/replicas").await, 7, "on {}", world.server);

        // Made anew, it has what Git says.
        world.delete(API).await;
        world.converge(&[("app", &newer)]).await;
        assert_eq!(at(&world, "/spec/replicas").await, 4, "on {}", world.server);
    });
}

#[test]
fn one_field_is_left_to_one_manager_and_everything_else_is_taken() {
    on_every_server(async |mut world| {
        world.policy.field_rules = vec![rule(
            &["/spec/replicas", "/metadata/annotations/team"],
            &["kube-*"],
            Conflicts::Leave,
        )];
        let annotated = DEPLOYMENT.replace("TAG}", "TAG, annotations: {team: ours}}");
        let all = NAMESPACE.to_owned() + &annotated;
        world.converge(&[("app", &all)]).await;
        scale(&world, 7).await;
        // By hand: a manager that no rule names.
        let by_hand = json!({"metadata": {"annotations": {"team": "theirs"}},
            "spec": {"template": {"spec": {"containers": [{"name": "api", "image": "example.com/evil:1"}]}}}});
        world.patch(API, by_hand).await;
        let report = world.converge(&[("app", &all)]).await;
        assert_eq!(
            report.counts.configured, 1,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(at(&world, "/spec/replicas").await, 7, "on {}", world.server);
        assert_eq!(at(&world, "/metadata/annotations/team").await, "ours");
        assert_eq!(at(&world, IMAGE).await, "example.com/api:1");
        world.writes();
        world.converge(&[("app", &all)]).await;
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}

#[test]
fn a_field_that_nobody_may_take_is_an_error_that_names_it_and_its_owner_and_blocks_nothing_else() {
    on_every_server(async |mut world| {
        world.policy.field_rules = vec![rule(&["/spec/replicas"], &[], Conflicts::Fail)];
        let other = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: TAG}\ndata: {a: b}\n";
        let all = NAMESPACE.to_owned() + DEPLOYMENT;
        world.converge(&[("app", &all)]).await;
        scale(&world, 7).await;
        let newer = all.replace("api:1", "api:2") + other;
        let report = world.reconcile(&[("app", &newer)]).await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        let errors: Vec<_> = report.all_errors().collect();
        let [error] = *errors else {
            panic!("one error on {}:\n{report}", world.server);
        };
        assert_eq!(error.code, "apply/conflict");
        let said = "`.spec.replicas` is set by `kube-controller-manager`, and Git says otherwise";
        assert!(error.message.ends_with(said), "{error}");
        let help = error.help.as_deref().unwrap();
        assert!(
            help.contains("{paths: [/spec/replicas], conflicts: leave}"),
            "{help}"
        );
        assert_eq!(at(&world, "/spec/replicas").await, 7, "on {}", world.server);
        assert_eq!(
            at(&world, IMAGE).await,
            "example.com/api:1",
            "nothing of it is applied"
        );
        assert!(world.live("v1 ConfigMap TAG/other").await.is_some());
        // What others do not contest is Git's.
        world.patch(API, json!({"spec": {"replicas": 2}})).await;
        world.converge(&[("app", &newer)]).await;
        assert_eq!(at(&world, IMAGE).await, "example.com/api:2");
    });
}

#[test]
fn an_autoscaler_that_scales_between_plan_and_apply_is_not_overwritten() {
    on_every_server(async |mut world| {
        world.policy.field_rules = replicas_are_left();
        let all = NAMESPACE.to_owned() + DEPLOYMENT;
        world.converge(&[("app", &all)]).await;
        let newer = all.replace("api:1", "api:2");
        let desired = world.desired(&[("app", &newer)]);
        let consent = trueup::plan::Consent::default();
        let planned = world.session.plan(&desired, &world.policy, consent).await;
        let planned = planned.map_err(|errors| errors.to_string()).unwrap();
        scale(&world, 7).await;
        let options = trueup::apply::Options::default();
        let report = world
            .session
            .carry_out(&planned, &world.policy, &options)
            .await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(at(&world, "/spec/replicas").await, 7, "on {}", world.server);
        assert_eq!(at(&world, IMAGE).await, "example.com/api:2");
        world.writes();
        world.converge(&[("app", &newer)]).await;
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}

#[test]
fn an_object_that_is_recreated_begins_with_what_git_says() {
    on_every_server(async |mut world| {
        world.policy.field_rules = replicas_are_left();
        world.policy.recreate = vec![KindPattern::new("Deployment")];
        let all = NAMESPACE.to_owned() + DEPLOYMENT;
        world.converge(&[("app", &all)]).await;
        scale(&world, 7).await;
        let other = all.replace("app: api", "app: other");
        let report = world.converge(&[("app", &other)]).await;
        assert_eq!(report.counts.recreated, 1, "on {}:\n{report}", world.server);
        assert_eq!(at(&world, "/spec/replicas").await, 2, "on {}", world.server);
    });
}

#[test]
fn a_real_autoscaler_keeps_its_replicas() {
    const AUTOSCALER: &str = "
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api, namespace: TAG}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 3
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
";
    on_a_cluster_with_nodes(async |mut world| {
        world.policy.field_rules = replicas_are_left();
        // It is never healthy without metrics, and scales to its minimum without them.
        world.wait = false;
        let all = NAMESPACE.to_owned() + DEPLOYMENT + AUTOSCALER;
        world.converge(&[("app", &all)]).await;
        let scaled = async {
            while at(&world, "/spec/replicas").await != 3 {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        };
        let patience = std::time::Duration::from_secs(90);
        assert!(
            tokio::time::timeout(patience, scaled).await.is_ok(),
            "the autoscaler scales"
        );
        world.writes();
        world.restart();
        let report = world.converge(&[("app", &all)]).await;
        assert_eq!(world.writes(), [""; 0], "{report}");
        let newer = all.replace("api:1", "api:2");
        world.converge(&[("app", &newer)]).await;
        assert_eq!(at(&world, "/spec/replicas").await, 3);
        assert_eq!(at(&world, IMAGE).await, "example.com/api:2");
    });
}
