//! Phases of which nothing is written unless the server takes all of it.

use serde_json::json;
use trueup::report::{ActionResult, Outcome, PhaseResult};

use crate::harness::on_every_server;

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const AFTER: &str = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: TAG}\ndata: {a: b}\n";
/// No Service has such a port.
const BAD: &str = "
---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: TAG}
spec: {ports: [{port: 99999}]}
";
const CRD: &str = "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gears.TAG.example.com}
spec:
  group: TAG.example.com
  scope: Namespaced
  names: {kind: Gear, plural: gears, singular: gear, listKind: GearList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: TAG.example.com/v1
kind: Gear
metadata: {name: g, namespace: TAG}
spec: {teeth: 12}
";

fn config_map(name: &str) -> String {
    AFTER.replace("name: after", &format!("name: {name}"))
}

fn bad(name: &str) -> String {
    BAD.replace("NAME", name)
}

#[test]
fn nothing_of_an_atomic_phase_is_written_unless_all_of_it_would_be_taken() {
    on_every_server(async |mut world| {
        world.atomic = true;
        let all = config_map("one") + &bad("bad-x") + &config_map("two") + &bad("bad-y");
        let report = world
            .reconcile(&[("pre", NAMESPACE), ("app", &all), ("after", AFTER)])
            .await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}:\n{report}",
            world.server
        );
        let writes = world.writes();
        let touched = |what: &str| writes.iter().any(|write| write.contains(what));
        assert!(touched("Namespace"), "the phase before is done: {writes:?}");
        assert!(!touched("ConfigMap") && !touched("Service"), "{writes:?}");
        let errors: Vec<_> = report
            .all_errors()
            .map(|error| error.message.clone())
            .collect();
        assert_eq!(errors.len(), 2, "all that is wrong, at once: {errors:?}");
        assert!(
            errors.iter().all(|error| error.contains("99999")),
            "{errors:?}"
        );
        let because: Vec<_> = report
            .actions
            .iter()
            .filter_map(|action| action.because.clone())
            .collect();
        assert_eq!(because.len(), 3);
        assert!(because[0].contains("`app` is atomic"), "{because:?}");
        assert_eq!(because[2], "a phase before it failed");
        assert_eq!(report.phases[1].result, PhaseResult::Failed);
        assert_eq!(report.phases[2].result, PhaseResult::Skipped);

        // Nothing is wrong any more: all of it is written.
        let all = config_map("one") + &config_map("two");
        let report = world
            .converge(&[("pre", NAMESPACE), ("app", &all), ("after", AFTER)])
            .await;
        assert_eq!(report.counts.created, 3, "on {}", world.server);
        // What is as it should be is not even tried.
        world.cluster.take();
        world
            .converge(&[("pre", NAMESPACE), ("app", &all), ("after", AFTER)])
            .await;
        assert!(world.cluster.take().iter().all(|call| call.verb != "apply"));
    });
}

#[test]
fn one_change_that_is_refused_holds_back_the_other_changes_of_its_phase() {
    on_every_server(async |mut world| {
        world.atomic = true;
        let service = BAD.replace("NAME", "s").replace("99999", "80");
        let all = |port: &str, data: &str| {
            NAMESPACE.to_owned()
                + &service.replace("80", port)
                + &config_map("one").replace("a: b", data)
        };
        world.converge(&[("app", &all("80", "a: b"))]).await;
        let report = world.reconcile(&[("app", &all("99999", "a: c"))]).await;
        assert_eq!(report.outcome, Outcome::Failed);
        let live = world.live("v1 ConfigMap TAG/one").await.unwrap();
        assert_eq!(
            live.at(&["data"]),
            Some(&json!({"a": "b"})),
            "on {}",
            world.server
        );
        let map = report
            .actions
            .iter()
            .find(|action| action.object.kind == "ConfigMap");
        assert_eq!(map.unwrap().result, ActionResult::Skipped);
    });
}

#[test]
fn what_needs_something_of_its_own_phase_is_not_tried() {
    on_every_server(async |mut world| {
        world.atomic = true;
        let all = NAMESPACE.to_owned() + CRD + &config_map("one");
        let report = world.converge(&[("app", &all)]).await;
        assert_eq!(report.counts.created, 4, "on {}:\n{report}", world.server);
    });
}
