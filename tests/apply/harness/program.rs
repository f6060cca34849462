//! The program itself, run on the world's server as somebody on call would.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
};

use trueup::cluster::Access;

use super::World;

/// A folder with the world's environment, `env_TAG`, and what it renders.
pub(crate) struct Repository {
    dir: tempfile::TempDir,
    tag: String,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// A folder of this world's environment: its phases, and what comes after them in `spec`, as YAML.
    pub(crate) fn repository(&self, phases: &str, more: &str) -> Repository {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository {
            dir,
            tag: self.tag.clone(),
        };
        let kubeconfig = match &self.access {
            Access::Kubeconfig { path, .. } => fs::read_to_string(path.as_ref().unwrap()).unwrap(),
            Access::Url { url, .. } => format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{{name: t, cluster: {{server: '{url}'}}}}]\n\
                 users: [{{name: t, user: {{}}}}]\ncontexts: [{{name: t, context: {{cluster: t, user: t}}}}]\n"
            ),
            Access::InCluster => unreachable!("no test runs in a pod"),
        };
        repository.write("kubeconfig", &kubeconfig);
        let environment = format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: env_TAG}}\nspec:\n  \
             cluster: {{kubeconfig: {{path: kubeconfig}}}}\n  phases:\n{phases}{more}"
        );
        repository.write("environments/env.yaml", &environment);
        repository
    }
}

impl Repository {
    /// Writes a file; `TAG` stands for the test's own word.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("TAG", &self.tag)).unwrap();
    }

    /// The environment's name.
    pub(crate) fn environment(&self) -> String {
        format!("env_{}", self.tag)
    }

    /// Runs the program to its end, as in CI: no terminal, no settings of this machine.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output());
        Ran::new(&output.await.unwrap().unwrap())
    }

    /// Runs the program to its end within limits that the shell sets: `ulimit -v 65536`.
    pub(crate) async fn run_within(&self, limits: &str, arguments: &[&str]) -> Ran {
        let own = self.command(arguments);
        let mut command = Command::new("sh");
        // A limit is to be like a disk that is full, not like a signal.
        let script = format!("trap '' XFSZ; {limits}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script);
        command.arg(own.get_program()).args(own.get_args());
        command.current_dir(self.dir.path()).env_clear();
        for (name, value) in own.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let output = tokio::task::spawn_blocking(move || command.output());
        Ran::new(&output.await.unwrap().unwrap())
    }

    /// A file of the folder.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).unwrap()
    }

    /// How many files and folders lie in it.
    pub(crate) fn entries(&self) -> usize {
        fs::read_dir(self.dir.path()).unwrap().count()
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.current_dir(self.dir.path()).env_clear();
        command.env("HOME", self.dir.path()).args(arguments);
        command.env("XDG_CACHE_HOME", self.dir.path().join("cache"));
        command
    }
}

impl Ran {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// A daemon that keeps the folder's environment until it is dropped.
pub(crate) struct Daemon {
    child: Child,
    address: String,
    log: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Repository {
    /// Starts the daemon and waits until it says where it listens.
    pub(crate) async fn daemon(&self) -> Daemon {
        use std::io::{BufRead, BufReader};
        let environment = self.environment();
        let listen = ["--listen", "127.0.0.1:0", "--log-format", "json"];
        let mut child = self.start(&[&["daemon", environment.as_str()], &listen[..]].concat());
        let log = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let (lines, written) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        let (found, address) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut found = Some(found);
            for line in lines.lines().map_while(Result::ok) {
                let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(address) = event["address"].as_str()
                    && let Some(found) = found.take()
                {
                    let _ = found.send(address.to_owned());
                }
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Daemon {
            child,
            address: address.await.unwrap(),
            log,
        }
    }
}

impl Daemon {
    /// How its environment is.
    pub(crate) async fn status(&self) -> serde_json::Value {
        let raw = trueup_testbed::Raw::new(&format!("http://{}", self.address), "");
        let answer = raw.send("GET", "/api/v1/status", &[], "").await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
