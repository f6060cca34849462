//! How much a build allocates: a gate against copies that nobody meant.

#![expect(clippy::expect_used, reason = "a test: it may panic")]

#[path = "../benches/build/overlay.rs"]
mod overlay;

use std::fmt::Write as _;

use allocation_counter::measure;
use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};

/// Few enough for one thread: only its allocations are counted.
const OBJECTS: usize = 100;

#[test]
fn a_build_allocates_a_bounded_number_of_times_for_each_object() {
    let (tree, dir) = overlay::tree(OBJECTS);
    let built = || build(&tree, &dir, &Options::default()).expect("it builds");
    // Tables are read once in a process.
    built();
    let building = measure(|| drop(built()));
    let count = building.count_total / OBJECTS as u64;
    assert!(count <= 75, "{count} allocations for each object");
    let peak = building.bytes_max / OBJECTS as u64;
    assert!(peak <= 6_000, "{peak} bytes for each object");

    let whole = built();
    let printing = measure(|| drop(whole.to_yaml_pieces()));
    let count = printing.count_total;
    assert!(count <= 3 * OBJECTS as u64, "{count} allocations to print");
}

#[test]
fn a_build_of_twice_the_objects_allocates_twice() {
    let count = |objects| {
        let (tree, dir) = overlay::tree(objects);
        let built = || build(&tree, &dir, &Options::default()).expect("it builds");
        built();
        measure(|| drop(built())).count_total
    };
    let (some, more) = (count(50), count(100));
    assert!(
        more <= some * 21 / 10,
        "{some} for 50 objects, {more} for 100"
    );
}

/// A base of config maps, and an overlay that says something of each.
fn overlay_of_each(objects: usize, head: &str, line: impl Fn(usize) -> String) -> u64 {
    let mut tree = MemoryTree::new();
    let mut base = "configMapGenerator:\n".to_owned();
    let mut overlay = format!("resources: [../base]\n{head}:\n");
    for number in 0..objects {
        let _ = writeln!(base, "- {{name: map-{number}, literals: [a=b]}}");
        overlay.push_str(&line(number));
    }
    base.push_str("generatorOptions: {disableNameSuffixHash: true}\n");
    overlay.push_str("configMapGenerator: [{name: one-more, literals: [a=b]}]\n");
    for (path, text) in [("base", base), ("overlay", overlay)] {
        let path = format!("{path}/kustomization.yaml");
        tree.add(&path, text.as_str()).expect("the path is plain");
    }
    let dir = TreePath::new("overlay").expect("the path is plain");
    let built = || build(&tree, &dir, &Options::default()).expect("it builds");
    built();
    measure(|| drop(built())).count_total
}

/// Twice as many may cost little more than twice as much: a look at all objects for each of them would
/// cost four times.
fn assert_linear(what: &str, count: impl Fn(usize) -> u64) {
    let (some, more) = (count(50), count(100));
    assert!(
        more <= some * 22 / 10,
        "{what}: {some} allocations for 50 objects, {more} for 100"
    );
}

#[test]
fn a_patch_that_deletes_one_object_looks_at_no_other() {
    let delete = |number| {
        format!(
            "- patch: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: map-{number}}}, $patch: delete}}'\n"
        )
    };
    assert_linear("patches", |objects| {
        overlay_of_each(objects, "patches", delete)
    });
    let delete = |number| {
        format!(
            "- '{{\"apiVersion\": v1, kind: ConfigMap, metadata: {{name: map-{number}}}, $patch: delete}}'\n"
        )
    };
    assert_linear("patchesStrategicMerge", |objects| {
        overlay_of_each(objects, "patchesStrategicMerge", delete)
    });
}

#[test]
fn a_patch_that_renames_one_object_looks_at_no_other() {
    let rename = |number| {
        format!(
            "- target: {{kind: ConfigMap, name: map-{number}$}}\n  patch: '- {{op: replace, path: /metadata/name, value: new-{number}}}'\n"
        )
    };
    assert_linear("renaming", |objects| {
        overlay_of_each(objects, "patches", rename)
    });
}

#[test]
fn a_generator_that_merges_into_one_object_looks_at_no_other() {
    let count = |objects: usize| {
        let mut tree = MemoryTree::new();
        let mut base =
            "generatorOptions: {disableNameSuffixHash: true}\nconfigMapGenerator:\n".to_owned();
        let mut overlay =
            "generatorOptions: {disableNameSuffixHash: true}\nresources: [../base]\nconfigMapGenerator:\n".to_owned();
        for number in 0..objects {
            let _ = writeln!(base, "- {{name: map-{number}, literals: [a=b]}}");
            let _ = writeln!(
                overlay,
                "- {{name: map-{number}, behavior: merge, literals: [c=d]}}"
            );
        }
        for (path, text) in [("base", base), ("overlay", overlay)] {
            let path = format!("{path}/kustomization.yaml");
            tree.add(&path, text.as_str()).expect("the path is plain");
        }
        let dir = TreePath::new("overlay").expect("the path is plain");
        let built = || build(&tree, &dir, &Options::default()).expect("it builds");
        built();
        measure(|| drop(built())).count_total
    };
    assert_linear("behavior: merge", count);
}
