//! What somebody is told who may only look.

use trueup::plan::{ActionKind, Plan, shown};
use trueup::report::{Outcome, unified};
use trueup_embedded::Deny;

use crate::harness::{World, on_a_real_server_of_its_own, on_embedded};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const CONFIG: &str = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: TAG}\ndata: {key: VALUE}\n";
const SECRET: &str = "\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: TAG}\nstringData: {key: VALUE}\n";
const CRD: &str = "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: probes.TAG.example.com}
spec:
  group: TAG.example.com
  scope: Namespaced
  names: {kind: Probe, plural: probes, singular: probe, listKind: ProbeList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: TAG.example.com/v1
kind: Probe
metadata: {name: p, namespace: TAG}
spec: {a: b}
";
const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: look}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: [get, list, watch]}]
";
const BINDING: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: look}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: look}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}]
";

fn objects(value: &str) -> String {
    NAMESPACE.to_owned() + &CONFIG.replace("VALUE", value) + &SECRET.replace("VALUE", value)
}

/// What a plan changes, and the lines of its diff.
fn told(plan: &Plan) -> (Vec<(ActionKind, String)>, String) {
    let changed = plan.actions.iter().filter(|action| action.kind.is_change());
    let changes = changed
        .clone()
        .map(|action| (action.kind, action.id().name));
    let lines = changed.flat_map(|action| unified(&shown(action)));
    (
        changes.collect(),
        lines.fold(String::new(), |text, line| format!("{text}{line}\n")),
    )
}

/// A change of what is there, and a new phase with a new kind and its object: told without a write.
async fn tells_all(reader: &World) {
    let phases = [("app", &*objects("two")), ("more", CRD)];
    let plan = reader.plan(&phases).await.unwrap();
    let (changes, lines) = told(&plan);
    let probe = format!("probes.{}.example.com", reader.tag);
    assert_eq!(
        changes,
        [
            (ActionKind::Configure, "a".to_owned()),
            (ActionKind::Configure, "s".to_owned()),
            (ActionKind::Create, probe),
            (ActionKind::Create, "p".to_owned()),
        ],
        "on {}",
        reader.server
    );
    assert!(
        lines.contains("-  key: one\n+  key: two  # app.yaml:"),
        "{lines}"
    );
    assert!(lines.contains("+kind: Probe"), "{lines}");
    assert!(
        !lines.contains("dHdv") && !lines.contains("b25l"),
        "secrets are masked: {lines}"
    );
    let warnings: Vec<_> = plan
        .warnings
        .iter()
        .filter(|warning| warning.code == "plan/no-dry-run")
        .collect();
    assert_eq!(warnings.len(), 1, "said once, for both: {warnings:?}");
    assert!(warnings[0].message.contains("ConfigMap") && warnings[0].message.contains("Secret"));
    assert!(reader.writes().is_empty());
}

#[test]
fn whoever_may_only_look_on_a_real_server_is_told_what_would_change() {
    on_a_real_server_of_its_own(async |world| {
        world.converge(&[("app", &objects("one"))]).await;
        world.apply_as("test", RIGHTS).await;
        world.apply_as("test", BINDING).await;
        let reader = world.reader().await;
        tells_all(&reader).await;

        // As the role `view` has it: neither Secrets nor custom resources.
        let view = RIGHTS.replace("['*'], resources: ['*']", "['', apiextensions.k8s.io], resources: [configmaps, namespaces, customresourcedefinitions]");
        world.apply_as("test", &view).await;
        let phases = [("app", &*objects("two"))];
        let plan = loop {
            let plan = reader.plan(&phases).await.unwrap();
            // Rights that are taken away are gone a moment later.
            if plan.actions.iter().any(|action| action.blocked.is_some()) {
                break plan;
            }
        };
        let (changes, _) = told(&plan);
        assert_eq!(changes, [(ActionKind::Configure, "a".to_owned())]);
        let blocked = plan
            .actions
            .iter()
            .find_map(|action| action.blocked.as_ref())
            .unwrap();
        assert!(blocked.message.contains("Secret"), "{blocked}");
        let unreadable = plan
            .warnings
            .iter()
            .any(|warning| warning.code == "apply/parent-unreadable");
        assert!(unreadable, "{:?}", plan.warnings);
        let report = reader.reconcile(&phases).await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "nothing is done half blind"
        );
        assert!(reader.writes().is_empty());
    });
}

#[test]
fn whoever_may_only_look_is_told_what_would_change() {
    on_embedded(async |world, server| {
        world.converge(&[("app", &objects("one"))]).await;
        world.writes();
        for verb in ["create", "update", "patch", "delete"] {
            server.access().deny(Deny::new(verb, "*", "*"));
        }
        tells_all(&world).await;
    });
}
