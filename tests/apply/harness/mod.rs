//! A cluster to test on, whichever there is, and a few words to say what it should hold.

pub(crate) mod program;
mod recorder;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use trueup::{
    apply::{LeaseTerms, Options, Session},
    cluster::{
        Access, ApplyOptions, Cluster, DeleteOptions, Error, Freshness, Live, Patch, RetryPolicy,
        Selection, Target, connect,
    },
    config::reconcile::Reconcile,
    plan::{Consent, Plan},
    render::{Desired, DesiredPhase},
    report::{Outcome, Report},
};
use trueup_embedded::Server;
use trueup_manifest::{Gvk, Manifest, Origin};
use trueup_testbed::{ApiServer, Raw, TOKEN};
use trueup_yaml::{Document, Source};

pub(crate) use self::recorder::{Call, Recorder};

/// A user without any rights but those that a test grants.
const READER: &str = "test-reader,reader,2\n";

fn run<F: Future>(body: F) -> F::Output {
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(body)
}

/// Runs a test body on every server there is.
pub(crate) fn on_every_server<F: AsyncFn(World)>(body: F) {
    run(async {
        let server = Server::builder().start().await.unwrap();
        body(World::new(&url(&server), "embedded").await).await;
        server.stop().await.unwrap();
        match ApiServer::shared() {
            Some(real) => body(World::new(&access(real), "real").await).await,
            None => eprintln!("NOT RUN on a real kube-apiserver: KUBEBUILDER_ASSETS is not set"),
        }
    });
}

/// Runs a test body on a real server that no other test uses, where there is one.
pub(crate) fn on_a_real_server_of_its_own<F: AsyncFn(World)>(body: F) {
    run(async {
        match ApiServer::with_users(READER) {
            Some(real) => body(World::new(&access(&real), "real").await).await,
            None => eprintln!("NOT RUN on a real kube-apiserver: KUBEBUILDER_ASSETS is not set"),
        }
    });
}

/// Runs a test body with the real server of this process, where there is one.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure made where it is passed"
)]
pub(crate) fn with_the_real_server<F: AsyncFn(&ApiServer)>(body: F) {
    run(async {
        match ApiServer::shared() {
            Some(server) => body(server).await,
            None => eprintln!("NOT RUN on a real kube-apiserver: KUBEBUILDER_ASSETS is not set"),
        }
    });
}

/// Runs a test body with a real server of its own that knows more users, as lines of a token file, and with
/// somebody on it who may do everything.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure made where it is passed"
)]
pub(crate) fn with_a_real_server_for_users<F: AsyncFn(&ApiServer, World)>(users: &str, body: F) {
    run(async {
        match ApiServer::with_users(users) {
            Some(server) => body(&server, World::new(&access(&server), "real").await).await,
            None => eprintln!("NOT RUN on a real kube-apiserver: KUBEBUILDER_ASSETS is not set"),
        }
    });
}

/// Runs a test body on a real cluster in which pods become ready, or do not where they are annotated
/// `trueup.dev/test: never-ready`; nothing is run where there is none.
pub(crate) fn on_a_cluster_with_nodes<F: AsyncFn(World)>(body: F) {
    const NODE: &str = "{apiVersion: v1, kind: Node, metadata: {name: node}}";
    run(async {
        let Some(real) = ApiServer::shared_with_nodes() else {
            eprintln!(
                "NOT RUN: KUBEBUILDER_ASSETS holds no scheduler, controller manager and KWOK"
            );
            return;
        };
        let mut world = World::new(&access(real), "real").await;
        world.apply_as("test", NODE).await;
        world.wait = true;
        body(world).await;
    });
}

/// Runs a test body on an embedded server of its own, for faults that only it can make.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure made where it is passed"
)]
pub(crate) fn on_embedded<F: AsyncFn(World, &Server)>(body: F) {
    run(async {
        let server = Server::builder().start().await.unwrap();
        body(World::new(&url(&server), "embedded").await, &server).await;
        server.stop().await.unwrap();
    });
}

