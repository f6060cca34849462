//! A folder on this machine as a source.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use git2::{ObjectType, Oid};
use trueup_manifest::{Entry, Tree, TreeError, TreeErrorKind, TreePath};

use super::{
    Polled, Source,
    config::DirectoryConfig,
    content::{self, SUBMODULE},
    deadline::{self, Cancel},
    error::SourceError,
    identity::identity,
    revision::Revision,
    scan::{StatCache, is_repository, scan},
    snapshot::Snapshot,
    walk::{Found, FoundNode, Maybe, Node, Store, walk},
};

/// A folder on this machine. Its revision is the id that Git would give to its files, so it moves
/// when a file does that Git would see. Ignored files can be read, but do not move it.
pub struct DirectorySource {
    config: DirectoryConfig,
    identity: Arc<str>,
    cache: Arc<Mutex<StatCache>>,
}

impl DirectorySource {
    /// The folder that `config` names, which must exist.
    pub fn open(config: DirectoryConfig) -> Result<Self, SourceError> {
        let DirectoryConfig {
            path,
            interval,
            timeout,
        } = config;
        let path = real_dir(&path)?;
        Ok(Self {
            identity: identity(&path).into(),
            config: DirectoryConfig {
                path,
                interval,
                timeout,
            },
            cache: Arc::default(),
        })
    }
}

impl Source for DirectorySource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        let path = self.config.path.clone();
        let cache = Arc::clone(&self.cache);
        let after = self.config.timeout;
        let late = || SourceError::TimedOut {
            url: path.display().to_string(),
            after,
        };
        let root = path.clone();
        let identity = Arc::clone(&self.identity);
        let snapshot = deadline::run(after, late, move |cancel| {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            take(&root, &mut cache, cancel)
        })
        .await?
        .of(&identity);
        Ok(Polled {
            snapshot,
            notes: Vec::new(),
        })
    }

    fn describe(&self) -> String {
        self.config.path.display().to_string()
    }
}

fn take(root: &Path, cache: &mut StatCache, cancel: &Cancel) -> Result<Snapshot, SourceError> {
    let (tree, id) = DirectoryTree::take(root, cache, cancel)?;
    Ok(Snapshot::new(
        Revision::new("directory", id.to_string()),
        Arc::new(tree),
    ))
}

/// The folder `path` without symlinks, or why it is none.
pub(super) fn real_dir(path: &Path) -> Result<PathBuf, SourceError> {
    let failed = |reason: String| SourceError::Io {
        path: path.to_owned(),
        reason,
    };
    let real = path.canonicalize().map_err(|error| failed(plain(&error)))?;
    if real.is_dir() {
        Ok(real)
    } else {
        Err(failed("it is not a folder".to_owned()))
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such folder".to_owned(),
        _ => error.to_string(),
    }
}

/// A folder on disk as it was when it was scanned. A file that has changed since is an error, not
/// other bytes; what was read once stays as it was read.
pub(super) struct DirectoryTree {
    root: PathBuf,
    seen: HashMap<String, Oid>,
    read: Mutex<HashMap<TreePath, Arc<[u8]>>>,
}

impl DirectoryTree {
    /// Scans the folder, and gives the id of its Git tree along with it.
    pub(super) fn take(
        root: &Path,
        cache: &mut StatCache,
        cancel: &Cancel,
    ) -> Result<(Self, Oid), SourceError> {
        let scan = scan(root, cache, cancel)?;
        let tree = Self {
            root: root.to_owned(),
            seen: scan.files,
            read: Mutex::default(),
        };
        Ok((tree, scan.tree))
    }

    fn find(&self, path: &TreePath) -> Maybe<Found<PathBuf, PathBuf>> {
        walk(self, path, &|| self.display(path))
    }

    fn missing(&self, path: &TreePath) -> TreeError {
        TreeError::new(
            TreeErrorKind::NotFound,
            &self.display(path),
            "no such file or folder",
        )
    }

