//! Replica sets, stateful sets and daemon sets: as many pods as they want.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Look, Next, cluster, owned};
use crate::meta;
use crate::registry::GroupResource;
use crate::store::Stored;

const REVISION: &str = "controller-revision-hash";

fn count(pods: &[Arc<Stored>], test: impl Fn(&Value) -> bool) -> usize {
    pods.iter().filter(|pod| test(&pod.value)).count()
}

/// Pods that still do their work.
fn active(look: &Look<'_>) -> Vec<Arc<Stored>> {
    let mut pods = look.owned(&owned::pods());
    pods.retain(|pod| {
        let phase = pod.value.pointer("/status/phase").and_then(Value::as_str);
        !matches!(phase, Some("Failed" | "Succeeded"))
    });
    pods
}

pub(super) fn replica_set(look: &Look<'_>) -> Next {
    let wanted = usize::try_from(look.number("/spec/replicas")).unwrap_or(0);
    let template = look
        .object
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_default();
    let mut pods = active(look);
    for _ in pods.len()..wanted {
        look.create_pod(&template, None, &[]);
    }
    // Those that are not ready go first, then the youngest.
    pods.sort_by_key(|pod| {
        let ready = owned::is_ready(&pod.value);
        (!ready, std::cmp::Reverse(pod.revision))
    });
    let spare = pods.len().saturating_sub(wanted);
    pods.sort_by_key(|pod| owned::is_ready(&pod.value));
    for pod in pods.iter().take(spare) {
        look.delete(&owned::pods(), &pod.value);
    }
    let pods = active(look);
    let ready = count(&pods, owned::is_ready);
    look.write_status(&json!({
        "observedGeneration": meta::generation(look.object),
        "replicas": pods.len(),
        "fullyLabeledReplicas": pods.len(),
        "readyReplicas": ready,
        "availableReplicas": ready,
    }));
    Next::Settled
}

pub(super) fn stateful_set(look: &Look<'_>) -> Next {
    let wanted = usize::try_from(look.number("/spec/replicas")).unwrap_or(0);
    let template = look
        .object
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_default();
    let hash = owned::hash(&template);
    let revision = format!("{}-{hash}", look.key.name);
    let ordered = look
        .object
        .pointer("/spec/podManagementPolicy")
        .is_none_or(|policy| policy == "OrderedReady");
    let pods = active(look);
    let of = |index: usize| {
        let name = format!("{}-{index}", look.key.name);
        pods.iter().find(|pod| meta::name(&pod.value) == name)
    };
    for index in 0..wanted {
        match of(index) {
            Some(pod) if ordered && !owned::is_ready(&pod.value) => break,
            Some(_) => {}
            None => {
                create_member(look, template.clone(), index, &revision);
                if ordered {
                    break;
                }
            }
        }
    }
    for pod in pods
        .iter()
        .filter(|pod| ordinal(look, &pod.value).is_none_or(|n| n >= wanted))
    {
        look.delete(&owned::pods(), &pod.value);
    }
    roll(look, &pods, wanted, &revision);
    stateful_status(look, &revision)
}

fn ordinal(look: &Look<'_>, pod: &Value) -> Option<usize> {
    meta::name(pod)
        .strip_prefix(&format!("{}-", look.key.name))?
        .parse()
        .ok()
}

/// Pods of an older template are replaced one at a time, the last first.
fn roll(look: &Look<'_>, pods: &[Arc<Stored>], wanted: usize, revision: &str) {
    let rolling = look
        .object
        .pointer("/spec/updateStrategy/type")
        .is_none_or(|kind| kind == "RollingUpdate");
    let all_ready = pods.len() == wanted && pods.iter().all(|pod| owned::is_ready(&pod.value));
    let partition =
        usize::try_from(look.number("/spec/updateStrategy/rollingUpdate/partition")).unwrap_or(0);
    if !rolling || !all_ready {
        return;
    }
    let stale = pods
        .iter()
        .filter(|pod| owned::label(&pod.value, REVISION) != revision)
        .filter_map(|pod| Some((ordinal(look, &pod.value)?, pod)))
        .filter(|(index, _)| *index >= partition)
        .max_by_key(|(index, _)| *index);
    if let Some((_, pod)) = stale {
        look.delete(&owned::pods(), &pod.value);
    }
}

/// A pod with its claims.
fn create_member(look: &Look<'_>, mut template: Value, index: usize, revision: &str) {
    let name = format!("{}-{index}", look.key.name);
    let claims = GroupResource::new("", "persistentvolumeclaims");
    let templates = look
        .object
        .pointer("/spec/volumeClaimTemplates")
        .and_then(Value::as_array);
    for claim in templates.into_iter().flatten() {
        let volume = meta::name(claim).to_owned();
        let claim_name = format!("{volume}-{name}");
        let mut object = json!({
            "metadata": {
                "namespace": look.key.namespace,
                "name": claim_name,
                "labels": look.object.pointer("/spec/selector/matchLabels"),
            },
            "spec": claim.get("spec"),
        });
        meta::unset(&mut object, "status");
        match look.manager().create(&claims, object) {
            // The claim of an earlier pod of this name is taken over.
            Err(error) if error.code() == 409 => {}
            result => super::report(result, look.collection, look.key),
        }
        let volumes = meta::array_of(meta::section(&mut template, "spec"), "volumes");
        volumes.retain(|own| own.get("name").is_none_or(|name| *name != json!(volume)));
        volumes.push(json!({
            "name": volume, "persistentVolumeClaim": {"claimName": claim_name},
        }));
    }
    let labels = [
        ("statefulset.kubernetes.io/pod-name", name.as_str()),
        ("apps.kubernetes.io/pod-index", &index.to_string()),
        (REVISION, revision),
    ];
    look.create_pod(&template, Some(&name), &labels);
}

fn stateful_status(look: &Look<'_>, revision: &str) -> Next {
    let pods = active(look);
    let ready = count(&pods, owned::is_ready);
    let updated = count(&pods, |pod| owned::label(pod, REVISION) == revision);
    let before = look
        .object
        .pointer("/status/currentRevision")
        .and_then(Value::as_str);
    let current = match before {
        Some(before) if updated < pods.len() => before,
        _ => revision,
    };
    look.write_status(&json!({
        "observedGeneration": meta::generation(look.object),
        "replicas": pods.len(),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": count(&pods, |pod| owned::label(pod, REVISION) == current),
        "updatedReplicas": updated,
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    }));
    Next::Settled
}

pub(super) fn daemon_set(look: &Look<'_>) -> Next {
    let template = look
        .object
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_default();
    let hash = owned::hash(&template);
    let wanted = usize::from(cluster::takes(look.core, &template));
    let pods = active(look);
    let (fresh, stale): (Vec<Arc<Stored>>, Vec<Arc<Stored>>) = pods
        .into_iter()
        .partition(|pod| owned::label(&pod.value, REVISION) == hash);
    for pod in stale.iter().chain(fresh.iter().skip(wanted)) {
        look.delete(&owned::pods(), &pod.value);
    }
    for _ in fresh.len()..wanted {
        look.create_pod(&template, None, &[(REVISION, hash.as_str())]);
    }
    let pods = active(look);
    let ready = count(&pods, owned::is_ready);
    look.write_status(&json!({
        "observedGeneration": meta::generation(look.object),
        "currentNumberScheduled": pods.len(),
        "desiredNumberScheduled": wanted,
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
        "numberUnavailable": wanted.saturating_sub(ready),
        "updatedNumberScheduled": count(&pods, |pod| owned::label(pod, REVISION) == hash),
    }));
    Next::Settled
}
