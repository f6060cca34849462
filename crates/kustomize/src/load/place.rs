//! Where a kustomization lies, and what it may read from there.

use std::sync::Arc;

use trueup_manifest::{Diagnostic, Entry, Found, Tree, TreeErrorKind, TreePath, nearest};
use trueup_yaml::{Location, Source};

use super::{
    FILE_NAMES,
    decode::At,
    remote::{RepoSpec, hidden},
};
use crate::{Context, LoadRestrictor};

/// The tree a place lies in: the one that is built, or one that was fetched.
#[derive(Clone)]
pub(crate) enum TreeRef<'a> {
    Local(&'a dyn Tree),
    Fetched(Arc<dyn Tree>),
}

impl TreeRef<'_> {
    fn tree(&self) -> &dyn Tree {
        match self {
            Self::Local(tree) => *tree,
            Self::Fetched(tree) => tree.as_ref(),
        }
    }
}

/// A directory with a kustomization, and how the build came there.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    tree: TreeRef<'a>,
    dir: TreePath,
    restrictor: LoadRestrictor,
    repo: Option<Arc<RepoSpec>>,
    from: Option<Arc<Self>>,
    depth: usize,
}

/// The names in a folder beside the kustomization's own, for one that is not there.
fn there_is(names: &[(String, Entry)]) -> Option<String> {
    const MOST: usize = 6;
    let others: Vec<&str> = names
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !FILE_NAMES.contains(name))
        .collect();
    let few = others.get(..others.len().min(MOST))?;
    let more = if others.len() > MOST { " and more" } else { "" };
    (!few.is_empty()).then(|| format!("the folder holds `{}`{more}", few.join("`, `")))
}

impl<'a> Place<'a> {
    /// The directory that is built.
    pub(crate) fn start(
        tree: &'a dyn Tree,
        dir: &TreePath,
        restrictor: LoadRestrictor,
    ) -> Result<Self, Diagnostic> {
        match tree.entry(dir) {
            Ok(Some(Entry::Dir)) => {}
            Ok(Some(Entry::File)) => {
                let message = format!("`{}` is a file", tree.display(dir));
                return Err(Diagnostic::error("kustomize/not-a-directory", message)
                    .help("name the directory that holds the kustomization file"));
            }
            Ok(None) => {
                let message = format!("`{}` does not exist", tree.display(dir));
                return Err(Diagnostic::error("kustomize/not-found", message));
            }
            Err(error) => return Err(error.into()),
        }
        let dir = tree.resolve(dir)?;
        Ok(Self {
            tree: TreeRef::Local(tree),
            dir,
            restrictor,
            repo: None,
            from: None,
            depth: 0,
        })
    }

    /// The tree that the directory lies in.
    pub(crate) fn tree(&self) -> &dyn Tree {
        self.tree.tree()
    }

    /// Whether the tree is one that was fetched.
    pub(crate) fn is_fetched(&self) -> bool {
        matches!(self.tree, TreeRef::Fetched(_))
    }

    /// How to show the directory to a person.
    pub(crate) fn show(&self) -> String {
        match &self.repo {
            Some(repo) => repo.shown(),
            None => self.tree().display(&self.dir),
        }
    }

    /// The last part of the directory's path.
    pub(crate) fn name(&self) -> &str {
        self.dir.file_name()
    }

    pub(crate) fn dir(&self) -> &TreePath {
        &self.dir
    }

    /// Whether a file of this name lies in the directory itself and may be read.
    pub(crate) fn holds_file(&self, name: &str) -> bool {
        self.dir.join(name).is_ok_and(|path| {
            matches!(self.tree().entry(&path), Ok(Some(Entry::File)))
                && (self.restrictor == LoadRestrictor::None
                    || self
                        .tree()
                        .resolve(&path)
                        .is_ok_and(|path| path.is_within(&self.dir)))
        })
    }

    /// What is at a path written in a kustomization and may be read in this tree; none for a URL and
    /// where nothing is there.
    pub(crate) fn find(&self, path: &str) -> Option<Found> {
        if is_url(path) {
            return None;
        }
        let path = self.dir.join(path).ok()?;
        self.tree().find(&path).ok().flatten()
    }

    /// The file that [`Self::find`] found, as a YAML source.
    pub(crate) fn read_found(
        &self,
        path: &str,
        found: &Found,
        written: Option<&Location>,
    ) -> Result<Source, Diagnostic> {
        let bytes = self
            .dir
            .join(path)
            .map_err(Diagnostic::from)
            .and_then(|path| self.read_allowed(&path, found))
            .map_err(|diagnostic| diagnostic.at(written.cloned()))?;
        self.source(path, &bytes, written)
    }