    fn load(&self, real: &TreePath, file: &Path, shown: &str) -> Result<Arc<[u8]>, TreeError> {
        let failed =
            |error: io::Error| TreeError::new(TreeErrorKind::Io, shown, &error.to_string());
        content::check_size(fs::metadata(file).map_err(failed)?.len(), shown)?;
        let bytes = fs::read(file).map_err(failed)?;
        if let Some(seen) = self.seen.get(real.as_str()) {
            let now = Oid::hash_object(ObjectType::Blob, &bytes);
            if now.as_ref() != Ok(seen) {
                return Err(TreeError::new(
                    TreeErrorKind::Io,
                    shown,
                    "the file has changed since the folder was looked at; try again",
                ));
            }
        }
        content::check_content(&bytes, shown)?;
        Ok(Arc::from(bytes))
    }
}

impl Store for DirectoryTree {
    type Dir = PathBuf;
    type File = PathBuf;

    fn root(&self) -> PathBuf {
        self.root.clone()
    }

    fn child(
        &self,
        dir: &PathBuf,
        name: &str,
        shown: &dyn Fn() -> String,
    ) -> Maybe<Node<PathBuf, PathBuf>> {
        let failed = |reason: &str| TreeError::new(TreeErrorKind::Io, &shown(), reason);
        let path = dir.join(name);
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error.to_string())),
        };
        Ok(Some(if meta.is_dir() {
            if is_repository(&path) {
                Node::Opaque(SUBMODULE)
            } else {
                Node::Dir(path)
            }
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| failed(&error.to_string()))?;
            match target.into_os_string().into_string() {
                Ok(target) => Node::Link(target),
                Err(_) => return Err(failed("a symlink is not UTF-8")),
            }
        } else if meta.is_file() {
            Node::File(path)
        } else {
            Node::Opaque("it is neither a file nor a folder")
        }))
    }
}

impl Tree for DirectoryTree {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let (real, file) = match self.find(path)? {
            None => return Err(self.missing(path)),
            Some(Found {
                node: FoundNode::Dir(_),
                ..
            }) => {
                return Err(TreeError::new(
                    TreeErrorKind::IsDir,
                    &self.display(path),
                    "it is a folder",
                ));
            }
            Some(Found {
                path: real,
                node: FoundNode::File(file),
                ..
            }) => (real, file),
        };
        let known = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = known().get(&real) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = self.load(&real, &file, &self.display(path))?;
        // Whoever was first to read it decides what everyone sees.
        Ok(Arc::clone(known().entry(real).or_insert(bytes)))
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        Ok(self.find(path)?.map(|found| match found.node {
            FoundNode::Dir(_) => Entry::Dir,
            FoundNode::File(_) => Entry::File,
        }))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        let error = |kind, reason: &str| TreeError::new(kind, &self.display(path), reason);
        let (real, dir) = match self.find(path)? {
            None => return Err(self.missing(path)),
            Some(Found {
                node: FoundNode::File(_),
                ..
            }) => {
                return Err(error(TreeErrorKind::NotDir, "it is a file, not a folder"));
            }
            Some(Found {
                path: real,
                node: FoundNode::Dir(dir),
                ..
            }) => (real, dir),
        };
        let failed = |io: io::Error| error(TreeErrorKind::Io, &io.to_string());
        let mut names = Vec::new();
        for found in fs::read_dir(&dir).map_err(failed)? {
            let found = found.map_err(failed)?;
            let Ok(name) = found.file_name().into_string() else {
                return Err(error(
                    TreeErrorKind::Io,
                    "the folder holds a name that is not UTF-8",
                ));
            };
            if name.eq_ignore_ascii_case(".git") {
                continue;
            }
            let kind = match found.file_type().map_err(failed)? {
                kind if kind.is_dir() => Entry::Dir,
                kind if kind.is_symlink() => self.link_entry(&real.join(&name)?),
                _ => Entry::File,
            };
            names.push((name, kind));
        }
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        match self.find(path)? {
            Some(found) => Ok(found.path),
            None => Err(self.missing(path)),
        }
    }
}

impl DirectoryTree {
    /// A symlink that dangles or leaves the tree is an error when read, not when listed.
    fn link_entry(&self, path: &TreePath) -> Entry {
        match self.entry(path) {
            Ok(Some(entry)) => entry,
            Ok(None) | Err(_) => Entry::File,
        }
    }
}
