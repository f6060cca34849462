use serde_json::{Value, json};

use super::world::{all_applied, desired, left_over, objects, plan_with};
use crate::{
    cluster::{Live, Target},
    config::reconcile::{DeletionBudget, KindPattern, ProtectSelector, Reconcile},
    plan::{PART_OF, Plan},
};

const CONFIG: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: config, namespace: web}}";

/// A plan for one ConfigMap, where other objects carry our label, too.
fn plan(left: Vec<(Target, Live)>, policy: &Reconcile) -> Plan {
    let desired = desired(&[("app", CONFIG)]);
    let mut observed = all_applied(&objects(&desired).unwrap());
    observed.owned.extend(left);
    plan_with(&desired, &observed, policy).unwrap()
}

fn config(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "web"}})
}

fn gone(plan: &Plan) -> Vec<String> {
    plan.prune
        .iter()
        .map(|prune| prune.target.to_string())
        .collect()
}

#[test]
fn what_left_the_desired_set_goes_with_its_uid() {
    let plan = plan(vec![left_over(config("old"), "u1")], &Reconcile::default());
    assert_eq!(gone(&plan), ["ConfigMap web/old"]);
    assert_eq!(plan.prune[0].uid, "u1");
}

#[test]
fn what_somebody_wants_to_keep_stays_and_says_why() {
    let annotated = |key: &str, value: &str| {
        let mut object = config("old");
        object["metadata"]["annotations"] = json!({key: value});
        left_over(object, "u1")
    };
    for (key, value) in [
        ("trueup.dev/prune", "disabled"),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ("helm.sh/resource-policy", "keep"),
        ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ] {
        let plan = plan(vec![annotated(key, value)], &Reconcile::default());
        assert!(plan.prune.is_empty());
        assert!(plan.kept[0].why.contains(key), "{}", plan.kept[0].why);
    }
    let selector = ProtectSelector {
        name: Some("old".into()),
        ..ProtectSelector::default()
    };
    let protecting = Reconcile {
        protect: vec![selector],
        ..Reconcile::default()
    };
    let off = Reconcile {
        prune: false,
        ..Reconcile::default()
    };
    for policy in [protecting, off] {
        let plan = plan(vec![left_over(config("old"), "u1")], &policy);
        assert_eq!((plan.prune.len(), plan.kept.len()), (0, 1));
    }
}

#[test]
fn what_cannot_be_made_again_goes_only_where_somebody_says_so() {
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "web"}});
    let plan_of =
        |object: &Value, policy: &Reconcile| plan(vec![left_over(object.clone(), "u1")], policy);
    assert!(plan_of(&claim, &Reconcile::default()).prune.is_empty());
    let kinds = vec![KindPattern::new("PersistentVolumeClaim")];
    let allowing = Reconcile {
        prune_kinds: kinds,
        ..Reconcile::default()
    };
    assert_eq!(plan_of(&claim, &allowing).prune.len(), 1);
    let mut allowed = claim;
    allowed["metadata"]["annotations"] = json!({"trueup.dev/prune": "enabled"});
    assert_eq!(plan_of(&allowed, &Reconcile::default()).prune.len(), 1);
}

#[test]
fn objects_go_in_the_reverse_of_the_order_they_came_in() {
    let policy = Reconcile {
        prune_kinds: vec![KindPattern::new("Namespace")],
        ..Reconcile::default()
    };
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "api", "namespace": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "envFrom": [{"configMapRef": {"name": "old"}}]}]}}}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}});
    let plan = plan(
        vec![
            left_over(namespace, "u1"),
            left_over(config("old"), "u2"),
            left_over(deployment, "u3"),
        ],
        &policy,
    );
    assert_eq!(
        gone(&plan),
        [
            "Deployment.apps web/api",
            "ConfigMap web/old",
            "Namespace web"
        ]
    );
    let after: Vec<&[usize]> = plan
        .prune
        .iter()
        .map(|prune| prune.after.as_slice())
        .collect();
    assert_eq!(after, [&[][..], &[0], &[0, 1]]);
}

#[test]
fn an_object_that_moves_to_another_version_or_group_is_not_deleted() {
    let desired = desired(&[("app", CONFIG)]);
    let mut observed = all_applied(&objects(&desired).unwrap());
    let uid = observed.owned[0].1.uid().to_owned();
    // The same object, as another group serves it.
    observed.owned.push(left_over(config("alias"), &uid));
    let plan = plan_with(&desired, &observed, &Reconcile::default()).unwrap();
    assert!(plan.prune.is_empty());
}

#[test]
fn what_a_controller_copied_our_label_to_is_not_ours() {
    let (target, live) = left_over(
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "api", "namespace": "web"}}),
        "u1",
    );
    let mut copy = live.value().clone();
    copy["metadata"]["managedFields"] =
        json!([{"manager": "endpoint-controller", "operation": "Update"}]);
    let plan = plan(vec![(target, Live::new(copy))], &Reconcile::default());
    assert!(plan.prune.is_empty() && plan.kept.is_empty());
}

#[test]
fn too_much_at_once_waits_for_somebody_to_confirm_it() {
    let left = |count: usize| {
        (0..count)
            .map(|at| left_over(config(&format!("old-{at}")), &format!("u{at}")))
            .collect::<Vec<_>>()
    };
    let budget = DeletionBudget {
        count: Some(2),
        percent: None,
    };
    let policy = Reconcile {
        deletion_budget: Some(budget),
        ..Reconcile::default()
    };
    assert_eq!(plan(left(2), &policy).hold, None);
    let hold = plan(left(3), &policy).hold.unwrap();
    assert!(
        hold.why.starts_with("3 of 4 objects would be deleted"),
        "{}",
        hold.why
    );
    let nothing = desired(&[("app", "")]);
    let observed = crate::plan::Observed {
        owned: left(1),
        ..crate::plan::Observed::default()
    };
    let hold = plan_with(&nothing, &observed, &Reconcile::default())
        .unwrap()
        .hold
        .unwrap();
    assert!(hold.why.contains("empty"), "{}", hold.why);
}

#[test]
fn a_label_that_the_manifest_sets_itself_is_an_error() {
    let text = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, namespace: b, labels: {{{PART_OF}: x}}}}}}"
    );
    let error = objects(&desired(&[("app", &text)]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("sets the label"), "{error}");
}
