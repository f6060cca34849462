//! Rules of upstream that a difference once taught us: each file in `rules/` is a tree and what the real
//! kustomize says of it. `$UPDATE_RULES` with the path of that kustomize writes the answers anew.
//!
//! A file begins with what it shows, goes on with `-- PATH --` before each file of the tree, and ends
//! with `== DIR ==`, the folder that is built, and what is printed; `refused` where nothing is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test says what is wrong by failing"
)]

use std::{fs, path::Path, process::Command};

use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};

struct Rule {
    files: Vec<(String, String)>,
    target: String,
    expected: String,
}

impl Rule {
    fn parse(text: &str) -> Self {
        let mut files: Vec<(String, String)> = Vec::new();
        let mut target = None;
        let mut expected = String::new();
        for line in text.split_inclusive('\n') {
            let marked = |mark: &str| {
                let inner = line.strip_prefix(mark)?.strip_prefix(' ')?;
                Some(inner.trim_end().strip_suffix(mark)?.trim_end().to_owned())
            };
            if target.is_some() {
                expected.push_str(line);
            } else if let Some(path) = marked("--") {
                files.push((path, String::new()));
            } else if let Some(dir) = marked("==") {
                target = Some(dir);
            } else if let Some((_, text)) = files.last_mut() {
                text.push_str(line);
            }
        }
        Self {
            files: files
                .into_iter()
                .map(|(path, text)| (path, text.replace("<CR>", "\r").replace("<TAB>", "\t")))
                .collect(),
            target: target.unwrap(),
            expected,
        }
    }

    fn found(&self) -> Result<String, String> {
        let mut tree = MemoryTree::new();
        for (path, text) in &self.files {
            tree.add(path, text).unwrap();
        }
        let target = TreePath::new(&self.target).unwrap();
        match build(&tree, &target, &Options::default()) {
            Ok(built) => Ok(built.to_yaml()),
            Err(findings) => Err(findings.to_string()),
        }
    }

    fn ask(&self, kustomize: &std::ffi::OsStr) -> String {
        let scratch = tempfile::tempdir().unwrap();
        for (path, text) in &self.files {
            let path = scratch.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let target = scratch.path().join(&self.target);
        let answer = Command::new(kustomize).arg("build").arg(target).output();
        let answer = answer.unwrap();
        if answer.status.success() {
            String::from_utf8(answer.stdout).unwrap()
        } else {
            "refused\n".to_owned()
        }
    }
}

#[test]
fn each_rule_of_upstream_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut wrong = String::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        let rule = Rule::parse(&text);
        if let Some(kustomize) = std::env::var_os("UPDATE_RULES") {
            let end = text.find("\n== ").unwrap() + 1;
            let head = &text[..text[end..].find('\n').map_or(text.len(), |at| end + at + 1)];
            fs::write(path, format!("{head}{}", rule.ask(&kustomize))).unwrap();
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        match rule.found() {
            Ok(found) if found == rule.expected => {}
            Ok(found) => {
                let diff = similar::TextDiff::from_lines(rule.expected.as_str(), &found);
                wrong += &format!("{name}:\n{}\n", diff.unified_diff());
            }
            Err(_) if rule.expected == "refused\n" => {}
            Err(findings) => wrong += &format!("{name} is refused: {findings}\n"),
        }
    }
    println!("{} rules", paths.len());
    assert!(wrong.is_empty(), "{wrong}");
}
