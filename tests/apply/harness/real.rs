//! A real etcd and kube-apiserver on loopback, one pair a test process, and one more with everything
//! that makes pods ready, for the tests that ask for it: the controller manager, the scheduler, and KWOK
//! in the part of all nodes.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use trueup::cluster::Access;

const TOKEN: &str = "test-admin";

/// How to reach the server of this process, started when first asked for; none without
/// `KUBEBUILDER_ASSETS`.
pub(super) fn access() -> Option<Access> {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let assets = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
    let server = SERVER.get_or_init(|| {
        let found = assets.join("kube-apiserver").exists() && assets.join("etcd").exists();
        assert!(found, "KUBEBUILDER_ASSETS holds no etcd and kube-apiserver");
        Server::start(&assets)
    });
    Some(server.access())
}

/// What plays the part of a whole cluster beside etcd and the API server.
const CLUSTER: [&str; 3] = ["kube-controller-manager", "kube-scheduler", "kwok"];

/// How to reach the server of this process on which pods become ready, started when first asked for; none
/// where `KUBEBUILDER_ASSETS` does not hold all it takes.
pub(super) fn access_with_nodes() -> Option<Access> {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let assets = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
    let mut programs = CLUSTER.iter().chain(&["etcd", "kube-apiserver"]);
    if !programs.all(|program| assets.join(program).exists()) {
        return None;
    }
    let server = SERVER.get_or_init(|| {
        let mut server = Server::start(&assets);
        server.add_controllers(&assets);
        server
    });
    Some(server.access())
}

pub(super) struct Server {
    folder: PathBuf,
    /// Held for the pipes to those who look after the programs.
    programs: Vec<Child>,
}

impl Server {
    /// One that ends with the value; none without `KUBEBUILDER_ASSETS`.
    pub(super) fn of_its_own() -> Option<Self> {
        let assets = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
        Some(Self::start(&assets))
    }

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
                // The server signs a certificate for itself.
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
        let certificate = folder.join("certificates/apiserver.crt");
        wait_for("the server's certificate", || certificate.exists());
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority: '{}'}}}}]\n\
             users: [{{name: u, user: {{token: {TOKEN}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
            certificate.display()
        );
        fs::write(at("kubeconfig"), kubeconfig).unwrap();
        let log = folder.join("kube-apiserver.log");
        wait_for("the server to be ready", || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("Caches are synced"))
                && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        // Its own namespaces and roles come a moment after it listens.
        thread::sleep(Duration::from_secs(3));
        Self {
            folder,
            programs: vec![etcd, api_server],
        }
    }

    pub(super) fn access(&self) -> Access {
        Access::Kubeconfig {
            path: Some(self.folder.join("kubeconfig").display().to_string()),
            context: None,
        }
    }

    fn add_controllers(&mut self, assets: &Path) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let stages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/kwok/stages.yaml");
        let kubeconfig = format!("--kubeconfig={}", at("kubeconfig"));
        let arguments = [
            vec![
                "--use-service-account-credentials".to_owned(),
                format!("--service-account-private-key-file={}", at("account.key")),
                format!("--root-ca-file={}", at("certificates/apiserver.crt")),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
            ],
            vec![
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
            ],
            vec![
                "--manage-all-nodes=true".to_owned(),
                format!("--config={}", stages.display()),
            ],
        ];
        for (program, mut arguments) in CLUSTER.iter().zip(arguments) {
            arguments.push(kubeconfig.clone());
            self.programs
                .push(run(&assets.join(program), &arguments, &self.folder));
        }
    }
}

/// Starts a program that ends when this process does, however that ends: a shell holds the other end of
/// a pipe, and when the pipe breaks it kills the program (at once: an API server whose etcd is gone would
/// wait for it for ever, and nothing here is worth keeping) and removes its files.
fn run(program: &Path, arguments: &[String], folder: &Path) -> Child {
    const KEEPER: &str = r#"folder=$1; shift
"$@" >"$folder/$(basename "$1").log" 2>&1 & child=$!
read -r _; kill -9 "$child"; wait "$child"; rm -rf "$folder""#;
    Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(folder)
        .arg(program)
        .args(arguments)
        .env_remove("HTTP_PROXY")
        .env_remove("HTTPS_PROXY")
        .env_remove("http_proxy")
        .env_remove("https_proxy")
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

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(
            started.elapsed() < Duration::from_mins(2),
            "{what} did not come"
        );
        thread::sleep(Duration::from_millis(100));
    }
}
