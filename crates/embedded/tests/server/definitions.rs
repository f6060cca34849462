use std::time::Duration;

use serde_json::{Value, json};
use trueup_embedded::Server;

use crate::client::{APPLY, Client, MERGE};
use crate::start;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
pub(crate) const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

pub(crate) fn widget(name: &str, size: i64) -> Value {
    json!({
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"size": size},
    })
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": true,
                    "storage": true,
                    "subresources": {"status": {}, "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas",
                    }},
                    "additionalPrinterColumns": [
                        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                        {"name": "Ready", "type": "string",
                         "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
                    ],
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                        "spec": {
                            "type": "object",
                            "required": ["size"],
                            "x-kubernetes-validations": [{"rule": "self.size > 0"}],
                            "properties": {
                                "size": {"type": "integer", "minimum": 1},
                                "color": {"type": "string", "default": "red", "enum": ["red", "blue"]},
                                "replicas": {"type": "integer"},
                            },
                        },
                        "status": {
                            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                        },
                    }}},
                },
                {
                    "name": "v1beta1",
                    "served": true,
                    "storage": false,
                    "deprecated": true,
                    "schema": {"openAPIV3Schema": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    }},
                },
            ],
        },
    })
}

/// Creates the definition and waits until it is served.
pub(crate) async fn define(client: &Client) {
    let made = client.post(DEFINITIONS, &definition()).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    let path = format!("{DEFINITIONS}/widgets.example.com");
    client
        .until(&path, "Established", |answer| {
            let conditions = answer.json()["status"]["conditions"].clone();
            conditions[1]["type"] == "Established" && conditions[1]["status"] == "True"
        })
        .await;
}

#[tokio::test]
async fn a_definition_is_served_once_it_is_established() {
    let builder = Server::builder().establish_delay(Duration::from_millis(50));
    let server = builder.start().await.unwrap();
    let client = Client::of(&server);
    assert_eq!(client.get(WIDGETS).await.status, 404);
    client.post(DEFINITIONS, &definition()).await;
    let path = format!("{DEFINITIONS}/widgets.example.com");
    let waiting = client
        .until(&path, "accepted names", |answer| {
            answer.json()["status"]["conditions"][0]["reason"] == "NoConflicts"
        })
        .await
        .json();
    assert_eq!(waiting["status"]["acceptedNames"]["plural"], "widgets");
    client
        .until(WIDGETS, "to be served", |answer| answer.status == 200)
        .await;
    let resources = client.get("/apis/example.com/v1").await.json();
    assert_eq!(resources["resources"][0]["shortNames"], json!(["wd"]));
}

