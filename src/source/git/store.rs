//! The object database of a repository as a tree of files.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use git2::{ErrorCode, ObjectType, Odb, Oid};
use trueup_manifest::{Entry, Tree, TreeError, TreeErrorKind, TreePath};

use super::gitmodules;
use crate::source::{
    content::{self, SUBMODULE},
    error::tame,
    snapshot::Submodule,
    walk::{Found, FoundNode, Maybe, Node, Store, walk},
};

/// The longest target of a symlink that is followed, as in Linux.
const LONGEST_LINK: usize = 4096;

/// The objects of one repository on disk. Trees hold on to it, so that the folder outlives its use.
pub(in crate::source) struct Objects {
    odb: Odb<'static>,
    /// The folder to remove once nobody reads from it any more.
    retired: Mutex<Option<PathBuf>>,
    damaged: AtomicBool,
}

impl Objects {
    /// Opens the object database of the repository whose folder of shared files is `common`
    /// (`.git`, or the bare repository itself).
    pub(in crate::source) fn open(common: &Path) -> Result<Self, git2::Error> {
        let odb = Odb::new()?;
        let objects = common.join("objects");
        let shown = objects
            .to_str()
            .ok_or_else(|| git2::Error::from_str("the path is not UTF-8"))?;
        odb.add_disk_alternate(shown)?;
        Ok(Self {
            odb,
            retired: Mutex::new(None),
            damaged: AtomicBool::new(false),
        })
    }

    /// Looks for packs that have come since it was opened.
    pub(in crate::source) fn refresh(&self) -> Result<(), git2::Error> {
        self.odb.refresh()
    }

    /// Removes `folder` when the last user of these objects is gone.
    pub(in crate::source) fn retire(&self, folder: PathBuf) {
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder);
    }

    /// Whether a read has found an object missing or broken.
    pub(in crate::source) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    fn read(&self, id: Oid, kind: ObjectType, shown: &str) -> Result<Vec<u8>, TreeError> {
        let (size, found) = self
            .odb
            .read_header(id)
            .map_err(|error| self.broken(&error, id, shown))?;
        if found != kind {
            return Err(self.damage(shown, &format!("object {id} is not a {kind}")));
        }
        content::check_size(size as u64, shown)?;
        let object = self
            .odb
            .read(id)
            .map_err(|error| self.broken(&error, id, shown))?;
        Ok(object.data().to_vec())
    }

    fn broken(&self, error: &git2::Error, id: Oid, shown: &str) -> TreeError {
        let reason = match error.code() {
            ErrorCode::NotFound => format!("object {id} is not in the local copy"),
            _ => format!("object {id} is broken: {}", tame(error.message())),
        };
        self.damage(shown, &reason)
    }

    fn damage(&self, shown: &str, reason: &str) -> TreeError {
        self.damaged.store(true, Ordering::Relaxed);
        TreeError::new(TreeErrorKind::Io, shown, reason)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let retired = self
            .retired
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(folder) = retired
            && let Err(error) = fs::remove_dir_all(&folder)
        {
            tracing::warn!(folder = %folder.display(), %error, "cannot remove an old local copy");
        }
    }
}

/// The files of one commit, or of one folder of it. Blobs are read when asked for; folders are
/// kept once read.
pub(in crate::source) struct ObjectTree {
    objects: Arc<Objects>,
    root: Oid,
    /// The folder of the repository that is the root, for shown paths.
    shown_below: TreePath,
    folders: Mutex<HashMap<Oid, Arc<Folder>>>,
}

type Folder = HashMap<String, Named>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Dir,
    File,
    Link,
    Submodule,
}

#[derive(Clone, Copy)]
struct Named {
    mode: Mode,
    id: Oid,
}

impl ObjectTree {
    /// The files of the Git tree `id`.
    pub(in crate::source) fn new(objects: Arc<Objects>, id: Oid) -> Self {
        Self {
            objects,
            root: id,
            shown_below: TreePath::root(),
            folders: Mutex::default(),
        }
    }

    /// The same, with the folder `path` as the root.
    pub(in crate::source) fn below(self, path: &TreePath) -> Result<Self, TreeError> {
        if path.is_root() {
            return Ok(self);
        }
        match self.find(path)? {
            Some(Found {
                path: real,
                node: FoundNode::Dir(root),
                ..
            }) => Ok(Self {
                root,
                shown_below: real,
                ..self
            }),
            Some(Found {
                node: FoundNode::File(_),
                ..
            }) => Err(TreeError::new(
                TreeErrorKind::NotDir,
                path.as_str(),
                "it is a file, not a folder",
            )),
            None => Err(TreeError::new(
                TreeErrorKind::NotFound,
                path.as_str(),
                "there is no such folder at this revision",
            )),
        }
    }

    /// The submodules of the tree: what `.gitmodules` names and the tree has a commit for.
    pub(in crate::source) fn submodules(&self) -> Vec<Submodule> {
        let named = TreePath::new(".gitmodules").and_then(|path| self.read_text(&path));
        let Ok(text) = named else {
            return Vec::new();
        };
        let sections = gitmodules::parse(&text).into_iter();
        sections
            .filter_map(|(path, url)| {
                let path = TreePath::new(&path).ok()?;
                let folder = path.parent()?;
                let Some(Found {
                    node: FoundNode::Dir(folder),
                    ..
                }) = self.find(&folder).ok()?
                else {
                    return None;
                };
                let folder = self.folder(folder, &|| path.to_string()).ok()?;
                let named = folder.get(path.file_name())?;
                (named.mode == Mode::Submodule).then(|| Submodule {
                    commit: named.id.to_string(),
                    path,
                    url,
                })
            })
            .collect()
    }

