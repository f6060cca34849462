//! What other files point at: Git repositories and files over HTTP, each fetched once.
//!
//! Flows in: addresses that somebody's files name. Flows out: file trees at a revision, and bytes.
//! It must never send a credential that the address does not hold itself, fetch anything when told
//! not to, or hand out more than the limits allow.
//!
//! What was fetched stays in the cache folder of this machine, so that a later run without a network
//! can go on with it, and a commit named by its id is never asked for again.

mod file;
mod submodules;

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use trueup_manifest::Tree;

use self::submodules::WithSubmodules;
use super::{
    Source as _,
    config::{Auth, GitConfig, Reference, SecretSource, default_cache_dir},
    error::SourceError,
    git::GitSource,
    snapshot::Snapshot,
    url::{GitUrl, Scheme},
};

/// What may be fetched, and where it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Whether to ask nobody, and to take what earlier runs have left.
    pub offline: bool,
    /// Where local copies are kept.
    pub cache_dir: PathBuf,
    /// The most bytes that one fetch of a repository may receive.
    pub max_repository: u64,
    /// The most bytes of one file.
    pub max_file: u64,
    /// How long one file may take.
    pub timeout: Duration,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            offline: false,
            cache_dir: default_cache_dir(),
            max_repository: 1 << 30,
            max_file: 64 << 20,
            timeout: Duration::from_secs(27),
        }
    }
}

/// A repository to fetch, by the address and revision that a file names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteRepository {
    /// The address, as `git clone` takes it.
    pub url: String,
    /// A branch, tag or commit; empty for the default branch.
    pub reference: String,
    /// How long the fetch may take.
    pub timeout: Duration,
    /// Whether folders that are submodules are fetched too, when something in them is read.
    pub submodules: bool,
}

/// Fetches repositories and files, each once, however many ask at the same time.
#[derive(Clone)]
pub struct Remotes(Arc<Shared>);

struct Shared {
    config: RemoteConfig,
    repositories: Answers<RemoteRepository, Arc<dyn Tree>>,
    files: Answers<String, Arc<[u8]>>,
}

type Fetched<T> = Result<T, SourceError>;

/// What was asked for, each with the one answer that all who ask wait for.
struct Answers<K, T>(Mutex<HashMap<K, Arc<OnceLock<Fetched<T>>>>>);

impl<K: Eq + Hash, T: Clone> Answers<K, T> {
    fn get(&self, key: K, fetch: impl FnOnce() -> Fetched<T>) -> Fetched<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = Arc::clone(known.entry(key).or_default());
        drop(known);
        answer.get_or_init(fetch).clone()
    }
}

impl<K, T> Default for Answers<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl Remotes {
    /// Nothing is fetched before it is asked for.
    pub fn new(config: RemoteConfig) -> Self {
        Self(Arc::new(Shared {
            config,
            repositories: Answers::default(),
            files: Answers::default(),
        }))
    }

    /// The files of a repository. Blocks until they are there.
    pub fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn Tree>, SourceError> {
        self.0.repositories.get(repository.clone(), || {
            let url: GitUrl = repository.url.parse().map_err(SourceError::Address)?;
            let snapshot = self.snapshot(&url, repository)?;
            let shown = format!("{url}@{}", snapshot.revision().short());
            let tree = WithSubmodules::new(&snapshot, shown, &url, repository, self.clone());
            Ok(Arc::new(tree) as Arc<dyn Tree>)
        })
    }

    /// The content of the file at an address over HTTP. Blocks until it is there.
    pub fn file(&self, url: &str) -> Result<Arc<[u8]>, SourceError> {
        let config = &self.0.config;
        self.0
            .files
            .get(url.to_owned(), || file::fetch(config, url).map(Arc::from))
    }

    fn snapshot(
        &self,
        url: &GitUrl,
        repository: &RemoteRepository,
    ) -> Result<Snapshot, SourceError> {
        let limits = &self.0.config;
        let reference = match repository.reference.as_str() {
            "" | "HEAD" => Reference::Default,
            id if is_commit(id) => Reference::Commit(id.to_owned()),
            name => Reference::Named(name.to_owned()),
        };
        let config = GitConfig {
            reference: reference.clone(),
            auth: usual_auth(url),
            timeout: repository.timeout,
            cache_dir: limits.cache_dir.clone(),
            max_bytes: limits.max_repository,
            ..GitConfig::new(url.clone())
        };
        let offline = limits.offline;
        let shown = url.to_string();
        let until = Instant::now() + repository.timeout;
        blocking(async move {
            loop {
                let source = GitSource::open(config.clone())?;
                if offline || matches!(reference, Reference::Commit(_)) {
                    let kept = source.recall().await;
                    let fits = |kept: &Snapshot| match &reference {
                        Reference::Commit(id) => kept.revision().id.eq_ignore_ascii_case(id),
                        _ => true,
                    };
                    if let Some(kept) = kept.filter(fits) {
                        return Ok(kept);
                    }
                    if offline {
                        return Err(SourceError::NotKept { url: shown });
                    }
                }
                match source.poll().await {
                    // Another trueup on this machine fetches the same just now.
                    Err(SourceError::CacheInUse { .. }) if Instant::now() < until => {}
                    outcome => return outcome.map(|polled| polled.snapshot),
                }
            }
        })
    }
}

/// A commit's whole id.
fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Over SSH the keys of the agent or the usual key file, as `ssh` would offer them; elsewhere none
/// but what the address holds.
fn usual_auth(url: &GitUrl) -> Auth {
    if url.scheme() != Scheme::Ssh || url.password().is_some() {
        return Auth::None;
    }
    if std::env::var_os("SSH_AUTH_SOCK").is_some() {
        return Auth::SshAgent;
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let keys = ["id_ed25519", "id_ecdsa", "id_rsa"];
    let key = home.and_then(|home| {
        let mut files = keys.iter().map(|name| home.join(".ssh").join(name));
        files.find(|file| file.is_file())
    });
    match key {
        Some(file) => Auth::SshKey {
            key: SecretSource::File(file),
            passphrase: None,
        },
        None => Auth::None,
    }
}

/// Runs `work` to its end on a thread of its own, so that it can be asked for from anywhere: rendering
/// knows of no runtime, and may itself run inside one.
fn blocking<T: Send>(
    work: impl Future<Output = Result<T, SourceError>> + Send,
) -> Result<T, SourceError> {
    let failed = |reason: String| SourceError::Internal(reason);
    thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| failed(format!("cannot start a runtime: {error}")))?;
            runtime.block_on(work)
        };
        match scope.spawn(run).join() {
            Ok(outcome) => outcome,
            Err(_) => Err(failed("the thread that fetches panicked".to_owned())),
        }
    })
}