#[tokio::test]
async fn objects_are_defaulted_pruned_and_validated() {
    let (_server, client) = start().await;
    define(&client).await;
    let mut object = widget("a", 1);
    object["spec"]["nope"] = json!(1);
    object["status"] = json!({"x": 1});
    let made = client.post(WIDGETS, &object).await;
    assert_eq!(made.status, 201);
    assert!(
        made.warnings()
            .iter()
            .any(|w| w.contains(r#"unknown field \"spec.nope\""#))
    );
    assert!(
        made.warnings()
            .iter()
            .any(|w| w.contains("does not evaluate the 1 CEL rules")),
        "{:?}",
        made.warnings()
    );
    let made = made.json();
    assert_eq!(made["spec"], json!({"size": 1, "color": "red"}));
    assert_eq!(made.get("status"), None);
    assert_eq!(made["metadata"]["generation"], 1);
    let mut bad = widget("b", 0);
    bad["spec"]["color"] = json!("green");
    let refused = client.post(WIDGETS, &bad).await;
    assert_eq!(refused.status, 422);
    let causes = refused.json()["details"]["causes"].clone();
    let mut messages: Vec<&str> = causes
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["message"].as_str().unwrap())
        .collect();
    messages.sort_unstable();
    assert_eq!(
        messages,
        [
            "Invalid value: 0: spec.size in body should be greater than or equal to 1",
            "Unsupported value: \"green\": supported values: \"red\", \"blue\"",
        ]
    );
}

#[tokio::test]
async fn status_scale_and_versions_of_custom_objects_work() {
    let (_server, client) = start().await;
    define(&client).await;
    client.post(WIDGETS, &widget("a", 1)).await;
    let path = format!("{WIDGETS}/a");
    let body = json!({"spec": {"size": 9}, "status": {"replicas": 2}});
    let status = client
        .patch(MERGE, &format!("{path}/status"), &body)
        .await
        .json();
    assert_eq!(
        (&status["spec"]["size"], &status["status"]["replicas"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(status["metadata"]["generation"], 1);
    let scale = client.get(&format!("{path}/scale")).await;
    assert_eq!(scale.status, 500, "there is no `.spec.replicas` yet");
    let spec = client
        .patch(MERGE, &path, &json!({"spec": {"replicas": 3}}))
        .await
        .json();
    assert_eq!(spec["metadata"]["generation"], 2);
    assert_eq!(
        client.get(&format!("{path}/scale")).await.json()["spec"]["replicas"],
        3
    );
    let other = client
        .get("/apis/example.com/v1beta1/namespaces/default/widgets/a")
        .await
        .json();
    assert_eq!(other["apiVersion"], "example.com/v1beta1");
    let path = "/apis/example.com/v1beta1/namespaces/default/widgets/b?fieldManager=m";
    let body = json!({
        "apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {"name": "b"},
        "spec": {"size": 2},
    });
    let applied = client.patch(APPLY, path, &body).await;
    assert_eq!(applied.status, 201, "{:?}", applied.json());
    assert!(
        applied
            .warnings()
            .iter()
            .any(|w| w.contains("is deprecated"))
    );
    assert_eq!(
        client.get(&format!("{WIDGETS}/b")).await.json()["apiVersion"],
        "example.com/v1"
    );
}

#[tokio::test]
async fn printer_columns_are_those_of_the_definition() {
    let (_server, client) = start().await;
    define(&client).await;
    client.post(WIDGETS, &widget("a", 4)).await;
    let body = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    client
        .patch(MERGE, &format!("{WIDGETS}/a/status"), &body)
        .await;
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = client
        .send("GET", WIDGETS, &accept, "")
        .await
        .unwrap()
        .json();
    assert_eq!(table["rows"][0]["cells"], json!(["a", 4, "True"]));
}

#[tokio::test]
async fn the_objects_of_a_deleted_definition_go_with_it() {
    let (_server, client) = start().await;
    define(&client).await;
    client.post(WIDGETS, &widget("a", 1)).await;
    let path = format!("{DEFINITIONS}/widgets.example.com");
    assert_eq!(client.delete(&path).await.status, 200);
    client
        .until(&path, "the definition to go", |answer| answer.status == 404)
        .await;
    assert_eq!(client.get(WIDGETS).await.status, 404);
    define(&client).await;
    assert_eq!(client.get(WIDGETS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_definition_whose_names_are_taken_waits_for_them() {
    let (_server, client) = start().await;
    define(&client).await;
    let mut other = definition();
    other["metadata"]["name"] = json!("gadgets.example.com");
    other["spec"]["names"] = json!({"plural": "gadgets", "kind": "Widget"});
    client.post(DEFINITIONS, &other).await;
    let path = format!("{DEFINITIONS}/gadgets.example.com");
    let refused = client
        .until(&path, "a conflict", |answer| {
            answer.json()["status"]["conditions"][0]["status"] == "False"
        })
        .await
        .json();
    let condition = &refused["status"]["conditions"][0];
    assert_eq!(condition["reason"], "ListKindConflict");
    assert_eq!(condition["message"], "\"WidgetList\" is already in use");
    client
        .delete(&format!("{DEFINITIONS}/widgets.example.com"))
        .await;
    let gadgets = "/apis/example.com/v1/namespaces/default/gadgets";
    client
        .until(gadgets, "the names to be free", |answer| {
            answer.status == 200
        })
        .await;
}
