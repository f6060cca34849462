//! What an object is called on its way through a build: group, version, kind, name and namespace.

use std::{fmt, sync::Arc};

/// The namespace that kustomize gives objects which live in none.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";
/// The namespace of an object that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// Group, version and kind; as a pattern an empty part is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Gvk {
    pub(crate) group: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) kind: Arc<str>,
}

impl Gvk {
    pub(crate) fn new(group: &str, version: &str, kind: &str) -> Self {
        // Many patterns have parts that are any: those are no allocation.
        let part = |text: &str| {
            if text.is_empty() {
                Arc::default()
            } else {
                Arc::from(text)
            }
        };
        Self {
            group: part(group),
            version: part(version),
            kind: part(kind),
        }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether `pattern` (empty parts are any) accepts this.
    pub(crate) fn selected_by(&self, pattern: &Self) -> bool {
        let accepts = |pattern: &Arc<str>, part: &Arc<str>| pattern.is_empty() || pattern == part;
        accepts(&pattern.kind, &self.kind)
            && accepts(&pattern.group, &self.group)
            && accepts(&pattern.version, &self.version)
    }

    /// The text by which kustomize orders kinds.
    pub(crate) fn sort_text(&self) -> String {
        self.sort_parts().concat()
    }

    /// [`Self::sort_text`] in pieces.
    pub(crate) fn sort_parts(&self) -> [&str; 5] {
        fn or<'a>(part: &'a str, none: &'static str) -> &'a str {
            if part.is_empty() { none } else { part }
        }
        [
            or(&self.group, "~G"),
            "_",
            or(&self.version, "~V"),
            "_",
            or(&self.kind, "~K"),
        ]
    }
}

/// `Deployment.v1.apps`, as upstream prints a kind in an id.
impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |part: &Arc<str>, none: &'static str| {
            if part.is_empty() {
                Arc::from(none)
            } else {
                Arc::clone(part)
            }
        };
        write!(
            f,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

/// Splits `apiVersion` at its first slash, as kyaml does.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The name of an object at one moment of the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ResId {
    pub(crate) gvk: Gvk,
    pub(crate) name: Arc<str>,
    pub(crate) namespace: Arc<str>,
    /// Whether the kind is known to live outside namespaces.
    pub(crate) cluster_scoped: bool,
}

impl ResId {
    /// The namespace that counts when two ids are compared.
    pub(crate) fn effective_namespace(&self) -> &str {
        if self.cluster_scoped {
            NO_NAMESPACE
        } else if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &self.namespace
        }
    }

    pub(crate) fn same_namespace(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// The same object, wherever an absent namespace and `default` stand for each other.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.same_namespace(other) && self.same_name(other)
    }

    /// Same kind and name, in any namespace.
    pub(crate) fn same_name(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// What two ids that are [`Self::equals`] share, as a key.
    pub(crate) fn key(&self) -> Key {
        Key {
            gvk: self.gvk.clone(),
            name: Arc::clone(&self.name),
            namespace: match self.effective_namespace() {
                namespace if *namespace == *self.namespace => Arc::clone(&self.namespace),
                namespace => Arc::from(namespace),
            },
        }
    }
}

/// `Deployment.v1.apps/web.[noNs]`, as upstream prints an id.
impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "[noName]"
        } else {
            &self.name
        };
        let namespace = if self.namespace.is_empty() {
            "[noNs]"
        } else {
            &self.namespace
        };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}

/// The identity of an object inside one build, for maps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    gvk: Gvk,
    name: Arc<str>,
    namespace: Arc<str>,
}
