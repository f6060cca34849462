use serde_json::{Value, json};

use crate::client::{Client, MERGE};
use crate::{MAPS, map, start};

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

#[tokio::test]
async fn the_namespaces_of_a_fresh_cluster_are_there_and_most_cannot_be_deleted() {
    let (_server, client) = start().await;
    let list = client.get("/api/v1/namespaces").await.json();
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["default", "kube-node-lease", "kube-public", "kube-system"]
    );
    assert_eq!(
        client.delete("/api/v1/namespaces/default").await.status,
        403
    );
}

#[tokio::test]
async fn a_namespace_must_be_there_and_must_not_be_going() {
    let (_server, client) = start().await;
    let path = "/api/v1/namespaces/a/configmaps";
    let missing = client.post(path, &map("x", "1")).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["message"], "namespaces \"a\" not found");
    client.post("/api/v1/namespaces", &namespace("a")).await;
    let mut kept = map("x", "1");
    kept["metadata"]["finalizers"] = json!(["example.com/keep"]);
    client.post(path, &kept).await;
    client.post(path, &map("y", "1")).await;
    let going = client.delete("/api/v1/namespaces/a").await.json();
    assert_eq!(going["status"]["phase"], "Terminating");
    let refused = client.post(path, &map("z", "1")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["message"],
        "configmaps \"z\" is forbidden: unable to create new content in namespace a because it is \
         being terminated"
    );
    client
        .until(&format!("{path}/y"), "what is free to go", |a| {
            a.status == 404
        })
        .await;
    let waiting = client
        .until("/api/v1/namespaces/a", "conditions", |a| {
            a.json()["status"]["conditions"]
                .as_array()
                .is_some_and(|all| all.len() == 4)
        })
        .await
        .json();
    let message = waiting["status"]["conditions"][3]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.contains("example.com/keep in 1 resource instances"),
        "{message}"
    );
    let body = json!({"metadata": {"finalizers": null}});
    client.patch(MERGE, &format!("{path}/x"), &body).await;
    client
        .until("/api/v1/namespaces/a", "the namespace to go", |a| {
            a.status == 404
        })
        .await;
}

async fn owned(client: &Client, name: &str, owners: &[&Value]) {
    let references: Vec<Value> = owners
        .iter()
        .map(|owner| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": true,
            })
        })
        .collect();
    let mut object = map(name, "1");
    object["metadata"]["ownerReferences"] = json!(references);
    assert_eq!(client.post(MAPS, &object).await.status, 201);
}

#[tokio::test]
async fn dependants_follow_their_last_owner_in_the_background() {
    let (_server, client) = start().await;
    let one = client.post(MAPS, &map("one", "1")).await.json();
    let two = client.post(MAPS, &map("two", "1")).await.json();
    owned(&client, "of-one", &[&one]).await;
    owned(&client, "of-both", &[&one, &two]).await;
    client.delete(&format!("{MAPS}/one")).await;
    client
        .until(&format!("{MAPS}/of-one"), "it to go", |a| a.status == 404)
        .await;
    let left = client
        .until(&format!("{MAPS}/of-both"), "one owner less", |a| {
            a.json()["metadata"]["ownerReferences"]
                .as_array()
                .is_some_and(|all| all.len() == 1)
        })
        .await
        .json();
    assert_eq!(left["metadata"]["ownerReferences"][0]["name"], "two");
}

#[tokio::test]
async fn a_foreground_deletion_waits_for_the_dependants() {
    let (_server, client) = start().await;
    let owner = client.post(MAPS, &map("owner", "1")).await.json();
    owned(&client, "child", &[&owner]).await;
    let body = json!({"metadata": {"finalizers": ["example.com/keep"]}});
    client.patch(MERGE, &format!("{MAPS}/child"), &body).await;
    let path = format!("{MAPS}/owner?propagationPolicy=Foreground");
    let going = client.delete(&path).await.json();
    assert_eq!(
        going["metadata"]["finalizers"],
        json!(["foregroundDeletion"])
    );
    client
        .until(&format!("{MAPS}/child"), "the child to be deleted", |a| {
            a.json()["metadata"]["deletionTimestamp"].is_string()
        })
        .await;
    assert_eq!(client.get(&format!("{MAPS}/owner")).await.status, 200);
    let body = json!({"metadata": {"finalizers": ["foregroundDeletion"]}});
    client
        .patch(
            MERGE,
            &format!("{MAPS}/child"),
            &json!({"metadata": {"finalizers": null}}),
        )
        .await;
    client
        .until(&format!("{MAPS}/owner"), "the owner to go", |a| {
            a.status == 404
        })
        .await;
    drop(body);
}

#[tokio::test]
async fn an_orphaning_deletion_leaves_the_dependants() {
    let (_server, client) = start().await;
    let owner = client.post(MAPS, &map("owner", "1")).await.json();
    owned(&client, "child", &[&owner]).await;
    client
        .delete(&format!("{MAPS}/owner?propagationPolicy=Orphan"))
        .await;
    client
        .until(&format!("{MAPS}/owner"), "the owner to go", |a| {
            a.status == 404
        })
        .await;
    let child = client.get(&format!("{MAPS}/child")).await.json();
    assert_eq!(child["metadata"].get("ownerReferences"), None);
}
