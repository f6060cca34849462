use serde_json::{Value, json};

use crate::client::MERGE;
use crate::{MAPS, map, start};

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn selectors_choose_by_labels_and_fields() {
    let (_server, client) = start().await;
    for (name, tier) in [("a", "front"), ("b", "back"), ("c", "front")] {
        let mut object = map(name, "1");
        object["metadata"]["labels"] = json!({"tier": tier, name: "x"});
        client.post(MAPS, &object).await;
    }
    let rows = [
        ("labelSelector=tier=front", vec!["a", "c"]),
        ("labelSelector=tier in (back),b", vec!["b"]),
        ("labelSelector=!c,tier!=back", vec!["a"]),
        ("fieldSelector=metadata.name=b", vec!["b"]),
        (
            "fieldSelector=metadata.name!=b&labelSelector=tier=front",
            vec!["a", "c"],
        ),
    ];
    for (query, want) in rows {
        let list = client.get(&format!("{MAPS}?{query}")).await.json();
        assert_eq!(names(&list), want, "{query}");
    }
}

#[tokio::test]
async fn pages_show_one_moment_whatever_changes_between_them() {
    let (_server, client) = start().await;
    for name in ["a", "b", "c", "d", "e"] {
        client.post(MAPS, &map(name, "1")).await;
    }
    let first = client.get(&format!("{MAPS}?limit=2")).await.json();
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    client.delete(&format!("{MAPS}/c")).await;
    client
        .patch(MERGE, &format!("{MAPS}/d"), &json!({"data": {"k": "2"}}))
        .await;
    client.post(MAPS, &map("bb", "1")).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = client
        .get(&format!("{MAPS}?limit=5&continue={token}"))
        .await
        .json();
    assert_eq!(names(&rest), ["c", "d", "e"]);
    assert_eq!(rest["items"][1]["data"]["k"], "1");
    assert_eq!(
        rest["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    assert_eq!(rest["metadata"].get("continue"), None);
}

#[tokio::test]
async fn a_page_of_forgotten_history_is_gone_with_a_token_to_go_on_with() {
    let (server, client) = start().await;
    for name in ["a", "b", "c"] {
        client.post(MAPS, &map(name, "1")).await;
    }
    let first = client.get(&format!("{MAPS}?limit=1")).await.json();
    client.post(MAPS, &map("d", "1")).await;
    server.store().compact();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let gone = client
        .get(&format!("{MAPS}?limit=1&continue={token}"))
        .await;
    assert_eq!(gone.status, 410);
    let gone = gone.json();
    assert_eq!(gone["reason"], "Expired");
    let token = gone["metadata"]["continue"].as_str().unwrap();
    let rest = client.get(&format!("{MAPS}?continue={token}")).await.json();
    assert_eq!(names(&rest), ["b", "c", "d"]);
}

#[tokio::test]
async fn an_exact_revision_is_listed_and_a_future_one_is_not() {
    let (_server, client) = start().await;
    let first = client.post(MAPS, &map("a", "1")).await.json();
    client.post(MAPS, &map("b", "1")).await;
    let revision = first["metadata"]["resourceVersion"].as_str().unwrap();
    let query = format!("resourceVersion={revision}&resourceVersionMatch=Exact");
    assert_eq!(
        names(&client.get(&format!("{MAPS}?{query}")).await.json()),
        ["a"]
    );
    let query = format!("resourceVersion={revision}&resourceVersionMatch=NotOlderThan");
    assert_eq!(
        names(&client.get(&format!("{MAPS}?{query}")).await.json()),
        ["a", "b"]
    );
    let future = client.get(&format!("{MAPS}?resourceVersion=99999")).await;
    assert_eq!(future.status, 504);
    assert_eq!(
        future.json()["details"]["causes"][0]["reason"],
        "ResourceVersionTooLarge"
    );
}

#[tokio::test]
async fn a_collection_is_deleted_by_its_selector() {
    let (_server, client) = start().await;
    for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut object = map(name, "1");
        object["metadata"]["labels"] = json!({"tier": tier});
        client.post(MAPS, &object).await;
    }
    assert_eq!(
        client
            .delete(&format!("{MAPS}?labelSelector=tier=x"))
            .await
            .status,
        200
    );
    assert_eq!(names(&client.get(MAPS).await.json()), ["b"]);
}

#[tokio::test]
async fn objects_are_shown_as_tables_and_as_metadata() {
    let (_server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    let accept = |form: &'static str| [("accept", form)];
    let table = accept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
    let table = client.send("GET", MAPS, &table, "").await.unwrap().json();
    assert_eq!(table["kind"], "Table");
    assert_eq!(table["columnDefinitions"][1]["name"], "Data");
    assert_eq!(table["rows"][0]["cells"][0], "a");
    assert_eq!(table["rows"][0]["cells"][1], 1);
    let partial = accept("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    let partial = client.send("GET", MAPS, &partial, "").await.unwrap().json();
    assert_eq!(partial["kind"], "PartialObjectMetadataList");
    assert_eq!(partial["items"][0]["metadata"]["name"], "a");
    assert_eq!(partial["items"][0].get("data"), None);
    let none = client
        .send("GET", MAPS, &accept("text/html"), "")
        .await
        .unwrap();
    assert_eq!(none.status, 406);
}
