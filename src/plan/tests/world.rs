//! A desired set and what is live, in a few words.

use std::time::Duration;

use serde_json::{Value, json};
use trueup_manifest::{Diagnostics, Manifest, Origin};
use trueup_yaml::{Document, Source};

use crate::{
    cluster::{Kinds, Live, Resource, Target},
    config::reconcile::Reconcile,
    plan::{
        ApplySet, FIELD_MANAGER, Inputs, Objects, Observed, PART_OF, Plan, Seen, build, resolve,
    },
    render::{Desired, DesiredPhase},
};

const SERVED: &[(&str, &str, &str, bool)] = &[
    ("", "v1", "ConfigMap", true),
    ("", "v1", "Endpoints", true),
    ("", "v1", "Namespace", false),
    ("", "v1", "PersistentVolumeClaim", true),
    ("", "v1", "Pod", true),
    ("", "v1", "Secret", true),
    ("", "v1", "Service", true),
    ("", "v1", "ServiceAccount", true),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        false,
    ),
    (
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        false,
    ),
    ("apps", "v1", "Deployment", true),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", false),
    ("rbac.authorization.k8s.io", "v1", "Role", true),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", true),
];

pub(in crate::plan) fn kinds() -> Kinds {
    let resources = SERVED
        .iter()
        .map(|(group, version, kind, namespaced)| Resource {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
            kind: (*kind).to_owned(),
            plural: kind.to_lowercase(),
            namespaced: *namespaced,
            has_status: true,
        });
    Kinds::new(resources, Vec::new())
}

/// Phases one after the other, unless a name says `name < other, other`.
pub(in crate::plan) fn desired(phases: &[(&str, &str)]) -> Desired {
    let mut before: Option<String> = None;
    let phases = phases.iter().map(|(title, text)| {
        let (name, others) = title.split_once(" < ").unwrap_or((title, ""));
        let depends_on = match others {
            "" => before.iter().cloned().collect(),
            "-" => Vec::new(),
            others => others.split(", ").map(ToOwned::to_owned).collect(),
        };
        before = Some(name.to_owned());
        DesiredPhase {
            name: name.to_owned(),
            depends_on,
            timeout: Duration::from_mins(1),
            wait: true,
            atomic: false,
            cleaned_up_with: None,
            manifests: manifests(name, text),
        }
    });
    Desired {
        environment: "dev".to_owned(),
        source: None,
        patches: Vec::new(),
        revision: None,
        phases: phases.collect(),
        ..Desired::default()
    }
}

fn manifests(name: &str, text: &str) -> Vec<Manifest> {
    let source = Source::new(format!("{name}.yaml"), text);
    let documents = Document::parse(&source).unwrap();
    documents
        .into_iter()
        .map(|doc| {
            let origin = doc.location(doc.root()).map(Origin::at).unwrap_or_default();
            Manifest::new(doc, origin).unwrap()
        })
        .collect()
}

pub(in crate::plan) fn applyset() -> ApplySet {
    ApplySet::of("dev").unwrap()
}

pub(in crate::plan) fn objects(desired: &Desired) -> Result<Objects, Diagnostics> {
    resolve(desired, &kinds(), &applyset())
}

/// A plan over what is live: objects by index, and what carries our label.
pub(in crate::plan) fn plan_with(
    desired: &Desired,
    observed: &Observed,
    policy: &Reconcile,
) -> Result<Plan, Diagnostics> {
    let objects = objects(desired)?;
    let applyset = applyset();
    build(&Inputs {
        desired,
        objects: &objects,
        observed,
        policy,
        applyset: &applyset,
        memory: &crate::plan::Memory::default(),
        consent: crate::plan::Consent::default(),
    })
}

/// A plan for an empty cluster.
pub(in crate::plan) fn plan(phases: &[(&str, &str)]) -> Result<Plan, String> {
    plan_with(
        &desired(phases),
        &Observed::default(),
        &Reconcile::default(),
    )
    .map_err(|errors| errors.to_string())
}

/// An object as a server would hold it after an apply of ours: with an entry that owns every field.
pub(in crate::plan) fn applied(object: &Value, uid: &str) -> Live {
    let mut live = object.clone();
    let api_version = object["apiVersion"].clone();
    live["metadata"]["uid"] = uid.into();
    live["metadata"]["resourceVersion"] = "1".into();
    live["metadata"]["managedFields"] = json!([{
        "manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": api_version,
        "fieldsType": "FieldsV1", "fieldsV1": fields_of_object(object),
    }]);
    Live::new(live)
}

fn fields_of_object(object: &Value) -> Value {
    let mut fields = fields(object);
    if let Value::Object(entries) = &mut fields {
        for key in ["f:apiVersion", "f:kind", "f:status"] {
            entries.remove(key);
        }
        if let Some(Value::Object(metadata)) = entries.get_mut("f:metadata") {
            metadata.remove("f:name");
            metadata.remove("f:namespace");
        }
    }
    fields
}

/// The entry for a value of which every list is atomic.
fn fields(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (format!("f:{key}"), fields(value)))
            .collect(),
        _ => json!({}),
    }
}

/// What a cluster holds after everything desired was applied.
pub(in crate::plan) fn all_applied(objects: &Objects) -> Observed {
    let mut observed = Observed::default();
    for (at, object) in objects.items.iter().enumerate() {
        let body: Value = serde_json::from_slice(&object.body().unwrap()).unwrap();
        let live = applied(&body, &format!("uid-{at}"));
        observed.owned.push((object.target.clone(), live.clone()));
        observed.seen.push(Seen {
            live: Some(live),
            ..Seen::default()
        });
    }
    observed
}

/// A live object that carries our label, as if it had left the desired set.
pub(in crate::plan) fn left_over(object: Value, uid: &str) -> (Target, Live) {
    let mut object = object;
    object["metadata"]["labels"][PART_OF] = applyset().id().into();
    let live = applied(&object, uid);
    let id = live.id();
    let kinds = kinds();
    let resource = kinds.preferred(&id.group, &id.kind).unwrap().clone();
    (
        Target {
            resource,
            namespace: id.namespace,
            name: id.name,
        },
        live,
    )
}
