//! A Git repository, an API server, and a daemon between them.

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use trueup::{
    daemon::{Board, Daemon, DaemonError, EnvironmentStatus, Options, State, Wake},
    pipeline::Clusters,
    source::{GitConfig, GitSource},
};
use trueup_embedded::{GroupResource, Key, Server};

/// Long enough for a machine with much else to do; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// So seldom that no test is passed by it: what happens, happens for a reason.
pub(crate) const SELDOM: Duration = Duration::from_hours(1);

/// A Git repository with a work tree.
pub(crate) struct Git {
    pub(crate) repository: Repository,
    pub(crate) folder: PathBuf,
}

impl Git {
    pub(crate) fn make(folder: &Path) -> Self {
        let mut options = RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        let repository = Repository::init_opts(folder, &options).unwrap();
        Self {
            repository,
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> &Self {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn remove(&self, file: &str) -> &Self {
        fs::remove_file(self.folder.join(file)).unwrap();
        self
    }

    /// Commits the work tree on top of the branch.
    pub(crate) fn commit(&self, message: &str) -> String {
        let parent = self
            .repository
            .head()
            .ok()
            .map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        self.commit_on(message, &parents)
    }

    /// Replaces the history of the branch by a single commit of the work tree.
    pub(crate) fn force(&self, message: &str) -> String {
        let mut head = self.repository.find_reference("refs/heads/main").unwrap();
        head.delete().unwrap();
        self.commit_on(message, &[])
    }

    pub(crate) fn commit_on(&self, message: &str, parents: &[&git2::Commit<'_>]) -> String {
        let mut index = self.repository.index().unwrap();
        index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = self
            .repository
            .find_tree(index.write_tree().unwrap())
            .unwrap();
        let author = Signature::now("test", "test@trueup.invalid").unwrap();
        let commit =
            self.repository
                .commit(Some("HEAD"), &author, &author, message, &tree, parents);
        commit.unwrap().to_string()
    }
}

/// An environment named `dev` with one phase, over the cluster of a kubeconfig.
pub(crate) fn environment(kubeconfig: &Path) -> String {
    format!(
        "apiVersion: trueup.dev/v1\n\
         kind: Environment\n\
         metadata: {{name: dev}}\n\
         spec:\n\
         \x20 cluster: {{kubeconfig: {{path: {}}}}}\n\
         \x20 phases:\n\
         \x20   - {{name: all, kustomize: {{path: app}}, timeout: 30s}}\n\
         \x20 reconcile: {{interval: 1h}}\n",
        kubeconfig.display()
    )
}

pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\n\
         data: {{value: {value}}}\n"
    )
}

/// A repository and a server; the daemon comes when it is started.
pub(crate) struct World {
    pub(crate) git: Git,
    pub(crate) server: Server,
    pub(crate) home: TempDir,
}

impl World {
    /// An object of the kind `ConfigMap` named `a` with the value `one`, and another named `b`.
    pub(crate) async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::builder().start().await.unwrap();
        let kubeconfig = home.path().join("kubeconfig");
        fs::write(&kubeconfig, server.kubeconfig()).unwrap();
        let git = Git::make(&home.path().join("repository"));
        git.write("environments/dev.yaml", &environment(&kubeconfig))
            .write("app/kustomization.yaml", "resources: [a.yaml, b.yaml]\n")
            .write("app/a.yaml", &config_map("a", "one"))
            .write("app/b.yaml", &config_map("b", "still"));
        git.commit("begin");
        Self { git, server, home }
    }

    pub(crate) fn source(&self) -> GitSource {
        let url = format!("file://{}", self.git.folder.display());
        let config = GitConfig {
            cache_dir: self.home.path().join("cache"),
            ..GitConfig::new(url.parse().unwrap())
        };
        GitSource::open(config).unwrap()
    }

    pub(crate) async fn start(&self) -> Running {
        let options = Options {
            environments: vec!["dev".to_owned()],
            listen: ([127, 0, 0, 1], 0).into(),
            ..Options::default()
        };
        let clusters = Arc::new(Clusters::default());
        let daemon = Daemon::start(options, self.source(), SELDOM, clusters)
            .await
            .unwrap();
        Running {
            address: daemon.address().to_string(),
            board: daemon.board().clone(),
            wake: daemon.wake().clone(),
            stop: daemon.stop().clone(),
            task: tokio::spawn(daemon.run()),
        }
    }

    /// A ConfigMap as the server has it.
    pub(crate) fn live(&self, name: &str) -> Option<Value> {
        let resource = GroupResource::new("", "configmaps");
        let stored = self
            .server
            .store()
            .get(&resource, &Key::new("default", name));
        stored.map(|stored| stored.value.clone())
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        Some(self.live(name)?["data"]["value"].as_str()?.to_owned())
    }

    /// A condition of the Environment object: its status and its message.
    pub(crate) fn condition(&self, name: &str) -> String {
        let environments = GroupResource::new("trueup.dev", "environments");
        let stored = self.server.store().get(&environments, &Key::new("", "dev"));
        let conditions = stored.map(|stored| stored.value["status"]["conditions"].clone());
        let conditions = conditions.unwrap_or_default();
        let found = conditions
            .as_array()
            .and_then(|all| all.iter().find(|one| one["type"] == name));
        found.map_or_else(String::new, |one| {
            format!(
                "{} {}",
                one["status"].as_str().unwrap(),
                one["message"].as_str().unwrap()
            )
        })
    }

    pub(crate) fn delete(&self, name: &str) {
        let url = format!("/api/v1/namespaces/default/configmaps/{name}");
        let status = request(&self.server.address().to_string(), "DELETE", &url).0;
        assert_eq!(status, 200);
    }
}

/// A daemon that was started.
pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) board: Board,
    pub(crate) wake: Wake,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), DaemonError>>,
}

impl Running {
    pub(crate) fn status(&self) -> EnvironmentStatus {
        self.board.get("dev").unwrap_or_default()
    }

    pub(crate) async fn converged(&self, revision: &str) -> EnvironmentStatus {
        until(
            &format!("converged to {revision}"),
            || self.status(),
            |status| {
                status.state == State::Converged
                    && status.applied_revision.as_deref() == Some(revision)
            },
        )
        .await
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until what is seen is as it should be, and gives it.
pub(crate) async fn until<T: Debug>(
    what: &str,
    see: impl Fn() -> T,
    right: impl Fn(&T) -> bool,
) -> T {
    let began = Instant::now();
    loop {
        let seen = see();
        if right(&seen) {
            return seen;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "not seen in time: {what}; last: {seen:#?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A plain HTTP/1.1 request; gives status and body.
pub(crate) fn request(address: &str, method: &str, path: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}

/// [`request`] off the runtime's own threads.
pub(crate) async fn ask(address: &str, method: &'static str, path: &'static str) -> (u16, String) {
    let address = address.to_owned();
    tokio::task::spawn_blocking(move || request(&address, method, path))
        .await
        .unwrap()
}

/// A merge patch as another field manager.
pub(crate) fn patch(address: &str, path: &str, body: &str) -> u16 {
    let path = format!("{path}?fieldManager=vandal");
    send(
        address,
        "PATCH",
        &path,
        "application/merge-patch+json",
        body,
    )
}

/// A request with a body; gives the status.
pub(crate) fn send(address: &str, method: &str, path: &str, media: &str, body: &str) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