fn access(real: &ApiServer) -> Access {
    Access::Kubeconfig {
        path: Some(real.kubeconfig().display().to_string()),
        context: None,
    }
}

fn url(server: &Server) -> Access {
    Access::Url {
        url: server.url(),
        token: None,
    }
}

/// A cluster with an environment of its own.
pub(crate) struct World {
    pub(crate) cluster: Arc<Recorder>,
    pub(crate) session: Session,
    pub(crate) policy: Reconcile,
    /// A word that no other test has in its names.
    pub(crate) tag: String,
    pub(crate) server: &'static str,
    access: Access,
    /// Whether phases wait for their objects.
    pub(crate) wait: bool,
    /// Whether phases are written only where a dry run takes all of them.
    pub(crate) atomic: bool,
    /// How long they wait.
    pub(crate) timeout: Duration,
}

impl World {
    async fn new(access: &Access, server: &'static str) -> Self {
        Self::with_retries(access, server, RetryPolicy::default()).await
    }

    /// A world reached by a kubeconfig of the test's own.
    pub(crate) async fn reached_by(kubeconfig: &Path) -> Self {
        let access = Access::Kubeconfig {
            path: Some(kubeconfig.display().to_string()),
            context: None,
        };
        Self::new(&access, "its own way").await
    }

    /// A world reached by an address.
    pub(crate) async fn at(url: &str) -> Self {
        let (url, token) = (url.to_owned(), None);
        Self::new(&Access::Url { url, token }, "embedded").await
    }

    /// The port of its server on loopback.
    pub(crate) fn port(&self) -> u16 {
        let url = self.raw().url().to_owned();
        url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Another world on the same server, reached by another port of loopback.
    pub(crate) async fn through(&self, port: u16) -> Self {
        let Access::Kubeconfig { path, .. } = &self.access else {
            unreachable!("only real servers are reached by a kubeconfig")
        };
        let path = Path::new(path.as_ref().unwrap());
        let direct = std::fs::read_to_string(path).unwrap();
        let (own, new) = (self.port().to_string(), port.to_string());
        let proxied = path.with_extension(format!("by-{port}"));
        let (own, new) = (format!("127.0.0.1:{own}"), format!("127.0.0.1:{new}"));
        std::fs::write(&proxied, direct.replace(&own, &new)).unwrap();
        Self::reached_by(&proxied).await
    }

    /// Starts anew over new connections.
    pub(crate) async fn reconnect(&mut self, retry: RetryPolicy) {
        let cluster = connect(&self.access, retry).await.unwrap();
        self.cluster = Arc::new(Recorder::new(cluster));
        self.restart();
    }

    /// A world whose requests are retried as told.
    pub(crate) async fn impatient(server: &Server, retry: RetryPolicy) -> Self {
        Self::with_retries(&url(server), "embedded", retry).await
    }

    async fn with_retries(access: &Access, server: &'static str, retry: RetryPolicy) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let cluster = connect(access, retry).await.unwrap();
        let cluster = Arc::new(Recorder::new(cluster));
        Self {
            session: Session::new(Arc::clone(&cluster) as Arc<dyn Cluster>),
            cluster,
            policy: Reconcile {
                timeout: Duration::from_secs(20),
                ..Reconcile::default()
            },
            tag: format!("t{}-{count}", std::process::id()),
            server,
            access: access.clone(),
            wait: false,
            atomic: false,
            timeout: Duration::from_secs(20),
        }
    }

    /// Starts anew as a process that goes by this name to others.
    pub(crate) fn restart_as(&mut self, holder: &str, duration: Duration) {
        let session = Session::new(Arc::clone(&self.cluster) as Arc<dyn Cluster>);
        self.session = session.with_lease(LeaseTerms {
            holder: holder.to_owned(),
            duration,
        });
    }

    /// A second process with the same environment.
    pub(crate) async fn second(&self, holder: &str) -> Self {
        let mut second =
            Self::with_retries(&self.access, self.server, RetryPolicy::default()).await;
        second.tag.clone_from(&self.tag);
        second.restart_as(holder, LeaseTerms::default().duration);
        second
    }

    /// The same environment, looked at by the user `reader` of a real server, who has no rights but those
    /// that the test grants.
    pub(crate) async fn reader(&self) -> Self {
        let path = match &self.access {
            Access::Kubeconfig { path, .. } => path.clone(),
            Access::InCluster | Access::Url { .. } => None,
        };
        let path = path.unwrap();
        let kubeconfig = std::fs::read_to_string(&path).unwrap();
        let path = format!("{path}-reader");
        std::fs::write(&path, kubeconfig.replace(TOKEN, "test-reader")).unwrap();
        let access = Access::Kubeconfig {
            path: Some(path),
            context: None,
        };
        let mut reader = Self::with_retries(&access, self.server, RetryPolicy::default()).await;
        reader.tag.clone_from(&self.tag);
        reader
    }

    /// What `kubectl` says on the world's server; none where there is no `kubectl`.
    pub(crate) fn kubectl(&self, arguments: &[&str], input: &str) -> Option<std::process::Output> {
        use std::{io::Write as _, process::Stdio};
        let assets = std::path::PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
        let own = assets.join("kubectl");
        // One of the machine will do, too.
        let program = if own.exists() { own } else { "kubectl".into() };
        let mut command = std::process::Command::new(program);
        match &self.access {
            Access::Kubeconfig { path, .. } => command.arg("--kubeconfig").args(path),
            Access::Url { url, .. } => command.args(["--kubeconfig", "/dev/null", "--server", url]),
            Access::InCluster => return None,
        };
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "KUBECONFIG",
        ] {
            command.env_remove(name);
        }
        command.env("KUBECTL_APPLYSET", "true").args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        child
            .stdin
            .take()?
            .write_all(input.replace("TAG", &self.tag).as_bytes())
            .ok()?;
        child.wait_with_output().ok()
    }

