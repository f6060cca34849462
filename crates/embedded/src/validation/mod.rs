//! What is wrong with an object, in the words of the real server.
//!
//! In: a settled object and, for an update, the one before. Out: every flaw at once, in the order
//! the real validation finds them. Metadata, names and immutable fields are covered for all kinds;
//! of the rest what people get wrong most. It must never change an object or look at another.

use serde_json::Value;
use trueup_schema::FieldError;

mod access;
mod config;
mod containers;
mod definitions;
mod flaw;
mod identity;
mod immutable;
mod metadata;
mod names;
mod network;
mod others;
mod place;
mod pods;
mod services;
mod storage;
mod workloads;

pub(crate) use flaw::{forbidden, invalid, not_supported, required};

use flaw::Flaws;
use place::Place;

use crate::registry::Resource;
use crate::verbs::Part;

/// All that is wrong with a new object, or with a change of one.
pub(crate) fn validate(
    resource: &Resource,
    part: Part,
    old: Option<&Value>,
    new: &Value,
) -> Vec<FieldError> {
    let mut flaws = Flaws::default();
    metadata::validate(resource, old, new, &mut flaws);
    if resource.custom.is_some() {
        flaws.extend(resource.ty.validate(new));
        return flaws.into();
    }
    if matches!(part, Part::Status | Part::Finalize) {
        return flaws.into();
    }
    builtin(resource, old, new, &mut flaws);
    if let Some(old) = old {
        immutable::validate(resource, old, new, &mut flaws);
    }
    flaws.into()
}

fn builtin(resource: &Resource, old: Option<&Value>, new: &Value, flaws: &mut Flaws) {
    let root = Place::root(new);
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => pods::pod(&root, flaws),
        ("", "podtemplates") => pods::template(&root.at("template"), flaws),
        ("", "replicationcontrollers") => workloads::replication_controller(&root, flaws),
        ("", "services") => services::service(old, &root, flaws),
        ("", "configmaps") => config::config_map(&root, flaws),
        ("", "secrets") => config::secret(&root, flaws),
        ("", "persistentvolumeclaims") => storage::claim(&root.at("spec"), flaws),
        ("", "persistentvolumes") => storage::volume(&root.at("spec"), flaws),
        ("apps", "deployments") => workloads::deployment(&root, flaws),
        ("apps", "replicasets") => workloads::replica_set(&root, flaws),
        ("apps", "statefulsets") => workloads::stateful_set(&root, flaws),
        ("apps", "daemonsets") => workloads::daemon_set(&root, flaws),
        ("batch", "jobs") => workloads::job(&root.at("spec"), flaws),
        ("batch", "cronjobs") => workloads::cron_job(&root.at("spec"), flaws),
        ("autoscaling", _) => workloads::autoscaler(&root.at("spec"), flaws),
        ("policy", "poddisruptionbudgets") => workloads::disruption_budget(&root, flaws),
        ("networking.k8s.io", "ingresses") => network::ingress(&root.at("spec"), flaws),
        ("networking.k8s.io", "networkpolicies") => network::policy(&root.at("spec"), flaws),
        ("storage.k8s.io", "storageclasses") => storage::class(&root, flaws),
        ("rbac.authorization.k8s.io", "roles") => access::rules(&root, true, flaws),
        ("rbac.authorization.k8s.io", "clusterroles") => access::rules(&root, false, flaws),
        ("rbac.authorization.k8s.io", "rolebindings") => access::binding(&root, true, flaws),
        ("rbac.authorization.k8s.io", "clusterrolebindings") => {
            access::binding(&root, false, flaws);
        }
        ("scheduling.k8s.io", "priorityclasses") => others::priority_class(&root, flaws),
        ("coordination.k8s.io", "leases") => others::lease(&root.at("spec"), flaws),
        ("admissionregistration.k8s.io", plural) if plural.ends_with("webhookconfigurations") => {
            others::webhooks(&root.at("webhooks"), flaws);
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            definitions::definition(old, new, flaws);
        }
        _ => {}
    }
}
