//! What the server does to an object before it is stored, whatever its kind: the parts a client
//! may not set, generation, no-op detection.

use serde_json::{Value, json};

use crate::meta;
use crate::registry::Resource;
use crate::server::core::Core;
use crate::status::{ApiError, Subject};

/// Which part of an object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but `status` where that is a subresource.
    Main,
    /// `status` alone (and some metadata).
    Status,
    /// A namespace's `spec.finalizers` alone.
    Finalize,
    /// Everything, as `scale` and controllers write it.
    Whole,
}

impl Part {
    /// The word of it in `managedFields`.
    pub(crate) fn subresource(self) -> &'static str {
        match self {
            Self::Status => "status",
            _ => "",
        }
    }
}

/// Metadata of a new object.
pub(super) fn new_metadata(core: &Core, resource: &Resource, object: &mut Value) {
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "resourceVersion",
        "generation",
    ] {
        meta::unset(object, field);
    }
    meta::set(object, "uid", core.ids.uid());
    meta::set(object, "creationTimestamp", core.now());
    if has_generation(resource) {
        meta::set(object, "generation", 1);
    }
}

/// Resets what a create may not set: `status`, where it is a subresource.
pub(super) fn new_status(resource: &Resource, object: &mut Value) {
    if resource.subresource("status").is_none() {
        return;
    }
    let Some(map) = object.as_object_mut() else {
        return;
    };
    if resource.custom.is_some() {
        map.remove("status");
        return;
    }
    let mut initial = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods" | "persistentvolumeclaims" | "persistentvolumes") => {
            json!({"phase": "Pending"})
        }
        ("", "namespaces") => json!({"phase": "Active"}),
        _ => json!({}),
    };
    if let Some(ty) = resource.ty.field("status") {
        ty.normalize(&mut initial);
        map.insert("status".to_owned(), initial);
    }
}

/// Takes from `old` what the write may not change, so that `new` differs in its part alone.
pub(super) fn keep_other_parts(resource: &Resource, part: Part, old: &Value, new: &mut Value) {
    match part {
        Part::Whole => {}
        Part::Main => {
            if resource.subresource("status").is_some() {
                take(new, old, "status");
            }
        }
        Part::Status => {
            let status = new.get("status").cloned();
            let (labels, annotations) = (
                new.pointer("/metadata/labels").cloned(),
                new.pointer("/metadata/annotations").cloned(),
            );
            let version = meta::resource_version(new).to_owned();
            let uid = meta::uid(new).to_owned();
            let managed = new.pointer("/metadata/managedFields").cloned();
            *new = old.clone();
            let map = meta::as_map(new);
            match status {
                Some(status) => map.insert("status".to_owned(), status),
                None => map.remove("status"),
            };
            // A custom resource's status endpoint ignores metadata; a built-in one takes labels
            // and annotations, as its strategy leaves them alone.
            if resource.custom.is_none() {
                set_or_unset(new, "labels", labels);
                set_or_unset(new, "annotations", annotations);
            }
            meta::set(new, "resourceVersion", version);
            meta::set(new, "uid", uid);
            set_or_unset(new, "managedFields", managed);
        }
        Part::Finalize => {
            let finalizers = new.pointer("/spec/finalizers").cloned();
            let version = meta::resource_version(new).to_owned();
            *new = old.clone();
            match finalizers {
                Some(finalizers) => {
                    meta::section(new, "spec").insert("finalizers".to_owned(), finalizers);
                }
                None => {
                    meta::section(new, "spec").remove("finalizers");
                }
            }
            meta::set(new, "resourceVersion", version);
        }
    }
}

fn set_or_unset(object: &mut Value, field: &str, value: Option<Value>) {
    match value {
        Some(value) => meta::set(object, field, value),
        None => meta::unset(object, field),
    }
}

fn take(new: &mut Value, old: &Value, member: &str) {
    let Some(map) = new.as_object_mut() else {
        return;
    };
    match old.get(member) {
        Some(value) => map.insert(member.to_owned(), value.clone()),
        None => map.remove(member),
    };
}

/// Metadata no update can change, and the generation.
pub(super) fn updated_metadata(resource: &Resource, old: &Value, new: &mut Value) {
    meta::unset(new, "selfLink");
    for field in ["creationTimestamp", "generation"] {
        meta::copy(new, old, field);
    }
    if meta::uid(new).is_empty() {
        meta::copy(new, old, "uid");
    }
    if meta::deleting(old) {
        meta::copy(new, old, "deletionTimestamp");
        if new
            .pointer("/metadata/deletionGracePeriodSeconds")
            .is_none()
        {
            meta::copy(new, old, "deletionGracePeriodSeconds");
        }
    } else {
        meta::unset(new, "deletionTimestamp");
        meta::unset(new, "deletionGracePeriodSeconds");
    }
    if has_generation(resource) && desired_changed(resource, old, new) {
        meta::set(new, "generation", meta::generation(old) + 1);
    }
}

