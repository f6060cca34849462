//! Trees in the shape that well-known projects give theirs, written for this test, build as kustomize
//! v5.8.2 builds them. `$UPDATE_SHAPES` with the path of that kustomize writes the expected files anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what is wrong by failing"
)]

use std::{fs, path::Path, process::Command};

use trueup_kustomize::{Options, build};
use trueup_manifest::{DiskTree, TreePath};

#[test]
fn trees_like_those_of_known_projects_build_byte_for_byte() {
    let shapes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes");
    for (name, target) in [
        ("kubebuilder", "default"),
        ("kubeflow", "overlays/istio"),
        ("flux", "flux-system"),
    ] {
        let expected = shapes.join(format!("{name}.expected.yaml"));
        if let Some(kustomize) = std::env::var_os("UPDATE_SHAPES") {
            let built = Command::new(kustomize)
                .arg("build")
                .arg(shapes.join(name).join(target))
                .output()
                .unwrap();
            assert!(built.status.success(), "{name}");
            fs::write(&expected, built.stdout).unwrap();
        }
        let tree = DiskTree::new(shapes.join(name)).unwrap();
        let target = TreePath::new(target).unwrap();
        let found = match build(&tree, &target, &Options::default()) {
            Ok(built) => built.to_yaml(),
            Err(findings) => panic!("{name} does not build:\n{findings}"),
        };
        let expected = fs::read_to_string(expected).unwrap();
        assert!(
            found == expected,
            "{name}:\n{}",
            similar::TextDiff::from_lines(expected.as_str(), &found).unified_diff()
        );
    }
}
