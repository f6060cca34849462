//! The walk from a path to what it names, the same for every store of files: symlinks are followed
//! inside the tree and nowhere else.

use std::collections::VecDeque;

use trueup_manifest::{TreeError, TreeErrorKind, TreePath};

/// As Linux: more symlinks on one path than this are taken for a circle.
const MOST_SYMLINKS: usize = 40;

/// What a folder of a [`Store`] holds under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<D, F> {
    /// A folder.
    Dir(D),
    /// A file.
    File(F),
    /// A symlink and where it points.
    Link(String),
    /// Something that is there but has no content to read, and why.
    Opaque(&'static str),
}

/// What is found, if anything.
pub(super) type Maybe<T> = Result<Option<T>, TreeError>;

/// A store of folders, to be walked one name at a time. It never follows a symlink by itself.
pub(super) trait Store {
    /// A handle on a folder.
    type Dir: Clone;
    /// A handle on a file.
    type File;

    /// The folder where every walk begins.
    fn root(&self) -> Self::Dir;

    /// What `dir` holds under `name`; `shown` is the path for error messages.
    fn child(
        &self,
        dir: &Self::Dir,
        name: &str,
        shown: &dyn Fn() -> String,
    ) -> Maybe<Node<Self::Dir, Self::File>>;
}

/// Where a walk ended: the real path, and the file or folder there.
pub(super) struct Found<D, F> {
    pub(super) path: TreePath,
    pub(super) node: FoundNode<D, F>,
}

/// A file or a folder: what is left once symlinks are followed.
pub(super) enum FoundNode<D, F> {
    Dir(D),
    File(F),
}

