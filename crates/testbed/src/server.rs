//! A real etcd and kube-apiserver on loopback, and everything that makes pods ready: the controller
//! manager, the scheduler, and KWOK in the part of all nodes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::Duration,
};

use crate::{
    assets::{Assets, Program, wait_for},
    free_port,
    raw::Raw,
};

/// The bearer token of somebody who may do everything.
pub const TOKEN: &str = "test-admin";

/// What plays the part of a whole cluster beside etcd and the API server.
const CLUSTER: [&str; 3] = ["kube-controller-manager", "kube-scheduler", "kwok"];

/// An etcd and a kube-apiserver.
#[derive(Debug)]
pub struct ApiServer {
    folder: PathBuf,
    port: u16,
    programs: Vec<Program>,
}

impl ApiServer {
    /// The one of this process, started when first asked for; none without `KUBEBUILDER_ASSETS`. No
    /// controllers run beside it.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<ApiServer> = OnceLock::new();
        let assets = Assets::find()?;
        Some(SERVER.get_or_init(|| Self::start(&assets)))
    }

    /// The one of this process on which pods become ready, started when first asked for; none where
    /// `KUBEBUILDER_ASSETS` does not hold all it takes.
    pub fn shared_with_nodes() -> Option<&'static Self> {
        static SERVER: OnceLock<ApiServer> = OnceLock::new();
        let assets = Assets::find()?;
        if !CLUSTER
            .iter()
            .all(|program| assets.program(program).is_some())
        {
            return None;
        }
        Some(SERVER.get_or_init(|| {
            let mut server = Self::start(&assets);
            server.add_controllers(&assets);
            server
        }))
    }

    /// One that ends with the value; none without `KUBEBUILDER_ASSETS`.
    pub fn of_its_own() -> Option<Self> {
        Some(Self::start(&Assets::find()?))
    }

    /// The same, with more users: lines of a token file, `token,name,uid,"group,…"`.
    pub fn with_users(users: &str) -> Option<Self> {
        Some(Self::start_with(&Assets::find()?, users))
    }

    fn start(assets: &Assets) -> Self {
        Self::start_with(assets, "")
    }

    fn start_with(assets: &Assets, users: &str) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let at = |name: &str| folder.join(name).display().to_string();
        let [client, peer, port] = [free_port(), free_port(), free_port()];
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let etcd = Program::start(
            &assets.path("etcd"),
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
        let admin = format!("{TOKEN},admin,1,\"system:masters\"\n");
        fs::write(at("tokens.csv"), admin + users).unwrap();
        let api_server = Program::start(
            &assets.path("kube-apiserver"),
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
        let log = folder.join("kube-apiserver.log");
        wait_for("the server to be ready", || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("Caches are synced"))
                && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        // Its own namespaces and roles come a moment after it listens.
        thread::sleep(Duration::from_secs(3));
        let server = Self {
            folder,
            port,
            programs: vec![etcd, api_server],
        };
        server.write_kubeconfig("kubeconfig", port, &format!("token: {TOKEN}"));
        server
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder: files of a test that go with it may be put there, too.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The kubeconfig of somebody who may do everything.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// A kubeconfig beside it for a port on the way to the server and a user: the fields of its `user`, on
    /// one line.
    pub fn write_kubeconfig(&self, name: &str, port: u16, user: &str) -> PathBuf {
        let certificate = self.folder.join("certificates/apiserver.crt");
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority: '{}'}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
            certificate.display()
        );
        let path = self.folder.join(name);
        fs::write(&path, kubeconfig).unwrap();
        path
    }

    /// Requests as they are given, by somebody who may do everything.
    pub fn raw(&self) -> Raw {
        Raw::new(&self.url(), TOKEN)
    }

    fn add_controllers(&mut self, assets: &Assets) {
        const STAGES: &str = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/servers/kwok/stages.yaml"
        );
        let at = |name: &str| self.folder.join(name).display().to_string();
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
                format!("--config={STAGES}"),
            ],
        ];
        for (name, mut arguments) in CLUSTER.iter().zip(arguments) {
            arguments.push(kubeconfig.clone());
            let program = Program::start(&assets.path(name), &arguments, &self.folder);
            self.programs.push(program);
        }
    }
}
