//! What every step of one build shares: options, bounds, schemas, remote answers and warnings.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use trueup_manifest::{Diagnostic, Tree, TreePath};
use trueup_yaml::ParseOptions;

use crate::{
    Cache, ChartInflator, FunctionRunner, Options, RemoteFetcher, RemoteRepository,
    load::{RepoSpec, hidden},
    openapi::Schemas,
};

/// Bounds on what one build may take, so that hostile input ends in an error and not in a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bases inside bases.
    pub depth: usize,
    /// Kustomizations visited, counting a base once each time it is named.
    pub kustomizations: usize,
    /// Objects in one file.
    pub objects: usize,
    /// Collections inside collections in one document.
    pub nesting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            kustomizations: 20_000,
            objects: 1_000_000,
            nesting: 256,
        }
    }
}

/// What was fetched, or why it could not be, by what was asked for.
type Answers<K, T> = Mutex<HashMap<K, Arc<OnceLock<Result<T, Diagnostic>>>>>;

/// What the usual transformers add to an object: labels, a namespace, another name.
const SPARE_NODES: usize = 32;

/// Shared by every step of one build.
pub(crate) struct Context<'a> {
    options: Options<'a>,
    cache: Option<&'a Cache>,
    /// Whether each step notes what it left of each object.
    traces: bool,
    /// Whether anything but the tree was asked.
    asked_others: AtomicBool,
    schemas: RwLock<Arc<Schemas>>,
    schemas_chosen: AtomicBool,
    files: Answers<String, Arc<[u8]>>,
    repositories: Answers<RemoteRepository, Arc<dyn Tree>>,
    warnings: Mutex<Vec<Diagnostic>>,
    visited: AtomicUsize,
}

/// What was fetched, by one for all who ask for it.
fn answer<K: Eq + Hash, T: Clone>(
    known: &Answers<K, T>,
    key: K,
    fetch: impl FnOnce() -> Result<T, Diagnostic>,
) -> Result<T, Diagnostic> {
    let answer = Arc::clone(held(known).entry(key).or_default());
    answer.get_or_init(fetch).clone()
}

/// What a lock guards is whole at any moment, so one who panicked with it leaves no harm.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Context<'a> {
    pub(crate) fn new(options: &Options<'a>, cache: Option<&'a Cache>) -> Self {
        Self {
            options: *options,
            cache,
            traces: false,
            asked_others: AtomicBool::new(false),
            schemas: RwLock::default(),
            schemas_chosen: AtomicBool::new(false),
            files: Mutex::default(),
            repositories: Mutex::default(),
            warnings: Mutex::default(),
            visited: AtomicUsize::new(0),
        }
    }

    /// For a build that is traced.
    pub(crate) fn tracing(options: &Options<'a>) -> Self {
        Self {
            traces: true,
            ..Self::new(options, None)
        }
    }

    pub(crate) fn traces(&self) -> bool {
        self.traces
    }

    pub(crate) fn options(&self) -> &Options<'a> {
        &self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.options.limits
    }

    pub(crate) fn parse_options(&self) -> ParseOptions {
        ParseOptions {
            max_depth: self.limits().nesting,
            spare_nodes: SPARE_NODES,
            ..ParseOptions::default()
        }
    }

    /// The schemas in force.
    pub(crate) fn schemas(&self) -> Arc<Schemas> {
        let schemas = self.schemas.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&schemas)
    }

    /// Whether a kustomization has chosen schemas; the first one does for all.
    pub(crate) fn schemas_chosen(&self) -> bool {
        self.schemas_chosen.load(Ordering::Relaxed)
    }

    pub(crate) fn choose_schemas(&self, schemas: Schemas) {
        self.schemas_chosen.store(true, Ordering::Relaxed);
        let mut held = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(schemas);
    }

    pub(crate) fn warn(&self, warning: Diagnostic) {
        held(&self.warnings).push(warning);
    }

    pub(crate) fn into_warnings(self) -> Vec<Diagnostic> {
        let warnings = self.warnings.into_inner();
        warnings.unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a kustomization; an error when there are too many.
    pub(crate) fn visit(&self) -> Result<(), Diagnostic> {
        let before = self.visited.fetch_add(1, Ordering::Relaxed);
        if before >= self.limits().kustomizations {
            let message = format!(
                "more than {} kustomizations are named",
                self.limits().kustomizations
            );
            return Err(Diagnostic::error("kustomize/too-many", message)
                .help("a base that names others twice doubles the work at each level"));
        }
        Ok(())
    }

    /// The content of a remote file; asked for once.
    pub(crate) fn remote_file(&self, url: &str) -> Result<Arc<[u8]>, Diagnostic> {
        answer(&self.files, url.to_owned(), || {
            self.fetcher(url).and_then(|fetcher| fetcher.file(url))
        })
    }

    /// The files of a remote repository; asked for once.
    pub(crate) fn remote_repository(&self, spec: &RepoSpec) -> Result<Arc<dyn Tree>, Diagnostic> {
        answer(&self.repositories, spec.repository(), || {
            self.fetcher(&spec.shown())
                .and_then(|fetcher| fetcher.repository(&spec.repository()))
        })
    }

    /// What the build shares with others, where it does.
    pub(crate) fn cache(&self) -> Option<&'a Cache> {
        self.cache
    }

    /// Whether the build has asked its tree alone.
    pub(crate) fn is_pure(&self) -> bool {
        !self.asked_others.load(Ordering::Relaxed)
    }

    /// Who inflates charts, out of the files of the tree alone.
    pub(crate) fn charts(&self) -> Option<&'a dyn ChartInflator> {
        self.options.charts
    }

    /// Says that the build depends on more than its tree and options.
    pub(crate) fn asks_others(&self) {
        self.asked_others.store(true, Ordering::Relaxed);
    }

    /// Who runs programs.
    pub(crate) fn functions(&self) -> Option<&'a dyn FunctionRunner> {
        self.asked_others.store(true, Ordering::Relaxed);
        self.options.functions
    }

    fn fetcher(&self, shown: &str) -> Result<&'a dyn RemoteFetcher, Diagnostic> {
        self.asked_others.store(true, Ordering::Relaxed);
        self.options.remote.ok_or_else(|| {
            let message = format!("`{}` is remote, and nothing may be fetched", hidden(shown));
            Diagnostic::error("kustomize/remote", message)
                .help("vendor it into the repository, or build where fetching is allowed")
        })
    }

    /// The path in the tree that an absolute path means, where the caller said where the tree lies.
    pub(crate) fn inside_tree(&self, path: &str) -> Option<TreePath> {
        let inside = path.strip_prefix(self.options.tree_root?.trim_end_matches('/'))?;
        let inside = inside.strip_prefix('/')?;
        TreePath::new(inside).ok()
    }
}
