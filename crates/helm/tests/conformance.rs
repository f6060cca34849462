//! Every chart of the corpus against what `helm template` 3.22 prints for it: byte for byte, errors in its words.
//!
//! Cases that cannot apply are listed with the reason in `conformance.skip`; any other failure fails the
//! test. A listed case that passes is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by failing"
)]

mod corpus;

use std::collections::BTreeMap;

use corpus::Case;

/// The skipped cases with their reasons.
fn skipped() -> BTreeMap<&'static str, &'static str> {
    include_str!("conformance.skip")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(' ').expect("a name and a reason"))
        .collect()
}

#[test]
fn every_chart_renders_as_helm_renders_it() {
    let Some(root) = corpus::root() else {
        return;
    };
    let skipped = skipped();
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut per_chart: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    let cases: Vec<Case> = Case::all(&root)
        .into_iter()
        .filter(|case| case.name.contains(&only))
        .collect();
    assert!(!cases.is_empty(), "the corpus holds no cases");
    for case in &cases {
        let counts = per_chart.entry(case.chart().to_owned()).or_default();
        counts.1 += 1;
        match (case.failure(&root), skipped.get(case.name.as_str())) {
            (None, None) => counts.0 += 1,
            (Some(_), Some(_)) => {}
            (None, Some(_)) => {
                counts.0 += 1;
                println!("{}: passes: take it out of `conformance.skip`", case.name);
            }
            (Some(why), None) => failures.push(format!("{}: {why}", case.name)),
        }
    }
    for (chart, (passed, all)) in &per_chart {
        println!("{chart:34} {passed:3} of {all:3}");
    }
    let passed: usize = per_chart.values().map(|counts| counts.0).sum();
    println!("{passed} of {} cases are as Helm prints them", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