    /// What a path written in a kustomization means here; none where nothing is there.
    pub(crate) fn entry(&self, path: &str) -> Option<Entry> {
        let path = self.dir.join(path).ok()?;
        self.tree().entry(&path).ok().flatten()
    }

    /// A file as a YAML source.
    pub(crate) fn read_source(
        &self,
        context: &Context<'_>,
        path: &str,
        written: Option<&Location>,
    ) -> Result<Source, Diagnostic> {
        let bytes = self.read(context, path, written)?;
        self.source(path, &bytes, written)
    }

    fn source(
        &self,
        path: &str,
        bytes: &[u8],
        written: Option<&Location>,
    ) -> Result<Source, Diagnostic> {
        let name = self.show_file(path);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let message = format!("`{name}` is not UTF-8 text (byte {})", error.valid_up_to());
            Diagnostic::error("kustomize/not-text", message).at(written.cloned())
        })?;
        Ok(Source::new(name, text))
    }

    fn show_file(&self, path: &str) -> String {
        if is_url(path) {
            return hidden(path).into_owned();
        }
        match self.dir.join(path) {
            Ok(path) => self.tree().display(&path),
            Err(_) => path.to_owned(),
        }
    }

    /// The bytes of a file that a kustomization names at `written`.
    pub(crate) fn read(
        &self,
        context: &Context<'_>,
        path: &str,
        written: Option<&Location>,
    ) -> Result<Arc<[u8]>, Diagnostic> {
        self.read_file(context, path)
            .map_err(|diagnostic| diagnostic.at(written.cloned()))
    }

    fn read_file(&self, context: &Context<'_>, path: &str) -> Result<Arc<[u8]>, Diagnostic> {
        if is_url(path) {
            return context.remote_file(path);
        }
        let path = self.locate(context, path)?;
        match self.tree().find(&path) {
            Ok(Some(found)) if found.entry == Entry::Dir => {
                let message = format!(
                    "`{}` is a directory where a file is needed",
                    self.tree().display(&path)
                );
                Err(Diagnostic::error("kustomize/not-a-file", message))
            }
            Ok(Some(found)) => self.read_allowed(&path, &found),
            Ok(None) => Err(self.missing(&path)),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes of a file that was found, unless it lies where this kustomization may not read.
    fn read_allowed(&self, path: &TreePath, found: &Found) -> Result<Arc<[u8]>, Diagnostic> {
        if self.restrictor == LoadRestrictor::RootOnly && !found.path.is_within(&self.dir) {
            let message = format!(
                "`{}` is not in or below `{}`",
                self.tree().display(path),
                self.show()
            );
            return Err(Diagnostic::error("kustomize/outside-root", message).help(
                "move the file below the kustomization, reach it through a base, or build with \
                 `--load-restrictor LoadRestrictionsNone`",
            ));
        }
        Ok(self.tree().read(&found.path)?)
    }

    /// The path in the tree that a written path means.
    fn locate(&self, context: &Context<'_>, path: &str) -> Result<TreePath, Diagnostic> {
        if path.starts_with('/') {
            return context.inside_tree(path).ok_or_else(|| {
                let message = format!("`{path}` is an absolute path");
                Diagnostic::error("kustomize/absolute-path", message)
                    .help("write it relative to the kustomization file")
            });
        }
        self.dir.join(path).map_err(|error| {
            let diagnostic = Diagnostic::error("kustomize/outside-root", error.to_string());
            match error.kind() {
                TreeErrorKind::Escape => {
                    diagnostic.help("keep everything a kustomization names inside the repository")
                }
                _ => diagnostic,
            }
        })
    }

    /// Nothing there: says what comes close.
    pub(crate) fn missing(&self, path: &TreePath) -> Diagnostic {
        let message = format!("`{}` does not exist", self.tree().display(path));
        let diagnostic = Diagnostic::error("kustomize/not-found", message);
        let Some(folder) = path.parent() else {
            return diagnostic;
        };
        match self.tree().list(&folder) {
            Ok(names) => {
                match nearest(
                    path.file_name(),
                    names.iter().map(|(name, _)| name.as_str()),
                ) {
                    Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
                    None => match there_is(&names) {
                        Some(help) => diagnostic.help(help),
                        None => diagnostic,
                    },
                }
            }
            Err(_) => diagnostic.help(format!(
                "the directory `{}` does not exist either",
                self.tree().display(&folder)
            )),
        }
    }

    /// The directory of a base or component that this kustomization names.
    pub(crate) fn enter(
        self: &Arc<Self>,
        context: &Context<'a>,
        path: &At<String>,
    ) -> Result<Self, Diagnostic> {
        let place = self
            .enter_dir(context, path)
            .map_err(|diagnostic| diagnostic.at(path.place.clone()))?;
        if place.depth > context.limits().depth {
            let message = format!("bases are nested more than {} deep", context.limits().depth);
            return Err(Diagnostic::error("kustomize/too-deep", message).at(path.place.clone()));
        }
        Ok(place)
    }

    fn enter_dir(self: &Arc<Self>, context: &Context<'a>, path: &str) -> Result<Self, Diagnostic> {
        if path.is_empty() {
            return Err(
                Diagnostic::error("kustomize/empty-path", "the path is empty")
                    .help("name a file or directory, or remove the item"),
            );
        }
        if let Some(repo) = RepoSpec::parse(path) {
            return self.enter_repo(context, repo);
        }
        let ambiguous = path
            .split('/')
            .any(|part| part != ".." && part.contains(".."));
        if ambiguous {
            return Err(Diagnostic::error(
                "kustomize/ambiguous-path",
                format!("`{path}` is ambiguous"),
            )
            .help("a part of the path holds `..` and more; check the indentation of the list"));
        }
        if path.starts_with('/') {
            return Err(Diagnostic::error(
                "kustomize/absolute-path",
                format!("`{path}` is an absolute path"),
            )
            .help("write it relative to the kustomization file"));
        }
        let dir = self.locate(context, path)?;
        match self.tree().entry(&dir) {
            Ok(Some(Entry::Dir)) => {}
            Ok(Some(Entry::File)) => {
                let message = format!(
                    "`{}` is a file where a directory is needed",
                    self.tree().display(&dir)
                );
                return Err(
                    Diagnostic::error("kustomize/not-a-directory", message).help(
                        "name the folder of a kustomization; files of objects belong under `resources`",
                    ),
                );
            }
            Ok(None) => return Err(self.missing(&dir)),
            Err(error) => return Err(error.into()),
        }
        let dir = self.tree().resolve(&dir)?;
        self.refuse_cycle(&dir)?;
        Ok(Self {
            tree: self.tree.clone(),
            dir,
            restrictor: self.restrictor,
            repo: None,
            from: Some(Arc::clone(self)),
            depth: self.depth + 1,
        })
    }

    fn enter_repo(
        self: &Arc<Self>,
        context: &Context<'a>,
        repo: RepoSpec,
    ) -> Result<Self, Diagnostic> {
        let mut visited = Some(self);
        while let Some(place) = visited {
            if place
                .repo
                .as_ref()
                .is_some_and(|before| before.raw().starts_with(repo.raw()))
            {
                let message = format!("`{}` leads back to itself", repo.shown());
                return Err(Diagnostic::error("kustomize/cycle", message));
            }
            visited = place.from.as_ref();
        }
        let tree = context.remote_repository(&repo)?;
        let dir = TreePath::new(repo.dir()).map_err(|error| {
            let message = format!("`{}`: {error}", repo.shown());
            Diagnostic::error("kustomize/outside-root", message)
        })?;
        let entry = tree.entry(&dir)?;
        if entry != Some(Entry::Dir) {
            let what = match entry {
                None => "there is no directory",
                Some(_) => "there is a file, not a directory,",
            };
            let message = format!("{what} `{dir}` in `{}`", repo.shown());
            return Err(Diagnostic::error("kustomize/not-a-directory", message)
                .help("the directory follows the repository, after `//`"));
        }
        Ok(Self {
            dir: tree.resolve(&dir)?,
            tree: TreeRef::Fetched(tree),
            restrictor: LoadRestrictor::RootOnly,
            repo: Some(Arc::new(repo)),
            from: Some(Arc::clone(self)),
            depth: self.depth + 1,
        })
    }

    /// A base may not be a directory the build came through, nor one above it.
    fn refuse_cycle(&self, dir: &TreePath) -> Result<(), Diagnostic> {
        let mut visited = Some(self);
        while let Some(place) = visited {
            if place.dir.is_within(dir) {
                let tree = self.tree();
                let message = if place.dir == *dir {
                    format!("`{}` leads back to itself", tree.display(dir))
                } else {
                    format!(
                        "`{}` contains `{}`, which names it",
                        tree.display(dir),
                        tree.display(&place.dir)
                    )
                };
                return Err(Diagnostic::error("kustomize/cycle", message)
                    .help("a base must lie beside or below the kustomization that names it"));
            }
            visited = if place.repo.is_some() {
                None
            } else {
                place.from.as_deref()
            };
        }
        Ok(())
    }
}

/// Whether a path is fetched over HTTP.
pub(crate) fn is_url(path: &str) -> bool {
    let lower = path.get(..8).unwrap_or(path).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}
