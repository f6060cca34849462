//! Plain manifests: a file, or all files of a folder and those below it.

use trueup_manifest::{Diagnostic, Diagnostics, Entry, Manifest, Origin, Tree, TreePath, nearest};
use trueup_yaml::{Document, NodeId, Source};

use super::generated_name;
use crate::config::Spanned;

/// Folders in folders beyond this are taken for a mistake or an attack.
const DEEPEST: usize = 64;

/// Reads every manifest at a path, files in the order of their paths, documents as written.
pub(super) fn read(
    tree: &dyn Tree,
    path: &Spanned<TreePath>,
) -> Result<Vec<Manifest>, Diagnostics> {
    let mut files = Vec::new();
    match tree.entry(path).map_err(Diagnostic::from)? {
        Some(Entry::File) => files.push(path.value.clone()),
        Some(Entry::Dir) => collect(tree, path, 0, &mut files)?,
        None => return Err(absent(tree, path).into()),
    }
    let mut findings = Diagnostics::new();
    let mut manifests = Vec::new();
    for file in &files {
        manifests.extend(findings.keep(read_file(tree, file)).unwrap_or_default());
    }
    if manifests.is_empty() && !findings.has_errors() {
        findings.push(
            Diagnostic::error(
                "render/no-manifests",
                format!("`{}` holds no manifest", tree.display(path)),
            )
            .at(path.location.clone())
            .help("add `*.yaml`, `*.yml` or `*.json` files, or remove the phase"),
        );
    }
    findings.into_result(manifests)
}

/// The error for a path at which nothing is, with the name nearby that was most likely meant.
pub(super) fn absent(tree: &dyn Tree, path: &Spanned<TreePath>) -> Diagnostic {
    let folder = path.parent().unwrap_or_default();
    let beside = tree.list(&folder).unwrap_or_default();
    let names = beside.iter().map(|(name, _)| name.as_str());
    let help = match nearest(path.file_name(), names) {
        Some(meant) => {
            let meant = folder
                .join(meant)
                .map_or_else(|_| meant.to_owned(), |path| path.to_string());
            format!("did you mean `{meant}`?")
        }
        None => "paths begin at the root of the repository".to_owned(),
    };
    Diagnostic::error(
        "render/no-such-path",
        format!("`{}` does not exist", tree.display(path)),
    )
    .at(path.location.clone())
    .help(help)
}

fn collect(
    tree: &dyn Tree,
    folder: &TreePath,
    depth: usize,
    files: &mut Vec<TreePath>,
) -> Result<(), Diagnostic> {
    if depth > DEEPEST {
        let shown = tree.display(folder);
        return Err(Diagnostic::error(
            "render/too-deep",
            format!("`{shown}` lies more than {DEEPEST} folders deep"),
        )
        .help("a symlink may lead back to a folder above it"));
    }
    for (name, entry) in tree.list(folder)? {
        if name.starts_with('.') {
            continue;
        }
        let path = folder.join(&name)?;
        match entry {
            Entry::Dir => collect(tree, &path, depth + 1, files)?,
            Entry::File if is_manifest(&name) => files.push(path),
            Entry::File => {}
        }
    }
    Ok(())
}

fn is_manifest(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "yaml" | "yml" | "json")
}

fn read_file(tree: &dyn Tree, file: &TreePath) -> Result<Vec<Manifest>, Diagnostics> {
    let text = tree.read_text(file).map_err(Diagnostic::from)?;
    let source = Source::new(tree.display(file), text);
    let mut findings = Diagnostics::new();
    let mut manifests = Vec::new();
    for doc in Document::parse(&source)? {
        if doc.is_null(doc.root()) {
            continue;
        }
        for doc in objects(doc) {
            let origin = doc
                .location(doc.root())
                .map_or_else(Origin::default, Origin::at);
            manifests.extend(findings.keep(generated_name::manifest(doc, origin)));
        }
    }
    findings.into_result(manifests)
}

/// The objects of a document: of a `List` its items, otherwise itself.
fn objects(doc: Document) -> Vec<Document> {
    let root = doc.root();
    let text = |key| {
        doc.get(root, key)
            .and_then(|node: NodeId| doc.text(node))
            .unwrap_or_default()
    };
    if text("apiVersion") == "v1"
        && text("kind") == "List"
        && let Some(items) = doc.get(root, "items")
    {
        return doc.items(items).map(|item| doc.extract(item)).collect();
    }
    vec![doc]
}
