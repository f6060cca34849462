//! Work on many objects, side by side where there are enough of them to pay for it.
//!
//! Flows in: a slice and what to do with each item. Flows out: what each gave, in the order of the
//! slice, so that no result depends on how many threads there are.
//! It must never be given work whose items depend on each other.

use std::cmp::Ordering;

use rayon::prelude::*;
use trueup_manifest::{Diagnostic, Diagnostics};

/// Fewer items are done by the thread at hand: waking others costs more.
const FEW: usize = 128;
/// The fewest items that a thread takes at once.
const CHUNK: usize = 32;

/// What `work` makes of each item.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < FEW {
        return items.iter().map(work).collect();
    }
    items.par_iter().with_min_len(CHUNK).map(work).collect()
}

/// [`map`] for items that it takes over.
pub(crate) fn map_into<T: Send, R: Send>(
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < FEW {
        return items.into_iter().map(work).collect();
    }
    items
        .into_par_iter()
        .with_min_len(CHUNK)
        .map(work)
        .collect()
}

/// Changes each item; the complaints of all.
pub(crate) fn change<T: Send>(
    items: &mut [T],
    work: impl Fn(&mut T) -> Result<(), Diagnostic> + Sync + Send,
) -> Diagnostics {
    change_all(items, |item| work(item).err())
}

/// [`change`] where an item may give several complaints.
pub(crate) fn change_all<T: Send, C>(
    items: &mut [T],
    work: impl Fn(&mut T) -> C + Sync + Send,
) -> Diagnostics
where
    C: IntoIterator<Item = Diagnostic>,
{
    if items.len() < FEW {
        return items.iter_mut().flat_map(work).collect();
    }
    let complaints: Vec<Diagnostic> = items
        .par_iter_mut()
        .with_min_len(CHUNK)
        .flat_map_iter(work)
        .collect();
    complaints.into_iter().collect()
}

/// Changes each item in a way that cannot fail.
pub(crate) fn each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync + Send) {
    if items.len() < FEW {
        items.iter_mut().for_each(work);
    } else {
        items.par_iter_mut().with_min_len(CHUNK).for_each(work);
    }
}

/// What `work` makes of pieces of the slice, each with the place of its first item.
pub(crate) fn chunks<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &[T]) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < FEW {
        return vec![work(0, items)];
    }
    items
        .par_chunks(FEW)
        .enumerate()
        .map(|(chunk, items)| work(chunk * FEW, items))
        .collect()
}

/// Changes each item and gives what came of it.
pub(crate) fn map_mut<T: Send, R: Send>(
    items: &mut [T],
    work: impl Fn(&mut T) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < FEW {
        return items.iter_mut().map(work).collect();
    }
    items.par_iter_mut().with_min_len(CHUNK).map(work).collect()
}

/// Whether all items pass.
pub(crate) fn all<T: Sync>(items: &[T], test: impl Fn(&T) -> bool + Sync + Send) -> bool {
    if items.len() < FEW {
        return items.iter().all(test);
    }
    items.par_iter().with_min_len(CHUNK).all(test)
}

/// Fewer items are sorted by the thread at hand.
const FEW_TO_SORT: usize = 1_024;

/// Sorts; equal items stay in their order.
pub(crate) fn sort<T: Send>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync) {
    if items.len() < FEW_TO_SORT {
        items.sort_by(compare);
    } else {
        items.par_sort_by(compare);
    }
}
