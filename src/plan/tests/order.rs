use super::world::plan;
use crate::plan::{Gate, Plan};

const NAMESPACE: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: web}}";
const CONFIG: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: config, namespace: web}}";
const ACCOUNT: &str =
    "{apiVersion: v1, kind: ServiceAccount, metadata: {name: api, namespace: web}}";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: web}
spec:
  template:
    metadata: {labels: {app: api}}
    spec:
      serviceAccountName: api
      containers: [{name: api, envFrom: [{configMapRef: {name: config}}]}]
";
const ROLE: &str =
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: api, namespace: web}}";
const BINDING: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: api, namespace: web}
roleRef: {kind: Role, name: api}
subjects: [{kind: ServiceAccount, name: api}]
";
const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: hook, namespace: web}, spec: {selector: {app: api}}}";
const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: [{name: a.b.c, clientConfig: {service: {name: hook, namespace: web}}}]
";
const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true}]
";
const WIDGET: &str =
    "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: web}}";

fn stream(documents: &[&str]) -> String {
    documents.join("\n---\n")
}

fn depending(name: &str, on: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: web, annotations: {{config.kubernetes.io/depends-on: \"{on}\"}}}}}}"
    )
}

/// The waves of a phase, a line each.
fn waves(plan: &Plan, phase: usize) -> Vec<String> {
    plan.phases[phase]
        .waves
        .iter()
        .map(|wave| {
            let names: Vec<String> = wave
                .iter()
                .map(|at| plan.actions[*at].id().short())
                .collect();
            names.join(" ")
        })
        .collect()
}

#[test]
fn what_an_object_refers_to_goes_first_however_the_files_are_ordered() {
    let plan = plan(&[(
        "all",
        &stream(&[
            WEBHOOK, DEPLOYMENT, BINDING, ROLE, WIDGET, SERVICE, ACCOUNT, CONFIG, CRD, NAMESPACE,
        ]),
    )])
    .unwrap();
    assert_eq!(
        waves(&plan, 0),
        [
            "namespace/web customresourcedefinition.apiextensions.k8s.io/widgets.example.com",
            "serviceaccount/api role.rbac.authorization.k8s.io/api configmap/config service/hook widget.example.com/w",
            "rolebinding.rbac.authorization.k8s.io/api",
            "deployment.apps/api",
            "validatingwebhookconfiguration.admissionregistration.k8s.io/hook",
        ]
    );
}

#[test]
fn edges_say_why_they_are_there_and_for_what_they_wait() {
    let plan = plan(&[(
        "all",
        &stream(&[NAMESPACE, CRD, WIDGET, DEPLOYMENT, SERVICE, WEBHOOK]),
    )])
    .unwrap();
    let edge = |after: &str, before: &str| {
        plan.edges
            .iter()
            .find(|edge| {
                plan.actions[edge.after].id().kind == after
                    && plan.actions[edge.before].id().kind == before
            })
            .map(|edge| (edge.gate, &*edge.why))
    };
    assert_eq!(
        edge("Widget", "Namespace"),
        Some((Gate::Applied, "it lives in the namespace"))
    );
    assert_eq!(
        edge("Widget", "CustomResourceDefinition"),
        Some((Gate::Healthy, "it is of the kind"))
    );
    assert_eq!(
        edge("ValidatingWebhookConfiguration", "Deployment"),
        Some((Gate::Healthy, "it is called, and this answers"))
    );
    assert_eq!(edge("Deployment", "Service"), None);
}

#[test]
fn an_object_waits_for_its_kind_even_from_a_phase_before() {
    let plan = plan(&[("pre", &stream(&[NAMESPACE, CRD])), ("app", WIDGET)]).unwrap();
    let edges: Vec<_> = plan
        .edges
        .iter()
        .map(|edge| (edge.before, edge.after, edge.gate))
        .collect();
    assert_eq!(
        edges,
        [(1, 2, Gate::Healthy)],
        "the namespace is there when its phase is over"
    );
}

#[test]
fn what_only_a_later_phase_brings_is_an_error_that_names_both() {
    let error = plan(&[("app", WIDGET), ("pre", &stream(&[NAMESPACE, CRD]))]).unwrap_err();
    assert!(
        error.contains("`Widget.example.com web/w` in phase `app` needs"),
        "{error}"
    );
    assert!(
        error.contains("comes only later, in phase `pre`"),
        "{error}"
    );
}

#[test]
fn a_reference_to_a_later_phase_that_can_wait_is_a_warning() {
    let plan = plan(&[("pre", NAMESPACE), ("app", DEPLOYMENT), ("late", CONFIG)]).unwrap();
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert_eq!(plan.warnings[0].code, "plan/phase-order");
}

#[test]
fn an_annotation_makes_one_object_wait_for_another() {
    let a = depending("a", "apps/namespaces/web/Deployment/api");
    let plan = plan(&[("pre", NAMESPACE), ("app", &stream(&[&a, DEPLOYMENT]))]).unwrap();
    assert_eq!(waves(&plan, 1), ["deployment.apps/api", "configmap/a"]);
}

#[test]
fn objects_that_need_one_another_are_an_error_that_names_the_loop() {
    let a = depending("a", "/namespaces/web/ConfigMap/b");
    let b = depending("b", "/namespaces/web/ConfigMap/c");
    let c = depending("c", "/namespaces/web/ConfigMap/a");
    let error = plan(&[("all", &stream(&[&a, &b, &c]))]).unwrap_err();
    assert!(error.contains("plan/loop"), "{error}");
    assert!(
        error.contains(
            "`ConfigMap web/a` → `ConfigMap web/b` → `ConfigMap web/c` → `ConfigMap web/a`"
        ),
        "{error}"
    );
}

#[test]
fn references_that_can_wait_break_their_loop_by_themselves() {
    const TOKEN: &str = "
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: web, annotations: {kubernetes.io/service-account.name: api}}
type: kubernetes.io/service-account-token
";
    const LISTING: &str = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: api, namespace: web}, secrets: [{name: token}]}";
    let plan = plan(&[("all", &stream(&[TOKEN, LISTING]))]).unwrap();
    assert_eq!(waves(&plan, 0), ["serviceaccount/api", "secret/token"]);
}

