//! What a server serves: kinds, their paths, and objects addressed by them.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::Serialize;
use trueup_manifest::{Gvk, ObjectId};

/// A kind as a server serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// API version inside the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// The plural that its paths use.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether `status` is written apart from the rest.
    pub has_status: bool,
}

impl Resource {
    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk {
            group: self.group.clone(),
            version: self.version.clone(),
            kind: self.kind.clone(),
        }
    }

    /// `group/version`, or `version` alone for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `Kind.group`, as ApplySet parents list their kinds.
    pub fn group_kind(&self) -> String {
        if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        }
    }

    /// The path of its collection; across all namespaces where `namespace` is empty.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            "/api"
        } else {
            "/apis"
        };
        let api = self.api_version();
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/{api}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{api}/{}", self.plural)
        }
    }
}

/// `deployments.v1.apps`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plural)?;
        if !self.group.is_empty() {
            write!(f, ".{}.{}", self.version, self.group)?;
        }
        Ok(())
    }
}

/// One object's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its kind, as served.
    pub resource: Arc<Resource>,
    /// Its namespace; empty for a cluster-scoped kind.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// By what tells almost all objects apart: a plan of a large environment has one look-up an object.
impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.resource.plural.hash(state);
        self.namespace.hash(state);
        self.name.hash(state);
    }
}

impl Target {
    /// Its identity.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            group: self.resource.group.clone(),
            kind: self.resource.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// Its path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.resource.path(&self.namespace), self.name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

/// Everything a server serves, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    by_gvk: HashMap<Gvk, Arc<Resource>>,
    by_group_kind: HashMap<(String, String), Vec<Arc<Resource>>>,
    unanswered: Vec<String>,
    api_versions: BTreeSet<String>,
}

impl Kinds {
    /// Takes resources in the server's order of preference, and the groups (`group/version`) whose
    /// own server doesn't answer.
    pub fn new(resources: impl IntoIterator<Item = Resource>, unanswered: Vec<String>) -> Self {
        let mut kinds = Self {
            unanswered,
            ..Self::default()
        };
        for resource in resources {
            kinds.insert(resource);
        }
        kinds
    }

    /// Adds a kind, after those already there in preference. A kind known already stays as it is.
    pub fn insert(&mut self, resource: Resource) {
        let gvk = resource.gvk();
        if self.by_gvk.contains_key(&gvk) {
            return;
        }
        let resource = Arc::new(resource);
        let group_kind = (gvk.group.clone(), gvk.kind.clone());
        self.by_group_kind
            .entry(group_kind)
            .or_default()
            .push(Arc::clone(&resource));
        self.by_gvk.insert(gvk, resource);
    }

    /// The resource of a group, version and kind.
    pub fn get(&self, gvk: &Gvk) -> Option<&Arc<Resource>> {
        self.by_gvk.get(gvk)
    }

    /// The versions of a kind, the preferred one first.
    pub fn versions(&self, group: &str, kind: &str) -> &[Arc<Resource>] {
        self.by_group_kind
            .get(&(group.to_owned(), kind.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The preferred version of a kind.
    pub fn preferred(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.versions(group, kind).first()
    }

    /// Adds a `group/version` that is served, even if none of its kinds can be kept.
    pub(crate) fn serve(&mut self, api_version: String) {
        self.api_versions.insert(api_version);
    }

    /// All that is served: each `group/version`, and each `group/version/Kind`, in order.
    pub fn api_versions(&self) -> Vec<String> {
        let kinds = self.by_gvk.values().map(|resource| {
            let api_version = resource.api_version();
            format!("{api_version}/{}", resource.kind)
        });
        let versions = self.by_gvk.values().map(|resource| resource.api_version());
        let all: BTreeSet<String> = self
            .api_versions
            .iter()
            .cloned()
            .chain(kinds)
            .chain(versions)
            .collect();
        all.into_iter().collect()
    }

    /// The groups that the server lists but cannot describe now, as `group/version`.
    pub fn unanswered(&self) -> &[String] {
        &self.unanswered
    }

    /// All kinds, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.by_gvk.values()
    }
}

#[cfg(test)]
pub(crate) fn resource(group: &str, version: &str, kind: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        namespaced,
        has_status: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_group_scope_and_namespace() {
        let pod = resource("", "v1", "Pod", true);
        assert_eq!(pod.path("web"), "/api/v1/namespaces/web/pods");
        assert_eq!(pod.path(""), "/api/v1/pods");
        let class = resource("storage.k8s.io", "v1", "StorageClass", false);
        assert_eq!(class.path("web"), "/apis/storage.k8s.io/v1/storageclasss");
        let target = Target {
            resource: Arc::new(pod),
            namespace: "web".into(),
            name: "a".into(),
        };
        assert_eq!(target.path(), "/api/v1/namespaces/web/pods/a");
    }

    #[test]
    fn the_first_version_of_a_kind_is_the_preferred_one() {
        let kinds = Kinds::new(
            [
                resource("autoscaling", "v2", "HorizontalPodAutoscaler", true),
                resource("autoscaling", "v1", "HorizontalPodAutoscaler", true),
            ],
            Vec::new(),
        );
        let versions = kinds.versions("autoscaling", "HorizontalPodAutoscaler");
        assert_eq!(versions.len(), 2);
        assert_eq!(versions[0].version, "v2");
        assert!(
            kinds
                .get(&Gvk::new("autoscaling/v1", "HorizontalPodAutoscaler"))
                .is_some()
        );
        assert!(kinds.preferred("", "HorizontalPodAutoscaler").is_none());
    }
}
