//! Field selectors: `metadata.name=x,status.phase!=Running`.

use serde_json::Value;

use crate::registry::Resource;
use crate::status::ApiError;

/// All requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    field: String,
    value: String,
    equal: bool,
}

/// Fields beyond `metadata.name` and `metadata.namespace` that built-in kinds can be selected by,
/// from the conversion functions and strategies of `k8s.io/kubernetes` 1.36.
const SELECTABLE: &[(&str, &str, &[&str])] = &[
    (
        "",
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
    ),
    ("", "events", EVENT),
    ("events.k8s.io", "events", EVENT),
    ("", "namespaces", &["status.phase"]),
    ("", "nodes", &["spec.unschedulable"]),
    ("", "secrets", &["type"]),
    ("", "services", &["spec.clusterIP", "spec.type"]),
    ("", "replicationcontrollers", &["status.replicas"]),
    ("apps", "replicasets", &["status.replicas"]),
    ("batch", "jobs", &["status.successful"]),
    (
        "certificates.k8s.io",
        "certificatesigningrequests",
        &["spec.signerName"],
    ),
    (
        "resource.k8s.io",
        "resourceslices",
        &["spec.nodeName", "spec.driver"],
    ),
];

const EVENT: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

impl FieldSelector {
    pub(crate) fn parse(text: &str, resource: &Resource) -> Result<Self, ApiError> {
        let mut requirements = Vec::new();
        for clause in text.split(',').filter(|clause| !clause.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = clause.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = clause.split_once("==") {
                (field, value, true)
            } else if let Some((field, value)) = clause.split_once('=') {
                (field, value, true)
            } else {
                return Err(ApiError::bad_request(format!(
                    "invalid selector: '{clause}'; can't understand '{clause}'"
                )));
            };
            if !known(field, resource) {
                return Err(ApiError::bad_request(unsupported(field, resource)));
            }
            let (field, value) = (field.to_owned(), unescape(value));
            requirements.push(Requirement {
                field,
                value,
                equal,
            });
        }
        Ok(Self(requirements))
    }

    pub(crate) fn require(&mut self, field: &str, value: &str) {
        let (field, value) = (field.to_owned(), value.to_owned());
        self.0.push(Requirement {
            field,
            value,
            equal: true,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0
            .iter()
            .all(|r| (field_text(object, &r.field) == r.value) == r.equal)
    }
}

fn known(field: &str, resource: &Resource) -> bool {
    let common = field == "metadata.name" || field == "metadata.namespace";
    let builtin = SELECTABLE
        .iter()
        .any(|(group, plural, fields)| resource.is(group, plural) && fields.contains(&field));
    let custom = resource.custom.as_ref().is_some_and(|crd| {
        crd.selectable_fields
            .iter()
            .any(|selectable| selectable == field)
    });
    common || builtin || custom
}

fn unsupported(field: &str, resource: &Resource) -> String {
    let own_words = resource.custom.is_some()
        || SELECTABLE
            .iter()
            .any(|(group, plural, _)| resource.is(group, plural));
    if own_words {
        format!("field label not supported: {field}")
    } else {
        format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        )
    }
}

/// `\\`, `\,` and `\=` stand for themselves.
fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// The field as text; absent is empty, as the real server's field sets have it.
fn field_text(object: &Value, field: &str) -> String {
    let mut value = object;
    for part in field.split('.') {
        match value.get(part) {
            Some(inner) => value = inner,
            None => return absent(field).to_owned(),
        }
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        // An event's `source` selects by its component.
        Value::Object(map) => map
            .get("component")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        other => other.to_string(),
    }
}

fn absent(field: &str) -> &'static str {
    match field {
        "spec.unschedulable" | "spec.hostNetwork" => "false",
        "status.replicas" | "status.successful" => "0",
        _ => "",
    }
}
