//! Why telemetry could not be set up.

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of the log does not parse.
    #[error("`{filter}` is not a log filter: {reason}")]
    Filter {
        /// What was given.
        filter: String,
        /// What the parser says.
        reason: String,
    },
    /// A subscriber is in place already.
    #[error("the log is set up already")]
    AlreadySet,
    /// Two metrics share a name, or one has a name that Prometheus does not allow.
    #[error("a metric cannot be registered: {0}")]
    Metric(String),
}
