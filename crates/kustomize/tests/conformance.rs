//! Upstream's own cases: byte for byte where they build, refused where they are refused.
//!
//! Each case is built twice, in the order of the upstream test and in that of the command line. Cases
//! that cannot apply are listed with the reason in `conformance.skip`; any other failure fails the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by failing"
)]

mod corpus;

use std::{collections::BTreeMap, fs, path::Path};

use trueup_kustomize::{LoadRestrictor, Options, Reorder, build};
use trueup_manifest::TreePath;

/// Where the files of a case with absolute paths are said to lie.
const ROOT: &str = "/case";

struct Case {
    name: String,
    folder: std::path::PathBuf,
    json: serde_json::Value,
}

impl Case {
    fn load(family: &str, folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("case.json")).ok()?;
        let json = serde_json::from_str(&text).unwrap();
        let name = format!("{family}/{}", folder.file_name().unwrap().to_str().unwrap());
        Some(Self {
            name,
            folder: folder.to_owned(),
            json,
        })
    }

    fn text(&self, field: &str) -> &str {
        self.json
            .get(field)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    }

    fn list(&self, field: &str) -> Vec<&str> {
        let items = self.json.get(field).and_then(serde_json::Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .collect()
    }

    fn is_set(&self, field: &str) -> bool {
        self.json.get(field).is_some()
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    /// What the case gives in one order, or its findings.
    fn build(&self, reorder: Reorder) -> Result<String, String> {
        let root = self.is_set("rootPlaceholder").then_some(ROOT);
        let mut tree = corpus::load(&self.folder.join("in"), root);
        for dir in self.list("emptyDirs") {
            tree.add_dir(dir).unwrap();
        }
        let flags = self.list("flags").join(" ");
        let options = Options {
            reorder,
            load_restrictor: if flags.contains("LoadRestrictionsNone") {
                LoadRestrictor::None
            } else {
                LoadRestrictor::RootOnly
            },
            managed_by_label: flags.contains("--enable-managedby-label"),
            tree_root: root,
            ..Options::default()
        };
        let dir = TreePath::new(self.text("target").trim_start_matches('/')).unwrap();
        match build(&tree, &dir, &options) {
            Ok(built) => Ok(self.settled(&built.to_yaml())),
            Err(findings) => Err(findings.to_string()),
        }
    }

    /// A text without what differs from build to build of kustomize itself.
    fn settled(&self, text: &str) -> String {
        const MARK: &str = "app.kubernetes.io/managed-by: kustomize-";
        if !self.is_set("volatile") {
            return text.to_owned();
        }
        text.lines()
            .map(|line| match line.split_once(MARK) {
                Some((before, _)) => format!("{before}{MARK}X\n"),
                None => format!("{line}\n"),
            })
            .collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.text("kind") == "error" {
            if self.build(Reorder::Legacy).is_err() {
                return Ok(());
            }
            let expected = self.file("expected-error.txt").unwrap_or_default();
            let expected: String = expected.chars().take(200).collect();
            return Err(format!("builds, but upstream says: {}", expected.trim()));
        }
        let expected = self.file("expected.yaml").unwrap();
        let on_command_line = self.file("expected.cli-order.yaml");
        let in_test = match self.text("reorder") {
            "none" => Reorder::None,
            _ => Reorder::Legacy,
        };
        let orders = [
            (in_test, expected.clone()),
            (Reorder::Legacy, on_command_line.unwrap_or(expected)),
        ];
        for (reorder, expected) in orders {
            let expected = self.settled(&expected.replace("{ROOT}", ROOT));
            let found = self.build(reorder)?;
            if found != expected {
                let difference = corpus::first_difference(&expected, &found);
                return Err(format!("{reorder:?} order: {difference}"));
            }
        }
        Ok(())
    }
}

/// Names and reasons in `conformance.skip`.
fn skipped() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance.skip");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(": ").expect("`name: reason`"))
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

#[test]
fn every_case_of_upstream_builds_alike_or_is_refused_alike() {
    let Some(corpus) = corpus::find() else { return };
    let skipped = skipped();
    let only = std::env::var("CASE").unwrap_or_default();
    let (mut passed, mut failed, mut listed) = (0, Vec::new(), 0);
    for family in ["cases", "plugins", "examples"] {
        let folder = corpus.join("kustomize").join(family);
        let mut folders: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.sort();
        for case in folders
            .iter()
            .filter_map(|folder| Case::load(family, folder))
        {
            if !case.name.contains(&only) {
                continue;
            }
            if let Some(reason) = skipped.get(&case.name) {
                println!("listed {}: {reason}", case.name);
                listed += 1;
                continue;
            }
            match case.check() {
                Ok(()) => {
                    println!("passed {}", case.name);
                    passed += 1;
                }
                Err(why) => {
                    println!("FAILED {}: {why}", case.name);
                    failed.push(case.name);
                }
            }
        }
    }
    println!(
        "\n{passed} passed, {} failed, {listed} listed",
        failed.len()
    );
    assert!(failed.is_empty(), "{} cases fail: {failed:?}", failed.len());
}
