use serde_json::json;

use crate::client::{APPLY, MERGE};
use crate::{MAPS, start};

fn config(data: &serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

#[tokio::test]
async fn applying_creates_then_changes_nothing_then_drops_what_is_left_out() {
    let (server, client) = start().await;
    let path = format!("{MAPS}/a?fieldManager=one");
    let made = client
        .patch(APPLY, &path, &config(&json!({"x": "1", "y": "2"})))
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(
        made.json()["metadata"]["managedFields"][0]["operation"],
        "Apply"
    );
    let before = server.store().revision();
    let again = client
        .patch(APPLY, &path, &config(&json!({"x": "1", "y": "2"})))
        .await;
    assert_eq!((again.status.as_u16(), again.json()), (200, made.json()));
    assert_eq!(
        server.store().revision(),
        before,
        "an unchanged apply writes nothing"
    );
    let less = client
        .patch(APPLY, &path, &config(&json!({"x": "1"})))
        .await
        .json();
    assert_eq!(less["data"], json!({"x": "1"}));
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_unless_forced() {
    let (_server, client) = start().await;
    client
        .patch(
            APPLY,
            &format!("{MAPS}/a?fieldManager=one"),
            &config(&json!({"x": "1"})),
        )
        .await;
    let hand = format!("{MAPS}/a?fieldManager=hand");
    client
        .patch(MERGE, &hand, &json!({"data": {"x": "2", "z": "3"}}))
        .await;
    let path = format!("{MAPS}/a?fieldManager=one");
    let refused = client
        .patch(APPLY, &path, &config(&json!({"x": "1"})))
        .await;
    assert_eq!(refused.status, 409);
    let refused = refused.json();
    assert_eq!(
        refused["message"],
        "Apply failed with 1 conflict: conflict with \"hand\" using v1: .data.x"
    );
    assert_eq!(
        refused["details"]["causes"][0]["reason"],
        "FieldManagerConflict"
    );
    let path = format!("{path}&force=true");
    let forced = client
        .patch(APPLY, &path, &config(&json!({"x": "1"})))
        .await
        .json();
    assert_eq!(forced["data"], json!({"x": "1", "z": "3"}));
}

#[tokio::test]
async fn a_managers_own_list_items_are_its_own() {
    let (_server, client) = start().await;
    let path = "/api/v1/namespaces/default/services/a";
    let service = |port: i64, name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"ports": [{"port": port, "name": name, "protocol": "TCP"}]},
        })
    };
    client
        .patch(
            APPLY,
            &format!("{path}?fieldManager=one"),
            &service(80, "a"),
        )
        .await;
    let both = client
        .patch(
            APPLY,
            &format!("{path}?fieldManager=two"),
            &service(81, "b"),
        )
        .await;
    assert_eq!(both.json()["spec"]["ports"].as_array().unwrap().len(), 2);
    let moved = client
        .patch(
            APPLY,
            &format!("{path}?fieldManager=one"),
            &service(82, "a"),
        )
        .await;
    let ports: Vec<i64> = moved.json()["spec"]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["port"].as_i64().unwrap())
        .collect();
    assert_eq!(ports, [81, 82]);
}

#[tokio::test]
async fn yaml_is_read_as_go_reads_it() {
    let (_server, client) = start().await;
    let headers = [("content-type", APPLY)];
    let path = format!("{MAPS}/a?fieldManager=one");
    let text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: 'yes'\n  b: \"1\"\n";
    let made = client.send("PATCH", &path, &headers, text).await.unwrap();
    assert_eq!(made.status, 201, "{:?}", made.json());
    assert_eq!(made.json()["data"], json!({"a": "yes", "b": "1"}));
    // A bare `yes` is a boolean to Go's loader, and no data of a ConfigMap.
    let refused = client
        .send("PATCH", &path, &headers, text.replace("'yes'", "yes"))
        .await
        .unwrap();
    assert!(refused.status.is_client_error() || refused.status.is_server_error());
}
