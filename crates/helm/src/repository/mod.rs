//! What chart repositories say, and what a chart locks of it.
//!
//! Flows in: the text of an `index.yaml`, tags, a chart with its dependencies. Flows out: which version is meant and where
//! it lies, `Chart.lock`, a packed chart. It must never fetch anything.

mod index;
mod lock;
mod pack;
#[cfg(test)]
mod tests;

pub use self::{
    index::{Entry, Index, newest},
    lock::{Locked, check_lock, lock_file},
    pack::pack,
};

pub use crate::version::{fits, is_version};
