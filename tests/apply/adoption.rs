//! What exists already and is not ours.

use trueup::{apply::Options, config::reconcile::Adoption, report::Outcome};

use crate::harness::on_every_server;

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const THEIRS: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: TAG}, data: {a: theirs, b: theirs}}";
const OURS: &str =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: TAG}, data: {a: ours}}";

#[test]
fn what_nobody_owns_is_taken_over_and_the_rest_of_it_left_alone() {
    on_every_server(async |world| {
        world.converge(&[("pre", NAMESPACE)]).await;
        let before = world.apply_as("somebody", THEIRS).await;
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
        world.apply_as("somebody", THEIRS).await;
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
        let all = [("pre", NAMESPACE), ("app", OURS)];
        world.converge(&all).await;
        let before = world.live("v1 ConfigMap TAG/a").await.unwrap();
        let tag = world.tag.clone();
        let theirs = OURS.replace("TAG", &tag).replace("ours", "rival");
        let own = format!("{NAMESPACE}---\n{OURS}\n");
        for _ in 0..2 {
            world.tag = format!("{tag}-rival");
            let rival = world
                .reconcile(&[("pre", &(own.clone() + "---\n" + &theirs))])
                .await;
            assert_eq!(rival.outcome, Outcome::Failed);
            let text = rival.to_string();
            assert!(
                text.contains(&format!("belongs to the environment `env_{tag}`")),
                "{text}"
            );
            // The rest of it is done.
            assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
            world.tag.clone_from(&tag);
            let owner = world.reconcile(&all).await;
            assert_eq!(owner.outcome, Outcome::Failed, "on {}", world.server);
            let claim =
                format!("the environment `env_{tag}-rival` claims `ConfigMap {tag}/a`, too");
            assert!(owner.to_string().contains(&claim), "{owner}");
            assert_eq!(owner.counts.unchanged, 2);
        }
        assert_eq!(world.live("v1 ConfigMap TAG/a").await.unwrap(), before);
        // Once one of the two gives way, both are well.
        world.tag = format!("{tag}-rival");
        world.converge(&[("pre", &own)]).await;
        world.tag = tag;
        world.converge(&all).await;
    });
}

#[test]
fn two_repositories_with_an_environment_of_one_name_never_prune_each_other() {
    on_every_server(async |world| {
        let from = |source: &str, text: &str| {
            let mut desired = world.desired(&[("pre", NAMESPACE), ("app", text)]);
            desired.source = Some(source.to_owned());
            desired
        };
        let one = from("git.example.com/a/one", OURS);
        let two = from("git.example.com/b/two", &OURS.replace("name: a", "name: b"));
        let options = Options::default();
        let report = world.session.reconcile(&one, &world.policy, &options).await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
        // Not even by somebody who confirms deletions.
        let confirmed = Options {
            confirmed: true,
            ..Options::default()
        };
        let report = world
            .session
            .reconcile(&two, &world.policy, &confirmed)
            .await;
        assert_eq!(report.outcome, Outcome::Held, "on {}", world.server);
        let text = report.to_string();
        assert!(
            text.contains("comes from `git.example.com/a/one`") && text.contains("--take-over"),
            "{text}"
        );
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
        assert!(world.live("v1 ConfigMap TAG/b").await.is_none());
        let take_over = Options {
            take_over: true,
            ..Options::default()
        };
        let report = world
            .session
            .reconcile(&two, &world.policy, &take_over)
            .await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
        assert!(world.live("v1 ConfigMap TAG/b").await.is_some());
        let report = world.session.reconcile(&one, &world.policy, &options).await;
        assert_eq!(report.outcome, Outcome::Held, "it has moved for good");
    });
}
