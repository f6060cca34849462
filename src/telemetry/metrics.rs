//! The registry, and one method for each thing worth counting.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
    core::{Collector, MetricVec, MetricVecBuilder},
};

use super::{Action, Drift, ObjectState, Outcome, Poll, TelemetryError};

/// From a warm cache to a first installation that waits for a database.
const PASS_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

const ENVIRONMENT: &str = "environment";

/// Every metric of the process in a registry of its own. Cheap to clone: clones count together.
///
/// `docs/instrumentation.md` is the specification; a test compares the two.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    reconcile_total: IntCounterVec,
    reconcile_seconds: HistogramVec,
    phase_seconds: HistogramVec,
    actions: IntCounterVec,
    objects: IntGaugeVec,
    drift: IntCounterVec,
    repaired: IntCounterVec,
    contested: IntGaugeVec,
    polls: IntCounterVec,
    source_revision: IntGaugeVec,
    applied_revision: IntGaugeVec,
    last_success: GaugeVec,
    failures: IntGaugeVec,
    ready: IntGaugeVec,
}

impl Metrics {
    /// All metrics at nothing, but for the build's own.
    pub fn new() -> Result<Self, TelemetryError> {
        let registry = Registry::new();
        let metrics = Self {
            reconcile_total: counter(
                &registry,
                "reconcile_total",
                "Passes over an environment, by how they ended.",
                &[ENVIRONMENT, "result"],
            )?,
            reconcile_seconds: histogram(
                &registry,
                "reconcile_duration_seconds",
                "How long a pass over an environment took, waits included.",
                &[ENVIRONMENT],
            )?,
            phase_seconds: histogram(
                &registry,
                "phase_duration_seconds",
                "How long a phase took from its first request to health.",
                &[ENVIRONMENT, "phase"],
            )?,
            actions: counter(
                &registry,
                "actions_total",
                "Writes to objects, by what was done.",
                &[ENVIRONMENT, "action"],
            )?,
            objects: gauge(
                &registry,
                "objects",
                "Objects of the environment, by what the last pass left them in.",
                &[ENVIRONMENT, "state"],
            )?,
            drift: counter(
                &registry,
                "drift_detected_total",
                "Objects seen to differ from desired with no new revision.",
                &[ENVIRONMENT, "kind"],
            )?,
            repaired: counter(
                &registry,
                "drift_repaired_total",
                "Objects brought back to desired after drift.",
                &[ENVIRONMENT],
            )?,
            contested: gauge(
                &registry,
                "contested_objects",
                "Objects that another writer changes again and again, and that are left alone for now.",
                &[ENVIRONMENT],
            )?,
            polls: counter(
                &registry,
                "source_poll_total",
                "Looks at a source, by how they ended.",
                &["source", "result"],
            )?,
            source_revision: gauge(
                &registry,
                "source_revision_info",
                "1 for the newest revision that the source gave.",
                &[ENVIRONMENT, "revision"],
            )?,
            applied_revision: gauge(
                &registry,
                "applied_revision_info",
                "1 for the revision that the cluster last converged to.",
                &[ENVIRONMENT, "revision"],
            )?,
            last_success: float_gauge(
                &registry,
                "last_success_timestamp_seconds",
                "When the environment last converged, in seconds since 1970.",
                &[ENVIRONMENT],
            )?,
            failures: gauge(
                &registry,
                "consecutive_failures",
                "Failures since the environment last converged, those of its source included.",
                &[ENVIRONMENT],
            )?,
            ready: gauge(
                &registry,
                "environment_ready",
                "1 once the environment has converged since the process started.",
                &[ENVIRONMENT],
            )?,
            registry,
        };
        let build = gauge(
            &metrics.registry,
            "build_info",
            "1, with the version of the program.",
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(metrics)
    }

    /// The text of `/metrics`, in Prometheus' exposition format 0.0.4.
    pub fn encode(&self) -> Result<Vec<u8>, TelemetryError> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|error| TelemetryError::Metric(error.to_string()))?;
        Ok(text)
    }

    /// The media type of [`Self::encode`].
    pub const CONTENT_TYPE: &'static str = prometheus::TEXT_FORMAT;

    /// Shows an environment from its first second on, so that an alert on a rate has a zero to
    /// start from and one on readiness sees what never became ready.
    pub fn environment_appeared(&self, environment: &str) {
        for outcome in Outcome::ALL {
            self.reconcile_total
                .with_label_values(&[environment, outcome.as_str()])
                .inc_by(0);
        }
        for drift in Drift::ALL {
            self.drift
                .with_label_values(&[environment, drift.as_str()])
                .inc_by(0);
        }
        self.repaired.with_label_values(&[environment]).inc_by(0);
        self.contested.with_label_values(&[environment]).set(0);
        self.failures.with_label_values(&[environment]).set(0);
        self.ready.with_label_values(&[environment]).set(0);
    }

    /// Takes down every series of an environment that is no longer ours to keep.
    pub fn environment_gone(&self, environment: &str) {
        drop_series(&self.reconcile_total, environment);
        drop_series(&self.reconcile_seconds, environment);
        drop_series(&self.phase_seconds, environment);
        drop_series(&self.actions, environment);
        drop_series(&self.objects, environment);
        drop_series(&self.drift, environment);
        drop_series(&self.repaired, environment);
        drop_series(&self.contested, environment);
        drop_series(&self.source_revision, environment);
        drop_series(&self.applied_revision, environment);
        drop_series(&self.last_success, environment);
        drop_series(&self.failures, environment);
        drop_series(&self.ready, environment);
    }

    /// A pass ended.
    pub fn reconciled(&self, environment: &str, outcome: Outcome, took: Duration) {
        self.reconcile_total
            .with_label_values(&[environment, outcome.as_str()])
            .inc();
        self.reconcile_seconds
            .with_label_values(&[environment])
            .observe(took.as_secs_f64());
    }

    /// A phase of a pass ended.
    pub fn phase_ended(&self, environment: &str, phase: &str, took: Duration) {
        self.phase_seconds
            .with_label_values(&[environment, phase])
            .observe(took.as_secs_f64());
    }

    /// `count` objects were written.
    pub fn acted(&self, environment: &str, action: Action, count: u64) {
        self.actions
            .with_label_values(&[environment, action.as_str()])
            .inc_by(count);
    }

    /// How many objects the last pass left in which state; states not named hold none.
    pub fn objects(&self, environment: &str, counts: &[(ObjectState, u64)]) {
        for state in ObjectState::ALL {
            let of_state = counts.iter().filter(|(counted, _)| counted == state);
            let count = of_state.map(|(_, count)| count).sum();
            self.objects
                .with_label_values(&[environment, state.as_str()])
                .set(signed(count));
        }
    }

    /// An object was seen to differ from desired.
    pub fn drifted(&self, environment: &str, drift: Drift) {
        self.drift
            .with_label_values(&[environment, drift.as_str()])
            .inc();
    }

    /// `count` objects were brought back.
    pub fn drift_repaired(&self, environment: &str, count: u64) {
        self.repaired
            .with_label_values(&[environment])
            .inc_by(count);
    }

    /// How many objects are contested now.
    pub fn contested(&self, environment: &str, count: usize) {
        self.contested
            .with_label_values(&[environment])
            .set(signed(count as u64));
    }

    /// A source was looked at; it is named without credentials.
    pub fn polled(&self, source: &str, poll: Poll) {
        self.polls.with_label_values(&[source, poll.as_str()]).inc();
    }

    /// The newest revision of the source; the one before it is taken down.
    pub fn source_revision(&self, environment: &str, revision: &str) {
        drop_series(&self.source_revision, environment);
        self.source_revision
            .with_label_values(&[environment, revision])
            .set(1);
    }

    /// The cluster converged to `revision`, now.
    pub fn converged(&self, environment: &str, revision: &str) {
        drop_series(&self.applied_revision, environment);
        self.applied_revision
            .with_label_values(&[environment, revision])
            .set(1);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.last_success
            .with_label_values(&[environment])
            .set(now.as_secs_f64());
        self.ready.with_label_values(&[environment]).set(1);
    }

    /// How many failures in a row there were.
    pub fn consecutive_failures(&self, environment: &str, count: u32) {
        self.failures
            .with_label_values(&[environment])
            .set(i64::from(count));
    }

    #[cfg(test)]
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Removes the series of a family whose label `environment` is this one.
fn drop_series<T: MetricVecBuilder>(family: &MetricVec<T>, environment: &str)
where
    MetricVec<T>: Collector,
{
    for collected in family.collect() {
        for metric in collected.get_metric() {
            let labels: HashMap<&str, &str> = metric
                .get_label()
                .iter()
                .map(|label| (label.name(), label.value()))
                .collect();
            if labels.get(ENVIRONMENT) == Some(&environment) {
                // The only failure is that somebody else was faster.
                let _ = family.remove(&labels);
            }
        }
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("trueup")
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> Result<C, TelemetryError> {
    let wrong = |error: prometheus::Error| TelemetryError::Metric(error.to_string());
    let collector = made.map_err(wrong)?;
    registry
        .register(Box::new(collector.clone()))
        .map_err(wrong)?;
    Ok(collector)
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, TelemetryError> {
    register(registry, IntCounterVec::new(opts(name, help), labels))
}

fn gauge(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntGaugeVec, TelemetryError> {
    register(registry, IntGaugeVec::new(opts(name, help), labels))
}

fn float_gauge(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<GaugeVec, TelemetryError> {
    register(registry, GaugeVec::new(opts(name, help), labels))
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<HistogramVec, TelemetryError> {
    let opts = HistogramOpts {
        common_opts: opts(name, help),
        buckets: PASS_SECONDS.to_vec(),
    };
    register(registry, HistogramVec::new(opts, labels))
}
