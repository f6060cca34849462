//! Scenarios that no other file has, each named by its sentence; `docs/scenarios.md` says which is which.

use std::time::Duration;

use serde_json::json;
use trueup::{config::reconcile::KindPattern, report::Outcome};
use trueup_embedded::{Fault, Rule};

use crate::harness::{
    World, on_a_cluster_with_nodes, on_a_real_server_of_its_own, on_embedded, on_every_server,
};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const CRD: &str = "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.TAG.example.com}
spec:
  group: TAG.example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, description: ABOUT, x-kubernetes-preserve-unknown-fields: true}}}
";
const GADGET: &str = "\n---\napiVersion: TAG.example.com/v1\nkind: Gadget\nmetadata: {name: g, namespace: TAG}\nspec: {a: b}\n";

fn config_map(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: TAG}}\ndata: {{a: b}}\n"
    )
}

fn depending(name: &str, on: &str) -> String {
    let annotation = format!(
        "namespace: TAG, annotations: {{config.kubernetes.io/depends-on: /namespaces/TAG/ConfigMap/{on}}}"
    );
    config_map(name).replace("namespace: TAG", &annotation)
}

/// Which of the test's `ConfigMaps` were written, in their order.
fn order(world: &World, verb: &str) -> Vec<String> {
    let writes = world.writes();
    let prefix = format!("{verb} ConfigMap {}/", world.tag);
    let names = writes
        .iter()
        .filter_map(|write| write.strip_prefix(&prefix));
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn rights_come_before_those_who_act_with_them() {
    const RIGHTS: &str = "
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: TAG}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: TAG-reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: TAG}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: TAG-reader}
rules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get, list]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: TAG}
";
    on_every_server(async |world| {
        let all = RIGHTS.to_owned() + NAMESPACE;
        world.converge(&[("all", &all)]).await;
        let writes = world.writes();
        let place = |word: &str| {
            writes
                .iter()
                .position(|write| write.contains(word))
                .unwrap()
        };
        let binding = place("apply RoleBinding");
        assert!(place("apply ClusterRole.") < binding, "{writes:?}");
        assert!(place("apply ServiceAccount") < binding, "{writes:?}");
    });
}

#[test]
fn a_chain_of_annotations_is_kept_on_the_way_in_and_reversed_on_the_way_out() {
    on_every_server(async |world| {
        // Named so that neither the alphabet nor the file gives the order.
        let chain = depending("a", "m") + &depending("m", "z") + &config_map("z");
        world.converge(&[("pre", NAMESPACE), ("app", &chain)]).await;
        assert_eq!(
            order(&world, "apply"),
            ["z", "m", "a"],
            "on {}",
            world.server
        );
        world.converge(&[("pre", NAMESPACE), ("app", "")]).await;
        assert_eq!(
            order(&world, "delete"),
            ["a", "m", "z"],
            "on {}",
            world.server
        );
    });
}

#[test]
fn a_loop_of_annotations_changes_nothing_and_is_gone_once_it_is_broken() {
    on_every_server(async |world| {
        let phases = [
            ("pre", NAMESPACE),
            ("app", &(depending("a", "b") + &depending("b", "a"))),
        ];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
        let text = report.to_string();
        assert!(text.contains("/a`") && text.contains("/b`"), "{text}");
        let broken = depending("a", "b") + &config_map("b");
        world
            .converge(&[("pre", NAMESPACE), ("app", &broken)])
            .await;
    });
}

#[test]
fn what_depends_on_an_object_from_elsewhere_waits_for_it_and_says_so() {
    on_every_server(async |world| {
        let app = depending("a", "theirs") + &config_map("b");
        let phases = [("pre", NAMESPACE), ("app", app.as_str())];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(report.to_string().contains("/theirs`"), "{report}");
        assert!(world.live("v1 ConfigMap TAG/b").await.is_some());
        assert!(world.live("v1 ConfigMap TAG/a").await.is_none());
        world.apply_as("somebody", &config_map("theirs")).await;
        world.converge(&phases).await;
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
    });
}

