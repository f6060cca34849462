//! What exists already and is not ours.

use trueup::{config::reconcile::Adoption, report::Outcome};

use crate::harness::on_every_server;

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const THEIRS: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: TAG}, data: {a: theirs, b: theirs}}";
const OURS: &str =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: TAG}, data: {a: ours}}";

#[test]
fn what_nobody_owns_is_taken_over_and_the_rest_of_it_left_alone() {
    on_every_server(async |world| {
        world.converge(&[("pre", NAMESPACE)]).await;
        let before = world.apply_as("kubectl", THEIRS).await;
        let report = world.converge(&[("pre", NAMESPACE), ("app", OURS)]).await;
        assert_eq!(report.counts.adopted, 1, "{report}");
        let after = world.live("v1 ConfigMap TAG/a").await.unwrap();
        assert_eq!(after.uid(), before.uid());
        assert_eq!(
            after.value()["data"],
            serde_json::json!({"a": "ours", "b": "theirs"})
        );
        let report = world.converge(&[("pre", NAMESPACE), ("app", OURS)]).await;
        assert_eq!(report.counts.unchanged, 2);
    });
}

#[test]
fn with_the_strictest_policy_what_is_there_already_is_an_error() {
    on_every_server(async |mut world| {
        world.converge(&[("pre", NAMESPACE)]).await;
        world.apply_as("kubectl", THEIRS).await;
        world.policy.adoption = Adoption::MustMatch;
        let report = world.reconcile(&[("pre", NAMESPACE), ("app", OURS)]).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(
            report.to_string().contains("exists and is not ours"),
            "{report}"
        );
    });
}

#[test]
fn what_another_environment_owns_is_an_error_on_both_and_stays_as_it_is() {
    on_every_server(async |mut world| {
        world.converge(&[("pre", NAMESPACE), ("app", OURS)]).await;
        let before = world.live("v1 ConfigMap TAG/a").await.unwrap();
        let tag = world.tag.clone();
        let ours = OURS.replace("TAG", &tag);
        world.tag = format!("{tag}-rival");
        let report = world
            .reconcile(&[("app", &ours.replace("ours", "rival"))])
            .await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(
            report.to_string().contains("belongs to another ApplySet"),
            "{report}"
        );
        world.tag = tag;
        assert_eq!(world.live("v1 ConfigMap TAG/a").await.unwrap(), before);
    });
}
