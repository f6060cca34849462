//! What an environment is like in its cluster now.
//!
//! Flows in: a cluster and the name of an environment. Flows out: [`EnvironmentStatus`]: what the
//! last run left behind, and the health of every object that the environment owns at this moment.
//! It must never write, and never ask for anything but what carries the environment's label.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::Value;
use trueup_manifest::{Diagnostic, Diagnostics};

use crate::{
    apply::health::{Health, Status, health_by},
    cluster::{Cluster, Error, Freshness, Resource, Selection, Target},
    config::HealthCheck,
    plan::{ApplySet, PARENT_GROUP, PARENT_KIND, Reach},
};

/// What an environment is like in its cluster.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// Its name.
    pub environment: String,
    /// Whether it was ever reconciled with this cluster.
    pub known: bool,
    /// The revision that the last run brought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What the last run said of itself.
    pub conditions: Vec<Condition>,
    /// The last run that changed something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_change: Option<LastChange>,
    /// How many objects it owns, by their health.
    pub objects: BTreeMap<String, usize>,
    /// The objects that are not what they say, with why.
    pub unhealthy: Vec<Unhealthy>,
    /// What could not be looked at, and why.
    #[serde(skip_serializing_if = "Diagnostics::is_empty")]
    pub unseen: Diagnostics,
}

/// A condition of the `Environment` object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about: `Ready`, `Stalled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in a word.
    pub reason: String,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when.
    pub last_transition_time: String,
}

/// The last run that changed something.
#[derive(Clone, Debug, Serialize)]
pub struct LastChange {
    /// When.
    pub time: String,
    /// What, in short.
    pub summary: String,
}

/// An object that is not what it says.
#[derive(Clone, Debug, Serialize)]
pub struct Unhealthy {
    /// The object.
    pub object: String,
    /// Its health.
    pub health: Health,
}

impl EnvironmentStatus {
    /// Whether the last run was content and every object is what it says.
    pub fn is_good(&self) -> bool {
        self.known
            && self.unhealthy.is_empty()
            && self.unseen.is_empty()
            && self
                .conditions
                .iter()
                .any(|condition| condition.kind == "Ready" && condition.status == "True")
    }
}

/// Reads what an environment is like; `checks` are its `healthChecks`. It fails where the cluster does not answer.
pub async fn read(
    cluster: &dyn Cluster,
    name: &str,
    checks: &[HealthCheck],
) -> Result<EnvironmentStatus, Diagnostics> {
    let applyset = ApplySet::of(name)?;
    let kinds = cluster
        .kinds(Freshness::Latest)
        .await
        .map_err(|error| finding(&error))?;
    let mut status = EnvironmentStatus {
        environment: name.to_owned(),
        known: false,
        revision: None,
        conditions: Vec::new(),
        last_change: None,
        objects: BTreeMap::new(),
        unhealthy: Vec::new(),
        unseen: Diagnostics::new(),
    };
    let Some(resource) = kinds.preferred(PARENT_GROUP, PARENT_KIND) else {
        return Ok(status);
    };
    let target = Target {
        resource: Arc::clone(resource),
        namespace: String::new(),
        name: applyset.parent().to_owned(),
    };
    let Some(parent) = cluster
        .get(&target)
        .await
        .map_err(|error| finding(&error))?
    else {
        return Ok(status);
    };
    status.known = true;
    status.take_last_run(parent.at(&["status"]).unwrap_or(&Value::Null));
    let mut listed: Vec<&Arc<Resource>> = Reach::of_parent(&parent)
        .kinds
        .iter()
        .filter_map(|(group, kind)| kinds.preferred(group, kind))
        .collect();
    listed.sort_by_key(|resource| resource.group_kind());
    let selection = Selection::labelled(applyset.selector());
    for resource in listed {
        match cluster.list(resource, &selection).await {
            Ok(listing) => {
                for live in &listing.items {
                    status.take_object(&live.id().to_string(), health_by(live, checks));
                }
            }
            Err(error) => status.unseen.push(
                Diagnostic::warning("status/unseen", error.to_string())
                    .help("the objects of this kind are not counted"),
            ),
        }
    }
    Ok(status)
}

impl EnvironmentStatus {
    fn take_last_run(&mut self, status: &Value) {
        let text = |value: &Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        self.revision = Some(text(status, "observedRevision")).filter(|text| !text.is_empty());
        let conditions = status.get("conditions").and_then(Value::as_array);
        for condition in conditions.into_iter().flatten() {
            self.conditions.push(Condition {
                kind: text(condition, "type"),
                status: text(condition, "status"),
                reason: text(condition, "reason"),
                message: text(condition, "message"),
                last_transition_time: text(condition, "lastTransitionTime"),
            });
        }
        self.last_change = status.get("lastChange").map(|change| LastChange {
            time: text(change, "time"),
            summary: text(change, "summary"),
        });
    }

    fn take_object(&mut self, object: &str, health: Health) {
        *self
            .objects
            .entry(format!("{:?}", health.status))
            .or_default() += 1;
        if health.status != Status::Current {
            self.unhealthy.push(Unhealthy {
                object: object.to_owned(),
                health,
            });
        }
    }
}

fn finding(error: &Error) -> Diagnostic {
    let finding = Diagnostic::error("cluster/unreadable", error.to_string());
    match error.help() {
        Some(help) => finding.help(help),
        None => finding,
    }
}
