//! What Git would see in a folder: the id that its files would have as a Git tree.

use std::{
    cmp::Ordering,
    collections::HashMap,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use git2::{Index, ObjectType, Oid, Repository};

use super::{deadline::Cancel, error::SourceError};

/// A file changed this recently may change again with the same time stamp, so its id is not kept.
const RACY: Duration = Duration::from_secs(3);

/// The ids of files as they were when last hashed, to hash only what changed.
#[derive(Default)]
pub(super) struct StatCache(HashMap<PathBuf, (Stamp, Oid)>);

/// By this Git, too, tells whether a file is as it was.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    inode: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

/// The outcome of a scan.
pub(super) struct Scan {
    /// The id of the Git tree.
    pub(super) tree: Oid,
    /// The id of each file in it, by its path from the scanned folder.
    pub(super) files: HashMap<String, Oid>,
}

/// Hashes the folder `root` as `git add --all` and `git write-tree` would, were nothing filtered:
/// without `.git`, ignored files, empty folders and what is neither file nor symlink.
pub(super) fn scan(
    root: &Path,
    cache: &mut StatCache,
    cancel: &Cancel,
) -> Result<Scan, SourceError> {
    let mut scanner = Scanner {
        rules: Rules::of(root),
        old: std::mem::take(&mut cache.0),
        new: HashMap::new(),
        files: HashMap::new(),
        started: SystemTime::now(),
        cancel,
    };
    let tree = scanner.dir(root, "")?;
    cache.0 = scanner.new;
    let tree = match tree {
        Some(tree) => tree,
        None => hash(ObjectType::Tree, &[], root)?,
    };
    Ok(Scan {
        tree,
        files: scanner.files,
    })
}

struct Scanner<'a> {
    rules: Rules,
    old: HashMap<PathBuf, (Stamp, Oid)>,
    new: HashMap<PathBuf, (Stamp, Oid)>,
    files: HashMap<String, Oid>,
    started: SystemTime,
    cancel: &'a Cancel,
}

struct TreeEntry {
    name: Vec<u8>,
    mode: &'static str,
    id: Oid,
}

impl Scanner<'_> {
    /// The id of the tree below `dir`, none when it would be empty.
    fn dir(&mut self, dir: &Path, inside: &str) -> Result<Option<Oid>, SourceError> {
        if self.cancel.is_set() {
            return Err(SourceError::Internal("the scan was given up".to_owned()));
        }
        let mut entries = Vec::new();
        for found in fs::read_dir(dir).map_err(|error| failed(dir, &error))? {
            let found = found.map_err(|error| failed(dir, &error))?;
            let name = found.file_name();
            if name.eq_ignore_ascii_case(".git") {
                continue;
            }
            let path = found.path();
            let below = match inside {
                "" => name.to_string_lossy().into_owned(),
                inside => format!("{inside}/{}", name.to_string_lossy()),
            };
            if let Some((mode, id)) = self.entry(&path, below)? {
                entries.push(TreeEntry {
                    name: name.as_bytes().to_vec(),
                    mode,
                    id,
                });
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        entries.sort_by(git_order);
        let mut tree = Vec::new();
        for entry in entries {
            tree.extend_from_slice(entry.mode.as_bytes());
            tree.push(b' ');
            tree.extend_from_slice(&entry.name);
            tree.push(0);
            tree.extend_from_slice(entry.id.as_bytes());
        }
        hash(ObjectType::Tree, &tree, dir).map(Some)
    }

    fn entry(
        &mut self,
        path: &Path,
        inside: String,
    ) -> Result<Option<(&'static str, Oid)>, SourceError> {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            // Gone since the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, &error)),
        };
        if meta.is_dir() {
            if let Some(commit) = self.rules.submodule(path) {
                return Ok(Some(("160000", commit)));
            }
            if is_repository(path) || self.rules.hides(path, true) {
                return Ok(None);
            }
            return Ok(self.dir(path, &inside)?.map(|tree| ("40000", tree)));
        }
        if self.rules.hides(path, false) {
            return Ok(None);
        }
        if meta.is_symlink() {
            let target = fs::read_link(path).map_err(|error| failed(path, &error))?;
            let id = hash(ObjectType::Blob, target.as_os_str().as_bytes(), path)?;
            return Ok(Some(("120000", id)));
        }
        if !meta.is_file() {
            return Ok(None);
        }
        let id = self.file(path, &meta)?;
        self.files.insert(inside, id);
        let mode = if meta.mode() & 0o100 == 0 {
            "100644"
        } else {
            "100755"
        };
        Ok(Some((mode, id)))
    }

    fn file(&mut self, path: &Path, meta: &fs::Metadata) -> Result<Oid, SourceError> {
        let stamp = Stamp {
            size: meta.size(),
            inode: meta.ino(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
        };
        let id = match self.old.get(path) {
            Some((old, id)) if *old == stamp => *id,
            _ => Oid::hash_file(ObjectType::Blob, path)
                .map_err(|error| io_error(path, error.message()))?,
        };
        let settled = meta
            .modified()
            .is_ok_and(|modified| modified + RACY < self.started);
        if settled {
            self.new.insert(path.to_owned(), (stamp, id));
        }
        Ok(id)
    }
}

/// Git sorts folders as if their names ended in a slash.
fn git_order(a: &TreeEntry, b: &TreeEntry) -> Ordering {
    fn key(entry: &TreeEntry) -> impl Iterator<Item = u8> {
        let slash = (entry.mode == "40000").then_some(b'/');
        entry.name.iter().copied().chain(slash)
    }
    key(a).cmp(key(b))
}

/// Whether `dir` is the top of a Git repository of its own.
pub(super) fn is_repository(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(".git")).is_ok()
}

