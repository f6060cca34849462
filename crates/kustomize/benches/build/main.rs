//! Time of a build inside the process, from files in memory to the printed text.
//!
//! `cargo bench -p trueup-kustomize --features jemalloc`; `benches/kustomize.sh` measures whole processes beside the peer.

#![expect(clippy::expect_used, reason = "a benchmark: it may panic")]

mod overlay;

use divan::{Bencher, counter::ItemsCount};
use trueup_kustomize::{Cache, Options, build};

/// The allocator of the program that we ship.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const SIZES: [usize; 4] = [10, 200, 1_000, 5_000];

fn main() {
    divan::main();
}

/// All of it.
#[divan::bench(args = SIZES)]
fn build_and_print(bencher: Bencher<'_, '_>, objects: usize) {
    let (tree, dir) = overlay::tree(objects);
    bencher.counter(ItemsCount::new(objects)).bench(|| {
        let built = build(&tree, &dir, &Options::default()).expect("it builds");
        built.to_yaml_pieces()
    });
}

/// The build alone.
#[divan::bench(args = SIZES)]
fn build_only(bencher: Bencher<'_, '_>, objects: usize) {
    let (tree, dir) = overlay::tree(objects);
    bencher
        .counter(ItemsCount::new(objects))
        .bench(|| build(&tree, &dir, &Options::default()).expect("it builds"));
}

/// Once more with nothing changed, in a tree that does not know its contents by name: all is read.
#[divan::bench(args = SIZES)]
fn unchanged(bencher: Bencher<'_, '_>, objects: usize) {
    let (tree, dir) = overlay::tree(objects);
    let cache = Cache::default();
    let again = || {
        cache
            .build(&tree, &dir, &Options::default())
            .expect("it builds")
    };
    again();
    bencher.counter(ItemsCount::new(objects)).bench(again);
}
