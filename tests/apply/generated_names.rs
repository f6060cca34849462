//! Jobs without a name of their own, run by the program.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

fn job(image: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{generateName: migrate-, namespace: TAG}}\nspec:\n  template:\n    \
         spec: {{restartPolicy: Never, containers: [{{name: a, image: {image}}}]}}\n"
    )
}

/// The Jobs of the test's namespace, each with its version.
async fn jobs(world: &World) -> BTreeMap<String, String> {
    let path = format!("/apis/batch/v1/namespaces/{}/jobs", world.tag);
    let answer = world.raw().send("GET", &path, &[], "").await.unwrap();
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = list["items"].as_array().unwrap().iter();
    items
        .filter(|job| job["metadata"]["deletionTimestamp"].is_null())
        .map(|job| {
            let metadata = &job["metadata"];
            (text(&metadata["name"]), text(&metadata["resourceVersion"]))
        })
        .collect()
}

#[test]
fn a_job_with_a_generated_name_runs_once_for_what_it_is() {
    const PHASES: &str = "  - {name: pre, manifests: {path: pre}}\n  - {name: job, manifests: {path: job}, wait: false}\n";
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        repository.write("pre/namespace.yaml", NAMESPACE);
        repository.write("job/job.yaml", &job("one"));
        let environment = repository.environment();
        let reconcile = ["reconcile", environment.as_str(), "--once"];
        let ran = repository.run(&reconcile).await;
        assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
        let first = jobs(&world).await;
        assert_eq!(first.len(), 1, "on {}: {first:?}", world.server);
        assert!(
            first.keys().all(|name| name.starts_with("migrate-")),
            "{first:?}"
        );
        let ran = repository.run(&reconcile).await;
        assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
        assert_eq!(jobs(&world).await, first, "it has run, on {}", world.server);
        // Another Job runs, and the one before goes.
        repository.write("job/job.yaml", &job("two"));
        let ran = repository.run(&reconcile).await;
        assert!(
            ran.stdout.contains("1 created, 1 pruned"),
            "on {}: {ran:?}",
            world.server
        );
        let second = jobs(&world).await;
        assert_eq!(second.len(), 1, "on {}: {second:?}", world.server);
        assert_ne!(first.keys().next(), second.keys().next());
        // Back to what ran before: it runs again, as it is gone.
        repository.write("job/job.yaml", &job("one"));
        let ran = repository.run(&reconcile).await;
        assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
        let names: Vec<String> = jobs(&world).await.into_keys().collect();
        assert_eq!(
            names,
            first.into_keys().collect::<Vec<_>>(),
            "on {}",
            world.server
        );
    });
}
