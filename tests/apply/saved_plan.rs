//! A plan that was written down, and applied later.

use std::sync::Arc;

use serde_json::json;
use trueup::{
    apply::Options,
    plan::Saved,
    report::{Outcome, Report},
};

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

fn objects(image: &str, password: &str) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: TAG}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: api}}}}
  template: {{metadata: {{labels: {{app: api}}}}, spec: {{containers: [{{name: api, image: \"example.com/api:{image}\"}}]}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: s, namespace: TAG}}
stringData: {{password: {password}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: c, namespace: TAG}}
data: {{a: b}}
"
    )
}

/// The plan for phases as its file has it.
async fn saved(world: &World, phases: &[(&str, &str)]) -> (String, Saved) {
    let plan = world.plan(phases).await.unwrap();
    let text = serde_json::to_string_pretty(&*plan).unwrap();
    let saved = Saved::read(&text).unwrap();
    (text, saved)
}

async fn apply(world: &World, phases: &[(&str, &str)], saved: Saved) -> Report {
    let options = Options {
        expected: Some(Arc::new(saved)),
        ..Options::default()
    };
    world.reconcile_with(phases, &options).await
}

#[test]
fn a_plan_applies_as_long_as_what_it_relied_on_holds() {
    on_every_server(async |world| {
        world
            .converge(&[("pre", NAMESPACE), ("app", &objects("1", "hunter2"))])
            .await;
        let next = objects("2", "hunter3");
        let next = [("pre", NAMESPACE), ("app", next.as_str())];
        let (text, plan) = saved(&world, &next).await;
        assert!(!text.contains("hunter"), "{text}");
        assert!(!text.contains("aHVudGVy"), "{text}");
        // What others do meanwhile to other fields and other objects is no matter.
        let label = json!({"metadata": {"annotations": {"somebody": "was here"}}});
        world.patch("apps/v1 Deployment TAG/api", label).await;
        let other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: TAG}}";
        world.apply_as("somebody", other).await;
        let report = apply(&world, &next, plan.clone()).await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(report.counts.configured, 2);
        // Once more is no error: it is done.
        world.writes();
        let report = apply(&world, &next, plan).await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_stale_plan_changes_nothing_and_what_has_changed_is_named() {
    on_every_server(async |world| {
        let first = objects("1", "hunter2");
        world.converge(&[("pre", NAMESPACE), ("app", &first)]).await;
        let next = objects("2", "hunter3");
        let next = [("pre", NAMESPACE), ("app", next.as_str())];
        let (_, plan) = saved(&world, &next).await;

        // A field that it changes has another value.
        let image = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: TAG}, spec: {template: {spec: {containers: [{name: api, image: \"example.com/api:hotfix\"}]}}}}";
        world.apply_as("somebody", image).await;
        world.writes();
        let report = apply(&world, &next, plan.clone()).await;
        assert_eq!(report.outcome, Outcome::Failed);
        let text = report.to_string();
        assert!(
            text.contains("error[plan/stale]")
                && text.contains("containers[name=api].image` is `\"example.com/api:hotfix\"` now")
                && text.contains("was `\"example.com/api:1\"` when the plan was made"),
            "{text}"
        );
        assert_eq!(world.writes(), Vec::<String>::new(), "{text}");

        // An object that it leaves as it is has gone.
        world.converge(&[("pre", NAMESPACE), ("app", &first)]).await;
        world.delete("v1 ConfigMap TAG/c").await;
        let text = apply(&world, &next, plan.clone()).await.to_string();
        assert!(
            text.contains("/c` was as it should be, and differs now"),
            "{text}"
        );
        world.converge(&[("pre", NAMESPACE), ("app", &first)]).await;

        // What is rendered is not what it was: a Secret, of which nothing is said.
        let other = objects("2", "hunter4");
        let report = apply(&world, &[("pre", NAMESPACE), ("app", &other)], plan).await;
        let text = report.to_string();
        assert!(
            text.contains("/s` is rendered otherwise than in the plan"),
            "{text}"
        );
        assert!(!text.contains("hunter"), "{text}");
    });
}

#[test]
fn a_plan_deletes_what_it_said_and_nothing_that_left_since() {
    on_every_server(async |world| {
        let all = objects("1", "x");
        world.converge(&[("pre", NAMESPACE), ("app", &all)]).await;
        let (without_map, _) = all.rsplit_once("---").unwrap();
        let phases = [("pre", NAMESPACE), ("app", without_map)];
        let (_, plan) = saved(&world, &phases).await;
        let (without_secret, _) = without_map.rsplit_once("---").unwrap();
        let more = [("pre", NAMESPACE), ("app", without_secret)];
        let text = apply(&world, &more, plan.clone()).await.to_string();
        assert!(
            text.contains("would be deleted now, which the plan does not say"),
            "{text}"
        );
        assert!(world.live("v1 ConfigMap TAG/c").await.is_some());
        let report = apply(&world, &phases, plan).await;
        assert_eq!(report.counts.pruned, 1, "on {}:\n{report}", world.server);
    });
}

#[test]
fn a_file_that_is_no_plan_of_this_version_is_refused() {
    for (text, why) in [
        ("{}", "missing field `version`"),
        ("[]", "invalid"),
        (
            r#"{"version": 2}"#,
            "it has version 2, and this program knows version 1",
        ),
    ] {
        let error = Saved::read(text).unwrap_err();
        assert!(error.message.contains(why), "{text}: {error}");
    }
}

#[test]
fn what_a_plan_says_is_what_the_run_after_it_does() {
    const SECRET: &str = "\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: TAG}\nstringData: {key: VALUE}\n";
    const MAP: &str = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, namespace: TAG}\ndata: {key: VALUE}\n";
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
    let map = |name: &str, value: &str| MAP.replace("NAME", name).replace("VALUE", value);
    on_every_server(async |world| {
        let before = namespace.to_owned()
            + &map("changes", "one")
            + &map("stays", "one")
            + &map("goes", "one")
            + &SECRET.replace("VALUE", "hunter2");
        world.converge(&[("app", &before)]).await;
        world.writes();
        let after = namespace.to_owned()
            + &map("changes", "two")
            + &map("stays", "one")
            + &map("comes", "one")
            + &SECRET.replace("VALUE", "hunter3");
        let phases = [("app", &*after)];
        let plan = world.plan(&phases).await.unwrap();
        assert!(world.writes().is_empty(), "on {}", world.server);
        let text = serde_json::to_string(&*plan).unwrap();
        assert!(
            !text.contains("hunter") && !text.contains("aHVudGVy"),
            "{text}"
        );

        let changed = plan.actions.iter().filter(|action| action.kind.is_change());
        let mut planned: Vec<String> = changed
            .map(|action| format!("apply {}", action.id()))
            .collect();
        planned.extend(
            plan.prune
                .iter()
                .map(|prune| format!("delete {}", prune.target)),
        );
        world.converge(&phases).await;
        let is_ours = |write: &String| {
            write.contains(&format!("{}/", world.tag)) && !write.contains("Environment.trueup.dev")
        };
        let mut done: Vec<String> = world.writes().into_iter().filter(is_ours).collect();
        planned.sort();
        done.sort();
        assert_eq!(done, planned, "on {}", world.server);
        assert_eq!(done.len(), 4);
        let plan = world.plan(&phases).await.unwrap();
        assert!(plan.is_empty(), "on {}", world.server);
    });
}