/// True when the part of the object that its controller acts on differs.
fn desired_changed(resource: &Resource, old: &Value, new: &Value) -> bool {
    if resource.custom.is_some() {
        let status_apart = resource.subresource("status").is_some();
        let desired = |object: &Value| -> Value {
            let mut object = object.clone();
            if let Some(map) = object.as_object_mut() {
                map.remove("metadata");
                if status_apart {
                    map.remove("status");
                }
            }
            object
        };
        return desired(old) != desired(new);
    }
    let members: &[&str] = match (resource.group.as_str(), resource.plural.as_str()) {
        (
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations",
        ) => &["webhooks"],
        ("discovery.k8s.io", "endpointslices") => {
            let all = |object: &Value| {
                let mut object = meta::without_bookkeeping(object);
                if let Some(m) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                    m.remove("managedFields");
                }
                object
            };
            return all(old) != all(new);
        }
        ("", "podtemplates") => &["template"],
        _ => &["spec"],
    };
    members
        .iter()
        .any(|member| old.get(member) != new.get(member))
}

/// Kinds with `metadata.generation`, from the strategies of `k8s.io/kubernetes` 1.36.
const WITH_GENERATION: &[(&str, &str)] = &[
    ("", "pods"),
    ("", "podtemplates"),
    ("", "replicationcontrollers"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
    (
        "admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings",
    ),
    (
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
    ),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
    ),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
    ),
    (
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("discovery.k8s.io", "endpointslices"),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"),
    (
        "flowcontrol.apiserver.k8s.io",
        "prioritylevelconfigurations",
    ),
    ("networking.k8s.io", "ingressclasses"),
    ("networking.k8s.io", "ingresses"),
    ("networking.k8s.io", "networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceslices"),
    ("scheduling.k8s.io", "priorityclasses"),
];

fn has_generation(resource: &Resource) -> bool {
    resource.custom.is_some()
        || WITH_GENERATION.contains(&(resource.group.as_str(), resource.plural.as_str()))
}

/// Kinds that a PUT or an apply to a free name may create besides POST (PUT only; apply always may).
pub(super) fn put_creates(resource: &Resource) -> bool {
    const LIST: &[(&str, &str)] = &[
        ("", "endpoints"),
        ("", "events"),
        ("", "limitranges"),
        ("", "services"),
        ("coordination.k8s.io", "leases"),
        ("events.k8s.io", "events"),
        ("node.k8s.io", "runtimeclasses"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("rbac.authorization.k8s.io", "roles"),
    ];
    LIST.contains(&(resource.group.as_str(), resource.plural.as_str()))
}

/// Kinds whose PUT must say the revision it replaces.
pub(super) fn needs_resource_version(resource: &Resource) -> bool {
    const LIST: &[(&str, &str)] = &[
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
        (
            "admissionregistration.k8s.io",
            "mutatingadmissionpolicybindings",
        ),
        (
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
        ),
        (
            "admissionregistration.k8s.io",
            "validatingadmissionpolicies",
        ),
        (
            "admissionregistration.k8s.io",
            "validatingadmissionpolicybindings",
        ),
        (
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
        ),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("apiregistration.k8s.io", "apiservices"),
        ("coordination.k8s.io", "leases"),
        ("node.k8s.io", "runtimeclasses"),
        ("policy", "poddisruptionbudgets"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "csistoragecapacities"),
        ("storage.k8s.io", "volumeattachments"),
    ];
    resource.custom.is_some() || LIST.contains(&(resource.group.as_str(), resource.plural.as_str()))
}

/// The namespace of the path must be there and must not be going away.
pub(super) fn namespace_takes(
    core: &Core,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Result<(), ApiError> {
    use crate::registry::GroupResource;
    use crate::store::Key;
    if !resource.namespaced() {
        return Ok(());
    }
    let namespaces = GroupResource::new("", "namespaces");
    let Some(found) = core.store.get(&namespaces, &Key::new("", namespace)) else {
        return Err(ApiError::not_found(&Subject {
            group: "",
            resource: "namespaces",
            name: namespace,
        }));
    };
    if meta::deleting(&found.value) {
        let subject = Subject {
            group: &resource.group,
            resource: &resource.plural,
            name,
        };
        return Err(ApiError::forbidden(
            &subject,
            format!("unable to create new content in namespace {namespace} because it is being terminated"),
        )
        .with_cause(crate::status::Cause {
            reason: "NamespaceTerminating",
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        }));
    }
    Ok(())
}
