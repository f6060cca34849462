//! Whole plans over what a cluster might hold, with no cluster.

mod laws;
mod order;
mod pruning;
pub(super) mod world;
