//! Controllers, kubelet and cloud of a small make-believe cluster, so that what is applied gets
//! ready, stays unready or fails as a test wants it.
//!
//! In: changes of workloads, pods, claims and services, and the fates a test sets. Out: the pods,
//! volumes and statuses a real cluster would make, through the same rules as requests. Nothing runs
//! and nothing is reachable. It must never touch an object a real controller would not.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

mod cluster;
mod deployments;
mod owned;
mod pods;
mod sets;
mod tasks;
mod volumes;

use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::Key;
use crate::verbs::Inside;

pub(crate) use cluster::furnish;

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It gets ready after the delay; the fate of all that have no other.
    Ready,
    /// It stays as it is, unready.
    Hold,
    /// It fails: pods wait with this reason and message, jobs fail, API services are unavailable.
    Fail {
        /// As `ImagePullBackOff` or `CrashLoopBackOff`.
        reason: String,
        /// What a person reads.
        message: String,
    },
}

/// Which objects a fate is for. A fate of a Deployment, StatefulSet, DaemonSet or Job is that of
/// its pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    resource: String,
    namespace: String,
    name: String,
}

impl Target {
    /// All objects of a plural resource, as `deployments`.
    pub fn new(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            ..Self::default()
        }
    }

    /// Only in this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Only the object of this name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    fn matches(&self, resource: &str, key: &Key) -> bool {
        let any = |rule: &str, value: &str| rule.is_empty() || rule == value;
        self.resource == resource
            && any(&self.namespace, &key.namespace)
            && any(&self.name, &key.name)
    }
}

/// The fates of a server's objects.
#[derive(Debug, Default)]
pub struct Simulation {
    fates: Mutex<Vec<(Target, Fate)>>,
    changed: Notify,
}

impl Simulation {
    fn lock(&self) -> MutexGuard<'_, Vec<(Target, Fate)>> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the fate of objects; the last one set counts. Pods that are up already stay so.
    pub fn set(&self, target: Target, fate: Fate) {
        self.lock().push((target, fate));
        self.changed.notify_one();
    }

    /// Lets all objects get ready again.
    pub fn clear(&self) {
        self.lock().clear();
        self.changed.notify_one();
    }

    /// Waits for a fate to be set.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The fate of an object by itself.
    fn fate(&self, resource: &str, key: &Key) -> Option<Fate> {
        let fates = self.lock();
        let found = fates
            .iter()
            .rev()
            .find(|(target, _)| target.matches(resource, key));
        found.map(|(_, fate)| fate.clone())
    }
}

/// What a look at an object comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing more until something changes.
    Settled,
    /// Another look after this time.
    Again(Duration),
}

/// The collections looked after.
const COLLECTIONS: &[(&str, &str)] = &[
    ("", "persistentvolumeclaims"),
    ("", "pods"),
    ("", "services"),
    ("apiregistration.k8s.io", "apiservices"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingresses"),
    ("policy", "poddisruptionbudgets"),
];

/// True when objects of the collection are looked after.
pub(crate) fn looks_after(collection: &GroupResource) -> bool {
    COLLECTIONS.contains(&(collection.group.as_str(), collection.resource.as_str()))
}

/// All collections looked after.
pub(crate) fn collections() -> impl Iterator<Item = GroupResource> {
    COLLECTIONS
        .iter()
        .map(|(group, resource)| GroupResource::new(group, resource))
}

/// A look at one object.
#[derive(Clone, Copy)]
struct Look<'a> {
    core: &'a std::sync::Arc<Core>,
    collection: &'a GroupResource,
    key: &'a Key,
    object: &'a Value,
    /// How long things take.
    delay: Duration,
}

impl<'a> Look<'a> {
    fn manager(&self) -> Inside<'a> {
        Inside {
            core: self.core,
            manager: "kube-controller-manager",
        }
    }

    fn now(&self) -> String {
        self.core.now()
    }

    fn fate(&self) -> Fate {
        let fate = self
            .core
            .simulation
            .fate(&self.collection.resource, self.key);
        fate.unwrap_or(Fate::Ready)
    }

    fn number(&self, pointer: &str) -> i64 {
        self.object
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or(0)
    }

    /// What is left of the delay since the object was made.
    fn remaining(&self) -> Duration {
        let made = meta::text(self.object, "creationTimestamp").parse::<jiff::Timestamp>();
        let Ok(made) = made else {
            return Duration::ZERO;
        };
        let age = (self.core.clock)().duration_since(made);
        // Creation times are whole seconds, so an age is up to a second too much.
        let age = Duration::try_from(age)
            .unwrap_or_default()
            .saturating_sub(Duration::from_secs(1));
        self.delay.saturating_sub(age)
    }

    /// Writes `status` when it differs.
    fn write_status(&self, status: &Value) {
        let result =
            self.manager()
                .edit(self.collection, self.key, crate::verbs::Part::Status, |o| {
                    let own = meta::section(o, "status");
                    for (field, value) in status.as_object().into_iter().flatten() {
                        own.insert(field.clone(), value.clone());
                    }
                });
        report(result, self.collection, self.key);
    }
}

fn report(
    result: Result<impl Sized, crate::status::ApiError>,
    collection: &GroupResource,
    key: &Key,
) {
    if let Err(error) = result {
        let (namespace, name) = (&key.namespace, &key.name);
        tracing::warn!(%error, %collection, namespace, name, "the simulation could not write");
    }
}

/// Looks after one object.
pub(crate) fn look(
    core: &std::sync::Arc<Core>,
    collection: &GroupResource,
    key: &Key,
    delay: Duration,
) -> Next {
    let Some(stored) = core.store.get(collection, key) else {
        return Next::Settled;
    };
    if meta::deleting(&stored.value) {
        return Next::Settled;
    }
    let look = Look {
        core,
        collection,
        key,
        object: &stored.value,
        delay,
    };
    match (collection.group.as_str(), collection.resource.as_str()) {
        ("apps", "deployments") => deployments::look(&look),
        ("apps", "replicasets") => sets::replica_set(&look),
        ("apps", "statefulsets") => sets::stateful_set(&look),
        ("apps", "daemonsets") => sets::daemon_set(&look),
        ("batch", "jobs") => tasks::job(&look),
        ("", "pods") => pods::look(&look),
        ("", "persistentvolumeclaims") => volumes::claim(&look),
        ("", "services") | ("networking.k8s.io", "ingresses") => cluster::balancer(&look),
        ("apiregistration.k8s.io", "apiservices") => cluster::api_service(&look),
        ("policy", "poddisruptionbudgets") => tasks::disruption_budget(&look),
        _ => Next::Settled,
    }
}

/// The objects to look at again after a change of this one: its controller, and for a pod its
/// claims.
pub(crate) fn touched(collection: &GroupResource, object: &Value) -> Vec<(GroupResource, Key)> {
    let namespace = meta::namespace(object);
    let mut all: Vec<(GroupResource, Key)> = owned::controller(object)
        .and_then(|owner| owned::collection_of(owner).zip(Some(owner)))
        .map(|(collection, owner)| {
            let name = owner
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            (collection, Key::new(namespace, name))
        })
        .into_iter()
        .collect();
    if *collection == GroupResource::new("", "pods") {
        let claims = GroupResource::new("", "persistentvolumeclaims");
        all.extend(pods::claims(object).map(|name| (claims.clone(), Key::new(namespace, name))));
    }
    all
}
