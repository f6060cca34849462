//! The loop that keeps environments true: poll, render, plan, apply, watch, again.
//!
//! Flows in: revisions from sources, events from clusters, signals. Flows out: reports. It must
//! never lose the last good revision to a failure, nor hold a lock over an await.

pub mod poll;
