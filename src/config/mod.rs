//! What a user configures: environments and contexts.
//!
//! Flows in: the text of `environments/*.yaml` and `contexts/*.yaml`. Flows out: typed values with
//! their defaults, or every error of a file at once with its place.
//! It must never do I/O.

pub mod reconcile;
