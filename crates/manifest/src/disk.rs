//! A folder on disk as a [`Tree`].

use std::{
    collections::HashMap,
    fs::{File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Component, Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    path::TreePath,
    tree::{Entry, Found, Tree, TreeError, TreeErrorKind},
};

/// A larger file is refused: manifests are never that big, and a stray archive or a device must not
/// fill the memory.
const LARGEST_FILE: u64 = 256 << 20;

/// The way to a folder is found from the folder above it, and so on, up to this many bytes.
const LONGEST_WAY: usize = 1024;

/// A folder on disk. Symlinks are followed as long as they stay below the root. What it reads is
/// what is there at that moment, but for the way to a folder, which is looked up once: it suits a
/// command that runs once over a checkout.
#[derive(Clone, Debug)]
pub struct DiskTree {
    root: PathBuf,
    /// The folder that shown paths are relative to.
    shown_from: Option<PathBuf>,
    folders: Folders,
}

/// Where folders lie once symlinks are resolved, by the path they are asked for; none for one that
/// is not there or outside the root. Shared by clones.
type Folders = Arc<RwLock<HashMap<TreePath, Option<Arc<Folder>>>>>;

#[derive(Debug)]
struct Folder {
    real: PathBuf,
    path: TreePath,
}

/// A path on disk with every symlink resolved, and what is there.
struct Real {
    on_disk: PathBuf,
    path: TreePath,
    meta: Metadata,
}

impl DiskTree {
    /// The tree below `root`, which must be a folder. Shown paths are relative to it.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, TreeError> {
        let shown = root.as_ref().display().to_string();
        let root = root
            .as_ref()
            .canonicalize()
            .map_err(|error| io_error(&shown, &error))?;
        if !root.is_dir() {
            return Err(TreeError::new(
                TreeErrorKind::NotDir,
                &shown,
                "it is not a folder",
            ));
        }
        Ok(Self {
            root,
            shown_from: None,
            folders: Folders::default(),
        })
    }

    /// Shows paths relative to `folder` (an absolute path), with `..` where they lie beside it: for a
    /// tree whose root is not where the person stands.
    #[must_use]
    pub fn shown_from(mut self, folder: impl Into<PathBuf>) -> Self {
        self.shown_from = Some(folder.into());
        self
    }

    /// The folder this tree reads.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The tree path of a path on disk, which must exist below the root.
    pub fn locate(&self, path: impl AsRef<Path>) -> Result<TreePath, TreeError> {
        let shown = path.as_ref().display().to_string();
        let real = path
            .as_ref()
            .canonicalize()
            .map_err(|error| io_error(&shown, &error))?;
        self.tree_path(&real, &shown)
    }

    fn tree_path(&self, real: &Path, shown: &str) -> Result<TreePath, TreeError> {
        let inside = real.strip_prefix(&self.root).map_err(|_| {
            TreeError::new(
                TreeErrorKind::Escape,
                shown,
                "a symlink leads out of the tree",
            )
        })?;
        let mut parts = Vec::new();
        for component in inside.components() {
            if let Component::Normal(part) = component {
                parts.push(part.to_str().ok_or_else(|| {
                    TreeError::new(TreeErrorKind::Io, shown, "the path is not UTF-8")
                })?);
            }
        }
        TreePath::new(&parts.join("/"))
    }

    /// What is at a path. Most files are no symlinks and lie in a folder that is known already: one
    /// look at the disk then.
    fn real(&self, path: &TreePath) -> Result<Real, TreeError> {
        if let Some((real, path)) = self.in_folder(path)
            && let Ok(meta) = real.symlink_metadata()
            && !meta.is_symlink()
        {
            return Ok(Real {
                on_disk: real,
                path,
                meta,
            });
        }
        self.canonical(path)
    }

    /// Where a path lies unless its last part is a symlink; none where its folder is not plainly there.
    fn in_folder(&self, path: &TreePath) -> Option<(PathBuf, TreePath)> {
        let (folder, name) = match path.as_str().rsplit_once('/') {
            Some((folder, name)) => (folder, name),
            None if path.is_root() => return None,
            None => ("", path.as_str()),
        };
        let folder = self.folder(folder)?;
        Some((folder.real.join(name), folder.path.join(name).ok()?))
    }

    fn folder(&self, path: &str) -> Option<Arc<Folder>> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(path) {
            return known.clone();
        }
        drop(folders);
        let path = TreePath::new(path).ok()?;
        // From the folder above, which is mostly known: but a path may be of any length, and the stack is not.
        let found = if path.as_str().len() > LONGEST_WAY {
            self.canonical(&path)
        } else {
            self.real(&path)
        };
        let found = found.ok().map(|found| {
            Arc::new(Folder {
                real: found.on_disk,
                path: found.path,
            })
        });
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        folders.insert(path, found.clone());
        found
    }

    /// [`Self::real`], every part of the path looked at.
    fn canonical(&self, path: &TreePath) -> Result<Real, TreeError> {
        let shown = self.display(path);
        let failed = |error: io::Error| io_error(&shown, &error);
        let real = self.root.join(path.as_str());
        let real = real.canonicalize().map_err(failed)?;
        let path = self.tree_path(&real, &shown)?;
        let meta = real.metadata().map_err(failed)?;
        Ok(Real {
            on_disk: real,
            path,
            meta,
        })
    }

    /// Opens a file to read it. Without waiting: a pipe has no end, and is refused afterwards. The
    /// last part of the path is no symlink, or one that was put there a moment ago.
    fn open(&self, path: &TreePath) -> Result<File, TreeError> {
        let open = |real: &Path| {
            OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
                .open(real)
        };
        if let Some((real, _)) = self.in_folder(path)
            && let Ok(file) = open(&real)
        {
            return Ok(file);
        }
        let real = self.canonical(path)?.on_disk;
        open(&real).map_err(|error| io_error(&self.display(path), &error))
    }
}

