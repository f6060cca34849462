//! What a strategic merge must know of Kubernetes' types: list merge keys and which kinds are
//! cluster-scoped.
//!
//! Flows in: the tables in `builtin.txt` and `scopes.txt`, which `tests/go/kustomize` writes from the
//! OpenAPI document that kustomize itself embeds, and schemas that a kustomization brings along.
//! Flows out: a [`Schema`] per kind, walked field by field.
//! It must never validate objects: an unknown field has no schema, and that is all.

mod builtin;
mod custom;

use std::sync::Arc;

pub(crate) use self::{builtin::cluster_scoped, custom::CustomSchema};

/// The schemas of one build: those built in, or those of a file in their stead.
#[derive(Clone, Default)]
pub(crate) struct Schemas {
    custom: Option<Arc<CustomSchema>>,
}

impl Schemas {
    /// The schemas of an `openapi.path` file, which replace the built-in ones.
    pub(crate) fn custom(schema: CustomSchema) -> Self {
        Self {
            custom: Some(Arc::new(schema)),
        }
    }

    /// The schema of a kind; none where it is unknown.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        match &self.custom {
            Some(custom) => custom
                .of_kind(api_version, kind)
                .map(Schema::Custom)
                .or_else(|| builtin::of_own_kind(api_version, kind).map(Schema::Builtin)),
            None => builtin::of_kind(api_version, kind).map(Schema::Builtin),
        }
    }

    /// Whether the kind is known to live outside namespaces.
    pub(crate) fn cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        match self
            .custom
            .as_ref()
            .and_then(|custom| custom.scope(api_version, kind))
        {
            Some(cluster) if !builtin::scope_is_known(api_version, kind) => cluster,
            _ => cluster_scoped(api_version, kind),
        }
    }
}

/// The schema of one field, list or object.
#[derive(Clone, Copy)]
pub(crate) enum Schema<'a> {
    Builtin(builtin::Type),
    Custom(custom::Type<'a>),
}

impl<'a> Schema<'a> {
    /// The schema of a field of an object or map; none where the object does not declare it.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Builtin(schema) => schema.field(name).map(Self::Builtin),
            Self::Custom(schema) => schema.field(name).map(Self::Custom),
        }
    }

    /// The schema of the items of a list; none where this is no list.
    pub(crate) fn items(self) -> Option<Self> {
        match self {
            Self::Builtin(schema) => schema.items().map(Self::Builtin),
            Self::Custom(schema) => schema.items().map(Self::Custom),
        }
    }

    /// The keys by which two lists merge item by item, empty for a list of scalars; none for a list
    /// that a patch replaces.
    pub(crate) fn merge_keys(self) -> Option<Vec<&'a str>> {
        match self {
            Self::Builtin(schema) => schema.merge_keys(),
            Self::Custom(schema) => schema.merge_keys(),
        }
    }
}
