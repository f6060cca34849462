//! Deployments: a replica set for each template, scaled so that a rollout goes forward.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Look, Next, owned};
use crate::crd::{condition, set_condition};
use crate::meta;
use crate::registry::GroupResource;
use crate::store::{Key, Stored};
use crate::verbs::{DeleteOptions, Part};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

fn sets() -> GroupResource {
    GroupResource::new("apps", "replicasets")
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    let all = object.pointer("/metadata/annotations");
    all.and_then(|all| all.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).parse().unwrap_or(0)
}

pub(super) fn look(look: &Look<'_>) -> Next {
    let template = look
        .object
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_default();
    let hash = owned::hash(&template);
    let desired = look.number("/spec/replicas");
    let all = look.owned(&sets());
    let (mut new, old): (Vec<Arc<Stored>>, Vec<Arc<Stored>>) = all
        .into_iter()
        .partition(|set| owned::label(&set.value, HASH) == hash);
    let latest = old
        .iter()
        .map(|set| revision(&set.value))
        .max()
        .unwrap_or(0);
    let paused = look.object.pointer("/spec/paused") == Some(&json!(true));
    if new.is_empty() && !paused {
        create(look, &template, &hash, desired, latest + 1);
        new = look.owned(&sets());
        new.retain(|set| owned::label(&set.value, HASH) == hash);
    }
    let Some(current) = new.first() else {
        write(look, None, &old, desired);
        return Next::Settled;
    };
    let wanted_revision = revision(&current.value).max(latest + i64::from(!old.is_empty()));
    let recreate = look
        .object
        .pointer("/spec/strategy/type")
        .is_some_and(|t| t == "Recreate");
    let old_pods: i64 = old
        .iter()
        .map(|set| number(&set.value, "/status/replicas"))
        .sum();
    let size = if recreate && old_pods > 0 { 0 } else { desired };
    scale(look, &current.value, size, Some(wanted_revision));
    let ready = number(&current.value, "/status/readyReplicas");
    if recreate || ready >= desired {
        for set in &old {
            scale(look, &set.value, 0, None);
        }
    }
    forget(look, &old);
    set_revision(look, wanted_revision);
    write(look, Some(current), &old, desired)
}

