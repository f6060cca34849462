//! The first run creates everything in order, the second does nothing.

use trueup::plan::ActionKind;

use crate::harness::{on_every_server, outline};

const NAMESPACE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: TAG}
";

const APP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: TAG}
data: {mode: fast}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      serviceAccountName: api
      containers:
      - name: api
        image: example.com/api:1
        ports: [{containerPort: 80}]
        resources: {limits: {cpu: 1000m, memory: 0.5Gi}}
        envFrom: [{configMapRef: {name: config}}]
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: TAG}
spec: {selector: {app: api}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: api, namespace: TAG}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: TAG}
stringData: {token: hunter2}
";

#[test]
fn the_first_run_creates_everything_and_the_second_writes_nothing() {
    on_every_server(async |mut world| {
        let phases = [("pre", NAMESPACE), ("app", APP)];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.created, 6);
        assert!(world.live("apps/v1 Deployment TAG/api").await.is_some());
        world.cluster.take();

        world.restart();
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.unchanged, 6, "on {}:\n{report}", world.server);
        let calls = world.cluster.take();
        let others: Vec<String> = calls
            .iter()
            .filter(|call| !matches!(call.verb, "list" | "discover"))
            .map(ToString::to_string)
            .collect();
        assert!(others.is_empty(), "on {}: {others:?}", world.server);
    });
}

#[test]
fn objects_that_cannot_exist_yet_are_not_read_one_by_one() {
    on_every_server(async |world| {
        let maps: Vec<String> = (0..10)
            .map(|at| {
                format!(
                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{at}, namespace: TAG}}\n"
                )
            })
            .collect();
        let maps = maps.join("---\n");
        world.converge(&[("pre", NAMESPACE)]).await;
        world.cluster.take();
        world.converge(&[("pre", NAMESPACE), ("app", &maps)]).await;
        let calls = world.cluster.take();
        let reads: Vec<String> = calls
            .iter()
            .filter(|call| call.verb == "get" && call.what.contains("ConfigMap"))
            .map(ToString::to_string)
            .collect();
        assert_eq!(reads, [""; 0], "on {}", world.server);
    });
}

#[test]
fn objects_are_applied_after_what_they_refer_to() {
    on_every_server(async |world| {
        world
            .converge(&[("all", &format!("{APP}---{NAMESPACE}"))])
            .await;
        let writes = world.writes();
        let place = |word: &str| {
            writes
                .iter()
                .position(|write| write.contains(word))
                .unwrap()
        };
        let deployment = place("Deployment.apps");
        assert!(place("apply Namespace") < place("ConfigMap"));
        assert!(place("ConfigMap") < deployment);
        assert!(place("ServiceAccount") < deployment);
    });
}

#[test]
fn a_change_in_git_changes_the_field_and_nothing_else() {
    on_every_server(async |world| {
        world.converge(&[("pre", NAMESPACE), ("app", APP)]).await;
        let next = APP.replace("api:1", "api:2");
        let phases = [("pre", NAMESPACE), ("app", next.as_str())];
        let plan = world.plan(&phases).await.unwrap();
        let expected = format!(
            "~ Deployment.apps {}/api\n    spec.template.spec.containers[name=api].image: \"example.com/api:1\" → \"example.com/api:2\"\n",
            world.tag
        );
        assert_eq!(outline(&plan), expected, "on {}", world.server);
        let place = plan
            .actions
            .iter()
            .flat_map(|action| &action.changes)
            .next()
            .unwrap();
        assert!(
            place.source.as_deref().unwrap().starts_with("app.yaml:"),
            "{place:?}"
        );
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.configured, 1);
        assert_eq!(
            world.plan(&phases).await.unwrap().count(ActionKind::None),
            6
        );
    });
}

#[test]
fn a_field_that_somebody_changed_is_repaired() {
    on_every_server(async |world| {
        let phases = [("pre", NAMESPACE), ("app", APP)];
        world.converge(&phases).await;
        world
            .apply_as(
                "kubectl-edit",
                "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: TAG}, spec: {replicas: 7, minReadySeconds: 3}}",
            )
            .await;
        let report = world.converge(&phases).await;
        assert_eq!(
            report.counts.configured, 1,
            "on {}:\n{report}",
            world.server
        );
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(live.value()["spec"]["replicas"], 2);
        assert_eq!(
            live.value()["spec"]["minReadySeconds"],
            3,
            "another field is left alone"
        );
    });
}

#[test]
fn a_crd_and_its_objects_come_in_one_go() {
    const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.TAG.example.com}
spec:
  group: TAG.example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, default: 3}
              colour: {type: string}
";
    const WIDGET: &str = "
apiVersion: TAG.example.com/v1
kind: Widget
metadata: {name: w, namespace: TAG}
spec: {colour: red}
";
    on_every_server(async |mut world| {
        let all = format!("{WIDGET}---{CRD}---{NAMESPACE}");
        let phases = [("all", all.as_str())];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.created, 3);
        world.restart();
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.unchanged, 3, "on {}:\n{report}", world.server);
    });
}
