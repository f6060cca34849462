//! What a strategic merge must know of Kubernetes' types: list merge keys and which kinds are
//! cluster-scoped.
//!
//! Flows in: the tables in `builtin.txt` and `scopes.txt`, which `tests/go/kustomize` writes from the
//! OpenAPI document that kustomize itself embeds, and schemas that a kustomization brings along.
//! Flows out: a [`Schema`] per kind, walked field by field.
//! It must never validate objects: an unknown field has no schema, and that is all.

mod builtin;
mod custom;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub(crate) use self::custom::CustomSchema;

/// Where the built-in schemas stand beside those of a file. Upstream keeps all schemas in one global
/// table that it fills when it must, so that this depends on what was asked before the file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Builtin {
    /// They are not used.
    Absent,
    /// The file's definitions win.
    Below,
    /// The built-in definitions win.
    Above,
}

/// The schemas of one build: those built in, or those of a file beside or instead of them.
#[derive(Default)]
pub(crate) struct Schemas {
    custom: Option<(Arc<CustomSchema>, Builtin)>,
    /// Whether a schema was looked up.
    used: AtomicBool,
    /// Whether the scope of a kind was asked for that the table of scopes does not know.
    asked: AtomicBool,
}

impl Clone for Schemas {
    fn clone(&self) -> Self {
        Self {
            custom: self.custom.clone(),
            used: AtomicBool::new(self.used.load(Ordering::Relaxed)),
            asked: AtomicBool::new(self.asked.load(Ordering::Relaxed)),
        }
    }
}

/// Whether the builtin schemas know a kind to live outside namespaces.
pub(crate) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    builtin::cluster_scoped(api_version, kind).unwrap_or(false)
}

impl Schemas {
    /// The schemas of an `openapi.path` file, after what was asked of these.
    pub(crate) fn with(&self, schema: CustomSchema) -> Self {
        let builtin = match (
            self.used.load(Ordering::Relaxed),
            self.asked.load(Ordering::Relaxed),
        ) {
            (true, _) => Builtin::Below,
            (false, true) => Builtin::Above,
            (false, false) => Builtin::Absent,
        };
        Self {
            custom: Some((Arc::new(schema), builtin)),
            ..Self::default()
        }
    }

    /// The schema of a kind; none where it is unknown.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        self.used.store(true, Ordering::Relaxed);
        let builtin = || builtin::of_kind(api_version, kind).map(Type::Builtin);
        let of = match &self.custom {
            None => builtin(),
            Some((custom, place)) => {
                let own = || builtin::of_own_kind(api_version, kind).map(Type::Builtin);
                let custom = || custom.of_kind(api_version, kind).map(Type::Custom);
                match place {
                    Builtin::Absent => own().or_else(custom),
                    Builtin::Below => custom().or_else(builtin),
                    Builtin::Above => builtin().or_else(custom),
                }
            }
        };
        of.map(|of| Schema { schemas: self, of })
    }

    /// Whether the kind is known to live outside namespaces.
    pub(crate) fn cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        if let Some(cluster) = builtin::cluster_scoped(api_version, kind) {
            return cluster;
        }
        self.asked.store(true, Ordering::Relaxed);
        let custom = self
            .custom
            .as_ref()
            .and_then(|(custom, _)| custom.scope(api_version, kind));
        custom.unwrap_or(false)
    }

    /// The definition that a reference means.
    fn definition(&self, name: &str) -> Option<Type<'_>> {
        let builtin = || builtin::definition(name).map(Type::Builtin);
        let Some((custom, place)) = &self.custom else {
            return builtin();
        };
        let custom = || custom.definition(name).map(Type::Custom);
        match place {
            Builtin::Absent => custom(),
            Builtin::Below => custom().or_else(builtin),
            Builtin::Above => builtin().or_else(custom),
        }
    }
}

/// The schema of one field, list or object.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    schemas: &'a Schemas,
    of: Type<'a>,
}

#[derive(Clone, Copy)]
enum Type<'a> {
    Builtin(builtin::Type),
    Custom(custom::Type<'a>),
}

/// How many references in a row are followed.
const MAX_REFERENCES: usize = 100;

impl<'a> Schema<'a> {
    /// The schema of a field of an object or map; none where the object does not declare it.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        let of = match self.of {
            Type::Builtin(of) => Type::Builtin(of.field(name)?),
            Type::Custom(of) => Type::Custom(of.field(name)?),
        };
        self.resolved(of)
    }

    /// The schema of the items of a list; none where this is no list.
    pub(crate) fn items(self) -> Option<Self> {
        let of = match self.of {
            Type::Builtin(of) => Type::Builtin(of.items()?),
            Type::Custom(of) => Type::Custom(of.items()?),
        };
        self.resolved(of)
    }

    /// Follows references to what they stand for.
    fn resolved(self, mut of: Type<'a>) -> Option<Self> {
        for _ in 0..MAX_REFERENCES {
            let name = match of {
                Type::Builtin(of) if self.schemas.custom.is_some() => of.definition_name(),
                Type::Builtin(_) => None,
                Type::Custom(of) => of.reference(),
            };
            let Some(name) = name else {
                return Some(Self { of, ..self });
            };
            let next = self.schemas.definition(name)?;
            if let (Type::Builtin(_), Type::Builtin(_)) = (&of, &next) {
                return Some(Self { of, ..self });
            }
            of = next;
        }
        None
    }

    /// The keys by which two lists merge item by item, empty for a list of scalars; none for a list
    /// that a patch replaces.
    pub(crate) fn merge_keys(self) -> Option<Vec<&'a str>> {
        match self.of {
            Type::Builtin(of) => of.merge_keys(),
            Type::Custom(of) => of.merge_keys(),
        }
    }
}
