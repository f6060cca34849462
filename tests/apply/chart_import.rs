//! A release that Helm has installed becomes that of a `helm` phase: no object is made anew, no pod restarts, and
//! what Git does not say goes. Helm's own record of it stays, and a warning says how to be rid of it.

use serde_json::json;
use tempfile::TempDir;
use trueup::{
    pipeline,
    plan::{ActionKind, Consent, PART_OF, Plan},
};

use crate::{
    charts::{again_without_a_write, repository, run, settled},
    harness::{World, on_embedded, on_every_server},
};

const CHART: [(&str, &str); 4] = [
    (
        "chart/Chart.yaml",
        "{apiVersion: v2, name: web, version: 1.0.0}",
    ),
    ("chart/values.yaml", "{more: false}"),
    (
        "chart/templates/web.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'x.test/web:1', ports: [{containerPort: 80}]}]}
",
    ),
    (
        "chart/templates/config.yaml",
        "apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {kept: a{{ if .Values.more }}, more: b{{ end }}}
",
    ),
];

fn estate(world: &World) -> TempDir {
    let environment = "\
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: charts}
spec:
  cluster: {embedded: {}}
  phases:
    - {name: web, wait: false, helm: {chart: chart, release: web, namespace: TAG}}
";
    repository(&environment.replace("TAG", &world.tag), &CHART)
}

async fn plan(world: &World, folder: &TempDir) -> std::sync::Arc<Plan> {
    let prepared = settled(world, folder.path()).await.unwrap();
    let planned = pipeline::plan(&prepared, &world.session, Consent::default());
    planned.await.unwrap().plan
}

/// The release is there, as Helm left it with `--set more=true`; it becomes ours.
async fn taken_over(world: &mut World, folder: &TempDir) {
    let web = "apps/v1 Deployment TAG/web";
    let before = world.live(web).await.unwrap();
    assert_eq!(before.annotation("meta.helm.sh/release-name"), Some("web"));

    let plan = plan(world, folder).await;
    let kinds: Vec<ActionKind> = plan.actions.iter().map(|action| action.kind).collect();
    assert_eq!(kinds, [ActionKind::Adopt; 2], "on {}", world.server);
    let told = serde_json::to_value(&*plan).unwrap();
    for action in told["actions"].as_array().unwrap() {
        assert_eq!(action["migration"][0]["manager"], "helm", "{action}");
    }
    let said = plan.warnings.iter().map(ToString::to_string);
    let said: Vec<String> = said.filter(|text| text.contains("Helm release")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(&format!(
        "2 objects become ours that the Helm release `{}/web` still knows",
        world.tag
    )));

    let (_, report) = run(world, folder.path()).await;
    assert_eq!(report.counts.adopted, 2, "{report}");
    let after = world.live(web).await.unwrap();
    assert_eq!(after.uid(), before.uid());
    assert_eq!(
        after.at(&["spec"]),
        before.at(&["spec"]),
        "no pod restarts on {}",
        world.server
    );
    assert_eq!(after.annotation("meta.helm.sh/release-name"), None);
    assert!(after.label(PART_OF).is_some());
    // The chart says so itself.
    assert_eq!(after.label("app.kubernetes.io/managed-by"), Some("Helm"));
    let config = world.live("v1 ConfigMap TAG/web").await.unwrap();
    assert_eq!(config.at(&["data"]), Some(&json!({"kept": "a"})));
    assert_eq!(
        config
            .at(&["metadata", "labels"])
            .unwrap()
            .as_object()
            .unwrap()
            .len(),
        1
    );
    let record = world.live("v1 Secret TAG/sh.helm.release.v1.web.v1").await;
    assert!(record.is_some(), "the record is the user's to delete");
    again_without_a_write(world, folder.path()).await;
}

#[test]
fn a_release_of_helm_becomes_ours_without_a_restart() {
    on_every_server(async |mut world| {
        let folder = estate(&world);
        world
            .apply_as(
                "admin",
                "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}",
            )
            .await;
        let chart = folder.path().join("chart");
        let chart = chart.to_str().unwrap();
        let installed = tokio::task::block_in_place(|| {
            world.helm(&[
                "install",
                "web",
                chart,
                "--namespace",
                &world.tag,
                "--set",
                "more=true",
            ])
        });
        let Some(installed) = installed else {
            eprintln!("NOT RUN: there is no `helm` in or beside the folder of KUBEBUILDER_ASSETS");
            return;
        };
        let said = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "on {}: {said}", world.server);
        taken_over(&mut world, &folder).await;
    });
}

#[test]
fn what_helm_leaves_behind_becomes_ours_where_there_is_no_helm() {
    const MARKS: &str = "labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: TAG}";
    on_embedded(async |mut world, _| {
        let folder = estate(&world);
        world
            .apply_as(
                "admin",
                "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}",
            )
            .await;
        let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: TAG, MARKS}, \
                          spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, \
                          spec: {containers: [{name: web, image: 'x.test/web:1', ports: [{containerPort: 80}]}]}}}}";
        let config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: TAG, MARKS}, data: {kept: a, more: b}}";
        let record = "{apiVersion: v1, kind: Secret, type: helm.sh/release.v1, data: {release: bm9uZQ==}, metadata: {name: sh.helm.release.v1.web.v1, \
                      namespace: TAG, labels: {name: web, owner: helm, status: deployed, version: '1'}}}";
        for text in [deployment, config, record] {
            world.create_as("helm", &text.replace("MARKS", MARKS)).await;
        }
        taken_over(&mut world, &folder).await;
    });
}
