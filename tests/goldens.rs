//! Every shipped environment renders to its golden file, which anybody can read and review.
//!
//! `TRUEUP_BLESS=1 cargo test --test goldens` writes the files anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command};

use trueup::{
    config::Config,
    pipeline::{Fetch, Remote, Request, prepare},
    render::to_yaml,
};
use trueup_manifest::DiskTree;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rendered(environment: &str) -> String {
    let tree = DiskTree::new(root()).unwrap();
    let config =
        Config::load(&tree).unwrap_or_else(|findings| panic!("{}", findings.render(false)));
    let request = Request {
        environment,
        revision: None,
        variables: &[],
    };
    let prepared = prepare(&tree, &config, &request, &Remote::new(Fetch::Kept))
        .unwrap_or_else(|findings| panic!("{}", findings.render(false)));
    let phases = prepared.desired.phases.iter().map(|phase| {
        let text = to_yaml(&phase.manifests).unwrap();
        format!("# phase {}\n{text}", phase.name)
    });
    phases.collect::<Vec<_>>().join("---\n")
}

fn environments() -> Vec<String> {
    let tree = DiskTree::new(root()).unwrap();
    let config =
        Config::load(&tree).unwrap_or_else(|findings| panic!("{}", findings.render(false)));
    config.names().map(str::to_owned).collect()
}

#[test]
fn every_shipped_environment_renders_to_its_golden_file() {
    let folder = root().join("tests/goldens");
    for environment in environments() {
        let path = folder.join(format!("{environment}.yaml"));
        let text = rendered(&environment);
        if env::var_os("TRUEUP_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == text,
            "{environment} no longer renders to tests/goldens/{environment}.yaml:\n{}",
            similar::TextDiff::from_lines(&golden, &text).unified_diff()
        );
    }
}

#[test]
fn every_golden_file_belongs_to_an_environment() {
    let known: BTreeSet<String> = environments().into_iter().collect();
    for entry in fs::read_dir(root().join("tests/goldens"))
        .unwrap()
        .flatten()
    {
        let name = entry
            .path()
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert!(
            known.contains(&name),
            "tests/goldens/{name}.yaml is of no environment"
        );
    }
}

#[test]
fn the_shipped_overlays_render_as_the_real_kustomize_renders_them() {
    let kustomize = env::var_os("KUBEBUILDER_ASSETS")
        .map(|assets| PathBuf::from(assets).join("kustomize"))
        .filter(|path| path.exists());
    let Some(kustomize) = kustomize else {
        eprintln!("!! absent: kustomize (KUBEBUILDER_ASSETS); nothing was compared");
        return;
    };
    for entry in fs::read_dir(root().join("overlays")).unwrap().flatten() {
        let overlay = entry.path();
        let theirs = Command::new(&kustomize)
            .arg("build")
            .arg(&overlay)
            .output()
            .unwrap();
        let ours = Command::new(env!("CARGO_BIN_EXE_trueup"))
            .arg("render")
            .arg(&overlay)
            .output()
            .unwrap();
        assert!(
            theirs.status.success() && ours.status.success(),
            "{}",
            overlay.display()
        );
        assert_eq!(
            String::from_utf8(ours.stdout).unwrap(),
            String::from_utf8(theirs.stdout).unwrap(),
            "{}",
            overlay.display()
        );
    }
}
