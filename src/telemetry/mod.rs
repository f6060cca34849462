//! What trueup tells about itself: structured log lines and Prometheus metrics.
//!
//! In: calls that say what happened, with the words of `docs/instrumentation.md`. Out: lines on
//! standard error and the text of `/metrics`.
//! It must never hold a secret, never take free text as a label, and never decide anything: a run
//! with all of it switched off does the same work.

mod error;
pub mod logging;
mod metrics;
mod series;

pub use error::TelemetryError;
pub use logging::{LogFormat, Logging};
pub use metrics::Metrics;
pub use series::{Action, Drift, ObjectState, Outcome, Poll};

#[cfg(test)]
mod tests;
