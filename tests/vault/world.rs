//! A real Vault, a repository that is about it, and the program between them.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use age::secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;

/// The program of the real server; none, said loudly, where it was not built.
pub(crate) fn server_program() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let program = assets.map(|assets| assets.join("vault-server"));
    let found = program.filter(|program| program.is_file());
    if found.is_none() {
        eprintln!(
            "!! absent: vault-server in KUBEBUILDER_ASSETS (tests/servers/build.sh): the Vault \
             bootstrap is not tested against a real Vault"
        );
    }
    found
}

/// A running server with its storage in a folder.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(program: &Path, storage: &Path, listen: &str) -> Self {
        Self::run(
            Command::new(program)
                .args(["--listen", listen, "--storage"])
                .arg(storage),
        )
    }

    /// As [`Self::start`], with the files of a certificate and its key.
    pub(crate) fn start_with_tls(
        program: &Path,
        storage: &Path,
        listen: &str,
        [certificate, key]: &[PathBuf; 2],
    ) -> Self {
        let mut command = Command::new(program);
        command.args(["--listen", listen, "--storage"]).arg(storage);
        command.arg("--tls-cert").arg(certificate);
        Self::run(command.arg("--tls-key").arg(key))
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut url).unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    /// Where it listens, to be started there again.
    pub(crate) fn address(&self) -> String {
        self.url.replace("http://", "")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A repository and the folder for what must not be in it.
pub(crate) struct World {
    pub(crate) home: TempDir,
    pub(crate) recipient: String,
    pub(crate) identity: String,
    /// Variables that the program is started with.
    pub(crate) env: Vec<(&'static str, String)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let identity = age::x25519::Identity::generate();
        let recipient = identity.to_public().to_string();
        let identity = identity.to_string().expose_secret().to_owned();
        fs::write(home.path().join("age.key"), &identity).unwrap();
        fs::create_dir_all(home.path().join("repo/environments")).unwrap();
        Self {
            home,
            recipient,
            identity,
            env: Vec::new(),
        }
    }

    /// The same world, in which the program is started with these variables.
    pub(crate) fn with_env(mut self, env: &[(&'static str, String)]) -> Self {
        self.env = env.to_vec();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes `vault.yaml`: the given lines below `spec`, after how the server is reached and where
    /// its keys are kept.
    pub(crate) fn write(&self, url: &str, spec: &str) {
        self.write_spec(&format!(
            "\x20 server: {{addresses: [\"{url}\"]}}\n\
             \x20 init: {{shares: 5, threshold: 3}}\n\
             \x20 keys:\n\
             \x20   age: {{path: {}, recipients: [{}]}}\n\
             \x20   identityFrom: {{file: {}}}\n{spec}",
            self.path("keys.age").display(),
            self.recipient,
            self.path("age.key").display(),
        ));
    }

    /// Writes `vault.yaml` with all that stands below `spec`.
    pub(crate) fn write_spec(&self, spec: &str) {
        let text = format!(
            "apiVersion: trueup.dev/v1\nkind: VaultBootstrap\nmetadata: {{name: vault}}\nspec:\n{spec}"
        );
        fs::write(self.path("repo/vault.yaml"), text).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command
            .current_dir(self.path("repo"))
            .args(args)
            .env("RUST_LOG", "trace,hyper_util=debug")
            .env("NO_COLOR", "1")
            .env("KUBECONFIG", self.path("kubeconfig"))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command of `trueup vault` that has to end with `code`; gives what it did, as JSON.
    pub(crate) fn vault(&self, command: &str, code: i32) -> Value {
        let output = self.run(&["vault", command, "vault.yaml", "--output", "json"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

/// The actions of a report that change something: kind and path.
pub(crate) fn changes(report: &Value) -> Vec<String> {
    let actions = report["actions"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    actions
        .iter()
        .filter(|action| action["kind"] != "none")
        .map(|action| format!("{} {}", text(&action["kind"]), text(&action["path"])))
        .collect()
}

/// Asks a server without TLS, as somebody else; gives its answer, head and all.
pub(crate) fn ask(url: &str, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let address = url.replace("http://", "");
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "{method} /v1/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// A bootstrap that makes everything, and a second that has nothing to do.
pub(crate) fn twice(world: &World, server: &Server, spec: &str) -> Vec<String> {
    world.write(&server.url, spec);
    let first = world.vault("bootstrap", 0);
    let again = world.vault("bootstrap", 0);
    assert_eq!(
        changes(&again),
        Vec::<String>::new(),
        "a second run writes nothing: {again:#}"
    );
    changes(&first)
}

/// A world with a Vault that runs.
pub(crate) fn on_a_vault() -> Option<(World, Server)> {
    let program = server_program()?;
    let world = World::new();
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    Some((world, server))
}

/// The value of a report that is about a path.
pub(crate) fn action<'a>(report: &'a Value, path: &str) -> &'a Value {
    let actions = report["actions"].as_array().unwrap();
    actions
        .iter()
        .find(|action| action["path"] == path)
        .unwrap()
}
