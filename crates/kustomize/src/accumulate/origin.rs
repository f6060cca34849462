//! The annotations that say where an object came from and what changed it.

use std::sync::Arc;

use trueup_yaml::{Document, emit};

use crate::load::RepoSpec;

/// Where something came from, as upstream notes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OriginNote {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    /// `apiVersion`, `kind`, `name` and `namespace` of what made it.
    pub(crate) configured_by: [String; 4],
}

impl OriginNote {
    /// The note of what a path leads to from here.
    pub(crate) fn append(&self, path: &str) -> Self {
        let mut note = self.clone();
        match RepoSpec::parse(path) {
            Some(repo) => {
                note.repo = repo.clone_url();
                repo.reference().clone_into(&mut note.reference);
                // Upstream cuts the directory of the clone off; where it is all there is, it stays.
                let dir = if repo.dir().is_empty() {
                    "notCloned"
                } else {
                    repo.dir()
                };
                note.path = clean(dir);
            }
            None if note.path.is_empty() => note.path = clean(path),
            None => note.path = clean(&format!("{}/{path}", note.path)),
        }
        note
    }

    /// The note of what a builtin of this kustomization makes or changes.
    pub(crate) fn builtin(&self, file: &str, kind: &str) -> Self {
        Self {
            configured_by: [
                "builtin".to_owned(),
                kind.to_owned(),
                String::new(),
                String::new(),
            ],
            ..self.configured(self.append(file).path)
        }
    }

    /// The same repository, configured in a file.
    pub(crate) fn configured(&self, file: String) -> Self {
        Self {
            repo: self.repo.clone(),
            reference: self.reference.clone(),
            configured_in: file,
            ..Self::default()
        }
    }

    fn write(&self, doc: &mut Document, map: trueup_yaml::NodeId) {
        let mut set = |map, key: &str, value: &str| {
            if !value.is_empty() {
                let value = doc.new_str(value);
                doc.set(map, key, value);
            }
        };
        set(map, "path", &self.path);
        set(map, "repo", &self.repo);
        set(map, "ref", &self.reference);
        set(map, "configuredIn", &self.configured_in);
        if self.configured_by.iter().all(String::is_empty) {
            return;
        }
        let by = doc.new_mapping();
        doc.set(map, "configuredBy", by);
        for (key, value) in ["apiVersion", "kind", "name", "namespace"]
            .iter()
            .zip(&self.configured_by)
        {
            if !value.is_empty() {
                let value = doc.new_str(value);
                doc.set(by, key, value);
            }
        }
    }

    /// The text of the annotation.
    pub(crate) fn to_yaml(&self) -> String {
        let mut doc = Document::empty_mapping();
        let root = doc.root();
        self.write(&mut doc, root);
        let mut out = String::new();
        emit::kyaml(&doc, root, &mut out);
        out
    }

    /// The text of the annotation that lists several.
    pub(crate) fn list_to_yaml(notes: &[Arc<Self>]) -> String {
        let mut doc = Document::empty_sequence();
        let root = doc.root();
        for note in notes {
            let map = doc.new_mapping();
            note.write(&mut doc, map);
            doc.push(root, map);
        }
        let mut out = String::new();
        emit::kyaml(&doc, root, &mut out);
        out
    }
}

/// `filepath.Clean` on a relative path.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_follows_the_path_that_was_taken() {
        let start = OriginNote::default();
        let base = start.append("../base");
        assert_eq!(base.path, "../base");
        assert_eq!(
            base.append("./x/../deploy.yaml").path,
            "../base/deploy.yaml"
        );
        let remote = base.append("https://github.com/o/r//a/b?ref=v1");
        assert_eq!(
            (remote.repo.as_str(), remote.path.as_str()),
            ("https://github.com/o/r", "a/b")
        );
        assert_eq!(
            remote.to_yaml(),
            "path: a/b\nrepo: https://github.com/o/r\nref: v1\n"
        );
        assert_eq!(
            start
                .builtin("kustomization.yaml", "PatchTransformer")
                .to_yaml(),
            "configuredIn: kustomization.yaml\nconfiguredBy:\n  apiVersion: builtin\n  kind: PatchTransformer\n"
        );
    }
}