    fn find(&self, path: &TreePath) -> Maybe<Found<Oid, Oid>> {
        walk(self, path, &|| self.display(path))
    }

    fn folder(&self, id: Oid, shown: &dyn Fn() -> String) -> Result<Arc<Folder>, TreeError> {
        let known = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = known().get(&id) {
            return Ok(Arc::clone(folder));
        }
        let data = self.objects.read(id, ObjectType::Tree, &shown())?;
        let Some(folder) = parse_tree(&data) else {
            return Err(self
                .objects
                .damage(&shown(), &format!("object {id} is not a proper tree")));
        };
        let folder = Arc::new(folder);
        known().insert(id, Arc::clone(&folder));
        Ok(folder)
    }

    fn missing(&self, path: &TreePath) -> TreeError {
        TreeError::new(
            TreeErrorKind::NotFound,
            &self.display(path),
            "no such file or folder",
        )
    }
}

/// The entries of a Git tree: mode, name, zero byte, 20 bytes of id, again and again. Names that
/// are not UTF-8 are passed over: no path can name them.
fn parse_tree(mut data: &[u8]) -> Option<Folder> {
    let mut folder = Folder::new();
    while !data.is_empty() {
        let space = data.iter().position(|byte| *byte == b' ')?;
        let end = data.iter().position(|byte| *byte == 0)?;
        let mode = data.get(..space)?;
        let name = data.get(space + 1..end)?;
        let id = Oid::from_bytes(data.get(end + 1..end + 21)?).ok()?;
        data = data.get(end + 21..)?;
        let mode = match mode {
            b"40000" => Mode::Dir,
            b"120000" => Mode::Link,
            b"160000" => Mode::Submodule,
            _ => Mode::File,
        };
        if let Ok(name) = str::from_utf8(name) {
            folder.insert(name.to_owned(), Named { mode, id });
        }
    }
    Some(folder)
}

impl Store for ObjectTree {
    type Dir = Oid;
    type File = Oid;

    fn root(&self) -> Oid {
        self.root
    }

    fn child(&self, dir: &Oid, name: &str, shown: &dyn Fn() -> String) -> Maybe<Node<Oid, Oid>> {
        let Some(named) = self.folder(*dir, shown)?.get(name).copied() else {
            return Ok(None);
        };
        Ok(Some(match named.mode {
            Mode::Dir => Node::Dir(named.id),
            Mode::File => Node::File(named.id),
            Mode::Submodule => Node::Opaque(SUBMODULE),
            Mode::Link => {
                let shown = shown();
                let target = self.objects.read(named.id, ObjectType::Blob, &shown)?;
                match String::from_utf8(target) {
                    Ok(target) if target.len() <= LONGEST_LINK => Node::Link(target),
                    _ => {
                        return Err(TreeError::new(
                            TreeErrorKind::Io,
                            &shown,
                            "a symlink is not UTF-8 or far too long",
                        ));
                    }
                }
            }
        }))
    }
}

impl Tree for ObjectTree {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let shown = self.display(path);
        match self.find(path)? {
            None => Err(self.missing(path)),
            Some(Found {
                node: FoundNode::Dir(_),
                ..
            }) => Err(TreeError::new(
                TreeErrorKind::IsDir,
                &shown,
                "it is a folder",
            )),
            Some(Found {
                node: FoundNode::File(id),
                ..
            }) => {
                let bytes = self.objects.read(id, ObjectType::Blob, &shown)?;
                content::check_content(&bytes, &shown)?;
                Ok(Arc::from(bytes))
            }
        }
    }

    fn content_id(&self, path: &TreePath) -> Option<String> {
        match self.find(path).ok()??.node {
            FoundNode::File(id) => Some(id.to_string()),
            FoundNode::Dir(_) => None,
        }
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        Ok(self.find(path)?.map(|found| match found.node {
            FoundNode::Dir(_) => Entry::Dir,
            FoundNode::File(_) => Entry::File,
        }))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        let shown = || self.display(path);
        let (real, dir) = match self.find(path)? {
            None => return Err(self.missing(path)),
            Some(Found {
                node: FoundNode::File(_),
                ..
            }) => {
                return Err(TreeError::new(
                    TreeErrorKind::NotDir,
                    &shown(),
                    "it is a file, not a folder",
                ));
            }
            Some(Found {
                path: real,
                node: FoundNode::Dir(dir),
                ..
            }) => (real, dir),
        };
        let mut names = Vec::new();
        for (name, named) in self.folder(dir, &shown)?.iter() {
            if name.eq_ignore_ascii_case(".git") {
                continue;
            }
            let kind = match named.mode {
                Mode::Dir | Mode::Submodule => Entry::Dir,
                Mode::File => Entry::File,
                // One that dangles or leaves the tree is an error when read, not when listed.
                Mode::Link => match self.entry(&real.join(name)?) {
                    Ok(Some(entry)) => entry,
                    Ok(None) | Err(_) => Entry::File,
                },
            };
            names.push((name.clone(), kind));
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

    fn display(&self, path: &TreePath) -> String {
        match (self.shown_below.is_root(), path.is_root()) {
            (true, _) => path.to_string(),
            (false, true) => self.shown_below.to_string(),
            (false, false) => format!("{}/{path}", self.shown_below),
        }
    }
}
