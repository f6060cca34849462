//! trueup keeps Kubernetes clusters true to a Git repository.
//!
//! ```text
//! source → config → render → plan → apply → report
//! ```
//!
//! [`pipeline`] takes a snapshot through these rooms, for the command line and the daemon alike.

pub mod apply;
pub mod aws;
pub mod charts;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod pipeline;
pub mod plan;
pub mod render;
pub mod report;
pub mod sops;
pub mod source;
pub mod status;
pub mod telemetry;
pub mod vault;
