//! Cells of pods and of what runs them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age;
use crate::meta;

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn or_none(text: &str) -> Value {
    json!(if text.is_empty() { "<none>" } else { text })
}

/// The containers of a workload's pods, wherever the kind keeps the template.
fn template(object: &Value) -> &[Value] {
    [
        "/spec/template/spec/containers",
        "/spec/jobTemplate/spec/template/spec/containers",
        "/template/spec/containers",
    ]
    .iter()
    .map(|path| list(object, path))
    .find(|found| !found.is_empty())
    .unwrap_or_default()
}

fn joined(object: &Value, field: &str) -> Value {
    let words: Vec<&str> = template(object).iter().map(|c| text(c, field)).collect();
    json!(words.join(","))
}

pub(super) fn containers(object: &Value, _: Timestamp) -> Value {
    joined(object, "/name")
}

pub(super) fn images(object: &Value, _: Timestamp) -> Value {
    joined(object, "/image")
}

pub(super) fn selector(object: &Value, _: Timestamp) -> Value {
    let path = if object.pointer("/spec/jobTemplate").is_some() {
        "/spec/jobTemplate/spec/selector"
    } else {
        "/spec/selector"
    };
    or_none(
        &object
            .pointer(path)
            .map(super::selector_text)
            .unwrap_or_default(),
    )
}

pub(super) fn pod_labels(object: &Value, _: Timestamp) -> Value {
    labels(object.pointer("/template/metadata/labels"))
}

pub(super) fn node_selector(object: &Value, _: Timestamp) -> Value {
    labels(object.pointer("/spec/template/spec/nodeSelector"))
}

/// `a=b,c=d`, or `<none>`.
pub(super) fn labels(map: Option<&Value>) -> Value {
    let words: Vec<String> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    or_none(&words.join(","))
}

pub(super) fn ready_of_desired(object: &Value, _: Timestamp) -> Value {
    json!(format!(
        "{}/{}",
        number(object, "/status/readyReplicas"),
        number(object, "/spec/replicas")
    ))
}

pub(super) fn updated(object: &Value, _: Timestamp) -> Value {
    json!(number(object, "/status/updatedReplicas"))
}

pub(super) fn available(object: &Value, _: Timestamp) -> Value {
    json!(number(object, "/status/availableReplicas"))
}

pub(super) fn current_replicas(object: &Value, _: Timestamp) -> Value {
    json!(number(object, "/status/currentReplicas"))
}

pub(super) fn pod_ready(pod: &Value, _: Timestamp) -> Value {
    let ready = list(pod, "/status/containerStatuses")
        .iter()
        .filter(|c| c.get("ready") == Some(&json!(true)) && c.pointer("/state/running").is_some())
        .count();
    json!(format!("{ready}/{}", list(pod, "/spec/containers").len()))
}

/// The word the real printer finds for what a pod is up to.
pub(super) fn pod_status(pod: &Value, _: Timestamp) -> Value {
    let phase = text(pod, "/status/phase");
    let mut reason = match text(pod, "/status/reason") {
        "" => phase.to_owned(),
        own => own.to_owned(),
    };
    match initializing(pod) {
        Some(word) => reason = word,
        None => containers_reason(pod, &mut reason),
    }
    let terminal = matches!(phase, "Succeeded" | "Failed");
    if meta::deleting(pod) && !terminal {
        "Terminating".clone_into(&mut reason);
    }
    json!(reason)
}

fn initializing(pod: &Value) -> Option<String> {
    let total = list(pod, "/spec/initContainers").len();
    for (index, container) in list(pod, "/status/initContainerStatuses")
        .iter()
        .enumerate()
    {
        let terminated = container.pointer("/state/terminated");
        if terminated.is_some_and(|t| number(t, "/exitCode") == 0) {
            continue;
        }
        let waiting = text(container, "/state/waiting/reason");
        return Some(match terminated {
            Some(end) => match text(end, "/reason") {
                "" => format!("Init:ExitCode:{}", number(end, "/exitCode")),
                reason => format!("Init:{reason}"),
            },
            None if !waiting.is_empty() && waiting != "PodInitializing" => {
                format!("Init:{waiting}")
            }
            None => format!("Init:{index}/{total}"),
        });
    }
    None
}

fn containers_reason(pod: &Value, reason: &mut String) {
    let (mut running, mut error) = (false, String::new());
    for container in list(pod, "/status/containerStatuses").iter().rev() {
        let waiting = text(container, "/state/waiting/reason");
        if !waiting.is_empty() {
            waiting.clone_into(reason);
        } else if let Some(end) = container.pointer("/state/terminated") {
            *reason = match text(end, "/reason") {
                "" => format!("ExitCode:{}", number(end, "/exitCode")),
                own => own.to_owned(),
            };
            if number(end, "/exitCode") != 0 {
                error.clone_from(reason);
            }
        } else if container.get("ready") == Some(&json!(true)) {
            running = true;
        }
    }
    if reason == "Completed" {
        if running {
            "Running".clone_into(reason);
        } else if !error.is_empty() {
            *reason = error;
        }
    }
}

pub(super) fn pod_restarts(pod: &Value, now: Timestamp) -> Value {
    let statuses = list(pod, "/status/containerStatuses");
    let restarts: i64 = statuses.iter().map(|c| number(c, "/restartCount")).sum();
    let last = statuses
        .iter()
        .map(|c| text(c, "/lastState/terminated/finishedAt"))
        .max()
        .unwrap_or_default();
    if restarts > 0 && !last.is_empty() {
        return json!(format!("{restarts} ({} ago)", age::since(last, now)));
    }
    json!(restarts.to_string())
}