fn hash(kind: ObjectType, content: &[u8], path: &Path) -> Result<Oid, SourceError> {
    Oid::hash_object(kind, content).map_err(|error| io_error(path, error.message()))
}

fn failed(path: &Path, error: &io::Error) -> SourceError {
    io_error(path, &error.to_string())
}

fn io_error(path: &Path, reason: &str) -> SourceError {
    SourceError::Io {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Which files Git would pass over. Outside a work tree it passes over none.
struct Rules(Option<WorkTree>);

struct WorkTree {
    repository: Repository,
    index: Index,
    top: PathBuf,
}

impl Rules {
    fn of(root: &Path) -> Self {
        let rules = Self(Self::discover(root));
        // A folder that its outer repository ignores as a whole is a world of its own.
        if rules.0.as_ref().is_some_and(|tree| tree.top != root) && rules.hides(root, true) {
            return Self(None);
        }
        rules
    }

    fn discover(root: &Path) -> Option<WorkTree> {
        let repository = Repository::discover(root).ok()?;
        let top = repository.workdir()?.canonicalize().ok()?;
        let index = repository.index().ok()?;
        root.starts_with(&top).then_some(WorkTree {
            repository,
            index,
            top,
        })
    }

    /// Whether the file or folder is ignored and nothing of it is tracked all the same.
    fn hides(&self, path: &Path, is_dir: bool) -> bool {
        let Some(tree) = &self.0 else { return false };
        let Ok(inside) = path.strip_prefix(&tree.top) else {
            return false;
        };
        if !tree.repository.is_path_ignored(inside).unwrap_or(false) {
            return false;
        }
        let tracked = if is_dir {
            tree.index.find_prefix(inside.join("")).is_ok()
        } else {
            tree.index.get_path(inside, 0).is_some()
        };
        !tracked
    }

    /// The commit that the index records for the submodule at `path`, if it is one.
    fn submodule(&self, path: &Path) -> Option<Oid> {
        let tree = self.0.as_ref()?;
        let entry = tree.index.get_path(path.strip_prefix(&tree.top).ok()?, 0)?;
        (entry.mode == 0o160_000).then_some(entry.id)
    }
}
