//! Which resources the server serves, and how each of them behaves.
//!
//! In: the table of built-in resources and the CRDs that are established. Out: a [`Resource`] for a
//! group, version and plural name, and the groups in the order discovery prints them.
//! It must never hold objects; those live in `store`.

use std::collections::HashMap;
use std::sync::Arc;

mod builtin;
#[cfg(test)]
mod tests;

use trueup_schema::Type;

use crate::crd::Custom;

/// Namespaced or cluster-wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Objects live in a namespace.
    Namespaced,
    /// Objects live beside namespaces.
    Cluster,
}

/// A part of an object with its own verbs, as `status` or `scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subresource {
    /// Path segment after the object's name.
    pub name: String,
    /// Group, version and kind of the body; the first two are empty when they are the parent's.
    pub group: String,
    /// See `group`.
    pub version: String,
    /// See `group`.
    pub kind: String,
    /// Verbs in discovery's order.
    pub verbs: Vec<String>,
}

/// One version of one resource.
pub(crate) struct Resource {
    /// API group, empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Lower-case plural, the path segment.
    pub plural: String,
    /// Lower-case singular.
    pub singular: String,
    /// Kind of the objects.
    pub kind: String,
    /// Kind of lists.
    pub list_kind: String,
    /// Where objects live.
    pub scope: Scope,
    /// Verbs in discovery's order.
    pub verbs: Vec<String>,
    /// Names kubectl accepts besides plural and singular.
    pub short_names: Vec<String>,
    /// Groups of resources, as `all`.
    pub categories: Vec<String>,
    /// `status`, `scale` and others.
    pub subresources: Vec<Subresource>,
    /// The schema of its objects.
    pub(crate) ty: Type,
    /// What the CRD says besides, for custom resources.
    pub(crate) custom: Option<Custom>,
}

impl Resource {
    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// True when objects live in a namespace.
    pub(crate) fn namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// The subresource of that name.
    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }

    /// True when the resource has the verb.
    pub(crate) fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// Where the objects are kept, whatever the version asked for. Events of the two groups are the
    /// same objects.
    pub(crate) fn storage(&self) -> GroupResource {
        if self.is("events.k8s.io", "events") {
            return GroupResource::new("", "events");
        }
        GroupResource {
            group: self.group.clone(),
            resource: self.plural.clone(),
        }
    }

    /// True for the resource of that group and plural.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

/// A group and a plural name: the identity of a collection in the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupResource {
    /// API group, empty for core.
    pub group: String,
    /// Lower-case plural.
    pub resource: String,
}

impl GroupResource {
    /// From its two parts.
    pub fn new(group: &str, resource: &str) -> Self {
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
        }
    }
}

impl std::fmt::Display for GroupResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.resource)?;
        if self.group.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.group)
        }
    }
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.api_version(), self.plural)
    }
}

/// One served version of a group with its resources, in discovery's order.
#[derive(Debug, Clone)]
pub(crate) struct GroupVersion {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resources: Vec<Arc<Resource>>,
}

/// What a CRD serves, and the revision of the CRD that says so.
#[derive(Debug)]
struct Definition {
    revision: u64,
    versions: Vec<Arc<Resource>>,
}

/// All resources served now. Cheap to clone the parts of; rebuilt when a CRD changes.
#[derive(Debug)]
pub(crate) struct Registry {
    builtin: Vec<GroupVersion>,
    custom: HashMap<String, Definition>,
    by_path: HashMap<(String, String, String), Arc<Resource>>,
}

impl Registry {
    /// The built-in resources alone.
    pub(crate) fn new() -> Self {
        let builtin = builtin::table();
        let mut registry = Self {
            builtin,
            custom: HashMap::new(),
            by_path: HashMap::new(),
        };
        registry.index();
        registry
    }

