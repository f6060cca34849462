//! What is kept from one render to the next, and what is not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use trueup_kustomize::{Cache, RemoteFetcher, RemoteRepository};
use trueup_manifest::{Diagnostic, Entry, MemoryTree, Tree, TreeError, TreePath};

use super::{RenderOptions, render, to_yaml};
use crate::config::Config;

/// A tree that counts what is read of it, and knows its contents by name as Git does.
struct Counting {
    tree: MemoryTree,
    reads: AtomicUsize,
}

impl Tree for Counting {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.tree.read(path)
    }
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        self.tree.entry(path)
    }
    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        self.tree.list(path)
    }
    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        self.tree.resolve(path)
    }
    fn content_id(&self, path: &TreePath) -> Option<String> {
        let bytes = self.tree.read(path).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

const FILES: [(&str, &str); 7] = [
    (
        "environments/dev.yaml",
        "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {name: dev}\nspec:\n  cluster: {embedded: {}}\n  phases:\n    - {name: all, kustomize: {path: app}}\n",
    ),
    (
        "app/kustomization.yaml",
        "resources: [web.yaml]\nhelmCharts:\n- name: c\n  releaseName: r\n  valuesFile: values.yaml\n",
    ),
    (
        "app/web.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: first}\n",
    ),
    ("app/values.yaml", "said: before\n"),
    (
        "app/charts/c/Chart.yaml",
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    ),
    ("app/charts/c/values.yaml", "said: nothing\n"),
    (
        "app/charts/c/templates/cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chart}\ndata: {said: \"{{ .Values.said }}\"}\n",
    ),
];

fn tree(changes: &[(&str, &str)]) -> Counting {
    let mut tree = MemoryTree::new();
    for (path, text) in FILES {
        let changed = changes.iter().find(|(other, _)| *other == path);
        let text = changed.map_or(text, |(_, text)| *text);
        tree.add(path, text).unwrap();
    }
    Counting {
        tree,
        reads: AtomicUsize::new(0),
    }
}

/// What a render prints, and how much it read of files beside the environment's.
fn rendered(tree: &Counting, cache: &Cache, remote: Option<&dyn RemoteFetcher>) -> (String, usize) {
    let config = Config::load(tree).unwrap();
    let environment = config.environment("dev").unwrap();
    let options = RenderOptions {
        cache: Some(cache),
        remote,
        ..RenderOptions::default()
    };
    tree.reads.store(0, Ordering::Relaxed);
    let desired = render(tree, environment, &options).unwrap();
    let reads = tree.reads.load(Ordering::Relaxed);
    (to_yaml(&desired.phases[0].manifests).unwrap(), reads)
}

#[test]
fn a_phase_is_rendered_again_only_where_something_it_read_has_changed() {
    let cache = Cache::default();
    let (first, reads) = rendered(&tree(&[]), &cache, None);
    assert!(
        reads > 0 && first.contains("a: first") && first.contains("said: before"),
        "{first}"
    );
    assert_eq!(rendered(&tree(&[]), &cache, None), (first.clone(), 0));
    for (path, text, expected) in [
        (
            "app/web.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: second}\n",
            "a: second",
        ),
        ("app/values.yaml", "said: after\n", "said: after"),
        (
            "app/charts/c/templates/cm.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chart}\ndata: {said: \"{{ .Values.said }}!\"}\n",
            "said: before!",
        ),
        (
            "app/kustomization.yaml",
            "resources: [web.yaml]\nnamePrefix: p-\nhelmCharts:\n- name: c\n  valuesInline: {said: inline}\n",
            "said: inline",
        ),
    ] {
        let changed = tree(&[(path, text)]);
        let (again, reads) = rendered(&changed, &cache, None);
        assert!(reads > 0 && again.contains(expected), "{path}: {again}");
        assert_eq!(rendered(&changed, &cache, None), (again, 0), "{path}");
    }
    assert_eq!(rendered(&tree(&[]), &cache, None), (first, 0));
}

#[test]
fn a_chart_that_draws_random_bytes_is_never_kept() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chart}\ndata: {said: \"{{ randAlphaNum 12 }}\"}\n";
    let cache = Cache::default();
    let random = tree(&[("app/charts/c/templates/cm.yaml", template)]);
    let (first, _) = rendered(&random, &cache, None);
    let (second, reads) = rendered(&random, &cache, None);
    assert!(reads > 0 && first != second);
    // Nor where values bring the call along.
    let cache = Cache::default();
    let by_values = tree(&[
        (
            "app/charts/c/templates/cm.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chart}\ndata: {said: \"{{ tpl .Values.said $ }}\"}\n",
        ),
        ("app/values.yaml", "said: '{{ uuidv4 }}'\n"),
    ]);
    let (first, _) = rendered(&by_values, &cache, None);
    assert!(first != rendered(&by_values, &cache, None).0);
}

/// Gives another repository each time it is asked.
struct Moving(AtomicUsize);

impl RemoteFetcher for Moving {
    fn file(&self, _: &str) -> Result<Arc<[u8]>, Diagnostic> {
        Err(Diagnostic::error("test", "there is no such file"))
    }

    fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn Tree>, Diagnostic> {
        let times = self.0.fetch_add(1, Ordering::Relaxed);
        let mut tree = MemoryTree::new();
        let object = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: far}}\ndata: {{at: {}-{times}}}\n",
            repository.reference
        );
        tree.add("kustomization.yaml", "resources: [far.yaml]\n")
            .unwrap();
        tree.add("far.yaml", object.as_str()).unwrap();
        Ok(Arc::new(tree))
    }
}

#[test]
fn what_lies_in_another_repository_is_asked_for_each_time() {
    let far = |reference: &str| {
        let text = format!("resources: ['https://example.com/o/r.git?ref={reference}']\n");
        tree(&[("app/kustomization.yaml", &text)])
    };
    let cache = Cache::default();
    let remote = Moving(AtomicUsize::new(0));
    let at = |reference: &str| rendered(&far(reference), &cache, Some(&remote)).0;
    assert!(at("main").contains("at: main-0"));
    assert!(at("main").contains("at: main-1"));
    assert!(at("v2").contains("at: v2-2"));
}