fn create(look: &Look<'_>, template: &Value, hash: &str, replicas: i64, revision: i64) {
    let mut template = template.clone();
    let metadata = meta::section(&mut template, "metadata");
    meta::section_of(metadata, "labels").insert(HASH.to_owned(), json!(hash));
    let mut selector = look
        .object
        .pointer("/spec/selector")
        .cloned()
        .unwrap_or_default();
    meta::section(&mut selector, "matchLabels").insert(HASH.to_owned(), json!(hash));
    let set = json!({
        "metadata": {
            "name": format!("{}-{hash}", look.key.name),
            "namespace": look.key.namespace,
            "labels": template.pointer("/metadata/labels"),
            "annotations": {
                REVISION: revision.to_string(),
                "deployment.kubernetes.io/desired-replicas": replicas.to_string(),
            },
            "ownerReferences": [look.reference()],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    });
    super::report(
        look.manager().create(&sets(), set),
        look.collection,
        look.key,
    );
}

fn scale(look: &Look<'_>, set: &Value, replicas: i64, revision: Option<i64>) {
    let key = Key::new(meta::namespace(set), meta::name(set));
    let result = look.manager().edit(&sets(), &key, Part::Main, |set| {
        meta::section(set, "spec").insert("replicas".to_owned(), json!(replicas));
        if let Some(revision) = revision {
            meta::section_of(meta::map(set), "annotations")
                .insert(REVISION.to_owned(), json!(revision.to_string()));
        }
    });
    super::report(result, &sets(), &key);
}

/// Old sets without pods go when there are more than the history is to keep.
fn forget(look: &Look<'_>, old: &[Arc<Stored>]) {
    let keep = usize::try_from(look.number("/spec/revisionHistoryLimit")).unwrap_or(0);
    let mut idle: Vec<&Arc<Stored>> = old
        .iter()
        .filter(|set| {
            number(&set.value, "/spec/replicas") == 0 && number(&set.value, "/status/replicas") == 0
        })
        .collect();
    idle.sort_by_key(|set| std::cmp::Reverse(revision(&set.value)));
    for set in idle.into_iter().skip(keep) {
        let key = Key::new(meta::namespace(&set.value), meta::name(&set.value));
        let result = look
            .manager()
            .delete(&sets(), &key, &DeleteOptions::default());
        super::report(result, &sets(), &key);
    }
}

fn set_revision(look: &Look<'_>, revision: i64) {
    let wanted = revision.to_string();
    if annotation(look.object, REVISION) == wanted {
        return;
    }
    let result = look
        .manager()
        .edit(look.collection, look.key, Part::Main, |deployment| {
            meta::section_of(meta::map(deployment), "annotations")
                .insert(REVISION.to_owned(), json!(wanted));
        });
    super::report(result, look.collection, look.key);
}

/// Writes the status; looks again when the rollout would run out of time.
fn write(look: &Look<'_>, new: Option<&Arc<Stored>>, old: &[Arc<Stored>], desired: i64) -> Next {
    let sum = |pointer: &str| -> i64 {
        old.iter()
            .chain(new)
            .map(|set| number(&set.value, pointer))
            .sum()
    };
    let updated = new.map_or(0, |set| number(&set.value, "/status/replicas"));
    let (ready, available) = (
        sum("/status/readyReplicas"),
        sum("/status/availableReplicas"),
    );
    let total = sum("/status/replicas");
    let complete = updated == desired && total == desired && available >= desired;
    let now = look.now();
    let mut object = json!({"status": {"conditions":
        look.object.pointer("/status/conditions").cloned().unwrap_or_else(|| json!([]))}});
    let left = progress(look, &mut object, new, complete, &now);
    let unavailable = allowed_unavailable(look, desired);
    let enough = available >= desired - unavailable;
    let availability = if enough {
        (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let (status, reason, message) = availability;
    update_condition(&mut object, "Available", status, reason, message, &now);
    let mut result = json!({
        "observedGeneration": meta::generation(look.object),
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
        "unavailableReplicas": (desired - available).max(0),
        "conditions": object.pointer("/status/conditions"),
    });
    if let Some(map) = result.as_object_mut() {
        map.retain(|key, value| key == "observedGeneration" || *value != json!(0));
    }
    replace_status(look, &result);
    left
}

/// The `Progressing` condition, and when to look again.
fn progress(
    look: &Look<'_>,
    object: &mut Value,
    new: Option<&Arc<Stored>>,
    complete: bool,
    now: &str,
) -> Next {
    let name = new.map_or("", |set| meta::name(&set.value));
    if complete {
        let message = format!("ReplicaSet {name:?} has successfully progressed.");
        update_condition(
            object,
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            &message,
            now,
        );
        return Next::Settled;
    }
    let message = format!("ReplicaSet {name:?} is progressing.");
    let before = object
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .and_then(|all| {
            all.iter()
                .find(|c| c.get("type").is_some_and(|t| t == "Progressing"))
        })
        .cloned();
    let text = |field: &str| {
        before
            .as_ref()
            .and_then(|c| c.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let under_way = matches!(
        text("reason"),
        "ReplicaSetUpdated" | "ProgressDeadlineExceeded"
    ) && text("message").contains(name);
    if !under_way {
        update_condition(
            object,
            "Progressing",
            "True",
            "ReplicaSetUpdated",
            &message,
            now,
        );
    }
    let since = if under_way {
        text("lastUpdateTime")
    } else {
        now
    };
    let deadline = u64::try_from(look.number("/spec/progressDeadlineSeconds")).unwrap_or(600);
    let age = since.parse::<jiff::Timestamp>().map_or(0, |since| {
        u64::try_from((look.core.clock)().as_second() - since.as_second()).unwrap_or(0)
    });
    if age >= deadline {
        let message = format!("ReplicaSet {name:?} has timed out progressing.");
        update_condition(
            object,
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            &message,
            since,
        );
        return Next::Settled;
    }
    Next::Again(Duration::from_secs(deadline - age))
}

fn update_condition(
    object: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: &str,
) {
    let same = object
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .and_then(|all| {
            all.iter().find(|c| {
                let is = |field: &str, value: &str| c.get(field).is_some_and(|own| own == value);
                is("type", kind)
                    && is("status", status)
                    && is("reason", reason)
                    && is("message", message)
            })
        });
    if same.is_some() {
        return;
    }
    let mut made = condition(kind, status, reason, message, now);
    meta::put(&mut made, "lastUpdateTime", now);
    set_condition(object, made);
}

/// How many pods may be missing while the deployment still counts as available.
fn allowed_unavailable(look: &Look<'_>, desired: i64) -> i64 {
    match look
        .object
        .pointer("/spec/strategy/rollingUpdate/maxUnavailable")
    {
        Some(Value::Number(n)) => n.as_i64().unwrap_or(0),
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            desired * percent / 100
        }
        _ => 0,
    }
}

/// Replaces the whole status, so that counters that are nought go.
fn replace_status(look: &Look<'_>, status: &Value) {
    let result = look
        .manager()
        .edit(look.collection, look.key, Part::Status, |deployment| {
            meta::put(deployment, "status", status.clone());
        });
    super::report(result, look.collection, look.key);
}
