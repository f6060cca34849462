//! The conformance corpus: where it is, and its cases.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use trueup_helm::{Capabilities, Chart, Overlay, Print, Request, Values};
use trueup_manifest::{DiskTree, TreePath};

/// The corpus's folder for Helm; none with a loud line where there is no corpus.
pub(crate) fn root() -> Option<PathBuf> {
    let given = env::var_os("TRUEUP_CONFORMANCE").map(PathBuf::from);
    let beside = || {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join("shared/conformance"))
            .find(|folder| folder.is_dir())
    };
    let found = given.or_else(beside).map(|root| root.join("helm"));
    let found = found.filter(|root| root.is_dir());
    if found.is_none() {
        eprintln!("!!! NOT TESTED: the conformance corpus is absent; set TRUEUP_CONFORMANCE");
    }
    found
}

/// One chart with one set of values and flags.
pub(crate) struct Case {
    /// `vault/default`.
    pub(crate) name: String,
    folder: PathBuf,
    json: serde_json::Value,
}

impl Case {
    /// All cases of the corpus, by name.
    pub(crate) fn all(root: &Path) -> Vec<Self> {
        let mut cases = Vec::new();
        for chart in sorted(&root.join("cases")) {
            for folder in sorted(&chart) {
                let json = fs::read_to_string(folder.join("case.json")).unwrap();
                let part = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
                cases.push(Self {
                    name: format!("{}/{}", part(&chart), part(&folder)),
                    json: serde_json::from_str(&json).unwrap(),
                    folder,
                });
            }
        }
        cases
    }

    /// The id of the chart.
    pub(crate) fn chart(&self) -> &str {
        self.name.split('/').next().unwrap()
    }

    fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_default()
    }

    fn list(&self, key: &str) -> Vec<&str> {
        let items = self.json[key].as_array();
        items
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str())
            .collect()
    }

    /// What Helm prints for it, or its error without `Error: `.
    pub(crate) fn expected(&self) -> Result<String, String> {
        if self.json["expectError"].as_bool() == Some(true) {
            let text = fs::read_to_string(self.folder.join("expected-error.txt")).unwrap();
            return Err(text.trim_start_matches("Error: ").trim_end().to_owned());
        }
        Ok(fs::read_to_string(self.folder.join("expected.yaml")).unwrap())
    }

    /// What we print for it, or our error in Helm's words.
    pub(crate) fn actual(&self, root: &Path) -> Result<String, String> {
        let render = || -> Result<String, trueup_helm::Error> {
            let tree = DiskTree::new(root).unwrap();
            let folder = TreePath::new(&format!("charts/{}", self.chart())).unwrap();
            let chart: Chart = trueup_helm::chart::load_dir(&tree, &folder)?;
            let values = fs::read(self.folder.join("values.yaml")).unwrap();
            let overlay = Overlay {
                files: vec![Values::parse("values.yaml", &values)?],
                ..Overlay::default()
            };
            let mut capabilities = Capabilities::default();
            if !self.text("kubeVersion").is_empty() {
                capabilities = capabilities.with_kube_version(self.text("kubeVersion"))?;
            }
            let capabilities = capabilities.with_api_versions(self.list("apiVersions"));
            let mut request = Request::new(
                &chart,
                self.text("release"),
                self.text("namespace"),
                &overlay,
                &capabilities,
            );
            let flags = self.list("flags");
            request.release.is_upgrade = flags.contains(&"--is-upgrade");
            let release = request.render(&mut |path| Err(format!("no file `{path}`")))?;
            Ok(release.print(Print {
                crds: flags.contains(&"--include-crds"),
                no_hooks: flags.contains(&"--no-hooks"),
                skip_tests: false,
            }))
        };
        render().map_err(|error| {
            let hint = if error.is_in_render() {
                "\n\nUse --debug flag to render out invalid YAML"
            } else {
                ""
            };
            format!("{}{hint}", error.text().trim_end())
        })
    }

    /// Why the case fails, if it does.
    pub(crate) fn failure(&self, root: &Path) -> Option<String> {
        match (self.expected(), self.actual(root)) {
            (Ok(expected), Ok(actual)) => self.difference(&expected, &actual),
            (Err(expected), Err(actual)) => {
                let settled = |text: &str| {
                    let mut lines: Vec<&str> = text.lines().collect();
                    if self.json["errorNondeterministic"].as_bool() == Some(true) {
                        lines.sort_unstable();
                    }
                    lines.join("\n")
                };
                (settled(&expected) != settled(&actual))
                    .then(|| format!("says `{actual}`, not `{expected}`"))
            }
            (Ok(_), Err(actual)) => Some(format!("fails: {actual}")),
            (Err(expected), Ok(_)) => Some(format!("renders, but Helm says `{expected}`")),
        }
    }

    /// The first line that differs, those aside that differ from run to run of Helm itself.
    fn difference(&self, expected: &str, actual: &str) -> Option<String> {
        if expected == actual {
            return None;
        }
        let masked: Vec<u64> = self.json["maskLines"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_u64)
            .collect();
        let (wanted, got): (Vec<&str>, Vec<&str>) =
            (expected.split('\n').collect(), actual.split('\n').collect());
        for (index, (wanted, got)) in wanted.iter().zip(&got).enumerate() {
            let line = index as u64 + 1;
            if wanted != got && !masked.contains(&line) {
                return Some(format!("line {line} is {got:?}, not {wanted:?}"));
            }
        }
        (wanted.len() != got.len()).then(|| format!("{} lines, not {}", got.len(), wanted.len()))
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}
