//! `trueup check --fix`: deprecated fields of kustomization files become their successors.

use std::{collections::HashMap, path::Path, sync::Arc};

use similar::TextDiff;
use trueup_kustomize::{Item, LoadRestrictor, replacements_for_vars};
use trueup_manifest::{Diagnostic, DiskTree, Entry, Found, Tree, TreeError, TreePath};
use trueup_yaml::Source;

use crate::{
    cli::{
        console::{Console, count},
        exit::{Exit, Failure},
        whole_file,
    },
    pipeline::{Fetch, Remote},
    render::{BuildOptions, Inflator, build_kustomization},
};

const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// How deep folders are looked into.
const DEEPEST: usize = 64;

/// Rewrites the files below `root`, or shows how, and tells what is left for a person.
pub(super) fn run(root: &Path, dry_run: bool, console: &Console) -> Result<Exit, Failure> {
    let tree = DiskTree::new(root)?;
    let tree = match std::env::current_dir() {
        Ok(here) => tree.shown_from(here),
        Err(_) => tree,
    };
    let mut folders = Vec::new();
    gather(&tree, &TreePath::root(), 0, &mut folders)?;
    let mut left = Vec::new();
    let mut changes = Vec::new();
    for (folder, name) in &folders {
        let path = folder.join(name)?;
        let source = Source::new(tree.display(&path), tree.read_text(&path)?);
        let is_file = |written: &str| {
            let path = folder.join(written);
            path.is_ok_and(|path| matches!(tree.entry(&path), Ok(Some(Entry::File))))
        };
        let vars = if source.text().contains("vars") {
            replacements(&tree, folder)
        } else {
            Ok(Vec::new())
        };
        match trueup_kustomize::fix(&source, &is_file, &vars) {
            Ok(fixed) => {
                left.extend(fixed.left);
                let mut texts: Vec<String> = fixed.text.into_iter().collect();
                if vars.is_ok() {
                    // Where vars do what no replacement does, the rest may still be rewritten.
                    let by_hand = Err("as replacements they would build something else".to_owned());
                    let without = trueup_kustomize::fix(&source, &is_file, &by_hand)?;
                    texts.extend(without.text.filter(|text| Some(text) != texts.first()));
                }
                changes.push((path, texts));
            }
            // What cannot be read is left for a person, and the other files are not.
            Err(findings) => left.extend(findings),
        }
    }
    changes.retain(|(_, texts): &(TreePath, Vec<String>)| !texts.is_empty());
    let (kept, refused) = proven(&tree, &folders, changes);
    left.extend(refused);
    for (path, text) in &kept {
        if dry_run {
            let shown = tree.display(path);
            let before = tree.read_text(path)?;
            let diff = TextDiff::from_lines(&*before, text.as_str());
            let diff = diff.unified_diff().header(&shown, &shown).to_string();
            console.data(&diff)?;
        } else {
            let file = tree.root().join(path.as_str());
            whole_file::write(&file, text)?;
        }
    }
    console.findings(&left);
    let files = count(kept.len(), "kustomization file");
    let verb = if dry_run {
        "would be rewritten"
    } else {
        "rewritten"
    };
    console.message(&format!(
        "{files} {verb}; what they build is the same as before"
    ));
    let failed = left.iter().any(Diagnostic::is_error);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Every folder with a kustomization file. Hidden folders are not looked into.
fn gather(
    tree: &DiskTree,
    folder: &TreePath,
    depth: usize,
    found: &mut Vec<(TreePath, &'static str)>,
) -> Result<(), Failure> {
    if depth > DEEPEST {
        return Ok(());
    }
    for (name, entry) in tree.list(folder)? {
        let path = folder.join(&name)?;
        // A symlink leads to a folder that is found by its own path, or out of the repository.
        let own = tree.resolve(&path).is_ok_and(|real| real == path);
        match entry {
            Entry::Dir if own && !name.starts_with('.') => gather(tree, &path, depth + 1, found)?,
            Entry::File if own => {
                if let Some(name) = NAMES.iter().find(|known| **known == name) {
                    found.push((folder.clone(), name));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

type Change = (TreePath, String);

/// The `vars` of a kustomization as `replacements`.
fn replacements(tree: &DiskTree, folder: &TreePath) -> Result<Vec<Item>, String> {
    let remote = Remote::new(Fetch::Kept);
    let options = trueup_kustomize::Options {
        load_restrictor: LoadRestrictor::None,
        remote: Some(&remote),
        ..trueup_kustomize::Options::default()
    };
    replacements_for_vars(tree, folder, &options)
}

/// The changes after which every kustomization builds as before, and a finding for each other one.
fn proven(
    tree: &DiskTree,
    folders: &[(TreePath, &'static str)],
    changes: Vec<(TreePath, Vec<String>)>,
) -> (Vec<Change>, Vec<Diagnostic>) {
    let before = builds(tree, folders);
    let first = |(path, texts): &(TreePath, Vec<String>)| {
        let text = texts.first()?;
        Some((path.clone(), text.clone()))
    };
    let all: Vec<Change> = changes.iter().filter_map(first).collect();
    if builds(&Changed::new(tree, &all), folders) == before {
        return (all, Vec::new());
    }
    // Together they change something: one after the other tells which.
    let mut kept: Vec<Change> = Vec::new();
    let mut refused = Vec::new();
    for (path, texts) in changes {
        let shown = tree.display(&path);
        let fits = texts.into_iter().any(|text| {
            kept.push((path.clone(), text));
            let same = builds(&Changed::new(tree, &kept), folders) == before;
            if !same {
                kept.pop();
            }
            same
        });
        if !fits {
            let message =
                format!("`{shown}` is left as it is: rewritten, it would build something else");
            refused.push(Diagnostic::warning("kustomize/fix-by-hand", message).help(
                "its fields work at other steps than their successors; rewrite it by hand and \
                     compare with `trueup render`",
            ));
        }
    }
    (kept, refused)
}

/// What each kustomization builds; none where it does not build.
fn builds(tree: &dyn Tree, folders: &[(TreePath, &'static str)]) -> Vec<Option<String>> {
    let remote = Remote::new(Fetch::Kept);
    let inflator = Inflator::default();
    let options = BuildOptions {
        load_anywhere: true,
        charts: Some(&inflator),
        remote: Some(&remote),
        ..BuildOptions::default()
    };
    let build = |folder: &TreePath| {
        let (manifests, _) = build_kustomization(tree, folder, &options).ok()?;
        crate::render::to_yaml(&manifests).ok()
    };
    folders.iter().map(|(folder, _)| build(folder)).collect()
}

/// A tree with other texts in place of some of its files.
struct Changed<'a> {
    tree: &'a DiskTree,
    texts: HashMap<TreePath, Arc<[u8]>>,
}

impl<'a> Changed<'a> {
    fn new(tree: &'a DiskTree, changes: &[Change]) -> Self {
        let texts = changes
            .iter()
            .map(|(path, text)| (path.clone(), Arc::from(text.as_bytes())));
        Self {
            tree,
            texts: texts.collect(),
        }
    }
}

impl Tree for Changed<'_> {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        match self.texts.get(&self.tree.resolve(path)?) {
            Some(text) => Ok(Arc::clone(text)),
            None => self.tree.read(path),
        }
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        self.tree.entry(path)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        self.tree.list(path)
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        self.tree.resolve(path)
    }

    fn find(&self, path: &TreePath) -> Result<Option<Found>, TreeError> {
        self.tree.find(path)
    }

    fn display(&self, path: &TreePath) -> String {
        self.tree.display(path)
    }
}
