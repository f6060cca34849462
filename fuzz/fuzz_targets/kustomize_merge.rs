//! A strategic merge patch of any bytes on a Deployment, or on an object of any bytes, changes it or
//! says why not. Where the patch is an object of no known schema and holds no directive and no null,
//! merging it once more changes nothing.
//!
//! The input is a patch; after a line `%%%` it goes on with the object.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};
use trueup_yaml::{Document, Kind, NodeId, Source};

const OBJECT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, finalizers: [a, b]}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: main
        image: a
        env: [{name: A, value: '1'}, {name: B, value: '2'}]
        ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]
      volumes: [{name: c, configMap: {name: conf}}]
";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (patch, object) = text.split_once("\n%%%\n").unwrap_or((text, OBJECT));
    let Some(once) = merged(patch, object, 1) else {
        return;
    };
    let read = Document::parse(&Source::new("printed", once.as_str()));
    assert!(read.is_ok(), "{read:?} in what was printed:\n{once}");
    if is_plain(patch) {
        assert_eq!(Some(once), merged(patch, object, 2));
    }
});

/// The object with the patch merged so many times.
fn merged(patch: &str, object: &str, times: usize) -> Option<String> {
    let entry = "- path: patch.yaml\n  target: {kind: .*}\n".repeat(times);
    let mut tree = MemoryTree::new();
    for (path, content) in [
        ("kustomization.yaml", format!("resources: [object.yaml]\npatches:\n{entry}").as_str()),
        ("patch.yaml", patch),
        ("object.yaml", object),
    ] {
        tree.add(path, content).expect("the path is plain");
    }
    match build(&tree, &TreePath::root(), &Options::default()) {
        Ok(built) => Some(built.to_yaml()),
        Err(complaints) => {
            assert!(complaints.has_errors(), "{complaints}");
            None
        }
    }
}

/// Whether the patch is a strategic one of which a second merge must change nothing.
fn is_plain(patch: &str) -> bool {
    let Ok(docs) = Document::parse(&Source::new("patch", patch)) else {
        return false;
    };
    let [doc] = docs.as_slice() else {
        return false;
    };
    doc.kind(doc.root()) == Kind::Mapping && plain(doc, doc.root())
}

fn plain(doc: &Document, id: NodeId) -> bool {
    let text = doc.text(id).unwrap_or_default();
    !doc.is_null(id)
        && doc.tag(id).is_none()
        && doc.kind(id) != Kind::Alias
        && text != "<<"
        && !text.starts_with('$')
        && doc.entries(id).all(|(key, value)| plain(doc, key) && plain(doc, value))
        // Lists of scalars are sets to some fields and not to others.
        && doc.items(id).next().is_none()
}