impl Tree for DiskTree {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let mut bytes = Vec::new();
        self.read_into(path, &mut bytes)?;
        Ok(Arc::from(bytes))
    }

    fn read_into(&self, path: &TreePath, into: &mut Vec<u8>) -> Result<(), TreeError> {
        let refused = |kind, reason| Err(TreeError::new(kind, &self.display(path), reason));
        let failed = |error: io::Error| io_error(&self.display(path), &error);
        let file = self.open(path)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.is_dir() {
            return refused(TreeErrorKind::IsDir, "it is a folder");
        }
        if !meta.is_file() {
            return refused(TreeErrorKind::Io, "it is not a regular file");
        }
        if meta.len() > LARGEST_FILE {
            return refused(TreeErrorKind::TooLarge, "the file is larger than 256 MiB");
        }
        // The end is found by a read that gives nothing, for which there must be room, too.
        into.reserve_exact(usize::try_from(meta.len()).unwrap_or(0) + 1);
        // Through `take`, which does not ask for size and position once more.
        let mut file = file.take(LARGEST_FILE);
        file.read_to_end(into).map_err(failed)?;
        Ok(())
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        Ok(self.find(path)?.map(|found| found.entry))
    }

    fn find(&self, path: &TreePath) -> Result<Option<Found>, TreeError> {
        match self.real(path) {
            Ok(real) => {
                let entry = if real.meta.is_dir() {
                    Entry::Dir
                } else {
                    Entry::File
                };
                let path = real.path;
                Ok(Some(Found { entry, path }))
            }
            Err(error)
                if matches!(
                    error.kind(),
                    TreeErrorKind::NotFound | TreeErrorKind::NotDir
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        let shown = self.display(path);
        let mut names = Vec::new();
        let dir = std::fs::read_dir(self.real(path)?.on_disk)
            .map_err(|error| io_error(&shown, &error))?;
        for entry in dir {
            let entry = entry.map_err(|error| io_error(&shown, &error))?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(TreeError::new(
                    TreeErrorKind::Io,
                    &shown,
                    "the folder holds a name that is not UTF-8",
                ));
            };
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_dir() => Entry::Dir,
                Ok(kind) if kind.is_file() => Entry::File,
                // A dangling or escaping symlink is an error when read, not when its folder is listed.
                _ => match self.entry(&path.join(&name)?) {
                    Ok(Some(kind)) => kind,
                    Ok(None) | Err(_) => Entry::File,
                },
            };
            names.push((name, kind));
        }
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        Ok(self.real(path)?.path)
    }

    fn display(&self, path: &TreePath) -> String {
        let Some(from) = &self.shown_from else {
            return path.to_string();
        };
        relative(&self.root.join(path.as_str()), from)
    }
}

