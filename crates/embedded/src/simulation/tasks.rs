//! Jobs, and the budgets that protect pods.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Look, Next, owned};
use crate::crd::{condition, condition_is_true, set_condition};
use crate::meta;
use crate::verbs::{DeleteOptions, Part};

fn phase(pod: &Value) -> &str {
    pod.pointer("/status/phase")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn job(look: &Look<'_>) -> Next {
    let job = look.object;
    if condition_is_true(job, "Complete") || condition_is_true(job, "Failed") {
        return expire(look);
    }
    if job.pointer("/spec/suspend") == Some(&json!(true)) {
        return Next::Settled;
    }
    let wanted = look.number("/spec/completions").max(1);
    let parallel = look.number("/spec/parallelism");
    let limit = look.number("/spec/backoffLimit");
    let count = |of: &str| -> i64 {
        let pods = look.owned(&owned::pods());
        i64::try_from(pods.iter().filter(|pod| phase(&pod.value) == of).count()).unwrap_or(0)
    };
    let (done, failed) = (count("Succeeded"), count("Failed"));
    let template = job.pointer("/spec/template").cloned().unwrap_or_default();
    let under_way = count("Pending") + count("Running");
    let over = done >= wanted || failed > limit;
    if !over {
        for _ in under_way..parallel.min(wanted - done) {
            look.create_pod(&template, None, &[]);
        }
    }
    let active = if over {
        0
    } else {
        count("Pending") + count("Running")
    };
    finish(look, (done, failed, active), done >= wanted, failed > limit);
    Next::Settled
}

fn finish(look: &Look<'_>, counts: (i64, i64, i64), complete: bool, failed: bool) {
    let now = look.now();
    let start = look
        .object
        .pointer("/status/startTime")
        .cloned()
        .unwrap_or_else(|| json!(now));
    let mut object = json!({"status": {
        "startTime": start,
        "active": counts.2,
        "ready": 0,
        "succeeded": counts.0,
        "failed": counts.1,
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }});
    if complete {
        let message = "Reached expected number of succeeded pods";
        for kind in ["SuccessCriteriaMet", "Complete"] {
            set_condition(
                &mut object,
                job_condition(kind, "CompletionsReached", message, &now),
            );
        }
        meta::section(&mut object, "status").insert("completionTime".to_owned(), json!(now));
    } else if failed {
        let message = "Job has reached the specified backoff limit";
        for kind in ["FailureTarget", "Failed"] {
            set_condition(
                &mut object,
                job_condition(kind, "BackoffLimitExceeded", message, &now),
            );
        }
    }
    if let Some(status) = object.get("status") {
        look.write_status(status);
    }
}

fn job_condition(kind: &str, reason: &str, message: &str, now: &str) -> Value {
    let mut made = condition(kind, "True", reason, message, now);
    meta::put(&mut made, "lastProbeTime", now);
    made
}

/// A finished job goes when its time is up.
fn expire(look: &Look<'_>) -> Next {
    let ttl = look
        .object
        .pointer("/spec/ttlSecondsAfterFinished")
        .and_then(Value::as_u64);
    let Some(ttl) = ttl else { return Next::Settled };
    let conditions = look
        .object
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let finished = conditions
        .into_iter()
        .flatten()
        .filter_map(|c| {
            c.get("lastTransitionTime")?
                .as_str()?
                .parse::<jiff::Timestamp>()
                .ok()
        })
        .max();
    let Some(finished) = finished else {
        return Next::Settled;
    };
    let age = (look.core.clock)().as_second() - finished.as_second();
    let age = u64::try_from(age).unwrap_or(0);
    if age < ttl {
        return Next::Again(Duration::from_secs(ttl - age));
    }
    let options = DeleteOptions {
        propagation: Some(crate::http::query::Propagation::Background),
        ..DeleteOptions::default()
    };
    super::report(
        look.manager().delete(look.collection, look.key, &options),
        look.collection,
        look.key,
    );
    Next::Settled
}

/// Counts the pods a budget protects.
pub(super) fn disruption_budget(look: &Look<'_>) -> Next {
    let selector = look
        .object
        .pointer("/spec/selector")
        .map(crate::table::selector_text);
    let selector = selector.unwrap_or_default();
    let (_, pods) = look.core.store.list(&owned::pods(), &look.key.namespace);
    let chosen: Vec<&Value> = pods
        .iter()
        .map(|pod| &pod.value)
        .filter(|pod| !selector.is_empty() && crate::selector::labels_match(&selector, pod))
        .collect();
    let total = i64::try_from(chosen.len()).unwrap_or(0);
    let healthy = chosen.iter().filter(|pod| owned::is_ready(pod)).count();
    let healthy = i64::try_from(healthy).unwrap_or(0);
    let amount = |field: &str| match look.object.pointer(&format!("/spec/{field}")) {
        Some(Value::Number(n)) => n.as_i64(),
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            Some((total * percent + 99) / 100)
        }
        _ => None,
    };
    let desired = match (amount("minAvailable"), amount("maxUnavailable")) {
        (Some(min), _) => min,
        (None, Some(max)) => (total - max).max(0),
        (None, None) => 0,
    };
    let allowed = (healthy - desired).max(0);
    let now = look.now();
    let (status, reason) = if allowed > 0 {
        ("True", "SufficientPods")
    } else {
        ("False", "InsufficientPods")
    };
    let mut made = condition("DisruptionAllowed", status, reason, "", &now);
    meta::put(
        &mut made,
        "observedGeneration",
        meta::generation(look.object),
    );
    let result = look
        .manager()
        .edit(look.collection, look.key, Part::Status, |budget| {
            set_condition(budget, made.clone());
            let own = meta::section(budget, "status");
            for (field, value) in [
                ("observedGeneration", meta::generation(look.object)),
                ("expectedPods", total),
                ("currentHealthy", healthy),
                ("desiredHealthy", desired),
                ("disruptionsAllowed", allowed),
            ] {
                own.insert(field.to_owned(), json!(value));
            }
        });
    super::report(result, look.collection, look.key);
    Next::Settled
}
