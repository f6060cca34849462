//! A JSON patch of any bytes on an object of any bytes changes it or says why not.
//!
//! The input is a patch; after a line `%%%` it goes on with the object.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};
use trueup_yaml::{Document, Source};

const KUSTOMIZATION: &str = "\
resources: [object.yaml]
patches:
- path: patch.yaml
  target: {kind: .*}
";
const OBJECT: &str = "\
apiVersion: v1
kind: Thing
metadata: {name: a, annotations: {x: y}}
list: [{name: a}, {name: b}, [1, 2]]
map: {a/b: 1, c~d: 2, null: ~}
text: |
  a
  b
";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (patch, object) = text.split_once("\n%%%\n").unwrap_or((text, OBJECT));
    let mut tree = MemoryTree::new();
    for (path, content) in [
        ("kustomization.yaml", KUSTOMIZATION),
        ("patch.yaml", patch),
        ("object.yaml", object),
    ] {
        tree.add(path, content).expect("the path is plain");
    }
    match build(&tree, &TreePath::root(), &Options::default()) {
        Ok(built) => {
            let text = built.to_yaml();
            let read = Document::parse(&Source::new("printed", text.as_str()));
            assert!(read.is_ok(), "{read:?} in what was printed:\n{text}");
        }
        Err(complaints) => assert!(complaints.has_errors(), "{complaints}"),
    }
});