/// How `path` is called by someone who stands in `from`: with `..` for what lies beside it, and whole
/// where the two share nothing but the root of the disk.
fn relative(path: &Path, from: &Path) -> String {
    let shared = path
        .components()
        .zip(from.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().count() - shared;
    if up > 0 && shared <= 1 {
        return path.display().to_string();
    }
    let steps = std::iter::repeat_n(Component::ParentDir, up);
    let shown: PathBuf = steps.chain(path.components().skip(shared)).collect();
    if shown.as_os_str().is_empty() {
        ".".to_owned()
    } else {
        shown.display().to_string()
    }
}

fn io_error(shown: &str, error: &io::Error) -> TreeError {
    let kind = match error.kind() {
        // The standard library's own word for it is not stable yet.
        _ if error.raw_os_error() == Some(libc::ELOOP) => TreeErrorKind::Loop,
        io::ErrorKind::NotFound => TreeErrorKind::NotFound,
        io::ErrorKind::NotADirectory => TreeErrorKind::NotDir,
        io::ErrorKind::IsADirectory => TreeErrorKind::IsDir,
        _ => TreeErrorKind::Io,
    };
    let reason = match kind {
        TreeErrorKind::NotFound => "no such file or folder".to_owned(),
        TreeErrorKind::Loop => "symlinks lead in a circle".to_owned(),
        _ => error.to_string(),
    };
    TreeError::new(kind, shown, &reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    #[test]
    fn a_symlink_is_followed_inside_the_root_and_refused_outside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::fs::write(root.join("a/file"), "text").unwrap();
        std::os::unix::fs::symlink("a/file", root.join("inside")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("outside")).unwrap();
        std::os::unix::fs::symlink("circle", root.join("circle")).unwrap();
        let tree = DiskTree::new(&root).unwrap();
        assert_eq!(&*tree.read(&path("inside")).unwrap(), b"text");
        assert_eq!(tree.resolve(&path("inside")).unwrap(), path("a/file"));
        assert_eq!(
            tree.read(&path("outside")).unwrap_err().kind(),
            TreeErrorKind::Escape
        );
        assert_eq!(
            tree.read(&path("circle")).unwrap_err().kind(),
            TreeErrorKind::Loop
        );
        assert_eq!(
            tree.read(&path("a")).unwrap_err().kind(),
            TreeErrorKind::IsDir
        );
        assert_eq!(tree.entry(&path("a/file/x")).unwrap(), None);
        assert_eq!(
            tree.read(&path("none")).unwrap_err().to_string(),
            "cannot read `none`: no such file or folder"
        );
    }

    #[test]
    fn shown_paths_start_where_the_person_stands() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("repo/sub")).unwrap();
        let tree = DiskTree::new("/").unwrap().shown_from(root.join("repo"));
        assert_eq!(
            tree.display(&tree.locate(root.join("repo/sub")).unwrap()),
            "sub"
        );
        assert_eq!(tree.display(&tree.locate(root.join("repo")).unwrap()), ".");
        std::fs::create_dir_all(root.join("beside/x")).unwrap();
        assert_eq!(
            tree.display(&tree.locate(root.join("beside/x")).unwrap()),
            "../beside/x"
        );
        assert_eq!(tree.display(&tree.locate("/").unwrap()), "/");
    }
}
