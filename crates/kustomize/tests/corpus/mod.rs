//! Finding the conformance corpus and loading parts of it into memory.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

use std::path::{Path, PathBuf};

use trueup_manifest::MemoryTree;

/// The corpus: `$TRUEUP_CONFORMANCE`, or `shared/conformance` beside the repository or above it. Says
/// so loudly where it is not there.
pub fn find() -> Option<PathBuf> {
    let named = std::env::var_os("TRUEUP_CONFORMANCE").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/conformance"))
        .find(|folder| folder.is_dir());
    let found = named.or(above).filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("\n*** NO CONFORMANCE CORPUS: set TRUEUP_CONFORMANCE; nothing was checked ***\n");
    }
    found
}

/// All files below a folder, as a tree. `{ROOT}` in them stands for `root`.
pub fn load(folder: &Path, root: Option<&str>) -> MemoryTree {
    let mut tree = MemoryTree::new();
    add(&mut tree, folder, "", root);
    tree
}

fn add(tree: &mut MemoryTree, folder: &Path, prefix: &str, root: Option<&str>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let inside = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        if path.is_dir() {
            tree.add_dir(&inside).unwrap();
            add(tree, &path, &inside, root);
            continue;
        }
        let mut content = std::fs::read(&path).unwrap();
        if let (Some(root), Ok(text)) = (root, std::str::from_utf8(&content)) {
            content = text.replace("{ROOT}", root).into_bytes();
        }
        tree.add(&inside, content).unwrap();
    }
}

/// Where two texts part, for a message.
pub fn first_difference(expected: &str, found: &str) -> String {
    let mut expected_lines = expected.lines();
    let mut found_lines = found.lines();
    let mut line = 1;
    loop {
        match (expected_lines.next(), found_lines.next()) {
            (None, None) => return "no difference but in line breaks".to_owned(),
            (a, b) if a == b => line += 1,
            (a, b) => return format!("line {line}: expected {a:?}, found {b:?}"),
        }
    }
}
