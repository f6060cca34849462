//! What left Git goes, and nothing else.

use trueup::{config::reconcile::DeletionBudget, report::Outcome};

use crate::harness::on_every_server;

fn config_map(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: TAG}}\ndata: {{a: b}}\n"
    )
}

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

#[test]
fn an_object_that_left_git_is_deleted_and_one_that_was_never_ours_stays() {
    on_every_server(async |world| {
        let both = config_map("a") + &config_map("b");
        world.converge(&[("pre", NAMESPACE), ("app", &both)]).await;
        world.apply_as("somebody", &config_map("theirs")).await;
        let report = world
            .converge(&[("pre", NAMESPACE), ("app", &config_map("a"))])
            .await;
        assert_eq!(report.counts.pruned, 1, "on {}:\n{report}", world.server);
        assert!(world.live("v1 ConfigMap TAG/b").await.is_none());
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
        assert!(world.live("v1 ConfigMap TAG/theirs").await.is_some());
    });
}

#[test]
fn an_object_that_moves_to_another_phase_keeps_its_uid() {
    on_every_server(async |world| {
        let (a, b) = (config_map("a"), config_map("b"));
        world
            .converge(&[("pre", NAMESPACE), ("one", &(a.clone() + &b)), ("two", "")])
            .await;
        let before = world.live("v1 ConfigMap TAG/b").await.unwrap();
        world
            .converge(&[("pre", NAMESPACE), ("one", &a), ("two", &b)])
            .await;
        assert_eq!(world.live("v1 ConfigMap TAG/b").await.unwrap(), before);
    });
}

#[test]
fn an_empty_desired_set_stops_and_asks() {
    on_every_server(async |world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", &config_map("a"))])
            .await;
        world.writes();
        let report = world.reconcile(&[("pre", ""), ("app", "")]).await;
        assert_eq!(report.outcome, Outcome::Held);
        let writes = world.writes();
        assert!(
            writes.iter().all(|write| write.contains("/status")),
            "{writes:?}"
        );
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
    });
}

#[test]
fn a_namespace_stays_unless_somebody_says_that_it_may_go() {
    on_every_server(async |world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", &config_map("a"))])
            .await;
        let other = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG-other}\n";
        let report = world.converge(&[("pre", other), ("app", "")]).await;
        assert_eq!(
            (report.counts.pruned, report.counts.kept),
            (1, 1),
            "{report}"
        );
        assert!(world.live("v1 Namespace TAG").await.is_some());
    });
}

#[test]
fn an_annotated_object_stays_until_the_annotation_goes() {
    on_every_server(async |world| {
        let kept = config_map("b").replace(
            "namespace: TAG",
            "namespace: TAG, annotations: {trueup.dev/prune: disabled}",
        );
        world
            .converge(&[("pre", NAMESPACE), ("app", &(config_map("a") + &kept))])
            .await;
        let rest = config_map("a");
        let report = world.converge(&[("pre", NAMESPACE), ("app", &rest)]).await;
        assert_eq!(
            (report.counts.pruned, report.counts.kept),
            (0, 1),
            "{report}"
        );
        let annotation = "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: TAG, annotations: {trueup.dev/prune: enabled}}}";
        world.apply_as("somebody", annotation).await;
        let report = world.converge(&[("pre", NAMESPACE), ("app", &rest)]).await;
        assert_eq!(report.counts.pruned, 1, "{report}");
    });
}

#[test]
fn nothing_is_deleted_while_what_may_replace_it_cannot_be_created() {
    on_every_server(async |world| {
        let both = config_map("a") + &config_map("b");
        world.converge(&[("pre", NAMESPACE), ("app", &both)]).await;
        let broken = config_map("a").replace("name: a", "name: \"not a name\"");
        let report = world
            .reconcile(&[("pre", NAMESPACE), ("app", &broken)])
            .await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(world.live("v1 ConfigMap TAG/b").await.is_some());
        let report = world
            .converge(&[("pre", NAMESPACE), ("app", &config_map("a"))])
            .await;
        assert_eq!(report.counts.pruned, 1, "{report}");
    });
}

#[test]
fn what_somebody_confirms_in_the_cluster_is_just_what_they_saw() {
    on_every_server(async |world| {
        let all = config_map("a") + &config_map("b");
        world.converge(&[("pre", NAMESPACE), ("app", &all)]).await;
        let mut world = world;
        world.policy.deletion_budget = Some(DeletionBudget {
            count: Some(0),
            percent: None,
        });
        let less = [("pre", NAMESPACE), ("app", &*config_map("a"))];
        let report = world.reconcile(&less).await;
        assert_eq!(report.outcome, Outcome::Held);
        let help = report.hold.unwrap().help;
        let (_, token) = help.rsplit_once("trueup.dev/confirm=").unwrap();
        let token = token.trim_end_matches('`');
        let confirm = |token: &str| serde_json::json!({"metadata": {"annotations": {"trueup.dev/confirm": token}}});
        let parent = "trueup.dev/v1 Environment env-TAG";
        world.patch(parent, confirm("0123456789ab")).await;
        assert_eq!(world.reconcile(&less).await.outcome, Outcome::Held);
        world.patch(parent, confirm(token)).await;
        assert_eq!(world.converge(&less).await.counts.pruned, 1);
        // It was for these objects, and for once.
        let none = [("pre", NAMESPACE), ("app", "")];
        assert_eq!(world.reconcile(&none).await.outcome, Outcome::Held);
    });
}

#[test]
fn an_object_that_moves_to_another_version_of_its_kind_keeps_its_uid() {
    on_every_server(async |world| {
        let v2 = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, namespace: TAG}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}}
";
        let v1 = v2.replace("autoscaling/v2", "autoscaling/v1");
        world.converge(&[("pre", NAMESPACE), ("app", &v1)]).await;
        let place = "autoscaling/v2 HorizontalPodAutoscaler TAG/a";
        let before = world.live(place).await.unwrap();
        let report = world.converge(&[("pre", NAMESPACE), ("app", v2)]).await;
        assert_eq!(report.counts.pruned, 0, "on {}:\n{report}", world.server);
        let after = world.live(place).await.unwrap();
        assert_eq!(before.uid(), after.uid());
        let report = world.converge(&[("pre", NAMESPACE), ("app", v2)]).await;
        assert_eq!(report.counts.changed(), 0, "on {}:\n{report}", world.server);
    });
}
