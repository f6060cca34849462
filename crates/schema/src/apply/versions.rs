//! What the field manager must know of a kind.

use serde_json::{Map, Value};

use crate::FieldSet;
use crate::types::Type;

/// The versions of a kind, and how an object passes from one to another.
pub trait Versions {
    /// The type of the whole object at a version; `None` when it is not served (any more).
    fn type_of(&self, api_version: &str) -> Option<&Type>;

    /// The object at another version, `None` when that is not served. By default only `apiVersion` changes.
    fn convert(&self, object: &Value, api_version: &str) -> Result<Option<Value>, String> {
        if self.type_of(api_version).is_none() {
            return Ok(None);
        }
        let mut out = object.clone();
        if let Some(map) = out.as_object_mut() {
            map.insert("apiVersion".to_owned(), Value::from(api_version));
        }
        Ok(Some(out))
    }

    /// The fields that this endpoint ignores: `status` for the main resource, all else for `status`.
    fn reset_fields(&self, api_version: &str) -> Option<&FieldSet> {
        let _ = api_version;
        None
    }

    /// The object that a create starts from, which names and versions are added to.
    fn empty(&self, api_version: &str) -> Value {
        self.type_of(api_version)
            .map_or_else(|| Value::Object(Map::new()), Type::zero)
    }

    /// Puts a merged object in the form a server keeps: defaults set, and for builtin kinds
    /// [`Type::normalize`](crate::Type::normalize).
    fn settle(&self, api_version: &str, object: &mut Value) {
        let _ = (api_version, object);
    }
}

/// [`Versions`] of a kind whose versions differ in nothing but their types.
#[derive(Clone, Default)]
pub struct KindVersions {
    versions: Vec<(String, Type, FieldSet)>,
}

impl KindVersions {
    /// No version yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a version with the fields that its endpoint ignores.
    pub fn with(mut self, api_version: impl Into<String>, ty: Type, reset: FieldSet) -> Self {
        self.versions.push((api_version.into(), ty, reset));
        self
    }

    fn find(&self, api_version: &str) -> Option<&(String, Type, FieldSet)> {
        self.versions.iter().find(|found| found.0 == api_version)
    }
}

impl Versions for KindVersions {
    fn type_of(&self, api_version: &str) -> Option<&Type> {
        self.find(api_version).map(|found| &found.1)
    }

    fn reset_fields(&self, api_version: &str) -> Option<&FieldSet> {
        self.find(api_version).map(|found| &found.2)
    }

    fn settle(&self, api_version: &str, object: &mut Value) {
        if let Some(ty) = self.type_of(api_version) {
            ty.default(object);
            ty.normalize(object);
        }
    }
}