    /// What `helm` says on the world's server; none where there is no `helm` in the folder of the servers' programs, or
    /// in one beside it.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Option<std::process::Output> {
        let assets = std::path::PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
        let beside = std::fs::read_dir(assets.parent()?).ok()?.flatten();
        let mut folders = std::iter::once(assets).chain(beside.map(|entry| entry.path()));
        let program = folders.find_map(|folder| {
            let program = folder.join("helm");
            program.is_file().then_some(program)
        })?;
        let home = tempfile::tempdir().ok()?;
        let mut command = std::process::Command::new(program);
        match &self.access {
            Access::Kubeconfig { path, .. } => command.arg("--kubeconfig").args(path),
            Access::Url { url, .. } => {
                command.args(["--kubeconfig", "/dev/null", "--kube-apiserver", url])
            }
            Access::InCluster => return None,
        };
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "KUBECONFIG",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", home.path())
            .args(arguments)
            .output()
            .ok()
    }

    /// Forgets what the session learned, as a new process would.
    pub(crate) fn restart(&mut self) {
        self.session = Session::new(Arc::clone(&self.cluster) as Arc<dyn Cluster>);
    }

    /// The desired set of the test's environment: phases one after the other, in which `TAG` stands
    /// for the test's own word.
    pub(crate) fn desired(&self, phases: &[(&str, &str)]) -> Desired {
        let mut before: Option<String> = None;
        let phases = phases.iter().map(|(name, text)| DesiredPhase {
            name: (*name).to_owned(),
            depends_on: before.replace((*name).to_owned()).into_iter().collect(),
            timeout: self.timeout,
            wait: self.wait,
            atomic: self.atomic,
            cleaned_up_with: None,
            manifests: manifests(name, &text.replace("TAG", &self.tag)),
        });
        Desired {
            environment: format!("env_{}", self.tag),
            revision: Some("r1".to_owned()),
            phases: phases.collect(),
            ..Desired::default()
        }
    }

    /// Reconciles phases.
    pub(crate) async fn reconcile(&self, phases: &[(&str, &str)]) -> Report {
        self.reconcile_with(phases, &Options::default()).await
    }

    pub(crate) async fn reconcile_with(
        &self,
        phases: &[(&str, &str)],
        options: &Options,
    ) -> Report {
        self.session
            .reconcile(&self.desired(phases), &self.policy, options)
            .await
    }

    /// Reconciles phases that must converge.
    pub(crate) async fn converge(&self, phases: &[(&str, &str)]) -> Report {
        let report = self.reconcile(phases).await;
        assert_eq!(
            report.outcome,
            Outcome::Converged,
            "on {}:\n{report}",
            self.server
        );
        report
    }

    /// The plan for phases; the error's text where there is none.
    pub(crate) async fn plan(&self, phases: &[(&str, &str)]) -> Result<Arc<Plan>, String> {
        let planned = self
            .session
            .plan(&self.desired(phases), &self.policy, Consent::default())
            .await;
        planned
            .map(|planned| planned.plan)
            .map_err(|errors| errors.to_string())
    }

    /// The address of an object: `apps/v1 Deployment namespace/name`.
    pub(crate) async fn target(&self, words: &str) -> Target {
        let words = words.replace("TAG", &self.tag);
        let [api_version, kind, place] = words.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let kinds = self.cluster.kinds(Freshness::Latest).await.unwrap();
        let (namespace, name) = place.split_once('/').unwrap_or(("", place));
        Target {
            resource: Arc::clone(kinds.get(&Gvk::new(api_version, kind)).unwrap()),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// A live object.
    pub(crate) async fn live(&self, words: &str) -> Option<Live> {
        self.cluster.get(&self.target(words).await).await.unwrap()
    }

    /// Applies a manifest as somebody else.
    pub(crate) async fn apply_as(&self, manager: &'static str, text: &str) -> Live {
        self.write_as(manager, None, text).await.unwrap()
    }

    /// Writes the status of an object, as a controller would.
    pub(crate) async fn set_status(&self, text: &str) -> Live {
        self.try_set_status(text).await.unwrap()
    }

    /// [`Self::set_status`] of an object that may be gone by then.
    pub(crate) async fn try_set_status(&self, text: &str) -> Result<Live, Error> {
        self.write_as("controller", Some("status"), text).await
    }

    async fn write_as(
        &self,
        field_manager: &'static str,
        subresource: Option<&'static str>,
        text: &str,
    ) -> Result<Live, Error> {
        let text = text.replace("TAG", &self.tag);
        let manifest = manifests("other", &text).remove(0);
        let api_version = manifest.gvk().api_version();
        let place = match (manifest.namespace(), manifest.name()) {
            ("", name) => name.to_owned(),
            (namespace, name) => format!("{namespace}/{name}"),
        };
        let target = self
            .target(&format!("{api_version} {} {place}", manifest.kind()))
            .await;
        let body = serde_json::to_vec(&json(&manifest.doc)).unwrap();
        let options = ApplyOptions {
            field_manager: field_manager.into(),
            force: true,
            dry_run: false,
            subresource,
        };
        let applied = self.cluster.apply(&target, body.into(), &options).await?;
        Ok(applied.live)
    }

    /// Creates an object as a program does that knows no server-side apply, by this name.
    pub(crate) async fn create_as(&self, manager: &str, text: &str) -> Live {
        let text = text.replace("TAG", &self.tag);
        let manifest = manifests("other", &text).remove(0);
        let words = format!("{} {}", manifest.gvk().api_version(), manifest.kind());
        let place = format!("{}/{}", manifest.namespace(), manifest.name());
        let target = self
            .target(&format!("{words} {}", place.trim_start_matches('/')))
            .await;
        let path = target.resource.path(&target.namespace);
        let body = serde_json::to_vec(&json(&manifest.doc)).unwrap();
        let answer = self
            .raw()
            .send(
                "POST",
                &format!("{path}?fieldManager={manager}"),
                &[("content-type", "application/json")],
                body,
            )
            .await
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        Live::new(serde_json::from_slice(&answer.body).unwrap())
    }

    /// Requests as they are given.
    pub(crate) fn raw(&self) -> Raw {
        match &self.access {
            Access::Url { url, .. } => Raw::new(url, ""),
            Access::Kubeconfig { path, .. } => {
                let text = std::fs::read_to_string(path.as_ref().unwrap()).unwrap();
                Raw::new(text.split('\'').nth(1).unwrap(), TOKEN)
            }
            Access::InCluster => unreachable!("no test runs in a pod"),
        }
    }

    /// Patches an object with a merge patch, as somebody else.
    pub(crate) async fn patch(&self, words: &str, patch: Value) -> Live {
        let target = self.target(words).await;
        self.cluster
            .patch(&target, &Patch::Merge(patch), false)
            .await
            .unwrap()
    }

    /// Deletes an object, as somebody else.
    pub(crate) async fn delete(&self, words: &str) {
        let target = self.target(words).await;
        self.cluster
            .delete(&target, &DeleteOptions::default())
            .await
            .unwrap();
    }

    /// Waits until an object is there.
    pub(crate) async fn until_there(&self, words: &str) -> Live {
        loop {
            if let Some(live) = self.live(words).await {
                return live;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What carries the environment's label, of some kinds: `apps/v1 Deployment`.
    pub(crate) async fn owned(&self, kinds: &[&str]) -> BTreeSet<String> {
        let applyset = trueup::plan::ApplySet::of(&format!("env_{}", self.tag)).unwrap();
        let selection = Selection::labelled(applyset.selector());
        let served = self.cluster.kinds(Freshness::Latest).await.unwrap();
        let mut owned = BTreeSet::new();
        for words in kinds {
            let (api_version, kind) = words.split_once(' ').unwrap();
            let resource = served.get(&Gvk::new(api_version, kind)).unwrap();
            let listing = self.cluster.list(resource, &selection).await.unwrap();
            owned.extend(listing.items.iter().map(|live| live.id().to_string()));
        }
        owned
    }

    /// Waits until a kind is served: `demo.dev/v1 Widget`.
    pub(crate) async fn until_served(&self, words: &str) {
        let words = words.replace("TAG", &self.tag);
        let (api_version, kind) = words.split_once(' ').unwrap();
        let gvk = Gvk::new(api_version, kind);
        while self
            .cluster
            .kinds(Freshness::Latest)
            .await
            .unwrap()
            .get(&gvk)
            .is_none()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What was written since the last look, as `verb kind place`; not the lease that guards it.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.cluster.take();
        calls
            .iter()
            .filter(|call| call.is_write() && !call.what.starts_with("Lease."))
            .map(ToString::to_string)
            .collect()
    }
}

/// A document as JSON.
pub(crate) fn json(doc: &Document) -> Value {
    let mut text = String::new();
    trueup_yaml::emit::json(doc, doc.root(), trueup_yaml::Schema::Sigs, &mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The manifests of a YAML stream.
pub(crate) fn manifests(name: &str, text: &str) -> Vec<Manifest> {
    let source = Source::new(format!("{name}.yaml"), text);
    let documents = Document::parse(&source).unwrap();
    documents
        .into_iter()
        .map(|doc| {
            let origin = doc.location(doc.root()).map(Origin::at).unwrap_or_default();
            Manifest::new(doc, origin).unwrap()
        })
        .collect()
}

/// What a plan would do, a line an action.
pub(crate) fn outline(plan: &Plan) -> String {
    let mut text = String::new();
    for action in plan.actions.iter().filter(|action| action.kind.is_change()) {
        writeln!(text, "{} {}", action.kind.sign(), action.id()).unwrap();
        for change in &action.changes {
            let show = |value: &Option<Value>| {
                value
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ToString::to_string)
            };
            let (before, after) = (show(&change.before), show(&change.after));
            writeln!(text, "    {}: {before} → {after}", change.path).unwrap();
        }
    }
    for prune in &plan.prune {
        writeln!(text, "- {}", prune.target).unwrap();
    }
    text
}