    /// The resource at `/apis/<group>/<version>/<plural>`.
    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let path = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.by_path.get(&path).cloned()
    }

    /// Any version of a collection, the preferred one first.
    pub(crate) fn any_version(&self, collection: &GroupResource) -> Option<Arc<Resource>> {
        self.groups()
            .into_iter()
            .filter(|gv| gv.group == collection.group)
            .flat_map(|gv| gv.resources)
            .find(|resource| resource.plural == collection.resource)
    }

    /// All versions of a collection, the preferred one first.
    pub(crate) fn versions(&self, resource: &Resource) -> Vec<Arc<Resource>> {
        let storage = resource.storage();
        self.groups()
            .into_iter()
            .flat_map(|gv| gv.resources)
            .filter(|other| other.storage() == storage)
            .collect()
    }

    /// The version objects of a resource are stored in. A custom one that is stored in a version
    /// that is not served is kept in the version it was written in.
    pub(crate) fn storage_version(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        let versions = self.versions(resource);
        let wanted = match &resource.custom {
            Some(custom) => versions
                .iter()
                .find(|r| r.version == custom.storage_version),
            // Events are stored in the core group, the others in the preferred version.
            None => versions
                .iter()
                .find(|r| r.group.is_empty())
                .or_else(|| versions.first()),
        };
        Arc::clone(wanted.unwrap_or(resource))
    }

    /// The resource that serves a kind.
    pub(crate) fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.groups()
            .into_iter()
            .filter(|gv| gv.group == group && gv.version == version)
            .flat_map(|gv| gv.resources)
            .find(|resource| resource.kind == kind && resource.has_verb("get"))
    }

    /// Serves the versions of a CRD as it is at a revision; the CRD is gone at revision 0.
    pub(crate) fn set_custom(&mut self, crd: &str, revision: u64, versions: Vec<Arc<Resource>>) {
        if revision == 0 {
            self.custom.remove(crd);
        } else {
            let definition = Definition { revision, versions };
            self.custom.insert(crd.to_owned(), definition);
        }
        self.index();
    }

    /// The revision of a CRD that is served now.
    pub(crate) fn custom_revision(&self, crd: &str) -> Option<u64> {
        self.custom.get(crd).map(|definition| definition.revision)
    }

    /// Group versions in discovery's order: built-in ones as the real server lists them, then
    /// those of CRDs by group name, each group's preferred version first.
    pub(crate) fn groups(&self) -> Vec<GroupVersion> {
        let mut groups = self.builtin.clone();
        let mut custom: Vec<GroupVersion> = Vec::new();
        for resource in self
            .custom
            .values()
            .flat_map(|definition| &definition.versions)
        {
            match custom
                .iter_mut()
                .find(|gv| gv.group == resource.group && gv.version == resource.version)
            {
                Some(gv) => gv.resources.push(Arc::clone(resource)),
                None => custom.push(GroupVersion {
                    group: resource.group.clone(),
                    version: resource.version.clone(),
                    resources: vec![Arc::clone(resource)],
                }),
            }
        }
        for gv in &mut custom {
            gv.resources.sort_by(|a, b| a.plural.cmp(&b.plural));
        }
        custom.sort_by(|a, b| {
            a.group
                .cmp(&b.group)
                .then_with(|| version_rank(&b.version).cmp(&version_rank(&a.version)))
                .then_with(|| a.version.cmp(&b.version))
        });
        groups.extend(custom);
        groups
    }

    fn index(&mut self) {
        self.by_path = self
            .groups()
            .into_iter()
            .flat_map(|gv| gv.resources)
            .map(|r| ((r.group.clone(), r.version.clone(), r.plural.clone()), r))
            .collect();
    }
}

/// Order of versions by the rule of `k8s.io/apimachinery/pkg/version`: GA over beta over alpha,
/// then by number; what is no Kubernetes version comes last.
pub(crate) fn version_rank(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else {
        return (0, 0, 0);
    };
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (major, suffix) = rest.split_at(digits);
    let Ok(major) = major.parse::<u64>() else {
        return (0, 0, 0);
    };
    if suffix.is_empty() {
        return (3, major, 0);
    }
    for (word, rank) in [("beta", 2), ("alpha", 1)] {
        if let Some(minor) = suffix.strip_prefix(word).and_then(|n| n.parse().ok()) {
            return (rank, major, minor);
        }
    }
    (0, 0, 0)
}