#[test]
fn an_object_of_more_than_the_size_of_an_annotation_applies() {
    on_every_server(async |world| {
        let crd = CRD.replace("ABOUT", &"a long story ".repeat(25_000));
        assert!(crd.len() > 262_144);
        world.converge(&[("all", &crd)]).await;
        assert_eq!(world.converge(&[("all", &crd)]).await.counts.unchanged, 1);
    });
}

#[test]
fn an_object_in_two_places_is_an_error_at_both() {
    on_every_server(async |world| {
        let report = world
            .reconcile(&[("one", &config_map("a")), ("two", &config_map("a"))])
            .await;
        let text = report.to_string();
        assert!(text.contains("plan/duplicate"), "{text}");
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}

#[test]
fn a_webhook_that_is_down_stops_only_what_it_is_asked_about() {
    const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: TAG}
webhooks:
- name: nobody.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  clientConfig: {url: 'https://127.0.0.1:1/'}
  rules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}]
";
    const SECRET: &str = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: TAG}\nstringData: {a: b}\n";
    // The embedded server calls no webhooks.
    on_a_real_server_of_its_own(async |world| {
        world.apply_as("somebody", WEBHOOK).await;
        let app = SECRET.to_owned() + &config_map("a");
        let phases = [("pre", NAMESPACE), ("app", app.as_str())];
        // The server hears of the webhook a moment later.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert!(
            report.to_string().contains("failed calling webhook"),
            "{report}"
        );
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
        world
            .delete("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration TAG")
            .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.converge(&phases).await;
    });
}

#[test]
fn an_aggregated_server_that_is_down_stops_no_other_kind() {
    const SERVICE: &str = "
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.down.example.com}
spec:
  group: down.example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nobody, namespace: default}
";
    // The embedded server aggregates no others.
    on_a_real_server_of_its_own(async |world| {
        world.apply_as("somebody", SERVICE).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let both = config_map("a") + &config_map("b");
        world.converge(&[("pre", NAMESPACE), ("app", &both)]).await;
        let report = world
            .converge(&[("pre", NAMESPACE), ("app", &config_map("a"))])
            .await;
        assert_eq!(report.counts.pruned, 1, "{report}");
        let theirs = "---\napiVersion: down.example.com/v1\nkind: Thing\nmetadata: {name: t, namespace: TAG}\n";
        let report = world
            .reconcile(&[("pre", NAMESPACE), ("app", theirs)])
            .await;
        let text = report.to_string();
        assert!(
            text.contains("`down.example.com/v1`, the API of `Thing`, does not answer"),
            "{text}"
        );
        let look = "`kubectl describe apiservice v1.down.example.com`";
        assert!(text.contains(look), "{text}");
        let plan = world
            .plan(&[("pre", NAMESPACE), ("app", theirs)])
            .await
            .unwrap();
        let action = plan.actions.iter().find(|one| one.id().kind == "Thing");
        assert_eq!(action.unwrap().why, "its API does not answer");
    });
}

#[test]
fn a_new_version_of_a_kind_with_a_default_is_no_change_of_its_objects() {
    on_every_server(async |mut world| {
        let first = NAMESPACE.to_owned() + CRD + GADGET;
        world.converge(&[("all", &first)]).await;
        let version = "\n  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}, size: {type: integer, default: 3}}}}}}}\n";
        let second = NAMESPACE.to_owned() + &(CRD.trim_end().to_owned() + version) + GADGET;
        let report = world.converge(&[("all", &second)]).await;
        assert_eq!(
            report.counts.configured, 1,
            "on {}:\n{report}",
            world.server
        );
        world.restart();
        let report = world.converge(&[("all", &second)]).await;
        assert_eq!(report.counts.unchanged, 3, "on {}:\n{report}", world.server);
    });
}

#[test]
fn what_left_git_while_the_revisions_between_could_not_be_built_goes_with_the_next_that_can() {
    on_every_server(async |mut world| {
        let both = config_map("a") + &config_map("b");
        world.converge(&[("pre", NAMESPACE), ("app", &both)]).await;
        // Two revisions that cannot be resolved, by other processes.
        for broken in ["Nonsense", "Rubbish"] {
            world.restart();
            let unknown = format!("---\napiVersion: v1\nkind: {broken}\nmetadata: {{name: x}}\n");
            let report = world
                .reconcile(&[("pre", NAMESPACE), ("app", &unknown)])
                .await;
            assert_eq!(report.outcome, Outcome::Failed);
        }
        world.restart();
        let report = world
            .converge(&[("pre", NAMESPACE), ("app", &config_map("a"))])
            .await;
        assert_eq!(report.counts.pruned, 1, "on {}:\n{report}", world.server);
    });
}

