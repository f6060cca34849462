//! What runs pods: `apps`, `batch`, and what scales and protects them.

use serde_json::{Value, json};

use super::flaw::{Flaws, invalid, not_supported};
use super::place::Place;
use super::pods;

/// The selector must be there and match the labels of the template.
fn selected(spec: &Place<'_>, need_selector: bool, flaws: &mut Flaws) {
    let selector = spec.at("selector");
    if selector.is_absent() && need_selector {
        flaws.required(&selector, "");
    } else if !selector.is_absent() && selector.is_empty() {
        let why = "empty selector is invalid for deployment";
        if need_selector {
            flaws.invalid(&selector, why);
        }
    }
    let template = spec.at("template");
    let labels = template.at("metadata").at("labels");
    if selector.is_empty() || !matches(selector.value, labels.value) {
        flaws.invalid(&labels, "`selector` does not match template `labels`");
    }
}

/// Whether a label selector selects labels; an absent one selects nothing.
fn matches(selector: &Value, labels: &Value) -> bool {
    let object = json!({"metadata": {"labels": labels}});
    let text = crate::table::selector_text(selector);
    crate::selector::labels_match(&text, &object)
}

fn template(spec: &Place<'_>, flaws: &mut Flaws) {
    template_with(spec, &[], flaws);
}

fn template_with(spec: &Place<'_>, claims: &[&str], flaws: &mut Flaws) {
    let template = spec.at("template");
    pods::template_with(&template, claims, flaws);
    let restart = template.at("spec").at("restartPolicy");
    if restart.text() != "Always" {
        flaws.push(not_supported(
            restart.path.as_str(),
            restart.text(),
            &["Always"],
        ));
    }
}

pub(super) fn deployment(root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    flaws.not_negative(&spec.at("replicas"));
    selected(&spec, true, flaws);
    template(&spec, flaws);
    let strategy = spec.at("strategy");
    match strategy.at("type").text() {
        "Recreate" if !strategy.at("rollingUpdate").is_absent() => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            flaws.forbidden(&strategy.at("rollingUpdate"), why);
        }
        "Recreate" | "RollingUpdate" => {}
        other => {
            let value = json!({"Type": other, "RollingUpdate": null});
            let supported = ["Recreate", "RollingUpdate"];
            flaws.push(not_supported(strategy.path.as_str(), value, &supported));
        }
    }
    flaws.not_negative(&spec.at("minReadySeconds"));
    flaws.not_negative(&spec.at("revisionHistoryLimit"));
}

pub(super) fn replica_set(root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    flaws.not_negative(&spec.at("replicas"));
    flaws.not_negative(&spec.at("minReadySeconds"));
    selected(&spec, true, flaws);
    template(&spec, flaws);
}

pub(super) fn replication_controller(root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    flaws.need(&spec.at("selector"));
    flaws.not_negative(&spec.at("replicas"));
    if spec.at("template").is_absent() {
        flaws.required(&spec.at("template"), "");
    } else {
        template(&spec, flaws);
    }
}

pub(super) fn daemon_set(root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    selected(&spec, false, flaws);
    template(&spec, flaws);
    flaws.not_negative(&spec.at("minReadySeconds"));
    let supported = ["RollingUpdate", "OnDelete"];
    flaws.one_of(&spec.at("updateStrategy").at("type"), &supported, false);
}

pub(super) fn stateful_set(root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    flaws.not_negative(&spec.at("replicas"));
    flaws.not_negative(&spec.at("minReadySeconds"));
    selected(&spec, true, flaws);
    // Each pod has a volume for each claim, so that its containers may mount it by the claim's name.
    let claims: Vec<&str> = spec
        .at("volumeClaimTemplates")
        .items()
        .iter()
        .map(|claim| claim.at("metadata").at("name").text())
        .collect();
    template_with(&spec, &claims, flaws);
}

/// The pods of a job end.
fn job_template(spec: &Place<'_>, flaws: &mut Flaws) {
    let template = spec.at("template");
    pods::template(&template, flaws);
    let restart = template.at("spec").at("restartPolicy");
    match restart.text() {
        "OnFailure" | "Never" => {}
        "" | "Always" => flaws.required(&restart, "valid values: \"OnFailure\", \"Never\""),
        other => {
            flaws.push(not_supported(
                restart.path.as_str(),
                other,
                &["OnFailure", "Never"],
            ));
        }
    }
}

pub(super) fn job(spec: &Place<'_>, flaws: &mut Flaws) {
    for field in [
        "parallelism",
        "completions",
        "backoffLimit",
        "activeDeadlineSeconds",
    ] {
        flaws.not_negative(&spec.at(field));
    }
    job_template(spec, flaws);
}

pub(super) fn cron_job(spec: &Place<'_>, flaws: &mut Flaws) {
    let schedule = spec.at("schedule");
    if flaws.need(&schedule) {
        let fields: Vec<&str> = schedule.text().split_whitespace().collect();
        if fields.len() != 5 && !schedule.text().starts_with('@') {
            let why = format!(
                "expected exactly 5 fields, found {}: [{}]",
                fields.len(),
                fields.join(" ")
            );
            flaws.invalid(&schedule, why);
        }
    }
    let policies = ["Allow", "Forbid", "Replace"];
    flaws.one_of(&spec.at("concurrencyPolicy"), &policies, false);
    job_template(&spec.at("jobTemplate").at("spec"), flaws);
}

pub(super) fn autoscaler(spec: &Place<'_>, flaws: &mut Flaws) {
    let (min, max) = (spec.at("minReplicas"), spec.at("maxReplicas"));
    if min.number().is_some_and(|min| min < 1) {
        flaws.invalid(&min, "must be greater than or equal to 1");
    }
    if max.number().unwrap_or(0) < 1 {
        flaws.required(&max, "must be set and greater than 0");
    }
    if min
        .number()
        .is_some_and(|min| max.number().unwrap_or(0) < min)
    {
        flaws.invalid(&max, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.at("scaleTargetRef");
    flaws.need(&target.at("kind"));
    flaws.need(&target.at("name"));
    let version = target.at("apiVersion").text();
    let kind = target.at("kind").text();
    if !version.contains('/') && kind != "ReplicationController" {
        let path = target.at("apiVersion").path;
        flaws.push(invalid(path, version, "apiVersion must specify API group"));
    }
}

pub(super) fn disruption_budget(root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    let (min, max) = (spec.at("minAvailable"), spec.at("maxUnavailable"));
    if !min.is_absent() && !max.is_absent() {
        let value = json!({
            "MinAvailable": min.value,
            "Selector": spec.at("selector").value,
            "MaxUnavailable": max.value,
            "UnhealthyPodEvictionPolicy": spec.at("unhealthyPodEvictionPolicy").value,
        });
        let why = "minAvailable and maxUnavailable cannot be both set";
        flaws.push(invalid(spec.path.as_str(), value, why));
    }
    for amount in [&min, &max] {
        flaws.not_negative(amount);
        let percent = amount
            .text()
            .strip_suffix('%')
            .and_then(|text| text.parse::<i64>().ok());
        if percent.is_some_and(|percent| percent > 100) {
            flaws.invalid(amount, "must not be greater than 100%");
        }
    }
}
