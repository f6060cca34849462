use std::sync::atomic::{AtomicUsize, Ordering};

use trueup_manifest::{Diagnostic, Entry, MemoryTree, TreeError};

use super::*;
use crate::{RemoteFetcher, RemoteRepository, build};

/// A tree that counts how often content is read, and may know contents by name.
struct Counting {
    tree: MemoryTree,
    reads: AtomicUsize,
    ids: bool,
}

impl Counting {
    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }
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
        let bytes = self.ids.then(|| self.tree.read(path).ok())??;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn tree() -> Counting {
    let mut tree = MemoryTree::new();
    for (path, text) in [
        ("base/kustomization.yaml", "resources: [a.yaml, b.yaml]\n"),
        (
            "base/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n",
        ),
        (
            "base/b.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n",
        ),
        (
            "dev/kustomization.yaml",
            "resources: [../base]\nnamePrefix: dev-\n",
        ),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\n",
        ),
        ("other/notes.txt", "not asked for\n"),
    ] {
        tree.add(path, text).unwrap();
    }
    Counting {
        tree,
        reads: AtomicUsize::new(0),
        ids: false,
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn built(cache: &Cache, tree: &dyn Tree, dir: &str) -> Arc<Build> {
    let kept = cache.build(tree, &path(dir), &Options::default()).unwrap();
    let fresh = build(tree, &path(dir), &Options::default()).unwrap();
    assert_eq!(kept.to_yaml(), fresh.to_yaml(), "{dir}");
    kept
}

#[test]
fn a_build_whose_inputs_did_not_change_is_the_one_before() {
    let (cache, mut tree) = (Cache::default(), tree());
    let first = built(&cache, &tree, "dev");
    assert!(Arc::ptr_eq(&first, &built(&cache, &tree, "dev")));
    tree.tree.add("other/notes.txt", "changed\n").unwrap();
    assert!(Arc::ptr_eq(&first, &built(&cache, &tree, "dev")));
}

#[test]
fn a_build_whose_inputs_changed_is_new() {
    for (path, text) in [
        (
            "base/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z}\n",
        ),
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        (
            "dev/kustomization.yaml",
            "resources: [../base]\nnamePrefix: new-\n",
        ),
    ] {
        for ids in [false, true] {
            let (cache, mut tree) = (Cache::default(), tree());
            tree.ids = ids;
            let first = built(&cache, &tree, "dev");
            tree.tree.add(path, text).unwrap();
            let second = built(&cache, &tree, "dev");
            assert!(!Arc::ptr_eq(&first, &second), "{path}");
            assert_ne!(first.to_yaml(), second.to_yaml(), "{path}");
        }
    }
}

#[test]
fn a_file_that_was_not_there_is_an_input() {
    let (cache, mut tree) = (Cache::default(), tree());
    let first = built(&cache, &tree, "dev");
    // A second kustomization file in one folder is refused.
    tree.tree
        .add("dev/kustomization.yml", "namePrefix: x-\n")
        .unwrap();
    let options = Options::default();
    assert!(cache.build(&tree, &path("dev"), &options).is_err());
    tree.tree.remove("dev/kustomization.yml");
    assert!(Arc::ptr_eq(&first, &built(&cache, &tree, "dev")));
}

#[test]
fn a_tree_that_knows_its_contents_is_not_read_again() {
    let (cache, mut tree) = (Cache::default(), tree());
    tree.ids = true;
    let options = Options::default();
    let first = cache.build(&tree, &path("dev"), &options).unwrap();
    assert_eq!(tree.reads(), 4);
    let second = cache.build(&tree, &path("dev"), &options).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(tree.reads(), 0);
}

#[test]
fn a_base_of_two_overlays_is_parsed_once() {
    let (cache, tree) = (Cache::default(), tree());
    built(&cache, &tree, "dev");
    let files = || held(&cache.0.files).parsed.len();
    let after_one = files();
    built(&cache, &tree, "prod");
    assert_eq!((after_one, files()), (2, 2));
}

#[test]
fn options_are_part_of_what_a_build_depends_on() {
    let (cache, tree) = (Cache::default(), tree());
    let first = built(&cache, &tree, "dev");
    let labelled = Options {
        managed_by_label: true,
        ..Options::default()
    };
    let second = cache.build(&tree, &path("dev"), &labelled).unwrap();
    assert_ne!(first.to_yaml(), second.to_yaml());
}

#[test]
fn a_build_says_which_files_it_read() {
    let (cache, tree) = (Cache::default(), tree());
    let build = built(&cache, &tree, "dev");
    let files: Vec<&str> = build.inputs().files().map(TreePath::as_str).collect();
    assert_eq!(
        files,
        [
            "base/a.yaml",
            "base/b.yaml",
            "base/kustomization.yaml",
            "dev/kustomization.yaml"
        ]
    );
}

#[test]
fn what_came_from_elsewhere_is_asked_for_each_time() {
    struct Elsewhere(AtomicUsize);
    impl RemoteFetcher for Elsewhere {
        fn file(&self, _: &str) -> Result<Arc<[u8]>, Diagnostic> {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let text = format!("apiVersion: v1\nkind: Service\nmetadata: {{name: r{count}}}\n");
            Ok(Arc::from(text.as_bytes()))
        }
        fn repository(&self, _: &RemoteRepository) -> Result<Arc<dyn Tree>, Diagnostic> {
            Err(Diagnostic::error("test/none", "there is none"))
        }
    }
    let (cache, mut tree) = (Cache::default(), tree());
    let text = "resources: ['https://example.com/a.yaml']\n";
    tree.tree.add("far/kustomization.yaml", text).unwrap();
    let elsewhere = Elsewhere(AtomicUsize::new(0));
    let options = Options {
        remote: Some(&elsewhere),
        ..Options::default()
    };
    let first = cache.build(&tree, &path("far"), &options).unwrap();
    let second = cache.build(&tree, &path("far"), &options).unwrap();
    assert_ne!(first.to_yaml(), second.to_yaml());
}
