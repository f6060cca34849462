//! What builds of one process share: files that were parsed, and whole builds whose inputs are still
//! the same.
//!
//! Flows in: a tree, a directory and options. Flows out: the [`Build`], kept one or new. What is kept
//! is found by what was read and not by name or time: a build counts as long as every question that
//! it asked of its tree gets the same answer, a parsed file as long as its bytes are the same.
//! It must never keep a build that asked anything else but its tree: a remote, a program, a chart that
//! draws random bytes or the time.

mod inputs;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use trueup_manifest::{Diagnostics, Tree, TreePath};
use trueup_yaml::{Document, Source};

pub use self::inputs::Inputs;
use self::inputs::{Digest, Recorder, digest};
use crate::{Build, ChartInflator, Limits, LoadRestrictor, Options, Reorder};

/// Text of parsed files that is kept at most, in bytes; what was not used lately goes first.
const MOST_TEXT: usize = 64 << 20;
/// Objects of builds that are kept at most, and builds.
const MOST_OBJECTS: usize = 100_000;
const MOST_BUILDS: usize = 256;

/// Shared by builds, side by side or one after the other. Cheap to clone.
#[derive(Clone, Default)]
pub struct Cache(Arc<Kept>);

#[derive(Default)]
struct Kept {
    /// Those used last at the end.
    builds: Mutex<Vec<Arc<KeptBuild>>>,
    files: Mutex<Files>,
    /// Counts builds.
    clock: AtomicU64,
}

struct KeptBuild {
    key: Key,
    build: Arc<Build>,
}

/// What a build depends on besides its files.
#[derive(PartialEq, Eq)]
struct Key {
    dir: TreePath,
    /// Places in files are named as the tree shows them.
    shown: String,
    load_restrictor: LoadRestrictor,
    reorder: Reorder,
    managed_by_label: bool,
    tree_root: Option<String>,
    /// The settings of who inflates charts, where anybody does.
    charts: Option<String>,
    limits: Limits,
}

#[derive(Default)]
struct Files {
    parsed: HashMap<FileKey, File>,
    text: usize,
}

/// What a parsed file depends on.
#[derive(PartialEq, Eq, Hash)]
struct FileKey {
    /// Documents know the name of the file they came from.
    name: String,
    text: Digest,
    /// The depth that was allowed.
    nesting: u32,
}

struct File {
    documents: Arc<[Document]>,
    size: usize,
    /// The build that asked for it last.
    used: u64,
}

/// What a lock guards is whole at any moment, so one who panicked with it leaves no harm.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cache {
    /// [`crate::build`], or what it gave before where nothing that it read has changed.
    ///
    /// # Errors
    ///
    /// As [`crate::build`]; a build that failed is not kept.
    pub fn build(
        &self,
        tree: &dyn Tree,
        dir: &TreePath,
        options: &Options<'_>,
    ) -> Result<Arc<Build>, Diagnostics> {
        self.0.clock.fetch_add(1, Ordering::Relaxed);
        let key = Key::new(tree, dir, options);
        if let Some(kept) = self.find(&key, tree) {
            return Ok(kept);
        }
        let recorder = Recorder::new(tree);
        let (mut build, pure) = crate::build_with(&recorder, dir, options, Some(self))?;
        build.inputs = recorder.into_inputs();
        let build = Arc::new(build);
        if pure {
            self.keep(key, Arc::clone(&build));
        }
        Ok(build)
    }

    fn find(&self, key: &Key, tree: &dyn Tree) -> Option<Arc<Build>> {
        let candidates: Vec<Arc<KeptBuild>> = held(&self.0.builds)
            .iter()
            .rev()
            .filter(|kept| kept.key == *key)
            .map(Arc::clone)
            .collect();
        // The lock is not held while the tree is asked.
        let found = candidates
            .into_iter()
            .find(|kept| kept.build.inputs.hold(tree))?;
        let mut builds = held(&self.0.builds);
        if let Some(at) = builds.iter().position(|kept| Arc::ptr_eq(kept, &found)) {
            let last = builds.remove(at);
            builds.push(last);
        }
        Some(Arc::clone(&found.build))
    }

    fn keep(&self, key: Key, build: Arc<Build>) {
        let mut builds = held(&self.0.builds);
        builds.push(Arc::new(KeptBuild { key, build }));
        let mut objects: usize = builds.iter().map(|kept| kept.build.manifests.len()).sum();
        while builds.len() > 1 && (objects > MOST_OBJECTS || builds.len() > MOST_BUILDS) {
            objects -= builds.remove(0).build.manifests.len();
        }
    }

    /// The documents of a text, parsed once for all builds.
    pub(crate) fn documents<E>(
        &self,
        source: &Source,
        nesting: u32,
        parse: impl FnOnce() -> Result<Vec<Document>, E>,
    ) -> Result<Vec<Document>, E> {
        let key = FileKey {
            name: source.name().to_owned(),
            text: digest(source.text().as_bytes()),
            nesting,
        };
        let now = self.0.clock.load(Ordering::Relaxed);
        if let Some(file) = held(&self.0.files).parsed.get_mut(&key) {
            file.used = now;
            return Ok(file.documents.to_vec());
        }
        let documents: Arc<[Document]> = parse()?.into();
        let copy = documents.to_vec();
        held(&self.0.files).keep(key, documents, source.text().len(), now);
        Ok(copy)
    }
}

impl Files {
    fn keep(&mut self, key: FileKey, documents: Arc<[Document]>, size: usize, now: u64) {
        if self.text + size > MOST_TEXT {
            self.parsed.retain(|_, file| file.used + 1 >= now);
            self.text = self.parsed.values().map(|file| file.size).sum();
        }
        if self.text + size > MOST_TEXT {
            return;
        }
        let file = File {
            documents,
            size,
            used: now,
        };
        if self.parsed.insert(key, file).is_none() {
            self.text += size;
        }
    }
}

impl Key {
    fn new(tree: &dyn Tree, dir: &TreePath, options: &Options<'_>) -> Self {
        Self {
            dir: dir.clone(),
            shown: tree.display(dir),
            load_restrictor: options.load_restrictor,
            reorder: options.reorder,
            managed_by_label: options.managed_by_label,
            tree_root: options.tree_root.map(str::to_owned),
            charts: options.charts.map(ChartInflator::settings),
            limits: options.limits,
        }
    }
}
