//! What left Git goes, and nothing else.

use trueup::report::Outcome;

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
fn nothing_is_deleted_while_something_failed() {
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
