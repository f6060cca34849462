//! A real estate renders as kustomize v5.8.2 renders it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by failing"
)]

mod corpus;

use std::sync::Arc;

use trueup_kustomize::{Options, RemoteFetcher, RemoteRepository, build};
use trueup_manifest::{Diagnostic, MemoryTree, Tree, TreePath};

/// Answers for the one repository that the estate was written against.
struct Vendored(std::path::PathBuf);

impl RemoteFetcher for Vendored {
    fn file(&self, url: &str) -> Result<Arc<[u8]>, Diagnostic> {
        Err(Diagnostic::error(
            "test",
            format!("`{url}` is not vendored"),
        ))
    }

    fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn Tree>, Diagnostic> {
        assert_eq!(repository.url, "https://github.com/ray-project/kuberay");
        Ok(Arc::new(corpus::load(&self.0.join("kuberay"), None)))
    }
}

fn install(tree: &MemoryTree, fetcher: &Vendored, dir: &str) -> String {
    let options = Options {
        remote: Some(fetcher),
        ..Options::default()
    };
    let dir = TreePath::new(dir).unwrap();
    match build(tree, &dir, &options) {
        Ok(built) => built.to_yaml(),
        Err(findings) => panic!("{dir} does not build:\n{findings}"),
    }
}

#[test]
fn every_install_of_the_estate_renders_byte_for_byte() {
    let Some(corpus) = corpus::find() else { return };
    let estate = corpus.join("estate");
    let tree = corpus::load(&estate, None);
    let fetcher = Vendored(estate.join("vendor"));
    for (dir, name) in [
        ("hub/_pre", "_pre"),
        ("hub/installs/local_tilt_dev", "local_tilt_dev"),
        ("hub/installs/cluster_dev", "cluster_dev"),
        ("hub/installs/cluster_prod", "cluster_prod"),
    ] {
        let expected =
            std::fs::read_to_string(estate.join("expected").join(format!("{name}.yaml"))).unwrap();
        let found = install(&tree, &fetcher, dir);
        assert!(
            found == expected,
            "{dir}: {}",
            corpus::first_difference(&expected, &found)
        );
    }
}

#[test]
fn a_remote_base_is_fetched_and_builds_like_the_vendored_one() {
    let Some(corpus) = corpus::find() else { return };
    let estate = corpus.join("estate");
    let fetcher = Vendored(estate.join("vendor"));
    let mut tree = corpus::load(&estate, None);
    let vendored = install(&tree, &fetcher, "hub/_pre/kuberay");
    let remote = "github.com/ray-project/kuberay/manifests/cluster-scope-resources?ref=v0.2.0";
    tree.add(
        "remote/kustomization.yaml",
        format!("resources: ['{remote}']\n"),
    )
    .unwrap();
    assert_eq!(install(&tree, &fetcher, "remote"), vendored);

    let offline = build(
        &tree,
        &TreePath::new("remote").unwrap(),
        &Options::default(),
    );
    let message = offline.unwrap_err().to_string();
    assert!(
        message.contains("remote/kustomization.yaml:1:13: error[kustomize/remote]"),
        "{message}"
    );
}
