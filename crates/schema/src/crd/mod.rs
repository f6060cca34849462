//! What a `CustomResourceDefinition` says, as a server needs it.
//!
//! In flow the definition as JSON, out flow its names, versions, types and subresources. Nothing here stores or
//! serves; conversion webhooks are only named.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::FieldSet;
use crate::types::{FieldError, Reason, Type};

/// A definition.
#[derive(Clone)]
pub struct Crd {
    /// API group.
    pub group: String,
    /// Kind of its objects.
    pub kind: String,
    /// Kind of lists of them.
    pub list_kind: String,
    /// The name in URLs.
    pub plural: String,
    /// The singular name.
    pub singular: String,
    /// Abbreviations.
    pub short_names: Vec<String>,
    /// Groups of resources such as `all`.
    pub categories: Vec<String>,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// The versions, in the order of the definition.
    pub versions: Vec<CrdVersion>,
    /// Whether a webhook converts between versions; otherwise only `apiVersion` changes.
    pub conversion_webhook: bool,
}

/// One version of a custom kind.
#[derive(Clone)]
pub struct CrdVersion {
    /// `v1alpha1`
    pub name: String,
    /// Whether it is served.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// A warning to clients when it is deprecated.
    pub deprecation: Option<String>,
    /// The type of the whole object.
    pub ty: Type,
    /// Whether `status` is a subresource.
    pub status: bool,
    /// Where the `scale` subresource finds its fields.
    pub scale: Option<Scale>,
    /// Columns to print beside the name.
    pub columns: Vec<Column>,
}

/// The JSON paths of the `scale` subresource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// `.spec.replicas`
    pub spec_replicas: String,
    /// `.status.replicas`
    pub status_replicas: String,
    /// `.status.selector`, if there is one.
    pub label_selector: Option<String>,
}

/// A printer column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `date`, …
    pub kind: String,
    /// OpenAPI format, may be empty.
    pub format: String,
    /// What it shows.
    pub description: String,
    /// Columns above 0 are shown in wide output only.
    pub priority: i64,
    /// Where the value is.
    pub json_path: String,
}

fn text(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let items = value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

impl Crd {
    /// Reads an `apiextensions.k8s.io/v1` definition. Reports all that keeps it from being served.
    pub fn parse(object: &Value) -> Result<Self, Vec<FieldError>> {
        let nothing = Value::Null;
        let spec = object.get("spec").unwrap_or(&nothing);
        let names = spec.get("names").unwrap_or(&nothing);
        let mut problems = Vec::new();
        let mut required = |path: &str, text: &str| {
            if text.is_empty() {
                problems.push(FieldError::new(path, Reason::Required, ""));
            }
        };
        let (group, kind, plural) = (
            text(spec, "group"),
            text(names, "kind"),
            text(names, "plural"),
        );
        required("spec.group", &group);
        required("spec.names.kind", &kind);
        required("spec.names.plural", &plural);
        required("spec.scope", &text(spec, "scope"));
        let name = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let wanted = format!("{plural}.{group}");
        if name != wanted {
            let detail = "must be spec.names.plural+\".\"+spec.group";
            let error = FieldError::new("metadata.name", Reason::Invalid, detail);
            problems.push(error.with_value(name.into()));
        }
        let mut versions = Vec::new();
        for (i, version) in spec
            .get("versions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            match CrdVersion::parse(version, &format!("spec.versions[{i}]")) {
                Ok(version) => versions.push(version),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() && versions.iter().filter(|version| version.storage).count() != 1 {
            let detail = "must have exactly one version marked as storage version";
            let error = FieldError::new("spec.versions", Reason::Invalid, detail);
            problems.push(error.with_value(spec.get("versions").cloned().unwrap_or_default()));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let or = |text: String, otherwise: String| if text.is_empty() { otherwise } else { text };
        Ok(Self {
            list_kind: or(text(names, "listKind"), format!("{kind}List")),
            singular: or(text(names, "singular"), kind.to_lowercase()),
            group,
            kind,
            plural,
            short_names: texts(names, "shortNames"),
            categories: texts(names, "categories"),
            namespaced: text(spec, "scope") == "Namespaced",
            versions,
            conversion_webhook: spec.pointer("/conversion/strategy").and_then(Value::as_str)
                == Some("Webhook"),
        })
    }

    /// The version of this name.
    pub fn version(&self, name: &str) -> Option<&CrdVersion> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The version that objects are stored in.
    pub fn storage_version(&self) -> Option<&CrdVersion> {
        self.versions.iter().find(|version| version.storage)
    }
}

impl CrdVersion {
    fn parse(version: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let at = format!("{path}.schema.openAPIV3Schema");
        let Some(schema) = version.pointer("/schema/openAPIV3Schema") else {
            return Err(vec![FieldError::new(
                at,
                Reason::Required,
                "schemas are required",
            )]);
        };
        let subresources = version.get("subresources");
        let scale = subresources.and_then(|subresources| subresources.get("scale"));
        let columns = version
            .get("additionalPrinterColumns")
            .and_then(Value::as_array);
        Ok(Self {
            name: text(version, "name"),
            served: flag(version, "served"),
            storage: flag(version, "storage"),
            deprecation: flag(version, "deprecated").then(|| text(version, "deprecationWarning")),
            ty: Type::of_custom_kind(schema, &at)?,
            status: subresources.is_some_and(|subresources| subresources.get("status").is_some()),
            scale: scale.map(|scale| Scale {
                spec_replicas: text(scale, "specReplicasPath"),
                status_replicas: text(scale, "statusReplicasPath"),
                label_selector: Some(text(scale, "labelSelectorPath"))
                    .filter(|path| !path.is_empty()),
            }),
            columns: columns.into_iter().flatten().map(Column::parse).collect(),
        })
    }

    /// The fields that an endpoint of this version ignores: with a `status` subresource, the main resource ignores
    /// `status`, and `status` ignores `spec` and `metadata`.
    pub fn reset_fields(&self, subresource: &str) -> FieldSet {
        match subresource {
            "status" => FieldSet::of(&[&["metadata"], &["spec"]]),
            "" if self.status => FieldSet::of(&[&["status"]]),
            _ => FieldSet::new(),
        }
    }
}

impl Column {
    fn parse(column: &Value) -> Self {
        Self {
            name: text(column, "name"),
            kind: text(column, "type"),
            format: text(column, "format"),
            description: text(column, "description"),
            priority: column
                .get("priority")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            json_path: text(column, "jsonPath"),
        }
    }
}
