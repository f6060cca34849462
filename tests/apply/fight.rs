//! Another controller that sets what we set, again and again.

use std::time::Duration;

use serde_json::json;

use crate::harness::{World, on_every_server};

const MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: TAG, namespace: default}\ndata: {a: ours}\n";
const PHASES: &str = "  - {name: all, manifests: {path: all}}\n";

async fn value(world: &World) -> Option<String> {
    let live = world.live("v1 ConfigMap default/TAG").await?;
    Some(live.text(&["data", "a"]).to_owned())
}

async fn take(world: &World) {
    let path = format!(
        "/api/v1/namespaces/default/configmaps/{}?fieldManager=rival",
        world.tag
    );
    let body = json!({"data": {"a": "theirs"}}).to_string();
    let headers = [("content-type", "application/merge-patch+json")];
    let answer = world.raw().send("PATCH", &path, &headers, body).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn a_fight_is_named_with_both_writers_and_the_object_left_alone() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        repository.write("all/map.yaml", MAP);
        let daemon = repository.daemon().await;
        let pause = async || tokio::time::sleep(Duration::from_millis(20)).await;
        while value(&world).await.as_deref() != Some("ours") {
            pause().await;
        }
        let contested = async || {
            let status = daemon.status().await;
            let environments = status["environments"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            environments
                .iter()
                .find_map(|one| one["contested"].get(0).cloned())
        };
        let fight = async {
            loop {
                if let Some(found) = contested().await {
                    return found;
                }
                if value(&world).await.as_deref() == Some("ours") {
                    take(&world).await;
                }
                pause().await;
            }
        };
        let found = tokio::time::timeout(Duration::from_mins(1), fight).await;
        let found = found.unwrap_or_else(|_| panic!("on {}: {}", world.server, daemon.log()));
        assert_eq!(found["object"], format!("ConfigMap default/{}", world.tag));
        take(&world).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(
            value(&world).await.as_deref(),
            Some("theirs"),
            "left alone on {}",
            world.server
        );
        let found = contested().await.unwrap();
        assert_eq!(
            found["writers"],
            json!(["rival"]),
            "on {}: {}",
            world.server,
            daemon.log()
        );
        let log = daemon.log();
        let named: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("again and again"))
            .collect();
        assert_eq!(
            named.len(),
            1,
            "it is named once, on {}: {log}",
            world.server
        );
        assert!(
            named[0].contains("rival"),
            "with who it is, on {}: {log}",
            world.server
        );
    });
}
