//! Why an object is not healthy, as far as the cluster can tell: what it says itself, what its pods
//! say, and the last warnings about it.

use std::time::Duration;

use serde_json::Value;
use trueup_manifest::Diagnostic;

use super::health::{Health, Status, health};
use crate::{
    cluster::{Cluster, Freshness, Live, Resource, Selection},
    plan::Action,
};

/// How many pods and how many warnings are told.
const TOLD: usize = 3;

/// The error about an object that did not become healthy in time, or never will.
pub(super) async fn unhealthy(
    cluster: &dyn Cluster,
    action: &Action,
    live: &Live,
    health: &Health,
    patience: Duration,
) -> Diagnostic {
    let mut message = match health.status {
        Status::Failed => format!("`{}` failed: {}", action.id(), health.message),
        _ => format!(
            "`{}` is not healthy after {} s: {}",
            action.id(),
            patience.as_secs(),
            health.message
        ),
    };
    // What cannot be read is left out: this is an error already.
    let found = findings(cluster, live).await.unwrap_or_default();
    for finding in found.said {
        message.push_str("; ");
        message.push_str(&finding);
    }
    let target = &action.target;
    let namespace = match target.namespace.as_str() {
        "" => String::new(),
        namespace => format!("-n {namespace} "),
    };
    let log = found
        .log
        .map(|log| format!(" and `kubectl {namespace}{log}`"));
    let help = format!(
        "look further with `kubectl {namespace}describe {}`{}",
        action.id().short(),
        log.unwrap_or_default()
    );
    action.error("apply/unhealthy", message).help(help)
}

/// What the cluster tells about an object.
#[derive(Default)]
struct Findings {
    said: Vec<String>,
    /// The rest of the command that shows what a container wrote before it ended.
    log: Option<String>,
}

async fn findings(cluster: &dyn Cluster, live: &Live) -> Option<Findings> {
    let kinds = cluster.kinds(Freshness::Cached).await.ok()?;
    let namespace = live.text(&["metadata", "namespace"]);
    let mut found = Vec::new();
    let mut log = None;
    let mut uids = vec![live.uid().to_owned()];
    if let (Some(selector), Some(pods)) = (pod_selector(live), kinds.preferred("", "Pod")) {
        for pod in sick_pods(cluster, pods, namespace, selector).await {
            found.push(format!("pod `{}`: {}", pod.id().name, health(&pod).message));
            uids.push(pod.uid().to_owned());
            log = log.or_else(|| log_of(&pod));
        }
    }
    let events = kinds.get(&trueup_manifest::Gvk::new("v1", "Event"))?;
    for uid in uids {
        found.extend(warnings(cluster, events, namespace, &uid).await);
    }
    found.dedup();
    Some(Findings { said: found, log })
}

/// The command for what a container of a pod wrote before it ended, where one did.
fn log_of(pod: &Live) -> Option<String> {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let statuses = lists
        .iter()
        .filter_map(|list| pod.at(&["status", list])?.as_array());
    let ended = statuses.flatten().find_map(|status| {
        let terminated = |state: &str| status.get(state)?.get("terminated");
        let previous = terminated("lastState").map(|_| " --previous");
        let flag = previous.or_else(|| terminated("state").map(|_| ""))?;
        Some((status.get("name")?.as_str()?, flag))
    });
    let (container, flag) = ended?;
    Some(format!("logs {} -c {container}{flag}", pod.id().name))
}

/// The label selector of a workload's pods.
fn pod_selector(live: &Live) -> Option<String> {
    let labels = live.at(&["spec", "selector", "matchLabels"])?.as_object()?;
    let pairs: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

async fn sick_pods(
    cluster: &dyn Cluster,
    pods: &Resource,
    namespace: &str,
    selector: String,
) -> Vec<Live> {
    let selection = Selection {
        namespace: namespace.to_owned(),
        labels: selector,
        fields: String::new(),
    };
    let listed = cluster.list(pods, &selection).await.unwrap_or_default();
    listed
        .items
        .into_iter()
        .filter(|pod| !health(pod).is_current())
        .take(TOLD)
        .collect()
}

/// The last warnings about an object, the newest first.
async fn warnings(
    cluster: &dyn Cluster,
    events: &Resource,
    namespace: &str,
    uid: &str,
) -> Vec<String> {
    let selection = Selection {
        namespace: namespace.to_owned(),
        fields: format!("involvedObject.uid={uid},type=Warning"),
        ..Selection::default()
    };
    let listed = cluster.list(events, &selection).await.unwrap_or_default();
    let mut items = listed.items;
    let time = |event: &Live| {
        let text = |key: &str| event.at(&[key]).and_then(Value::as_str).unwrap_or_default();
        text("lastTimestamp").max(text("eventTime")).to_owned()
    };
    items.sort_by_cached_key(|event| std::cmp::Reverse(time(event)));
    items
        .iter()
        .take(TOLD)
        .map(|event| format!("{}: {}", event.text(&["reason"]), event.text(&["message"])))
        .collect()
}
