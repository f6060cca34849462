//! A Vault in a pod of a real cluster, from outside: through the API server, which asks the kubelet.

use std::net::SocketAddr;

use serde_json::json;
use trueup::cluster::Access;
use trueup_testbed::ApiServer;

use crate::{
    kubelet::Kubelet,
    pods::Pods,
    world::{Server, World, changes, server_program},
};

/// How to reach a real API server.
pub(crate) fn access_to(api: &ApiServer) -> Access {
    Access::Kubeconfig {
        path: Some(api.kubeconfig().display().to_string()),
        context: None,
    }
}

/// The node that a kubelet speaks for.
pub(crate) async fn node(pods: &Pods, name: &str, kubelet: &Kubelet) {
    let metadata = json!({"name": name});
    let head = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata});
    pods.apply(head.clone()).await;
    let mut status = head;
    status["status"] = json!({
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
    });
    pods.apply_status(status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_of_a_real_cluster_is_reached_through_its_api_server_with_tls_from_end_to_end() {
    let Some(program) = server_program() else {
        return;
    };
    let Some(api) = ApiServer::of_its_own() else {
        return;
    };
    let access = access_to(&api);
    let world = World::new();
    std::fs::copy(api.kubeconfig(), world.path("kubeconfig")).unwrap();
    let kubelet = Kubelet::start().await;
    let pods = Pods::new(&access, 1).await;
    node(&pods, "node-of-vault", &kubelet).await;
    pods.run(0, "10.1.2.3", "node-of-vault").await;

    // The certificate is for the name that the pod has in the cluster.
    let name = "vault-0.vault-internal.vault.svc";
    let signed = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    std::fs::write(world.path("tls.crt"), signed.cert.pem()).unwrap();
    std::fs::write(world.path("tls.key"), signed.signing_key.serialize_pem()).unwrap();
    pods.apply(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "vault-tls", "namespace": "vault"},
        "stringData": {"ca.crt": signed.cert.pem()},
    }))
    .await;
    let tls = [world.path("tls.crt"), world.path("tls.key")];
    let server = Server::start_with_tls(&program, &world.path("storage"), "127.0.0.1:0", &tls);
    let address = server.url.replace("https://", "");

    let spec = |tls: &str| {
        format!(
            "  server: {{kubernetes: {{namespace: vault}}, tls: {{{tls}}}}}\n\
             \x20 init: {{shares: 3, threshold: 2}}\n\
             \x20 keys:\n\
             \x20   kubernetesSecret: {{namespace: vault, name: vault-keys, recipients: [{}]}}\n\
             \x20   identityFrom: {{file: {}}}\n\
             \x20 secretsEngines: [{{type: transit}}]\n",
            world.recipient,
            world.path("age.key").display(),
        )
    };
    let ours = "caSecret: {namespace: vault, name: vault-tls}";
    world.write_spec(&spec(ours));

    // A pod that runs and in which nothing listens yet.
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be reached"), "{said}");
    let door: SocketAddr = address.parse().unwrap();
    kubelet
        .doors
        .lock()
        .unwrap()
        .insert("vault/vault-0".to_owned(), door);

    // A certificate that nobody trusts, and one for another name.
    for (tls, says) in [
        ("", "name the CA"),
        (
            "caSecret: {namespace: vault, name: vault-tls}, serverName: vault.example.com",
            "not valid for name",
        ),
    ] {
        world.write_spec(&spec(tls));
        let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }

    world.write_spec(&spec(ours));
    let report = world.vault("bootstrap", 0);
    assert_eq!(report["steps"][0]["server"], "https pod vault/vault-0");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    let opened = kubelet.opened.lock().unwrap().clone();
    assert!(
        opened.iter().all(|pod| pod == "vault/vault-0"),
        "{opened:?}"
    );

    drop(server);
    let _server = Server::start_with_tls(&program, &world.path("storage"), &address, &tls);
    let report = world.vault("unseal", 0);
    assert_eq!(report["steps"][0]["what"], "unseal");
}
