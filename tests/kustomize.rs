//! Random kustomizations with charts build as the real kustomize builds them with the real Helm beside it.
//!
//! Both are taken from `$KUBEBUILDER_ASSETS`, which has Helm where it was made by `tests/servers/build.sh
//! --with-helm`. `SEED` and `SAMPLES` choose another run than the usual one; what differs is printed with the
//! smallest files that still do. The generator is that of `crates/kustomize/tests/differential.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::cast_possible_truncation,
    reason = "a test says what is wrong by failing"
)]

#[path = "../crates/kustomize/tests/corpus/mod.rs"]
mod corpus;
#[path = "../crates/kustomize/tests/random/mod.rs"]
mod random;

use std::{fs, path::PathBuf, process::Command};

use random::{
    Sample,
    compare::{self, Sides},
};
use trueup::render::{BuildOptions, Inflator, build_kustomization, to_yaml};
use trueup_manifest::{MemoryTree, TreePath};

/// The commands, and what they said last: a sample is asked for several times in a row.
struct Commands {
    kustomize: PathBuf,
    helm: PathBuf,
    last: Option<(Sample, Result<String, String>)>,
}

impl Commands {
    fn find() -> Option<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from)?;
        let (kustomize, helm) = (assets.join("kustomize"), assets.join("helm"));
        let last = None;
        (kustomize.is_file() && helm.is_file()).then_some(Self {
            kustomize,
            helm,
            last,
        })
    }

    fn ask(&self, sample: &Sample) -> Result<String, String> {
        let scratch = tempfile::tempdir().unwrap();
        for (path, text) in &sample.files {
            let path = scratch.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let answer = Command::new(&self.kustomize)
            .args(["build", "--enable-helm", "--helm-command"])
            .arg(&self.helm)
            .arg(scratch.path().join(&sample.target))
            .output()
            .unwrap();
        if answer.status.success() {
            Ok(String::from_utf8(answer.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&answer.stderr).into_owned())
        }
    }
}

impl Sides for Commands {
    fn theirs(&mut self, sample: &Sample) -> Result<String, String> {
        if let Some((last, answer)) = &self.last
            && last == sample
        {
            return answer.clone();
        }
        let answer = self.ask(sample);
        self.last = Some((sample.clone(), answer.clone()));
        answer
    }

    fn ours(&mut self, sample: &Sample) -> Result<String, String> {
        let mut tree = MemoryTree::new();
        for (path, text) in &sample.files {
            tree.add(path, text).unwrap();
        }
        let folder = TreePath::new(&sample.target).unwrap();
        let inflator = Inflator::default();
        let options = BuildOptions {
            charts: Some(&inflator),
            ..BuildOptions::default()
        };
        build_kustomization(&tree, &folder, &options)
            .and_then(|(manifests, _)| to_yaml(&manifests))
            .map_err(|findings| findings.to_string())
    }
}

#[test]
fn random_kustomizations_with_charts_build_as_upstream_builds_them() {
    let Some(mut commands) = Commands::find() else {
        eprintln!(
            "\n*** NO KUSTOMIZE OR HELM in KUBEBUILDER_ASSETS (tests/servers/build.sh --with-helm); nothing was compared ***\n"
        );
        return;
    };
    compare::run(&mut commands, 12, Sample::with_charts);
}
