//! Files of a kustomization that lie in no repository: values of a Vault, for its generators to read.

use std::{collections::BTreeMap, sync::Arc};

use trueup_manifest::{Diagnostic, Entry, Tree, TreeError, TreePath};

use super::{Asked, Hidden, asked::VaultPath};
use crate::config::FileFrom;

/// What stands for a secret where no Vault is asked.
pub(super) const STAND_IN: &str = "REDACTED";

/// Files for a kustomization.
#[derive(Default)]
pub(super) struct Supplied {
    /// Their texts.
    pub(super) files: BTreeMap<TreePath, Arc<[u8]>>,
    /// The secrets among them.
    pub(super) hidden: Hidden,
    /// What there is to say.
    pub(super) warnings: Vec<Diagnostic>,
    /// Why some cannot be had for now.
    pub(super) unavailable: Vec<Diagnostic>,
}

/// Gathers the files. An error where one is wrong; none yet where the questions are still open.
pub(super) fn gather(
    tree: &dyn Tree,
    wanted: &[FileFrom],
    asked: &Asked,
) -> Result<Option<Supplied>, Diagnostic> {
    let mut supplied = Supplied::default();
    let mut known = true;
    for from in wanted {
        if tree.entry(&from.file).map_err(Diagnostic::from)?.is_some() {
            let message = format!(
                "`{}` is in the repository already",
                tree.display(&from.file)
            );
            return Err(Diagnostic::error("vault/values-from", message)
                .at(from.file.location.clone())
                .help(
                    "a value of a Vault becomes a file that is nowhere else: give it another name",
                ));
        }
        known &= supplied.take(from, asked);
    }
    Ok(known.then_some(supplied))
}

impl Supplied {
    /// Whether the answer is known.
    fn take(&mut self, from: &FileFrom, asked: &Asked) -> bool {
        let shown = format!(
            "`{}` of the Vault of phase `{}`",
            from.path.value,
            from.vault.phase()
        );
        let key = from.key.as_ref().map(|key| key.value.as_str());
        if !asked.is_online() {
            let message = format!("{shown} is not read, as no Vault is asked");
            let help = if key.is_some() {
                format!("`{STAND_IN}` stands for it")
            } else {
                "its file is left empty".to_owned()
            };
            self.warnings.push(
                Diagnostic::warning("vault/values-from", message)
                    .at(from.path.location.clone())
                    .help(help),
            );
            let text = key.map(|_| STAND_IN).unwrap_or_default();
            self.files
                .insert(from.file.value.clone(), text.as_bytes().into());
            return true;
        }
        let path = VaultPath {
            phase: from.vault.phase().to_owned(),
            path: from.path.value.clone(),
        };
        let Some(answer) = asked.value(path) else {
            return false;
        };
        for text in answer.texts() {
            self.hidden.add(&text);
        }
        let text = match key {
            Some(key) => answer.text(Some(key)),
            None => answer.lines(),
        };
        if let Some(text) = text {
            self.files
                .insert(from.file.value.clone(), text.as_bytes().into());
        } else {
            let why = answer.missing(&shown, key, false);
            self.unavailable
                .extend(why.map(|why| why.at(from.path.location.clone())));
        }
        true
    }
}

/// A tree with files over it.
pub(super) struct WithFiles<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) files: &'a BTreeMap<TreePath, Arc<[u8]>>,
}

impl Tree for WithFiles<'_> {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        match self.files.get(path) {
            Some(text) => Ok(Arc::clone(text)),
            None => self.tree.read(path),
        }
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        if self.files.contains_key(path) {
            return Ok(Some(Entry::File));
        }
        self.tree.entry(path)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        // What lists a folder takes its manifests: no value of a Vault is one.
        self.tree.list(path)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        if self.files.contains_key(path) {
            return Ok(path.clone());
        }
        self.tree.resolve(path)
    }

    fn content_id(&self, path: &TreePath) -> Option<String> {
        if self.files.contains_key(path) {
            return None;
        }
        self.tree.content_id(path)
    }

    fn display(&self, path: &TreePath) -> String {
        self.tree.display(path)
    }
}
