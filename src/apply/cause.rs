//! What the failures of many objects come down to: a node that is gone, an image that nobody can pull. Objects with
//! the same cause are told together.
//!
//! Flows in: an object that is not healthy, its pods and their nodes. Flows out: a sentence that is the same for all
//! objects of one cause, so it names nothing of the single one. It must never do I/O, nor guess: where nothing says so,
//! there is no cause.

use serde_json::Value;

use crate::cluster::Live;

/// What an object that is not healthy comes down to, given those of its pods that are not, and their nodes.
pub(super) fn cause(live: &Live, pods: &[Live], nodes: &[Live]) -> Option<String> {
    let of_nodes = nodes.iter().find_map(of_node);
    let of_pods = || pods.iter().find_map(of_pod);
    of_nodes.or_else(of_pods).or_else(|| of_controller(live))
}

/// `node `a` is not ready: …`, where it is not.
pub(super) fn of_node(node: &Live) -> Option<String> {
    let ready = condition(node, "Ready")?;
    let text = |key: &str| ready.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("status") == "True" {
        return None;
    }
    let name = node.text(&["metadata", "name"]);
    let says = match (text("reason"), text("message")) {
        ("", "") => "it does not say why".to_owned(),
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    Some(format!("node `{name}` is not ready: {says}"))
}

/// Why a pod does not run, where many others may not for the same reason.
fn of_pod(pod: &Live) -> Option<String> {
    if let Some(scheduled) = condition(pod, "PodScheduled")
        && scheduled.get("status").and_then(Value::as_str) == Some("False")
    {
        let message = scheduled.get("message").and_then(Value::as_str)?;
        return Some(format!("no node takes the pod: {message}"));
    }
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .filter_map(|list| pod.at(&["status", list])?.as_array())
        .flatten()
        .find_map(|status| of_container(pod, status))
}

fn of_container(pod: &Live, status: &Value) -> Option<String> {
    let waiting = status.get("state")?.get("waiting")?;
    let text = |key: &str| waiting.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("reason") {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable" => {
            let name = status.get("name").and_then(Value::as_str)?;
            let image = image(pod, name)?;
            Some(format!("the image `{image}` cannot be pulled"))
        }
        "CreateContainerConfigError" if !text("message").is_empty() => {
            let namespace = pod.text(&["metadata", "namespace"]);
            Some(format!("{} in namespace `{namespace}`", text("message")))
        }
        _ => None,
    }
}

/// The image that a container of a pod asks for; its status may name another one.
fn image<'a>(pod: &'a Live, container: &str) -> Option<&'a str> {
    ["initContainers", "containers"]
        .iter()
        .filter_map(|list| pod.at(&["spec", list])?.as_array())
        .flatten()
        .find(|one| one.get("name").and_then(Value::as_str) == Some(container))?
        .get("image")?
        .as_str()
}

/// Why a controller makes no pods: what an admission says after the name of the pod, which is another one each time.
fn of_controller(live: &Live) -> Option<String> {
    let failure = condition(live, "ReplicaFailure")?;
    let text = |key: &str| failure.get(key).and_then(Value::as_str).unwrap_or_default();
    let (_, why) = text("message").split_once("is forbidden: ")?;
    let namespace = live.text(&["metadata", "namespace"]);
    let is_so = text("status") == "True" && text("reason") == "FailedCreate";
    is_so.then(|| format!("no pod is admitted in namespace `{namespace}`: {why}"))
}

fn condition<'a>(live: &'a Live, name: &str) -> Option<&'a Value> {
    let conditions = live.at(&["status", "conditions"])?.as_array()?;
    conditions
        .iter()
        .find(|one| one.get("type").and_then(Value::as_str) == Some(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, status: &Value) -> Live {
        Live::new(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "web"},
            "spec": {"containers": [{"name": "api", "image": "example.com/api:1"}]},
            "status": status,
        }))
    }

    fn waiting(reason: &str, message: &str) -> Value {
        json!({"containerStatuses": [{"name": "api", "state": {"waiting": {"reason": reason, "message": message}}}]})
    }

    #[test]
    fn one_cause_reads_the_same_whichever_object_and_moment_it_is_seen_at() {
        let nothing = Live::new(json!({}));
        for (pods, expected) in [
            (
                [
                    pod("a-1", &waiting("ErrImagePull", "rpc error: not found")),
                    pod("b-2", &waiting("ImagePullBackOff", "Back-off pulling image")),
                ],
                "the image `example.com/api:1` cannot be pulled",
            ),
            (
                [
                    pod("a-1", &waiting("CreateContainerConfigError", "secret \"db\" not found")),
                    pod("b-2", &waiting("CreateContainerConfigError", "secret \"db\" not found")),
                ],
                "secret \"db\" not found in namespace `web`",
            ),
            (
                ["a", "b"].map(|name| {
                    pod(name, &json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient cpu."}]}))
                }),
                "no node takes the pod: 0/3 nodes are available: 3 Insufficient cpu.",
            ),
        ] {
            for pod in pods {
                assert_eq!(cause(&nothing, &[pod], &[]).as_deref(), Some(expected));
            }
        }
        let crash = pod(
            "a",
            &waiting(
                "CrashLoopBackOff",
                "back-off 40s restarting failed container",
            ),
        );
        assert_eq!(
            cause(&nothing, &[crash], &[]),
            None,
            "each crashes by itself"
        );
    }

    #[test]
    fn a_node_that_is_gone_explains_more_than_what_its_pods_said_last() {
        let node = |status: &str| {
            Live::new(
                json!({"metadata": {"name": "n1"}, "status": {"conditions": [
                    {"type": "Ready", "status": status, "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."},
                ]}}),
            )
        };
        let pods = [pod("a", &waiting("ErrImagePull", ""))];
        let nothing = Live::new(json!({}));
        assert_eq!(
            cause(&nothing, &pods, &[node("Unknown")]).as_deref(),
            Some("node `n1` is not ready: NodeStatusUnknown: Kubelet stopped posting node status.")
        );
        assert_eq!(
            cause(&nothing, &pods, &[node("True")]).as_deref(),
            Some("the image `example.com/api:1` cannot be pulled")
        );
    }

    #[test]
    fn what_a_quota_says_is_told_without_the_name_of_the_pod() {
        let set = |name: &str| {
            Live::new(
                json!({"metadata": {"name": name, "namespace": "web"}, "status": {"conditions": [
                    {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                     "message": format!("pods \"{name}-x7k2p\" is forbidden: exceeded quota: small, requested: pods=1")},
                ]}}),
            )
        };
        let said =
            "no pod is admitted in namespace `web`: exceeded quota: small, requested: pods=1";
        assert_eq!(cause(&set("a"), &[], &[]).as_deref(), Some(said));
        assert_eq!(cause(&set("b"), &[], &[]).as_deref(), Some(said));
    }
}
