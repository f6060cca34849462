//! A kustomization file of any bytes, beside files it may name, ends in objects that print and read
//! back, or in complaints; the same each time.
//!
//! The input is a kustomization file; after a line `%%%` it goes on with the file `more.yaml`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_kustomize::{Limits, LoadRestrictor, Options, build};
use trueup_manifest::{MemoryTree, TreePath};
use trueup_yaml::{Document, Source};

const OBJECTS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - {name: main, image: 'a/b:1', env: [{name: A, value: $(A)}]}
      volumes: [{name: c, configMap: {name: conf}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: b}
";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (file, more) = text.split_once("\n%%%\n").unwrap_or((text, OBJECTS));
    let mut tree = MemoryTree::new();
    for (path, content) in [
        ("a/kustomization.yaml", file),
        ("a/more.yaml", more),
        ("a/objects.yaml", OBJECTS),
        ("a/values.env", "A=1\nB=2\n"),
        ("base/kustomization.yaml", "resources: [o.yaml]\nnamePrefix: b-\n"),
        ("base/o.yaml", OBJECTS),
    ] {
        tree.add(path, content).expect("the path is plain");
    }
    let options = Options {
        load_restrictor: LoadRestrictor::None,
        limits: Limits {
            kustomizations: 50,
            objects: 1_000,
            ..Limits::default()
        },
        ..Options::default()
    };
    let dir = TreePath::new("a").expect("the path is plain");
    match build(&tree, &dir, &options) {
        Ok(built) => {
            let text = built.to_yaml();
            let read = Document::parse(&Source::new("printed", text.as_str()));
            assert!(read.is_ok(), "{read:?} in what was printed:\n{text}");
            let again = build(&tree, &dir, &options).expect("it was built before");
            assert_eq!(text, again.to_yaml());
        }
        Err(complaints) => assert!(complaints.has_errors(), "{complaints}"),
    }
});
