use std::time::Duration;

use serde_json::{Value, json};
use trueup_embedded::{Fate, Server, Target};

use crate::client::{Client, MERGE};

async fn start() -> (Server, Client) {
    let server = Server::builder()
        .simulate_controllers(Duration::ZERO)
        .start()
        .await
        .unwrap();
    let client = Client::of(&server);
    (server, client)
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const PODS: &str = "/api/v1/namespaces/default/pods";

fn workload(kind: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    })
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|c| c["type"] == kind)
}

#[tokio::test]
async fn a_deployment_gets_ready_and_rolls_out_a_change() {
    let (_server, client) = start().await;
    let mut object = workload("Deployment", "x:1");
    object["spec"]["replicas"] = json!(2);
    client.post(DEPLOYMENTS, &object).await;
    let path = format!("{DEPLOYMENTS}/web");
    let ready = client
        .until(&path, "two ready replicas", |a| {
            a.json()["status"]["readyReplicas"] == 2
        })
        .await
        .json();
    assert_eq!(condition(&ready, "Available").unwrap()["status"], "True");
    assert_eq!(ready["status"]["observedGeneration"], 1);
    let body = json!([{
        "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:2",
    }]);
    client.patch(crate::client::JSON_PATCH, &path, &body).await;
    client
        .until(&path, "the rollout", |a| {
            let status = a.json()["status"].clone();
            status["observedGeneration"] == 2
                && status["updatedReplicas"] == 2
                && status["replicas"] == 2
                && status["readyReplicas"] == 2
        })
        .await;
    let pods = client.get(PODS).await.json();
    let images: Vec<&Value> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| &pod["spec"]["containers"][0]["image"])
        .collect();
    assert_eq!(images, ["x:2", "x:2"]);
    client.delete(&path).await;
    client
        .until(PODS, "the pods to go", |a| {
            a.json()["items"].as_array().unwrap().is_empty()
        })
        .await;
}

#[tokio::test]
async fn a_workload_fails_as_told_and_recovers_when_told() {
    let (server, client) = start().await;
    server.simulation().set(
        Target::new("deployments").named("web"),
        Fate::Fail {
            reason: "ImagePullBackOff".into(),
            message: "no such image".into(),
        },
    );
    let mut object = workload("Deployment", "x:1");
    object["spec"]["progressDeadlineSeconds"] = json!(0);
    client.post(DEPLOYMENTS, &object).await;
    let path = format!("{DEPLOYMENTS}/web");
    let failed = client
        .until(&path, "a missed deadline", |a| {
            condition(&a.json(), "Progressing")
                .is_some_and(|c| c["reason"] == "ProgressDeadlineExceeded")
        })
        .await
        .json();
    assert_eq!(failed["status"]["unavailableReplicas"], 1);
    let pods = client
        .until(PODS, "the reason", |a| {
            let state = &a.json()["items"][0]["status"]["containerStatuses"][0]["state"].clone();
            state["waiting"]["reason"] == "ImagePullBackOff"
        })
        .await
        .json();
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let events = client
        .get(&format!(
            "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name={pod}"
        ))
        .await
        .json();
    assert_eq!(events["items"][0]["message"], "no such image");
    server.simulation().clear();
    client
        .until(&path, "recovery", |a| {
            a.json()["status"]["readyReplicas"] == 1
        })
        .await;
}

#[tokio::test]
async fn stateful_sets_daemon_sets_jobs_claims_and_load_balancers_get_ready() {
    let (_server, client) = start().await;
    let base = "/apis/apps/v1/namespaces/default";
    let mut stateful = workload("StatefulSet", "x:1");
    stateful["spec"]["replicas"] = json!(2);
    stateful["spec"]["serviceName"] = json!("s");
    stateful["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        },
    }]);
    stateful["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "data", "mountPath": "/data"}]);
    client
        .post(&format!("{base}/statefulsets"), &stateful)
        .await;
    client
        .post(&format!("{base}/daemonsets"), &workload("DaemonSet", "x:1"))
        .await;
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
        "spec": {"completions": 2, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}],
        }}},
    });
    client
        .post("/apis/batch/v1/namespaces/default/jobs", &job)
        .await;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    client
        .post("/api/v1/namespaces/default/services", &service)
        .await;
    client
        .until(&format!("{base}/statefulsets/web"), "ready members", |a| {
            let status = &a.json()["status"];
            status["readyReplicas"] == 2 && status["currentRevision"] == status["updateRevision"]
        })
        .await;
    client
        .until(&format!("{base}/daemonsets/web"), "a ready daemon", |a| {
            a.json()["status"]["numberReady"] == 1
        })
        .await;
    client
        .until(
            "/apis/batch/v1/namespaces/default/jobs/j",
            "completion",
            |a| condition(&a.json(), "Complete").is_some_and(|c| c["status"] == "True"),
        )
        .await;
    client
        .until(
            "/api/v1/namespaces/default/services/lb",
            "an address",
            |a| a.json()["status"]["loadBalancer"]["ingress"][0]["ip"].is_string(),
        )
        .await;
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    client
        .until(&format!("{claims}/data-web-1"), "a bound claim", |a| {
            a.json()["status"]["phase"] == "Bound"
        })
        .await;
}

#[tokio::test]
async fn a_claim_in_use_is_kept_until_its_pod_is_gone() {
    let (_server, client) = start().await;
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    client
        .post(
            claims,
            &json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                },
            }),
        )
        .await;
    client
        .post(
            PODS,
            &json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                "spec": {
                    "containers": [{"name": "c", "image": "x"}],
                    "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}],
                },
            }),
        )
        .await;
    let path = format!("{claims}/d");
    client
        .until(&path, "binding", |a| a.json()["status"]["phase"] == "Bound")
        .await;
    client.delete(&path).await;
    let body = json!({"metadata": {"labels": {"still": "here"}}});
    assert_eq!(client.patch(MERGE, &path, &body).await.status, 200);
    client.delete(&format!("{PODS}/p")).await;
    client
        .until(&path, "the claim to go", |a| a.status == 404)
        .await;
    client
        .until("/api/v1/persistentvolumes", "its volume to go", |a| {
            a.json()["items"].as_array().unwrap().is_empty()
        })
        .await;
}
