//! What counts as drift, and what does not; and what is repaired beside our own objects.

use serde_json::Value;
use trueup_embedded::{GroupResource, Key};

use crate::world::{World, config_map, patch, request, until};

/// Its items have a field with a default, in a list that is one value.
const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: routes.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Route, plural: routes, singular: route, listKind: RouteList}
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
              rules:
                type: array
                items:
                  type: object
                  properties:
                    match: {type: string}
                    weight: {type: integer, default: 1}
";
const ROUTE: &str = "
apiVersion: example.com/v1
kind: Route
metadata: {name: r, namespace: default}
spec: {rules: [{match: a}]}
";

async fn change(world: &World, path: &'static str, body: &'static str) {
    let address = world.server.address().to_string();
    let code = tokio::task::spawn_blocking(move || patch(&address, path, body)).await;
    assert_eq!(code.unwrap(), 200);
}

fn route(world: &World) -> Value {
    let routes = GroupResource::new("example.com", "routes");
    let stored = world.server.store().get(&routes, &Key::new("default", "r"));
    stored
        .map(|stored| stored.value.clone())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_adds_to_a_list_of_ours_is_no_drift() {
    const ROUTES: &str = "/apis/example.com/v1/namespaces/default/routes/r";
    let world = World::new().await;
    world
        .git
        .write(
            "app/kustomization.yaml",
            "resources: [a.yaml, b.yaml, d.yaml, r.yaml]\n",
        )
        .write("app/d.yaml", DEFINITION)
        .write("app/r.yaml", ROUTE);
    world.git.commit("a kind with a default");
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    assert_eq!(route(&world)["spec"]["rules"][0]["weight"], 1);
    // The watch of its kind is told of it again, and the daemon is known to have gone on since.
    change(&world, ROUTES, r#"{"metadata":{"labels":{"by":"hand"}}}"#).await;
    let repaired = |count: u32| {
        let line = format!("trueup_drift_repaired_total{{environment=\"dev\"}} {count}");
        let metrics = || request(&daemon.address, "GET", "/metrics").1;
        until("a repair", metrics, move |text| {
            text.lines().any(|found| found == line)
        })
    };
    world.delete("b");
    let metrics = repaired(1).await;
    let drift = "trueup_drift_detected_total{environment=\"dev\",kind=\"changed\"}";
    let says = |metrics: &str, count| {
        metrics
            .lines()
            .any(|line| line == format!("{drift} {count}"))
    };
    assert!(says(&metrics, 0), "{metrics}");
    // What somebody does to it is.
    change(
        &world,
        ROUTES,
        r#"{"spec":{"rules":[{"match":"a","weight":2}]}}"#,
    )
    .await;
    let metrics = repaired(2).await;
    assert!(says(&metrics, 1), "{metrics}");
    assert_eq!(route(&world)["spec"]["rules"][0]["weight"], 1);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_of_somebody_elses_object_is_kept_as_it_is_undone_and_made_as_it_comes() {
    const THEIRS: &str = "/api/v1/namespaces/default/configmaps/theirs";
    let world = World::new().await;
    let file = "environments/dev.yaml";
    let environment = std::fs::read_to_string(world.git.folder.join(file)).unwrap();
    let patches = "\x20 patches:\n\
        \x20   - target: {kind: ConfigMap, name: theirs, namespace: default}\n\
        \x20     merge: {data: {ours: patched}}\n";
    world.git.write(file, &(environment + patches));
    world.git.commit("a patch");
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    assert_eq!(world.live("theirs"), None);

    let ours = || {
        world
            .live("theirs")
            .and_then(|live| Some(live["data"]["ours"].as_str()?.to_owned()))
    };
    let is_patched = |value: &Option<String>| value.as_deref() == Some("patched");
    let address = world.server.address().to_string();
    let made = serde_json::to_string(&serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "theirs", "namespace": "default"}, "data": {"own": "kept"},
    }));
    let made = made.unwrap();
    let create = move || {
        let all = "/api/v1/namespaces/default/configmaps";
        crate::world::send(&address, "POST", all, "application/json", &made)
    };
    assert_eq!(tokio::task::spawn_blocking(create).await.unwrap(), 201);
    until("patched as it comes", ours, is_patched).await;

    // The watch of the object has to be there before somebody can be seen.
    for body in [r#"{"data":{"ours":"undone"}}"#, r#"{"data":{"ours":null}}"#] {
        change(&world, THEIRS, body).await;
        until("patched again", ours, is_patched).await;
    }
    assert_eq!(world.live("theirs").unwrap()["data"]["own"], "kept");
    // Nothing of it is ours to make.
    world.delete("theirs");
    world.git.write("app/a.yaml", &config_map("a", "two"));
    let revision = world.git.commit("two");
    daemon.wake.all();
    daemon.converged(&revision).await;
    assert_eq!(world.live("theirs"), None);
    daemon.end().await;
}
