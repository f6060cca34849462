//! One bad object stops only what needs it, and everything that is wrong is said at once.

use trueup::report::{ActionResult, Outcome, PhaseResult, Report};

use crate::harness::on_every_server;

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

fn config_map(name: &str, more: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: \"{name}\", namespace: TAG{more}}}\ndata: {{a: b}}\n"
    )
}

fn depends_on(name: &str) -> String {
    format!(", annotations: {{config.kubernetes.io/depends-on: /namespaces/TAG/ConfigMap/{name}}}")
}

fn result(report: &Report, name: &str) -> ActionResult {
    report
        .actions
        .iter()
        .find(|action| action.object.name == name)
        .unwrap()
        .result
}

#[test]
fn what_needs_a_bad_object_is_skipped_and_the_rest_is_done() {
    on_every_server(async |world| {
        let all = NAMESPACE.to_owned()
            + &config_map("good", "")
            + &config_map("Bad_One", "")
            + &config_map("Bad_Two", "")
            + &config_map("needs-bad", &depends_on("Bad_One"))
            + &config_map("needs-that", &depends_on("needs-bad"))
            + &config_map("needs-good", &depends_on("good"));
        let report = world.reconcile(&[("all", &all)]).await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        for (name, expected) in [
            ("good", ActionResult::Done),
            ("needs-good", ActionResult::Done),
            ("Bad_One", ActionResult::Failed),
            ("Bad_Two", ActionResult::Failed),
            ("needs-bad", ActionResult::Skipped),
            ("needs-that", ActionResult::Skipped),
        ] {
            assert_eq!(
                result(&report, name),
                expected,
                "{name} on {}:\n{report}",
                world.server
            );
        }
        assert_eq!(report.all_errors().count(), 2);
        let text = report.to_string();
        let skipped = format!(
            "ConfigMap {0}/needs-bad skipped: `ConfigMap {0}/Bad_One` failed",
            world.tag
        );
        assert!(text.contains(&skipped), "{text}");
        assert!(
            text.contains("all.yaml:"),
            "errors have their place: {text}"
        );
    });
}

#[test]
fn a_phase_that_failed_stops_those_that_depend_on_it_and_no_others() {
    on_every_server(async |world| {
        let mut desired = world.desired(&[
            ("pre", NAMESPACE),
            ("bad", &config_map("Bad", "")),
            ("after", &config_map("after", "")),
            ("beside", &config_map("beside", "")),
        ]);
        desired.phases[3].depends_on = vec!["pre".to_owned()];
        let report = world
            .session
            .reconcile(&desired, &world.policy, &trueup::apply::Options::default())
            .await;
        let phases: Vec<(&str, PhaseResult)> = report
            .phases
            .iter()
            .map(|phase| (phase.name.as_str(), phase.result))
            .collect();
        assert_eq!(
            phases,
            [
                ("pre", PhaseResult::Done),
                ("bad", PhaseResult::Failed),
                ("after", PhaseResult::Skipped),
                ("beside", PhaseResult::Done),
            ],
            "on {}:\n{report}",
            world.server
        );
        assert_eq!(result(&report, "after"), ActionResult::Skipped);
        assert_eq!(result(&report, "beside"), ActionResult::Done);
    });
}

#[test]
fn a_namespace_that_is_nowhere_is_named_with_what_to_do() {
    on_every_server(async |world| {
        let report = world.reconcile(&[("app", &config_map("a", ""))]).await;
        assert_eq!(report.outcome, Outcome::Failed);
        let error = report.all_errors().next().unwrap();
        assert_eq!(error.code, "apply/not-found");
        assert!(
            error.help.as_deref().unwrap().contains("add the namespace"),
            "{error:?}"
        );
    });
}

#[test]
fn an_unknown_kind_stops_just_its_object_and_every_deletion() {
    on_every_server(async |world| {
        let phases = [("app", &*(NAMESPACE.to_owned() + &config_map("old", "")))];
        world.converge(&phases).await;
        let unknown =
            "---\napiVersion: v1\nkind: Nonsense\nmetadata: {name: old, namespace: TAG}\n";
        let phases = [(
            "app",
            &*(NAMESPACE.to_owned() + unknown + &config_map("new", "")),
        )];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        let text = report.to_string();
        assert!(
            text.contains("app.yaml:7:7: error[plan/unknown-kind]"),
            "on {}:\n{text}",
            world.server
        );
        assert_eq!(result(&report, "new"), ActionResult::Done, "{text}");
        // What is called as the unknown one is may be what was meant.
        assert!(world.live("v1 ConfigMap TAG/old").await.is_some(), "{text}");
        assert!(
            text.contains("which may be meant as this"),
            "on {}:\n{text}",
            world.server
        );
        // Set right, everything goes on.
        world
            .converge(&[("app", &*(NAMESPACE.to_owned() + &config_map("new", "")))])
            .await;
        assert!(world.live("v1 ConfigMap TAG/old").await.is_none());
    });
}

#[test]
fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    on_every_server(async |world| {
        let options = trueup::apply::Options {
            dry_run: true,
            ..trueup::apply::Options::default()
        };
        let phases = [("pre", NAMESPACE), ("app", &config_map("a", ""))];
        let report = world.reconcile_with(&phases, &options).await;
        assert_eq!(report.outcome, Outcome::Pending);
        assert_eq!(world.writes(), [""; 0]);
        world.converge(&phases).await;
        world.writes();
        let report = world.reconcile_with(&phases, &options).await;
        assert_eq!(report.outcome, Outcome::Converged);
        assert_eq!(world.writes(), [""; 0]);
    });
}

#[test]
fn a_failure_holds_back_only_the_deletions_of_what_may_still_be_needed() {
    const USER: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: example.com/api:1, envFrom: [{configMapRef: {name: old}}]}]}
";
    const UNRELATED: &str = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: unrelated, namespace: TAG}\nstringData: {a: b}\n";
    on_every_server(async |world| {
        let before = USER.to_owned() + &config_map("old", "") + UNRELATED;
        world
            .converge(&[("pre", NAMESPACE), ("app", &before)])
            .await;
        // A selector cannot be changed, so the Deployment stays as it is and goes on using `old`.
        let after = USER
            .replace("app: api}", "app: other}")
            .replace("name: old", "name: new")
            + &config_map("new", "");
        let phases = [("pre", NAMESPACE), ("app", after.as_str())];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(
            report.all_errors().count(),
            1,
            "on {}:\n{report}",
            world.server
        );
        assert!(world.live("v1 Secret TAG/unrelated").await.is_none());
        assert!(world.live("v1 ConfigMap TAG/old").await.is_some());
        let held = report
            .pruned
            .iter()
            .find(|prune| prune.object.name == "old")
            .unwrap();
        let because = format!(
            "`Deployment.apps {}/api` is not done and may still use it",
            world.tag
        );
        assert_eq!(held.because.as_deref(), Some(because.as_str()));
        // Once nothing fails any more, it goes.
        let fixed = after.replace("app: other}", "app: api}");
        world.converge(&[("pre", NAMESPACE), ("app", &fixed)]).await;
        assert!(world.live("v1 ConfigMap TAG/old").await.is_none());
    });
}
