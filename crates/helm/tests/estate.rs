//! The charts of the reference estate against what `helm template` 3.22 prints for them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what is wrong by failing"
)]

#[allow(dead_code, reason = "only the corpus's folder is used here")]
mod corpus;

use std::{fs, path::PathBuf};

use trueup_helm::{Capabilities, Overlay, Print, Request};
use trueup_manifest::{DiskTree, TreePath};

fn estate() -> Option<PathBuf> {
    Some(corpus::root()?.parent()?.join("estate"))
}

fn render(chart: &str, name: &str, namespace: &str, set: &[&str]) -> Result<String, String> {
    let tree = DiskTree::new(estate().unwrap()).unwrap();
    let folder = TreePath::new(&format!("charts/{chart}")).unwrap();
    let chart = trueup_helm::chart::load_dir(&tree, &folder).map_err(|e| e.to_string())?;
    let overlay = Overlay {
        set: set.iter().map(|text| (*text).to_owned()).collect(),
        ..Overlay::default()
    };
    // What the expected files were made with: Helm built without its release flags.
    let capabilities = Capabilities::default().with_kube_version("1.20.0").unwrap();
    let request = Request::new(&chart, name, namespace, &overlay, &capabilities);
    let release = request
        .render(&mut |path| Err(format!("no file `{path}`")))
        .map_err(|error| format!("Error: {}", error.text().trim_end()))?;
    Ok(release.print(Print::default()))
}

#[test]
fn the_charts_of_the_estate_render_as_helm_renders_them() {
    let Some(estate) = estate() else {
        return;
    };
    let expected =
        |name: &str| fs::read_to_string(estate.join("expected/charts").join(name)).unwrap();
    assert_eq!(
        render("cluster-autoscaler", "cluster-autoscaler", "default", &[]).unwrap(),
        expected("cluster-autoscaler.yaml")
    );
    let named = ["clusterName=my-cluster"];
    assert_eq!(
        render("ray-static-cluster", "my-cluster", "ray", &named).unwrap(),
        expected("ray-static-cluster.yaml")
    );
    let error = render("ray-static-cluster", "my-cluster", "ray", &[]).unwrap_err();
    assert!(
        expected("ray-static-cluster.no-name.error.txt").starts_with(&error),
        "{error}"
    );
}
