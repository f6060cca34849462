//! A fetched repository whose submodules are fetched when something in them is read.

use std::sync::{Arc, OnceLock};

use trueup_manifest::{Entry, Tree, TreeError, TreeErrorKind, TreePath};

use super::{RemoteRepository, Remotes};
use crate::source::{
    snapshot::{Snapshot, Submodule},
    url::GitUrl,
};

/// The files of a repository and of its submodules.
pub(super) struct WithSubmodules {
    base: Arc<dyn Tree>,
    /// Where the files are from, for shown paths.
    shown: String,
    mounts: Vec<Mount>,
    remotes: Remotes,
}

struct Mount {
    path: TreePath,
    repository: RemoteRepository,
    tree: OnceLock<Result<Arc<dyn Tree>, TreeError>>,
}

/// A path, in the tree that holds it.
struct At<'a> {
    tree: &'a Arc<dyn Tree>,
    inside: TreePath,
    /// The submodule that the tree is.
    mount: Option<&'a TreePath>,
}

impl WithSubmodules {
    /// The files of `snapshot`, fetched from `url` as `repository` asks for it.
    pub(super) fn new(
        snapshot: &Snapshot,
        shown: String,
        url: &GitUrl,
        repository: &RemoteRepository,
        remotes: Remotes,
    ) -> Self {
        let wanted = snapshot.submodules().iter();
        let mounts = wanted
            .filter(|_| repository.submodules)
            .map(|submodule| Mount {
                path: submodule.path.clone(),
                repository: RemoteRepository {
                    url: address(url, &repository.url, submodule),
                    reference: submodule.commit.clone(),
                    ..repository.clone()
                },
                tree: OnceLock::new(),
            });
        Self {
            base: Arc::clone(snapshot.tree()),
            shown,
            mounts: mounts.collect(),
            remotes,
        }
    }

    /// Which tree holds `path`, and where.
    fn at(&self, path: &TreePath) -> Result<At<'_>, TreeError> {
        let found = self.mounts.iter().find(|mount| path.is_within(&mount.path));
        let Some(mount) = found else {
            return Ok(At {
                tree: &self.base,
                inside: path.clone(),
                mount: None,
            });
        };
        let fetched = mount.tree.get_or_init(|| {
            let fetched = self.remotes.repository(&mount.repository);
            fetched.map_err(|error| {
                let reason = format!("its submodule cannot be fetched: {error}");
                TreeError::new(TreeErrorKind::Io, &self.display(&mount.path), &reason)
            })
        });
        let tree = fetched.as_ref().map_err(Clone::clone)?;
        let inside = path
            .as_str()
            .strip_prefix(mount.path.as_str())
            .unwrap_or_default();
        let inside = TreePath::new(inside.trim_start_matches('/'))?;
        Ok(At {
            tree,
            inside,
            mount: Some(&mount.path),
        })
    }
}

/// The address of a submodule: its own, or relative to that of the repository that holds it, as
/// `git submodule` reads it.
fn address(url: &GitUrl, written: &str, submodule: &Submodule) -> String {
    let relative = submodule.url.starts_with("./") || submodule.url.starts_with("../");
    if !relative {
        return submodule.url.clone();
    }
    // The written form keeps what logs in.
    let whole = if written.contains("://") || !written.starts_with('/') {
        written.to_owned()
    } else {
        url.to_string()
    };
    let mut base = whole.trim_end_matches('/');
    let mut rest = submodule.url.as_str();
    let mut separator = '/';
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            rest = after;
            let cut = base.rfind(['/', ':']).unwrap_or(0);
            separator = match base.get(cut..=cut) {
                Some(":") => ':',
                _ => '/',
            };
            base = base.get(..cut).unwrap_or_default();
        } else {
            return format!("{base}{separator}{rest}");
        }
    }
}

impl Tree for WithSubmodules {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let At { tree, inside, .. } = self.at(path)?;
        tree.read(&inside)
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let At { tree, inside, .. } = self.at(path)?;
        tree.entry(&inside)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        let At { tree, inside, .. } = self.at(path)?;
        tree.list(&inside)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        let At {
            tree,
            inside,
            mount,
        } = self.at(path)?;
        let found = tree.resolve(&inside)?;
        match mount {
            Some(mount) => mount.join(found.as_str()),
            None => Ok(found),
        }
    }

    fn display(&self, path: &TreePath) -> String {
        if path.is_root() {
            self.shown.clone()
        } else {
            format!("{}/{path}", self.shown)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_submodule_may_be_relative_to_that_of_its_repository() {
        for (repository, submodule, expected) in [
            ("https://host/a/r", "../s.git", "https://host/a/s.git"),
            ("https://host/a/r/", "./s", "https://host/a/r/s"),
            ("git@host:org/r", "../../other/s", "git@host:other/s"),
            ("git@host:r", "../s", "git@host:s"),
            ("https://host/r", "https://else/s", "https://else/s"),
        ] {
            let submodule = Submodule {
                path: TreePath::root(),
                url: submodule.to_owned(),
                commit: String::new(),
            };
            let found = address(&repository.parse().unwrap(), repository, &submodule);
            assert_eq!(found, expected);
        }
    }
}
