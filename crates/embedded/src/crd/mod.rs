//! Custom resources: what a CustomResourceDefinition makes the server serve.
//!
//! In: CRD objects. Out: [`Resource`](crate::registry::Resource)s for the registry and what their
//! versions say. It must never touch custom objects.

/// What a version of a CRD says of its resource.
#[derive(Debug, Default)]
pub(crate) struct CrdVersion {
    /// Paths of `selectableFields`, without the leading dot.
    pub selectable_fields: Vec<String>,
    /// The `scale` subresource, when it is on.
    pub scale: Option<ScalePaths>,
    /// Printer columns.
    pub columns: Vec<Column>,
}

/// Where a custom resource keeps what its Scale shows.
#[derive(Debug, Clone)]
pub(crate) struct ScalePaths {
    /// As `.spec.replicas`.
    pub spec: String,
    /// As `.status.replicas`.
    pub status: String,
    /// As `.status.selector`, or empty.
    pub selector: String,
}

/// An additional printer column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Title.
    pub name: String,
    /// OpenAPI type.
    pub kind: String,
    /// OpenAPI format.
    pub format: String,
    /// What it shows.
    pub description: String,
    /// 0 for always shown.
    pub priority: i64,
    /// Where it is read.
    pub json_path: String,
}
