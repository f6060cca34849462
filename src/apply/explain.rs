//! Why an object is not healthy, as far as the cluster can tell: what it says itself, what its pods
//! say, and the last warnings about it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use trueup_manifest::Diagnostic;

use super::{
    cause,
    health::{Health, Status, health},
};
use crate::{
    cluster::{Cluster, Freshness, Kinds, Live, Resource, Selection, Target},
    plan::Action,
};

/// How many pods and how many warnings are told.
const TOLD: usize = 3;

/// Why an object is not healthy.
pub(super) struct Unhealthy {
    /// The error about it.
    pub error: Diagnostic,
    /// What it comes down to, where others may fail for the same reason: it names nothing of this object.
    pub cause: Option<String>,
}

/// Why an object did not become healthy in time, or never will.
pub(super) async fn unhealthy(
    cluster: &dyn Cluster,
    action: &Action,
    live: &Live,
    health: &Health,
    patience: Duration,
) -> Unhealthy {
    if let Some(error) = silence(cluster, action).await {
        return unanswered(action, health, patience, &error);
    }
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
    Unhealthy {
        error: action.error("apply/unhealthy", message).help(help),
        cause: found.cause,
    }
}

/// Why the server does not answer, where it does not: what was seen last may be long past then.
async fn silence(cluster: &dyn Cluster, action: &Action) -> Option<String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    match tokio::time::timeout(PATIENCE, cluster.get(&action.target)).await {
        Ok(Err(error)) if error.is_transient() => Some(error.to_string()),
        Ok(_) => None,
        Err(_) => Some(format!("nothing came for {} s", PATIENCE.as_secs())),
    }
}

fn unanswered(action: &Action, health: &Health, patience: Duration, error: &str) -> Unhealthy {
    let message = format!(
        "`{}` was not seen healthy within {} s, and the server does not answer: {error}; the last that was seen: {}",
        action.id(),
        patience.as_secs(),
        health.message
    );
    Unhealthy {
        error: action
            .error("apply/unreachable", message)
            .help("look at the API server first (`kubectl get --raw /readyz`), then run it again"),
        cause: Some("the server does not answer".to_owned()),
    }
}

/// What the cluster tells about an object.
#[derive(Default)]
struct Findings {
    said: Vec<String>,
    /// The rest of the command that shows what a container wrote before it ended.
    log: Option<String>,
    cause: Option<String>,
}

async fn findings(cluster: &dyn Cluster, live: &Live) -> Option<Findings> {
    let kinds = cluster.kinds(Freshness::Cached).await.ok()?;
    let namespace = live.text(&["metadata", "namespace"]);
    let mut found = Vec::new();
    let mut log = None;
    let mut uids = vec![live.uid().to_owned()];
    let mut sick = Vec::new();
    if let (Some(selector), Some(pods)) = (pod_selector(live), kinds.preferred("", "Pod")) {
        sick = sick_pods(cluster, pods, namespace, selector).await;
    }
    for pod in &sick {
        found.push(format!("pod `{}`: {}", pod.id().name, health(pod).message));
        uids.push(pod.uid().to_owned());
        log = log.or_else(|| log_of(pod));
    }
    if live.text(&["kind"]) == "Pod" {
        sick.push(live.clone());
    }
    let nodes = nodes_of(cluster, &kinds, &sick).await;
    found.extend(nodes.iter().filter_map(cause::of_node));
    let events = kinds.get(&trueup_manifest::Gvk::new("v1", "Event"))?;
    for uid in uids {
        found.extend(warnings(cluster, events, namespace, &uid).await);
    }
    found.dedup();
    Some(Findings {
        said: found,
        log,
        cause: cause::cause(live, &sick, &nodes),
    })
}

/// The nodes that some pods run on. Whoever may not read them is not told of them.
async fn nodes_of(cluster: &dyn Cluster, kinds: &Kinds, pods: &[Live]) -> Vec<Live> {
    let Some(resource) = kinds.preferred("", "Node") else {
        return Vec::new();
    };
    let names: BTreeSet<&str> = pods
        .iter()
        .map(|pod| pod.text(&["spec", "nodeName"]))
        .filter(|name| !name.is_empty())
        .collect();
    let mut nodes = Vec::new();
    for name in names {
        let target = Target {
            resource: Arc::clone(resource),
            namespace: String::new(),
            name: name.to_owned(),
        };
        nodes.extend(cluster.get(&target).await.ok().flatten());
    }
    nodes
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
