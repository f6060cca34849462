//! A Vault in pods, found through the API server, with its keys in Secrets.

use std::{fs, process::Stdio, sync::Arc, time::Duration};

use base64::Engine;
use serde_json::{Value, json};
use trueup::cluster::{
    Access, ApplyOptions, Cluster, DeleteOptions, Freshness, Live, RetryPolicy, Target, connect,
};
use trueup_manifest::Gvk;

use crate::{
    bao::{self, Bao, free_port},
    world::{Server, World, changes, server_program},
};

/// An API server that a `StatefulSet` and its pods are written into by hand.
pub(crate) struct Pods {
    cluster: Arc<dyn Cluster>,
    uid: String,
}

impl Pods {
    /// A cluster as it is.
    pub(crate) async fn empty(access: &Access) -> Self {
        let cluster = connect(access, RetryPolicy::default()).await.unwrap();
        Self {
            cluster: Arc::new(cluster),
            uid: String::new(),
        }
    }

    pub(crate) async fn new(access: &Access, replicas: usize) -> Self {
        let mut pods = Self::empty(access).await;
        pods.apply(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "vault"},
        }))
        .await;
        // What the controller manager makes of each namespace.
        pods.apply(json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": "vault"},
        }))
        .await;
        let set = pods
            .apply(json!({
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {"name": "vault", "namespace": "vault"},
                "spec": {
                    "replicas": replicas,
                    "serviceName": "vault-internal",
                    "podManagementPolicy": "Parallel",
                    "updateStrategy": {"type": "OnDelete"},
                    "selector": {"matchLabels": {"app": "vault"}},
                    "template": {
                        "metadata": {"labels": {"app": "vault"}},
                        "spec": {"containers": [{"name": "vault", "image": "vault"}]},
                    },
                },
            }))
            .await;
        set.uid().clone_into(&mut pods.uid);
        pods
    }

    /// Has a pod run at an address.
    pub(crate) async fn run(&self, ordinal: usize, ip: &str, node: &str) {
        let metadata = json!({
            "name": format!("vault-{ordinal}"),
            "namespace": "vault",
            "labels": {"app": "vault"},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "vault", "uid": self.uid, "controller": true,
            }],
        });
        self.apply(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"nodeName": node, "containers": [{"name": "vault", "image": "vault"}]},
        }))
        .await;
        self.say(ordinal, ip, 0).await;
    }

    /// What the kubelet says of a pod.
    pub(crate) async fn say(&self, ordinal: usize, ip: &str, restarts: u32) {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": format!("vault-{ordinal}"), "namespace": "vault"},
            "status": {
                "phase": "Running",
                "podIP": ip,
                "podIPs": [{"ip": ip}],
                "containerStatuses": [{
                    "name": "vault", "image": "vault", "imageID": "vault", "ready": false,
                    "restartCount": restarts, "state": {"running": {}},
                }],
            },
        });
        self.apply_status(pod).await;
    }

    pub(crate) async fn apply(&self, object: Value) -> Live {
        self.write(object, None).await
    }

    /// Writes the status of an object.
    pub(crate) async fn apply_status(&self, object: Value) {
        self.write(object, Some("status")).await;
    }

    async fn write(&self, object: Value, subresource: Option<&'static str>) -> Live {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or("");
        let target = self
            .target(
                text("/apiVersion"),
                text("/kind"),
                text("/metadata/namespace"),
                text("/metadata/name"),
            )
            .await;
        let options = ApplyOptions {
            field_manager: "kubelet".into(),
            force: true,
            dry_run: false,
            subresource,
        };
        let body = object.to_string().into();
        let applied = self.cluster.apply(&target, body, &options).await;
        applied.unwrap().live
    }

    async fn target(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Target {
        let kinds = self.cluster.kinds(Freshness::Cached).await.unwrap();
        Target {
            resource: Arc::clone(kinds.get(&Gvk::new(api_version, kind)).unwrap()),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Forgets who holds leases, as if their time had run out.
    pub(crate) async fn forget_leases(&self) {
        let kind = "coordination.k8s.io/v1";
        let lease = self.target(kind, "Lease", "kube-system", "trueup-vault-vault-vault");
        let lease = lease.await;
        let options = DeleteOptions::default();
        self.cluster.delete(&lease, &options).await.unwrap();
    }

    /// Whether somebody holds a lease.
    pub(crate) async fn lease_is_held(&self, name: &str) -> bool {
        let kind = "coordination.k8s.io/v1";
        let lease = self.target(kind, "Lease", "kube-system", name).await;
        let live = self.cluster.get(&lease).await.unwrap();
        live.is_some_and(|live| !live.text(&["spec", "holderIdentity"]).is_empty())
    }

    pub(crate) async fn delete_secret(&self, name: &str) {
        let target = self.target("v1", "Secret", "kube-system", name).await;
        let options = DeleteOptions::default();
        self.cluster.delete(&target, &options).await.unwrap();
    }

    /// The text of a Secret as it is stored.
    pub(crate) async fn secret(&self, name: &str) -> Option<String> {
        let target = self.target("v1", "Secret", "kube-system", name).await;
        let live = self.cluster.get(&target).await.unwrap()?;
        Some(live.text(&["data", "sealed"]).to_owned())
    }
}

/// An embedded API server, with its kubeconfig in a world.
pub(crate) async fn embedded(world: &World) -> (trueup_embedded::Server, Access) {
    let server = trueup_embedded::Server::builder().start().await.unwrap();
    fs::write(world.path("kubeconfig"), server.kubeconfig()).unwrap();
    let access = Access::Url {
        url: server.url(),
        token: None,
    };
    (server, access)
}

/// The lines of `spec` about pods and Secrets.
pub(crate) fn in_pods(world: &World, port: u16, more: &str) -> String {
    format!(
        "  server: {{kubernetes: {{namespace: vault, port: {port}, scheme: http, via: podIP}}}}\n\
         \x20 init: {{shares: 3, threshold: 2}}\n\
         \x20 keys:\n\
         \x20   kubernetesSecret: {{name: vault-keys, recipients: [{}]}}\n\
         \x20   identityFrom: {{file: {}}}\n{more}",
        world.recipient,
        world.path("age.key").display(),
    )
}

const TRANSIT: &str = "  secretsEngines: [{type: transit}]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_in_a_pod_keeps_its_keys_in_secrets_and_is_opened_again_after_a_restart() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let (_api, access) = embedded(&world).await;
    let port = free_port();
    let at = format!("127.0.0.2:{port}");
    world.write_spec(&in_pods(&world, port, TRANSIT));

    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("StatefulSet"), "{said}");

    let pods = Pods::new(&access, 1).await;
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("vault-0 is not there yet"), "{said}");

    let server = Server::start(&program, &world.path("storage"), &at);
    pods.run(0, "127.0.0.2", "").await;
    let foreseen = world.vault("diff", 1);
    let first = world.vault("bootstrap", 0);
    assert_eq!(changes(&first), changes(&foreseen));
    assert_eq!(first["steps"][0]["server"], "http pod vault/vault-0");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    for name in ["vault-keys", "vault-keys-journal", "vault-keys-ledger"] {
        assert!(pods.secret(name).await.is_some(), "{name}");
    }
    assert_eq!(pods.secret("vault-keys-canary").await, None);
    // Who may read Secrets has no key: what is in them is armoured age.
    let kept = pods.secret("vault-keys").await.unwrap();
    let armour = base64::engine::general_purpose::STANDARD
        .decode(kept)
        .unwrap();
    assert!(armour.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"));

    drop(server);
    let _server = Server::start(&program, &world.path("storage"), &at);
    let report = world.vault("unseal", 0);
    assert_eq!(report["steps"][0]["what"], "unseal");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_somebody_deletes_while_the_vault_is_open_are_missed_at_once() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let (_api, access) = embedded(&world).await;
    let port = free_port();
    let _server = Server::start(
        &program,
        &world.path("storage"),
        &format!("127.0.0.2:{port}"),
    );
    let pods = Pods::new(&access, 1).await;
    pods.run(0, "127.0.0.2", "").await;
    world.write_spec(&in_pods(&world, port, TRANSIT));
    world.vault("bootstrap", 0);
    pods.delete_secret("vault-keys").await;
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("bring them back from a backup"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_begin_at_once_one_initialises_and_the_other_finds_it_done() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let (_api, access) = embedded(&world).await;
    let port = free_port();
    let _server = Server::start(
        &program,
        &world.path("storage"),
        &format!("127.0.0.2:{port}"),
    );
    let pods = Pods::new(&access, 1).await;
    pods.run(0, "127.0.0.2", "").await;
    world.write_spec(&in_pods(&world, port, TRANSIT));
    let begun: Vec<_> = (0..3)
        .map(|_| {
            let mut command =
                world.command(&["vault", "bootstrap", "vault.yaml", "--output", "json"]);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut steps = Vec::new();
    for child in begun {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = report["steps"].as_array().unwrap().clone();
        steps.extend(
            all.iter()
                .map(|step| step["what"].as_str().unwrap().to_owned()),
        );
    }
    let inits = steps.iter().filter(|step| *step == "init").count();
    assert_eq!(inits, 1, "{steps:?}");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn three_pods_of_a_raft_are_initialised_once_then_join_and_are_opened_each_by_itself() {
    let Some(program) = bao::program() else {
        return;
    };
    let world = World::new();
    let (_api, access) = embedded(&world).await;
    let port = free_port();
    let pods = Pods::new(&access, 3).await;
    let unauthed = "listener: disable_unauthed_generate_root_endpoints = false\n";
    let mut servers = Vec::new();
    for ordinal in 0..3 {
        let ip = format!("127.0.0.{}", ordinal + 2);
        let folder = world.path(&format!("bao-{ordinal}"));
        servers.push(Bao::start(&program, &folder, &ip, port, unauthed));
        if ordinal < 2 {
            pods.run(ordinal, &ip, "").await;
        }
    }
    world.write_spec(&in_pods(&world, port, TRANSIT));
    // While one of them is not there, nobody can know that it is not initialised.
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("vault-2 is not there yet"), "{said}");
    assert_eq!(
        pods.secret("vault-keys-journal").await,
        None,
        "nothing was begun"
    );

    pods.run(2, "127.0.0.4", "").await;
    let report = world.vault("bootstrap", 0);
    let steps: Vec<String> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            format!(
                "{} {}",
                text("what"),
                text("server").replace("http pod vault/", "")
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            "init vault-0",
            "unseal vault-0",
            "join vault-1",
            "unseal vault-1",
            "join vault-2",
            "unseal vault-2",
        ]
    );
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());

    // One that comes back is opened by itself; so is the one that led.
    for ordinal in [1, 0] {
        servers[ordinal].restart();
        let report = world.vault("unseal", 0);
        assert_eq!(report["steps"].as_array().unwrap().len(), 1, "{report}");
        assert_eq!(
            report["steps"][0]["server"],
            format!("http pod vault/vault-{ordinal}")
        );
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}
