use std::time::Duration;

use serde_json::json;
use trueup_embedded::Server;

use crate::client::{Client, MERGE, Next};
use crate::{MAPS, map, start};

#[tokio::test]
async fn changes_arrive_in_order_from_the_revision_on() {
    let (_server, client) = start().await;
    let first = client.post(MAPS, &map("a", "1")).await.json();
    let revision = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = client
        .watch(&format!("{MAPS}?watch=true&resourceVersion={revision}"))
        .await;
    client.post(MAPS, &map("b", "1")).await;
    client
        .patch(MERGE, &format!("{MAPS}/a"), &json!({"data": {"k": "2"}}))
        .await;
    client.delete(&format!("{MAPS}/b")).await;
    let seen = [
        watch.event().await,
        watch.event().await,
        watch.event().await,
    ];
    let words: Vec<_> = seen
        .iter()
        .map(|(word, name)| (word.as_str(), name.as_str()))
        .collect();
    assert_eq!(words, [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]);
}

#[tokio::test]
async fn without_a_revision_what_is_there_comes_first() {
    let (_server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    let mut watch = client.watch(&format!("{MAPS}?watch=true")).await;
    assert_eq!(watch.event().await, ("ADDED".into(), "a".into()));
    client.post(MAPS, &map("b", "1")).await;
    assert_eq!(watch.event().await, ("ADDED".into(), "b".into()));
}

#[tokio::test]
async fn an_object_that_moves_in_or_out_of_the_selector_is_added_or_deleted() {
    let (_server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    let mut watch = client
        .watch(&format!("{MAPS}?watch=1&labelSelector=on=yes"))
        .await;
    let label = |value: &str| json!({"metadata": {"labels": {"on": value}}});
    client
        .patch(MERGE, &format!("{MAPS}/a"), &label("yes"))
        .await;
    client
        .patch(MERGE, &format!("{MAPS}/a"), &json!({"data": {"k": "2"}}))
        .await;
    client
        .patch(MERGE, &format!("{MAPS}/a"), &label("no"))
        .await;
    client
        .patch(MERGE, &format!("{MAPS}/a"), &label("yes"))
        .await;
    let mut words = Vec::new();
    for _ in 0..4 {
        words.push(watch.event().await.0);
    }
    assert_eq!(words, ["ADDED", "MODIFIED", "DELETED", "ADDED"]);
}

#[tokio::test]
async fn a_streaming_list_ends_its_initial_events_with_a_bookmark() {
    let (_server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    let query =
        "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = client.watch(&format!("{MAPS}?{query}")).await;
    assert_eq!(watch.event().await, ("ADDED".into(), "a".into()));
    let Next::Event(bookmark) = watch.next().await else {
        panic!("no bookmark")
    };
    assert_eq!(bookmark["type"], "BOOKMARK");
    let annotations = &bookmark["object"]["metadata"]["annotations"];
    assert_eq!(annotations["k8s.io/initial-events-end"], "true");
    let refused = client
        .get(&format!("{MAPS}?watch=1&sendInitialEvents=true"))
        .await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn an_idle_watch_sends_bookmarks_when_asked() {
    let builder = Server::builder().bookmark_interval(Duration::from_millis(20));
    let server = builder.start().await.unwrap();
    let client = Client::of(&server);
    let mut watch = client
        .watch(&format!("{MAPS}?watch=1&allowWatchBookmarks=1"))
        .await;
    client
        .post(
            "/api/v1/namespaces/default/secrets",
            &json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            }),
        )
        .await;
    let revision = server.store().revision().to_string();
    loop {
        let Next::Event(event) = watch.next().await else {
            panic!("the watch ended")
        };
        assert_eq!(event["type"], "BOOKMARK");
        if event["object"]["metadata"]["resourceVersion"] == revision.as_str() {
            break;
        }
    }
}

#[tokio::test]
async fn a_revision_that_history_has_forgotten_is_gone() {
    let (server, client) = start().await;
    let first = client.post(MAPS, &map("a", "1")).await.json();
    client.post(MAPS, &map("b", "1")).await;
    server.store().compact();
    let revision = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = client
        .watch(&format!("{MAPS}?watch=1&resourceVersion={revision}"))
        .await;
    let Next::Event(event) = watch.next().await else {
        panic!("no event")
    };
    assert_eq!(event["type"], "ERROR");
    assert_eq!(event["object"]["code"], 410);
    assert_eq!(event["object"]["reason"], "Expired");
    assert_eq!(watch.next().await, Next::End);
}

#[tokio::test]
async fn a_watch_ends_when_its_time_is_up_and_when_the_server_stops() {
    let (server, client) = start().await;
    let mut short = client
        .watch(&format!("{MAPS}?watch=1&timeoutSeconds=0"))
        .await;
    assert_eq!(short.next().await, Next::End);
    let mut long = client.watch(&format!("{MAPS}?watch=1")).await;
    server.stop().await.unwrap();
    assert!(matches!(long.next().await, Next::End | Next::Cut));
}