pub(super) fn pod_ip(pod: &Value, _: Timestamp) -> Value {
    or_none(text(pod, "/status/podIP"))
}

pub(super) fn pod_node(pod: &Value, _: Timestamp) -> Value {
    or_none(text(pod, "/spec/nodeName"))
}

pub(super) fn pod_nominated_node(pod: &Value, _: Timestamp) -> Value {
    or_none(text(pod, "/status/nominatedNodeName"))
}

pub(super) fn pod_gates(pod: &Value, _: Timestamp) -> Value {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return json!("<none>");
    }
    let open = gates
        .iter()
        .filter(|gate| condition(pod, text(gate, "/conditionType")))
        .count();
    json!(format!("{open}/{}", gates.len()))
}

fn condition(object: &Value, kind: &str) -> bool {
    crate::crd::condition_is_true(object, kind)
}

pub(super) fn job_status(job: &Value, _: Timestamp) -> Value {
    let word = if condition(job, "Complete") {
        "Complete"
    } else if condition(job, "Failed") {
        "Failed"
    } else if meta::deleting(job) {
        "Terminating"
    } else if condition(job, "Suspended") {
        "Suspended"
    } else if condition(job, "FailureTarget") {
        "FailureTarget"
    } else if condition(job, "SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    json!(word)
}

pub(super) fn job_completions(job: &Value, _: Timestamp) -> Value {
    let done = number(job, "/status/succeeded");
    let wanted = job.pointer("/spec/completions").and_then(Value::as_i64);
    let parallel = number(job, "/spec/parallelism");
    json!(match wanted {
        Some(wanted) => format!("{done}/{wanted}"),
        None if parallel > 1 => format!("{done}/1 of {parallel}"),
        None => format!("{done}/1"),
    })
}

pub(super) fn job_duration(job: &Value, now: Timestamp) -> Value {
    let time = |path: &str| text(job, path).parse::<Timestamp>().ok();
    let Some(start) = time("/status/startTime") else {
        return json!("");
    };
    let end = time("/status/completionTime").unwrap_or(now);
    json!(age::human(end.as_second() - start.as_second()))
}

pub(super) fn time_zone(job: &Value, _: Timestamp) -> Value {
    or_none(text(job, "/spec/timeZone"))
}

pub(super) fn suspended(job: &Value, _: Timestamp) -> Value {
    let suspended = job.pointer("/spec/suspend") == Some(&json!(true));
    json!(if suspended { "True" } else { "False" })
}

pub(super) fn active_jobs(job: &Value, _: Timestamp) -> Value {
    json!(list(job, "/status/active").len())
}

pub(super) fn last_schedule(job: &Value, now: Timestamp) -> Value {
    match text(job, "/status/lastScheduleTime") {
        "" => json!("<none>"),
        time => json!(age::since(time, now)),
    }
}

pub(super) fn scaled(hpa: &Value, _: Timestamp) -> Value {
    let target = |field: &str| text(hpa, &format!("/spec/scaleTargetRef/{field}")).to_owned();
    json!(format!("{}/{}", target("kind"), target("name")))
}

pub(super) fn min_replicas(hpa: &Value, _: Timestamp) -> Value {
    let min = hpa.pointer("/spec/minReplicas").and_then(Value::as_i64);
    json!(min.map_or_else(|| "<unset>".to_owned(), |min| min.to_string()))
}

pub(super) fn scale_targets(hpa: &Value, _: Timestamp) -> Value {
    const SHOWN: usize = 2;
    let metrics = list(hpa, "/spec/metrics");
    if metrics.is_empty() {
        let target = number(hpa, "/spec/targetCPUUtilizationPercentage");
        return json!(if target == 0 {
            "<none>".to_owned()
        } else {
            format!("cpu: <unknown>/{target}%")
        });
    }
    let words: Vec<String> = metrics.iter().take(SHOWN).map(scale_target).collect();
    let words = words.join(", ");
    if metrics.len() > SHOWN {
        return json!(format!("{words} + {} more...", metrics.len() - SHOWN));
    }
    json!(words)
}

fn scale_target(metric: &Value) -> String {
    let (source, named) = match text(metric, "/type") {
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "External" => ("external", false),
        _ => return "<unknown type>".to_owned(),
    };
    let at = |field: &str| metric.pointer(&format!("/{source}/{field}"));
    let plain = |field: &str| at(field).and_then(Value::as_str).map(str::to_owned);
    let goal = if let Some(average) = plain("target/averageValue") {
        if named || source == "pods" {
            average
        } else {
            format!("{average} (avg)")
        }
    } else if let Some(percent) = at("target/averageUtilization").and_then(Value::as_i64) {
        format!("{percent}%")
    } else {
        plain("target/value").unwrap_or_else(|| "<auto>".to_owned())
    };
    if named {
        format!("{}: <unknown>/{goal}", plain("name").unwrap_or_default())
    } else {
        format!("<unknown>/{goal}")
    }
}

fn int_or_string(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => json!(text),
        Some(Value::Number(number)) => json!(number.to_string()),
        _ => json!("N/A"),
    }
}

pub(super) fn min_available(pdb: &Value, _: Timestamp) -> Value {
    int_or_string(pdb.pointer("/spec/minAvailable"))
}

pub(super) fn max_unavailable(pdb: &Value, _: Timestamp) -> Value {
    int_or_string(pdb.pointer("/spec/maxUnavailable"))
}
