//! Whether an object has become what it says, in the words of kstatus.
//!
//! Flows in: a live object. Flows out: its [`Health`]: a status, and the sentence that explains it.
//! The rules are those of `sigs.k8s.io/cli-utils/pkg/kstatus/status`, with the differences that each
//! rule names. It must never do I/O.

mod expressions;
mod generic;
mod platform;
mod storage;
mod workload;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

use crate::{cluster::Live, config::HealthCheck};

/// What an object is on its way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Status {
    /// It is what it says.
    Current,
    /// It is on its way there.
    InProgress,
    /// It will not get there by itself.
    Failed,
    /// It is being deleted.
    Terminating,
    /// It is not there.
    NotFound,
    /// Nothing can be said.
    Unknown,
}

/// A status with what explains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The status.
    pub status: Status,
    /// What explains it; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Health {
    /// It is what it says.
    pub fn current() -> Self {
        Self {
            status: Status::Current,
            message: String::new(),
        }
    }

    fn currently(message: impl Into<String>) -> Self {
        Self {
            status: Status::Current,
            message: message.into(),
        }
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self {
            status: Status::InProgress,
            message: message.into(),
        }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            message: message.into(),
        }
    }

    /// Whether the object is what it says.
    pub fn is_current(&self) -> bool {
        self.status == Status::Current
    }
}

/// The health of a live object by the user's checks, and by the rules for its kind where none is about it.
pub fn health_by(live: &Live, checks: &[HealthCheck]) -> Health {
    if checks.is_empty() {
        return health(live);
    }
    let id = live.id();
    let api_version = live.text(&["apiVersion"]);
    match checks.iter().find(|check| check.is_about(api_version, &id)) {
        Some(check) => before_rules(live).unwrap_or_else(|| expressions::judge(live, check)),
        None => health(live),
    }
}

/// The health of a live object by the rules for its kind.
pub fn health(live: &Live) -> Health {
    before_rules(live).unwrap_or_else(|| by_kind(live))
}

/// What holds whatever the rules say: that an object is going, or that its controller is behind.
fn before_rules(live: &Live) -> Option<Health> {
    if live.is_terminating() {
        let finalizers = live.finalizers();
        let message = if finalizers.is_empty() {
            "it is being deleted".to_owned()
        } else {
            format!(
                "it is being deleted, and waits for its finalizers: {}",
                finalizers.join(", ")
            )
        };
        return Some(Health {
            status: Status::Terminating,
            message,
        });
    }
    generic::unobserved(Object(live.value()))
}

fn by_kind(live: &Live) -> Health {
    let object = Object(live.value());
    let gvk = live.gvk();
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("apps", "ReplicaSet") => workload::replica_set(object),
        ("batch", "Job") => workload::job(object),
        ("batch", "CronJob") => Health::current(),
        ("", "Pod") => workload::pod(object),
        ("", "PersistentVolumeClaim") => storage::claim(object),
        ("", "PersistentVolume") => storage::volume(object),
        ("", "Service") => platform::service(object),
        ("", "Namespace") => platform::namespace(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => platform::crd(object),
        ("apiregistration.k8s.io", "APIService") => platform::api_service(object),
        ("policy", "PodDisruptionBudget") => platform::disruption_budget(object),
        _ => generic::conditions(object),
    }
}

/// A live object as the rules read it.
#[derive(Clone, Copy)]
struct Object<'a>(&'a Value);

impl<'a> Object<'a> {
    fn at(self, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(self.0, |value, key| value.get(key))
    }

    fn text(self, path: &[&str]) -> &'a str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(self, path: &[&str]) -> Option<i64> {
        self.at(path).and_then(Value::as_i64)
    }

    /// A count in the status; servers leave zero out.
    fn count(self, key: &str) -> i64 {
        self.number(&["status", key]).unwrap_or_default()
    }

    fn condition(self, name: &str) -> Option<Condition<'a>> {
        let conditions = self.at(&["status", "conditions"])?.as_array()?;
        let found = conditions
            .iter()
            .find(|condition| condition.get("type").and_then(Value::as_str) == Some(name))?;
        Some(Condition(Object(found)))
    }
}

/// One entry of `status.conditions`.
#[derive(Clone, Copy)]
struct Condition<'a>(Object<'a>);

impl<'a> Condition<'a> {
    fn is(self, status: &str) -> bool {
        self.0.text(&["status"]) == status
    }

    fn reason(self) -> &'a str {
        self.0.text(&["reason"])
    }

    /// `reason: message`, or what there is of it.
    fn says(self) -> String {
        match (self.reason(), self.0.text(&["message"])) {
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}
