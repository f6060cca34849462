//! A real etcd and kube-apiserver on loopback, one pair a test process, where `KUBEBUILDER_ASSETS` names a
//! folder that holds them (`tests/servers/build.sh` makes one). No controllers run beside them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::client::{Answer, Broken};

const TOKEN: &str = "test-admin";

/// A client of the real server.
#[derive(Clone)]
pub(crate) struct Real(kube::Client);

impl Real {
    /// Of the server of this process, started when first asked for; none where there are no programs.
    pub(crate) async fn client() -> Option<Self> {
        static SERVER: OnceLock<Server> = OnceLock::new();
        let assets = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
        let found = assets.join("kube-apiserver").exists() && assets.join("etcd").exists();
        assert!(found, "KUBEBUILDER_ASSETS holds no etcd and kube-apiserver");
        let server = SERVER.get_or_init(|| Server::start(&assets));
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{}', insecure-skip-tls-verify: true}}}}]\n\
             users: [{{name: u, user: {{token: {TOKEN}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
            server.port
        );
        let kubeconfig = Kubeconfig::from_yaml(&kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        Some(Self(kube::Client::try_from(config).unwrap()))
    }

    /// Sends a request as it is given.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Broken> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path.replace(' ', "%20"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = kube::client::Body::from(body.into().to_vec());
        let answer = self
            .0
            .send(request.body(body).unwrap())
            .await
            .map_err(|_| Broken)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

struct Server {
    port: u16,
    /// Held for the pipes to those who look after the programs.
    _programs: [Child; 2],
}

impl Server {
    fn start(assets: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let at = |name: &str| folder.join(name).display().to_string();
        let [client, peer, port] = [free_port(), free_port(), free_port()];
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let etcd = run(
            &assets.join("etcd"),
            &[
                "--unsafe-no-fsync".to_owned(),
                format!("--data-dir={}", at("etcd")),
                format!("--listen-client-urls={}", url(client)),
                format!("--advertise-client-urls={}", url(client)),
                format!("--listen-peer-urls={}", url(peer)),
            ],
            &folder,
        );
        let key = rcgen::KeyPair::generate().unwrap();
        fs::write(at("account.key"), key.serialize_pem()).unwrap();
        fs::write(at("account.pub"), key.public_key_pem()).unwrap();
        fs::write(
            at("tokens.csv"),
            format!("{TOKEN},admin,1,\"system:masters\"\n"),
        )
        .unwrap();
        let api_server = run(
            &assets.join("kube-apiserver"),
            &[
                format!("--etcd-servers={}", url(client)),
                "--bind-address=127.0.0.1".to_owned(),
                "--advertise-address=127.0.0.1".to_owned(),
                format!("--secure-port={port}"),
                format!("--cert-dir={}", at("certificates")),
                format!("--token-auth-file={}", at("tokens.csv")),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                format!("--service-account-signing-key-file={}", at("account.key")),
                format!("--service-account-key-file={}", at("account.pub")),
                "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
                "--endpoint-reconciler-type=none".to_owned(),
                "--allow-privileged=true".to_owned(),
            ],
            &folder,
        );
        let log = folder.join("kube-apiserver.log");
        let started = Instant::now();
        while !(fs::read_to_string(&log).is_ok_and(|text| text.contains("Caches are synced"))
            && TcpStream::connect(("127.0.0.1", port)).is_ok())
        {
            assert!(
                started.elapsed() < Duration::from_mins(2),
                "kube-apiserver did not come up"
            );
            thread::sleep(Duration::from_millis(100));
        }
        // Its own namespaces and roles come a moment after it listens.
        thread::sleep(Duration::from_secs(3));
        Self {
            port,
            _programs: [etcd, api_server],
        }
    }
}

/// Starts a program that ends when this process does, however that ends: a shell holds the other end of a
/// pipe, and when the pipe breaks it kills the program and removes its files.
fn run(program: &Path, arguments: &[String], folder: &Path) -> Child {
    const KEEPER: &str = r#"folder=$1; shift
"$@" >"$folder/$(basename "$1").log" 2>&1 & child=$!
read -r _; kill -9 "$child"; wait "$child"; rm -rf "$folder""#;
    Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(folder)
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
