//! A webhook that changes what we apply.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::harness::{World, on_a_real_server_of_its_own};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG, labels: {app: api}}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: 'example.com/api:1', env: [{name: A, value: a}]}
";

/// A webhook on loopback that does to Deployments what meshes and mirrors do: a label, an annotation, a
/// container more, a variable more in ours, and our image from elsewhere.
struct Webhook {
    port: u16,
    /// The certificate that its clients are to trust, in PEM.
    certificate: String,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Webhook {
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    if answer(stream, &acceptor).await.is_some() {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Self {
            port,
            certificate: made.cert.pem(),
            asked,
            task,
        }
    }

    fn configuration(&self) -> String {
        format!(
            "{{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {{name: TAG}}, webhooks: [{{\
             name: mesh.example.com, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Fail, \
             clientConfig: {{url: 'https://127.0.0.1:{}/mutate', caBundle: {}}}, \
             namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: TAG}}}}, \
             rules: [{{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}}]}}]}}",
            self.port,
            STANDARD.encode(&self.certificate)
        )
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request; none where the connection broke before.
async fn answer(stream: TcpStream, acceptor: &TlsAcceptor) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut read = Vec::new();
    let body = loop {
        let mut part = [0; 4096];
        let count = stream
            .read(&mut part)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        read.extend_from_slice(&part[..count]);
        let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..at]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))?;
        let length: usize = length.trim().parse().ok()?;
        if read.len() >= at + 4 + length {
            break &read[at + 4..at + 4 + length];
        }
    };
    let review: Value = serde_json::from_slice(body).ok()?;
    let request = &review["request"];
    let patch = STANDARD.encode(mutation(&request["object"]).to_string());
    let reply = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": request["uid"], "allowed": true, "patchType": "JSONPatch", "patch": patch},
    });
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        reply.len()
    );
    stream.write_all((head + &reply).as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// What it does to a Deployment, unless that is done.
fn mutation(deployment: &Value) -> Value {
    let mut operations = Vec::new();
    let mut add = |path: &str, value: Value| {
        operations.push(json!({"op": "add", "path": path, "value": value}));
    };
    let containers = &deployment["spec"]["template"]["spec"]["containers"];
    let has = |list: &Value, name: &str| {
        list.as_array()
            .is_some_and(|items| items.iter().any(|item| item["name"] == name))
    };
    add("/metadata/labels/mesh", json!("in"));
    if deployment["metadata"].get("annotations").is_none() {
        add(
            "/metadata/annotations",
            json!({"mesh.example.com/seen": "yes"}),
        );
    }
    add(
        "/spec/template/spec/containers/0/image",
        json!("mirror.example.com/api:1"),
    );
    if !has(&containers[0]["env"], "MESH") {
        add(
            "/spec/template/spec/containers/0/env/-",
            json!({"name": "MESH", "value": "on"}),
        );
    }
    if !has(containers, "sidecar") {
        add(
            "/spec/template/spec/containers/-",
            json!({"name": "sidecar", "image": "example.com/sidecar:1"}),
        );
    }
    operations.into()
}

#[test]
fn what_a_webhook_adds_or_rewrites_is_no_change_of_ours() {
    on_a_real_server_of_its_own(async |mut world: World| {
        let webhook = Webhook::start().await;
        world.converge(&[("pre", NAMESPACE)]).await;
        world.apply_as("test", &webhook.configuration()).await;
        // The server takes a moment to ask a new webhook.
        let probe = DEPLOYMENT.replace("name: api, namespace", "name: probe, namespace");
        while webhook.asked.load(Ordering::SeqCst) == 0 {
            world.apply_as("test", &probe).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let phases = [("pre", NAMESPACE), ("app", DEPLOYMENT)];
        assert_eq!(world.converge(&phases).await.counts.created, 1);
        let first = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        let containers = &first.value()["spec"]["template"]["spec"]["containers"];
        assert_eq!(first.label("mesh"), Some("in"));
        assert_eq!(containers[1]["name"], "sidecar");
        assert_eq!(containers[0]["image"], "mirror.example.com/api:1");
        for _ in 0..2 {
            world.restart();
            let plan = world.plan(&phases).await.unwrap();
            assert!(plan.is_empty(), "{}", crate::harness::outline(&plan));
            world.writes();
            let report = world.converge(&phases).await;
            assert_eq!(report.counts.unchanged, 2, "{report}");
            assert_eq!(world.writes(), [""; 0]);
        }
        let after = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(after.resource_version(), first.resource_version());

        // A change of ours is made, and what the webhook added stays.
        let changed = DEPLOYMENT.replace("value: a", "value: b");
        let phases = [("pre", NAMESPACE), ("app", changed.as_str())];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.configured, 1, "{report}");
        let after = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        let containers = &after.value()["spec"]["template"]["spec"]["containers"];
        let env: Vec<&str> = containers[0]["env"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["value"].as_str().unwrap())
            .collect();
        assert_eq!(
            (env, &containers[1]["name"]),
            (vec!["b", "on"], &json!("sidecar"))
        );
        world.restart();
        assert_eq!(world.converge(&phases).await.counts.unchanged, 2);
    });
}