#[test]
fn a_loop_through_phases_names_them() {
    let a = depending("a", "/namespaces/web/ConfigMap/b");
    let error = plan(&[("one < -", &a), ("two", &CONFIG.replace("config", "b"))]).unwrap_err();
    assert!(error.contains("phase `two`"), "{error}");
    let error = plan(&[("one < two", CONFIG), ("two < one", "")]).unwrap_err();
    assert!(error.contains("phase `one` depends on itself"), "{error}");
}

#[test]
fn a_dependency_that_is_nowhere_blocks_just_its_object() {
    let a = depending("a", "/namespaces/web/ConfigMap/nowhere");
    let plan = plan(&[("all", &stream(&[&a, CONFIG]))]).unwrap();
    let blocked = plan.actions[0].blocked.as_ref().unwrap();
    assert!(
        blocked
            .message
            .contains("`ConfigMap web/nowhere`, which is neither"),
        "{blocked}"
    );
    assert!(plan.actions[1].blocked.is_none());
}

#[test]
fn an_unknown_kind_blocks_just_its_object_with_an_error_at_its_line() {
    let slip = "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: x}\n";
    let plan = plan(&[("all", &stream(&[slip, CONFIG]))]).unwrap();
    let blocked = plan.actions[0].blocked.as_ref().unwrap();
    let text = blocked.to_string();
    assert!(
        text.starts_with("all.yaml:2:7: error[plan/unknown-kind]"),
        "{text}"
    );
    assert_eq!(blocked.help.as_deref(), Some("did you mean `Deployment`?"));
    assert!(plan.actions[1].blocked.is_none());
}

#[test]
fn an_object_that_is_defined_twice_is_an_error_at_both_places() {
    let error = plan(&[("one", CONFIG), ("two", CONFIG)]).unwrap_err();
    assert!(
        error.contains(
            "two.yaml:1:1: error[plan/duplicate]: `ConfigMap web/config` is defined twice"
        )
    );
}
