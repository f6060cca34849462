//! How much a build allocates: a gate against copies that nobody meant.

#![expect(clippy::expect_used, reason = "a test: it may panic")]

#[path = "../benches/build/overlay.rs"]
mod overlay;

use allocation_counter::measure;
use trueup_kustomize::{Options, build};

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
