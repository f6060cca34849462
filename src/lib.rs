//! trueup keeps Kubernetes clusters true to a Git repository.

pub mod config;
pub mod daemon;
pub mod render;
pub mod source;
pub mod telemetry;
