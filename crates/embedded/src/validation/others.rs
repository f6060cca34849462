//! Kinds with a rule or two.

use super::flaw::{Flaws, forbidden};
use super::place::Place;

/// The highest priority a user may give.
const MAX_PRIORITY: i64 = 1_000_000_000;

pub(super) fn priority_class(root: &Place<'_>, flaws: &mut Flaws) {
    const KNOWN: [&str; 2] = ["system-cluster-critical", "system-node-critical"];
    let name = root.at("metadata").at("name").text();
    if KNOWN.contains(&name) {
        return;
    }
    if name.starts_with("system-") {
        flaws.push(forbidden(
            "metadata.name",
            format!(
                "priority class names with 'system-' prefix are reserved for system use only. \
                 error: {name} is not a known system priority class"
            ),
        ));
    } else if root.at("value").number().unwrap_or(0) > MAX_PRIORITY {
        let why = format!("maximum allowed value of a user defined priority is {MAX_PRIORITY}");
        flaws.push(forbidden("value", why));
    }
}

pub(super) fn lease(spec: &Place<'_>, flaws: &mut Flaws) {
    let duration = spec.at("leaseDurationSeconds");
    if duration.number().is_some_and(|seconds| seconds <= 0) {
        flaws.invalid(&duration, "must be greater than 0");
    }
    flaws.not_negative(&spec.at("leaseTransitions"));
}

pub(super) fn webhooks(list: &Place<'_>, flaws: &mut Flaws) {
    for webhook in list.items() {
        let name = webhook.at("name");
        if flaws.need(&name)
            && name
                .text()
                .split('.')
                .filter(|part| !part.is_empty())
                .count()
                < 3
        {
            flaws.invalid(
                &name,
                "should be a domain with at least three segments separated by dots",
            );
        }
        let effects = webhook.at("sideEffects");
        if effects.is_empty() {
            flaws.required(&effects, "must specify one of None, NoneOnDryRun");
        } else {
            flaws.one_of(&effects, &["None", "NoneOnDryRun"], false);
        }
        let client = webhook.at("clientConfig");
        if client.at("url").is_empty() == client.at("service").is_absent() {
            flaws.required(&client, "exactly one of url or service is required");
        }
        let versions = webhook.at("admissionReviewVersions");
        if versions.is_empty() {
            flaws.required(&versions, "must specify one of v1, v1beta1");
        }
    }
}