async fn namespace_goes_last(mut world: World) {
    world.policy.prune_kinds = vec![KindPattern::new("Namespace")];
    world.policy.timeout = Duration::from_mins(1);
    let other = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG-other}\n";
    let both = NAMESPACE.to_owned() + other;
    world
        .converge(&[("pre", &both), ("app", &config_map("a"))])
        .await;
    world.writes();
    let report = world.converge(&[("pre", other), ("app", "")]).await;
    assert_eq!(report.counts.pruned, 2, "on {}:\n{report}", world.server);
    let deletes: Vec<String> = world
        .writes()
        .into_iter()
        .filter(|write| write.starts_with("delete"))
        .collect();
    assert_eq!(
        deletes,
        [
            format!("delete ConfigMap {}/a", world.tag),
            format!("delete Namespace {}", world.tag)
        ],
        "on {}",
        world.server
    );
}

#[test]
fn a_namespace_that_may_go_goes_after_what_is_in_it() {
    on_embedded(async |world, _| namespace_goes_last(world).await);
    on_a_cluster_with_nodes(async |mut world| {
        world.wait = false;
        namespace_goes_last(world).await;
    });
}

#[test]
fn a_kind_that_may_go_goes_after_its_objects() {
    on_every_server(async |mut world| {
        world.policy.prune_kinds = vec![KindPattern::new("CustomResourceDefinition")];
        let first = NAMESPACE.to_owned() + CRD + GADGET;
        world.converge(&[("all", &first)]).await;
        world.writes();
        let report = world.converge(&[("all", NAMESPACE)]).await;
        assert_eq!(report.counts.pruned, 2, "on {}:\n{report}", world.server);
        let writes = world.writes();
        let place = |word: &str| {
            writes
                .iter()
                .position(|write| write.contains(word))
                .unwrap()
        };
        assert!(
            place("delete Gadget") < place("delete CustomResourceDefinition"),
            "{writes:?}"
        );
    });
}

#[test]
fn what_a_finalizer_holds_is_named_with_it_and_holds_nothing_else() {
    on_every_server(async |mut world| {
        world.policy.timeout = Duration::from_secs(2);
        let both = config_map("a") + &config_map("stuck") + &config_map("b");
        world.converge(&[("pre", NAMESPACE), ("app", &both)]).await;
        let words = "v1 ConfigMap TAG/stuck";
        let hold = json!({"metadata": {"finalizers": ["example.com/hold"]}});
        world.patch(words, hold).await;
        let phases = [("pre", NAMESPACE), ("app", &config_map("a"))];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(report.counts.pruned, 1, "on {}:\n{report}", world.server);
        assert!(
            report.to_string().contains("`example.com/hold`"),
            "{report}"
        );
        world
            .patch(words, json!({"metadata": {"finalizers": null}}))
            .await;
        world.converge(&phases).await;
        assert!(world.live(words).await.is_none());
    });
}

#[test]
fn a_watch_that_is_cut_or_too_old_loses_nothing() {
    const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: example.com/api:1}]}}
";
    const READY: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: TAG}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}}";
    for fault in [
        Fault::ExpireWatch { after_events: 0 },
        Fault::TruncateWatch { after_events: 0 },
    ] {
        on_embedded(async |mut world, server| {
            world.wait = true;
            let rule = Rule::new(fault.clone())
                .verb("watch")
                .resource("deployments");
            server.faults().inject(rule.times(3));
            let controller = async {
                world.until_there("apps/v1 Deployment TAG/api").await;
                tokio::time::sleep(Duration::from_millis(100)).await;
                world.set_status(READY).await;
            };
            let phases = [("pre", NAMESPACE), ("app", DEPLOYMENT)];
            let (report, ()) = tokio::join!(world.reconcile(&phases), controller);
            assert_eq!(report.outcome, Outcome::Converged, "{fault}: {report}");
        });
    }
}