/// Walks to `path`. `Ok(None)` where nothing is there, or a symlink on the way dangles.
pub(super) fn walk<S: Store>(
    store: &S,
    path: &TreePath,
    shown: &dyn Fn() -> String,
) -> Maybe<Found<S::Dir, S::File>> {
    let error = |kind, reason: &str| TreeError::new(kind, &shown(), reason);
    let mut todo: VecDeque<String> = path.parts().map(str::to_owned).collect();
    let mut dirs = vec![(String::new(), store.root())];
    let mut file: Option<(String, S::File)> = None;
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        match part.as_str() {
            "" | "." => continue,
            _ if file.is_some() => return Ok(None),
            ".." => {
                dirs.pop();
                if dirs.is_empty() {
                    return Err(error(
                        TreeErrorKind::Escape,
                        "a symlink leads out of the tree",
                    ));
                }
                continue;
            }
            _ if part.eq_ignore_ascii_case(".git") => {
                return Err(error(
                    TreeErrorKind::Escape,
                    "`.git` is not part of the files",
                ));
            }
            _ => {}
        }
        let Some((_, dir)) = dirs.last() else {
            return Ok(None);
        };
        match store.child(dir, &part, shown)? {
            None => return Ok(None),
            Some(Node::Dir(dir)) => dirs.push((part, dir)),
            Some(Node::File(found)) => file = Some((part, found)),
            Some(Node::Opaque(reason)) => return Err(error(TreeErrorKind::Io, reason)),
            Some(Node::Link(target)) => {
                links += 1;
                if links > MOST_SYMLINKS {
                    return Err(error(TreeErrorKind::Loop, "symlinks lead in a circle"));
                }
                if target.starts_with('/') {
                    return Err(error(
                        TreeErrorKind::Escape,
                        &format!("a symlink leads out of the tree, to `{target}`"),
                    ));
                }
                for part in target.split('/').rev() {
                    todo.push_front(part.to_owned());
                }
            }
        }
    }
    let names = dirs
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(file.as_ref().map(|(n, _)| n.as_str()));
    let real: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let path = TreePath::new(&real.join("/"))?;
    let node = match (file, dirs.pop()) {
        (Some((_, file)), _) => FoundNode::File(file),
        (None, Some((_, dir))) => FoundNode::Dir(dir),
        (None, None) => return Ok(None),
    };
    Ok(Some(Found { path, node }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Paths to nodes; folders are implied.
    struct Paths(BTreeMap<&'static str, Node<String, ()>>);

    impl Store for Paths {
        type Dir = String;
        type File = ();

        fn root(&self) -> String {
            String::new()
        }

        fn child(
            &self,
            dir: &String,
            name: &str,
            _: &dyn Fn() -> String,
        ) -> Result<Option<Node<String, ()>>, TreeError> {
            let path = if dir.is_empty() {
                name.to_owned()
            } else {
                format!("{dir}/{name}")
            };
            if let Some(node) = self.0.get(path.as_str()) {
                return Ok(Some(node.clone()));
            }
            let below = format!("{path}/");
            Ok(self
                .0
                .keys()
                .any(|key| key.starts_with(&below))
                .then_some(Node::Dir(path)))
        }
    }

    fn paths() -> Paths {
        let link = |target: &str| Node::Link(target.to_owned());
        Paths(BTreeMap::from([
            ("a/file", Node::File(())),
            ("a/b/deep", Node::File(())),
            ("to-file", link("a/file")),
            ("to-dir", link("a/b/")),
            ("a/b/up", link("../file")),
            ("a/b/top", link("../../to-dir/deep")),
            ("a/out", link("../../etc/passwd")),
            ("absolute", link("/etc/passwd")),
            ("self", link("self")),
            ("one", link("two")),
            ("two", link("one")),
            ("growing", link("growing/x")),
            ("dangling", link("nowhere")),
            ("to-git", link(".git/config")),
            (".git/config", Node::File(())),
            ("a/.GIT", Node::File(())),
            ("module", Node::Opaque("it is a submodule")),
            ("back", link("a/b/../../a/file")),
        ]))
    }

    #[test]
    fn a_walk_follows_symlinks_inside_the_tree_and_refuses_all_others() {
        use TreeErrorKind::{Escape, Io, Loop};
        for (path, expected) in [
            ("", Ok(Some(""))),
            ("a", Ok(Some("a"))),
            ("a/file", Ok(Some("a/file"))),
            ("a/file/x", Ok(None)),
            ("a/none", Ok(None)),
            ("to-file", Ok(Some("a/file"))),
            ("to-dir", Ok(Some("a/b"))),
            ("to-dir/deep", Ok(Some("a/b/deep"))),
            ("a/b/up", Ok(Some("a/file"))),
            ("a/b/top", Ok(Some("a/b/deep"))),
            ("to-dir/top", Ok(Some("a/b/deep"))),
            ("back", Ok(Some("a/file"))),
            ("dangling", Ok(None)),
            ("a/out", Err(Escape)),
            ("absolute", Err(Escape)),
            ("self", Err(Loop)),
            ("one", Err(Loop)),
            ("growing", Err(Loop)),
            ("to-git", Err(Escape)),
            (".git/config", Err(Escape)),
            ("a/.GIT", Err(Escape)),
            ("module", Err(Io)),
            ("module/x", Err(Io)),
        ] {
            let found = walk(&paths(), &TreePath::new(path).unwrap(), &|| path.to_owned());
            let found = found.map(|found| found.map(|found| found.path.to_string()));
            let expected =
                expected.map(|found| found.map(|found| TreePath::new(found).unwrap().to_string()));
            assert_eq!(found.map_err(|error| error.kind()), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_symlinks_say_a_walk_ends_and_stays_inside(
            links in proptest::collection::vec("(\\.\\./|\\./|[ab]/|/){0,4}[abc.]{1,2}", 3),
            path in "[abc](/[abc]){0,5}",
        ) {
            let names = ["a/a", "b", "c"];
            let mut map = paths().0;
            for (name, target) in names.into_iter().zip(links) {
                map.insert(name, Node::Link(target));
            }
            let path = TreePath::new(&path).unwrap();
            if let Ok(Some(found)) = walk(&Paths(map), &path, &String::new) {
                prop_assert!(!found.path.as_str().contains(".."));
                prop_assert!(!found.path.as_str().starts_with('/'));
            }
        }
    }
}
