//! `docs/instrumentation.md` and the registry say the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use prometheus::proto::MetricType;

use super::{Action, Drift, Metrics, ObjectState, Outcome, Poll};

/// What is said about one metric: its type, and its labels with their values where the set of them
/// is closed.
#[derive(Debug, PartialEq, Eq)]
struct Family {
    kind: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The rows `| `name` | type | label, label: value value | meaning |` of the specification.
fn documented() -> BTreeMap<String, Family> {
    let text = include_str!("../../docs/instrumentation.md");
    let mut families = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `trueup_")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, labels, meaning, _] = cells.as_slice() else {
            panic!("a row of four cells: {line}");
        };
        assert!(meaning.len() > 10, "a meaning: {line}");
        let labels = labels
            .split(',')
            .map(|label| {
                let (label, values) = label.split_once(':').unwrap_or((label, ""));
                let values = values.split_whitespace().map(bare).collect();
                (bare(label.trim()), values)
            })
            .collect();
        let before = families.insert(
            bare(name),
            Family {
                kind: (*kind).to_owned(),
                labels,
            },
        );
        assert!(before.is_none(), "{name} is there twice");
    }
    families
}

fn bare(text: &str) -> String {
    text.trim_matches('`').to_owned()
}

/// A registry in which everything that can happen has happened once.
fn everything() -> Metrics {
    let metrics = Metrics::new().unwrap();
    metrics.environment_appeared("dev");
    for outcome in Outcome::ALL {
        metrics.reconciled("dev", *outcome, Duration::from_secs(1));
    }
    for action in Action::ALL {
        metrics.acted("dev", *action, 1);
    }
    for drift in Drift::ALL {
        metrics.drifted("dev", *drift);
    }
    for poll in Poll::ALL {
        metrics.polled("https://git.example/repo", *poll);
    }
    metrics.objects("dev", &[(ObjectState::Done, 3)]);
    metrics.phase_ended("dev", "pre", Duration::from_secs(1));
    metrics.drift_repaired("dev", 1);
    metrics.contested("dev", 0);
    metrics.source_revision("dev", "0123abc");
    metrics.converged("dev", "0123abc");
    metrics.consecutive_failures("dev", 0);
    metrics
}

/// Labels whose values come from the configuration or from Git.
const OPEN: &[&str] = &["environment", "phase", "revision", "source", "version"];

fn exposed(metrics: &Metrics) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    for family in metrics.registry().gather() {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            other => panic!("{other:?}"),
        };
        let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for metric in family.get_metric() {
            for pair in metric.get_label() {
                let values = labels.entry(pair.name().to_owned()).or_default();
                if !OPEN.contains(&pair.name()) {
                    values.insert(pair.value().to_owned());
                }
            }
        }
        families.insert(
            family.name().to_owned(),
            Family {
                kind: kind.to_owned(),
                labels,
            },
        );
    }
    families
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_exists() {
    let (documented, exposed) = (documented(), exposed(&everything()));
    assert!(documented.len() > 10, "the table of metrics was not found");
    let names = |families: &BTreeMap<String, Family>| -> BTreeSet<String> {
        families.keys().cloned().collect()
    };
    assert_eq!(names(&documented), names(&exposed));
    for (name, family) in &documented {
        assert_eq!(Some(family), exposed.get(name), "{name}");
    }
}

#[test]
fn an_environment_is_shown_before_anything_happened_to_it() {
    let metrics = Metrics::new().unwrap();
    metrics.environment_appeared("dev");
    let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
    for line in [
        "trueup_environment_ready{environment=\"dev\"} 0",
        "trueup_reconcile_total{environment=\"dev\",result=\"failed\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[test]
fn an_environment_that_is_gone_leaves_no_series_behind() {
    let metrics = everything();
    metrics.environment_appeared("prod");
    metrics.environment_gone("dev");
    let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
    assert!(!text.contains("\"dev\""), "{text}");
    assert!(text.contains("\"prod\""), "{text}");
}

#[test]
fn only_the_newest_revision_is_shown() {
    let metrics = Metrics::new().unwrap();
    for revision in ["aaa", "bbb"] {
        metrics.source_revision("dev", revision);
        metrics.converged("dev", revision);
    }
    let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
    assert!(!text.contains("aaa"), "{text}");
    assert!(text.contains("trueup_applied_revision_info{environment=\"dev\",revision=\"bbb\"} 1"));
}

#[test]
fn states_that_hold_nothing_fall_to_zero() {
    let metrics = Metrics::new().unwrap();
    metrics.objects("dev", &[(ObjectState::Failed, 2)]);
    metrics.objects("dev", &[(ObjectState::Done, 2)]);
    let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
    assert!(
        text.contains("trueup_objects{environment=\"dev\",state=\"failed\"} 0"),
        "{text}"
    );
    assert!(
        text.contains("trueup_objects{environment=\"dev\",state=\"done\"} 2"),
        "{text}"
    );
}
