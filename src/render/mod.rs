//! From a file tree to the objects an environment should hold.
//!
//! Flows in: a tree at a revision and an environment. Flows out: [`Desired`].
//! It must never do I/O and never ask a cluster.

mod desired;

pub use desired::{Desired, DesiredPhase};
