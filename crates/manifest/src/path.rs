//! Paths inside a file tree that cannot leave it.

use std::{borrow::Borrow, fmt};

use crate::tree::{TreeError, TreeErrorKind};

/// A normalised path relative to the root of a [`crate::Tree`]: `/`-separated, without `.`, `..`,
/// empty parts or a leading slash. The empty path is the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreePath(String);

impl TreePath {
    /// The root of the tree.
    pub fn root() -> Self {
        Self::default()
    }

    /// Normalises `text` against the root. An absolute path or one that climbs above the root is
    /// refused with [`TreeErrorKind::Escape`].
    pub fn new(text: &str) -> Result<Self, TreeError> {
        Self::root().join(text)
    }

    /// This path followed by `relative` (which may hold `.` and `..`), refused as in [`Self::new`].
    pub fn join(&self, relative: &str) -> Result<Self, TreeError> {
        if relative.starts_with('/') {
            return Err(TreeError::new(
                TreeErrorKind::Escape,
                relative,
                "the path is absolute",
            ));
        }
        if relative.contains('\0') {
            return Err(TreeError::new(
                TreeErrorKind::Escape,
                &relative.replace('\0', "\\0"),
                "the path holds a NUL character",
            ));
        }
        if is_normal(relative) {
            let mut path = String::with_capacity(self.0.len() + 1 + relative.len());
            path.push_str(&self.0);
            if !self.is_root() {
                path.push('/');
            }
            path.push_str(relative);
            return Ok(Self(path));
        }
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return Err(TreeError::new(
                            TreeErrorKind::Escape,
                            relative,
                            "the path leaves the tree",
                        ));
                    }
                }
                part => parts.push(part),
            }
        }
        Ok(Self(parts.join("/")))
    }

    /// The path as text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder that holds this path; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(
            self.0
                .rsplit_once('/')
                .map_or(String::new(), |(parent, _)| parent.to_owned()),
        ))
    }

    /// The last part of the path; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether this path is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.is_root()
            || self.0 == folder.0
            || self
                .0
                .strip_prefix(&folder.0)
                .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The parts of the path, outermost first.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// How to write this path relative to `folder`, with `..` where it lies beside or above it.
    pub fn relative_to(&self, folder: &Self) -> String {
        let here: Vec<&str> = self.parts().collect();
        let there: Vec<&str> = folder.parts().collect();
        let shared = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
        let mut parts = vec![".."; there.len() - shared];
        parts.extend(here.iter().skip(shared));
        if parts.is_empty() {
            ".".to_owned()
        } else {
            parts.join("/")
        }
    }
}

/// Whether a path is made of names alone: nothing to normalise.
fn is_normal(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normalised_and_cannot_leave_the_tree() {
        for (from, relative, expected) in [
            ("", "a/b", Some("a/b")),
            ("a/b", "../c", Some("a/c")),
            ("a/b", "./c/./d//e/", Some("a/b/c/d/e")),
            ("a", "..", Some("")),
            ("a", "../..", None),
            ("", "..", None),
            ("a", "/etc/passwd", None),
            ("a", "b\0c", None),
            ("", "a/b", Some("a/b")),
            ("a", "", Some("a")),
            ("a", "b/..c/.d", Some("a/b/..c/.d")),
        ] {
            let path = TreePath::new(from).unwrap().join(relative);
            assert_eq!(
                path.as_ref().ok().map(TreePath::as_str),
                expected,
                "{from} + {relative}"
            );
        }
    }

    #[test]
    fn a_relative_path_leads_back_to_where_it_came_from() {
        for (path, folder, expected) in [
            ("a/b/c", "a/d", "../b/c"),
            ("a", "a", "."),
            ("a", "a/b", ".."),
            ("a/b", "", "a/b"),
        ] {
            let path = TreePath::new(path).unwrap();
            let folder = TreePath::new(folder).unwrap();
            assert_eq!(path.relative_to(&folder), expected);
            assert_eq!(folder.join(expected).unwrap(), path);
        }
    }

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_inside() {
        let folder = TreePath::new("a/b").unwrap();
        for (path, inside) in [
            ("a/b", true),
            ("a/b/c", true),
            ("a/bc", false),
            ("a", false),
        ] {
            assert_eq!(
                TreePath::new(path).unwrap().is_within(&folder),
                inside,
                "{path}"
            );
        }
    }
}
