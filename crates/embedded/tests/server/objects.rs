use serde_json::json;

use crate::client::{JSON_PATCH, MERGE, STRATEGIC};
use crate::{MAPS, map, start};

#[tokio::test]
async fn an_object_is_created_read_replaced_and_deleted() {
    let (_server, client) = start().await;
    let made = client.post(MAPS, &map("a", "1")).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["metadata"]["namespace"], "default");
    assert!(made["metadata"]["uid"].is_string());
    let path = format!("{MAPS}/a");
    assert_eq!(client.get(&path).await.json(), made);
    let mut next = made.clone();
    next["data"]["k"] = json!("2");
    let next = client.put(&path, &next).await.json();
    assert_eq!(next["data"]["k"], "2");
    assert_ne!(
        next["metadata"]["resourceVersion"],
        made["metadata"]["resourceVersion"]
    );
    let gone = client.delete(&path).await;
    assert_eq!(gone.json()["status"], "Success");
    let missing = client.get(&path).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["message"], "configmaps \"a\" not found");
}

#[tokio::test]
async fn a_stale_write_is_a_conflict_and_changes_nothing() {
    let (_server, client) = start().await;
    let first = client.post(MAPS, &map("a", "1")).await.json();
    let path = format!("{MAPS}/a");
    client
        .patch(MERGE, &path, &json!({"data": {"k": "2"}}))
        .await;
    let stale = client.put(&path, &first).await;
    assert_eq!(stale.status, 409);
    assert_eq!(stale.json()["reason"], "Conflict");
    assert_eq!(client.get(&path).await.json()["data"]["k"], "2");
}

#[tokio::test]
async fn of_many_writers_at_once_each_change_is_kept() {
    let (_server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let body = json!({"data": {format!("w{n}"): "x"}});
                client
                    .patch(MERGE, &format!("{MAPS}/a"), &body)
                    .await
                    .status
            })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 200);
    }
    let data = client.get(&format!("{MAPS}/a")).await.json()["data"].clone();
    assert_eq!(data.as_object().unwrap().len(), 17);
}

#[tokio::test]
async fn a_dry_run_answers_as_the_write_would_and_writes_nothing() {
    let (server, client) = start().await;
    let before = server.store().revision();
    let made = client
        .post(&format!("{MAPS}?dryRun=All"), &map("a", "1"))
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(client.get(&format!("{MAPS}/a")).await.status, 404);
    assert_eq!(server.store().revision(), before);
    client.post(MAPS, &map("a", "1")).await;
    let path = format!("{MAPS}/a?dryRun=All");
    let patched = client
        .patch(MERGE, &path, &json!({"data": {"k": "2"}}))
        .await
        .json();
    assert_eq!(patched["data"]["k"], "2");
    assert_eq!(client.delete(&path).await.status, 200);
    assert_eq!(
        client.get(&format!("{MAPS}/a")).await.json()["data"]["k"],
        "1"
    );
}

#[tokio::test]
async fn a_write_that_changes_nothing_keeps_the_revision() {
    let (server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    let before = server.store().revision();
    let body = json!({"data": {"k": "1"}});
    assert_eq!(
        client
            .patch(MERGE, &format!("{MAPS}/a"), &body)
            .await
            .status,
        200
    );
    assert_eq!(server.store().revision(), before);
}

#[tokio::test]
async fn each_form_of_patch_does_what_it_says() {
    let (_server, client) = start().await;
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let made = client
        .post(
            path,
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {
                        "metadata": {"labels": {"a": "b"}},
                        "spec": {"containers": [{"name": "c", "image": "x:1"}]},
                    },
                },
            }),
        )
        .await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    let path = format!("{path}/a");
    let merged = client
        .patch(
            STRATEGIC,
            &path,
            &json!({"spec": {"template": {"spec": {"containers": [
                {"name": "d", "image": "y:1"},
            ]}}}}),
        )
        .await
        .json();
    let names = |object: &serde_json::Value| -> Vec<String> {
        let list = object["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap();
        list.iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&merged), ["d", "c"]);
    let body = json!([{"op": "remove", "path": "/spec/template/spec/containers/0"}]);
    let patched = client.patch(JSON_PATCH, &path, &body).await.json();
    assert_eq!(names(&patched), ["c"]);
    let body = json!({"spec": {"replicas": 3}});
    let scaled = client.patch(MERGE, &path, &body).await.json();
    assert_eq!(scaled["spec"]["replicas"], 3);
    assert_eq!(scaled["metadata"]["generation"], 4);
    let body = json!({"metadata": {"labels": {"l": "1"}}});
    let labelled = client.patch(MERGE, &path, &body).await.json();
    assert_eq!(
        labelled["metadata"]["generation"], 4,
        "labels are not the spec"
    );
}

#[tokio::test]
async fn unknown_fields_are_refused_warned_of_or_ignored_as_asked() {
    let (_server, client) = start().await;
    let mut body = map("a", "1");
    body["foo"] = json!(1);
    let strict = client
        .post(&format!("{MAPS}?fieldValidation=Strict"), &body)
        .await;
    assert_eq!(strict.status, 400);
    assert!(
        strict.json()["message"]
            .as_str()
            .unwrap()
            .contains("unknown field \"foo\"")
    );
    let silent = client
        .post(&format!("{MAPS}?fieldValidation=Ignore&dryRun=All"), &body)
        .await;
    assert!(silent.warnings().is_empty());
    let warned = client.post(MAPS, &body).await;
    assert_eq!(warned.warnings(), [r#"299 - "unknown field \"foo\"""#]);
    assert_eq!(warned.json().get("foo"), None);
}

#[tokio::test]
async fn status_and_scale_are_written_apart() {
    let (_server, client) = start().await;
    let path = "/api/v1/namespaces/default/replicationcontrollers";
    let made = client
        .post(
            path,
            &json!({
                "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "a"},
                "spec": {"replicas": 1, "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "x"}]},
                }},
                "status": {"replicas": 9},
            }),
        )
        .await
        .json();
    assert_eq!(made["status"]["replicas"], 0, "{made:?}");
    let path = format!("{path}/a");
    let body = json!({"spec": {"replicas": 7}, "status": {"replicas": 5}});
    let status = client
        .patch(MERGE, &format!("{path}/status"), &body)
        .await
        .json();
    assert_eq!(
        (&status["spec"]["replicas"], &status["status"]["replicas"]),
        (&json!(1), &json!(5))
    );
    let scale = client.get(&format!("{path}/scale")).await.json();
    assert_eq!(scale["kind"], "Scale");
    assert_eq!(
        (&scale["spec"]["replicas"], &scale["status"]["replicas"]),
        (&json!(1), &json!(5))
    );
    let body = json!({"spec": {"replicas": 4}});
    let scale = client
        .patch(MERGE, &format!("{path}/scale"), &body)
        .await
        .json();
    assert_eq!(scale["spec"]["replicas"], 4);
    assert_eq!(client.get(&path).await.json()["spec"]["replicas"], 4);
}

#[tokio::test]
async fn plain_text_of_a_secret_is_kept_as_data_and_no_error_repeats_it() {
    let (_server, client) = start().await;
    let path = "/api/v1/namespaces/default/secrets";
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
        "stringData": {"password": "hunter2"},
    });
    let made = client.post(path, &secret).await.json();
    assert_eq!(made["data"]["password"], "aHVudGVyMg==");
    assert_eq!(made.get("stringData"), None);
    let body = json!({"data": {"password": {"hunter2": "hunter2"}}});
    let refused = client.patch(MERGE, &format!("{path}/a"), &body).await;
    assert_eq!(refused.status, 422);
    assert!(!String::from_utf8_lossy(&refused.body).contains("hunter2"));
}

#[tokio::test]
async fn what_a_rule_denies_is_forbidden_and_a_review_says_so() {
    let (server, client) = start().await;
    server
        .access()
        .deny(trueup_embedded::Deny::new("create", "", "configmaps"));
    let denied = client.post(MAPS, &map("a", "1")).await;
    assert_eq!(denied.status, 403);
    assert_eq!(
        denied.json()["message"],
        "configmaps is forbidden: User \"admin\" cannot create resource \"configmaps\" in API group \
         \"\" in the namespace \"default\""
    );
    let review = |verb: &str| {
        json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "resource": "configmaps", "namespace": "default",
            }},
        })
    };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = client.post(path, &review("create")).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["status"]["allowed"]),
        (201, &json!(false))
    );
    assert_eq!(
        client.post(path, &review("get")).await.json()["status"]["allowed"],
        true
    );
    server.access().allow_all();
    assert_eq!(client.post(MAPS, &map("a", "1")).await.status, 201);
}

#[tokio::test]
async fn a_service_keeps_its_address_and_ports() {
    let (_server, client) = start().await;
    let path = "/api/v1/namespaces/default/services";
    let body = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}]},
    });
    let made = client.post(path, &body).await.json();
    let address = made["spec"]["clusterIP"].as_str().unwrap().to_owned();
    let port = made["spec"]["ports"][0]["nodePort"].as_i64().unwrap();
    assert!((30_000..=32_767).contains(&port));
    let again = client.put(&format!("{path}/a"), &body).await.json();
    assert_eq!(again["spec"]["clusterIP"], address.as_str());
    assert_eq!(again["spec"]["ports"][0]["nodePort"], port);
    let moved = json!({"spec": {"clusterIP": "10.96.0.77"}});
    assert_eq!(
        client
            .patch(MERGE, &format!("{path}/a"), &moved)
            .await
            .status,
        422
    );
    let mut other = body.clone();
    other["metadata"]["name"] = json!("b");
    other["spec"]["ports"][0]["nodePort"] = json!(port);
    let refused = client.post(path, &other).await.json();
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("provided port is already allocated")
    );
}
