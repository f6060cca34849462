//! Ownership by the ApplySet specification (KEP-3659): the label on each object, and its parent.
//!
//! Constants and the form of the id are those of `k8s.io/kubectl/pkg/cmd/apply/applyset.go`.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use trueup_manifest::{Diagnostic, ObjectId};

use crate::cluster::Live;

/// The name under which trueup owns fields.
pub const FIELD_MANAGER: &str = "trueup";
/// The label by which an object belongs to an ApplySet.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";
/// The label of the parent that carries the ApplySet's id.
pub const PARENT_ID: &str = "applyset.kubernetes.io/id";
/// The label of a CRD whose objects may be parents.
pub const PARENT_TYPE: &str = "applyset.kubernetes.io/is-parent-type";
/// The annotation of the parent that names the tool.
pub const TOOLING: &str = "applyset.kubernetes.io/tooling";
/// The annotation of the parent that lists the kinds of its members.
pub const GROUP_KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
/// The annotation of the parent that lists the namespaces of its members.
pub const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
/// The annotation of the parent that keeps the environment's name as the user writes it.
pub const ENVIRONMENT: &str = "trueup.dev/environment";
/// The annotation of the parent that says which repository the environment comes from.
pub const SOURCE: &str = "trueup.dev/source";
/// The annotation of the parent by which somebody confirms deletions.
pub const CONFIRM: &str = "trueup.dev/confirm";
/// The annotation of the parent that lists the objects of others that the environment patches.
pub const PATCHED: &str = "trueup.dev/patched";
/// The group of the parent's kind.
pub const PARENT_GROUP: &str = "trueup.dev";
/// The parent's kind.
pub const PARENT_KIND: &str = "Environment";

/// An environment as an ApplySet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplySet {
    environment: String,
    parent: String,
    id: String,
}

impl ApplySet {
    /// The ApplySet of an environment. Its parent is named as the environment, with `_` as `-`, since
    /// names of Kubernetes objects know no underscore.
    pub fn of(environment: &str) -> Result<Self, Diagnostic> {
        let parent = environment.replace('_', "-");
        if !is_object_name(&parent) {
            return Err(Diagnostic::error(
                "plan/environment-name",
                format!("`{environment}` cannot name an environment in a cluster"),
            )
            .help(
                "use lower-case letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit",
            ));
        }
        let identity = format!("{parent}..{PARENT_KIND}.{PARENT_GROUP}");
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(identity));
        Ok(Self {
            environment: environment.to_owned(),
            parent,
            id: format!("applyset-{hash}-v1"),
        })
    }

    /// The value of the label [`PART_OF`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The environment's name as the user writes it.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The name of the parent object.
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// The label selector of its members.
    pub fn selector(&self) -> String {
        format!("{PART_OF}={}", self.id)
    }
}

/// Whether a text is an RFC 1123 subdomain, as names of most objects must be.
fn is_object_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        end(part.chars().next())
            && end(part.chars().last())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(is_part)
}

/// Where members of an ApplySet may be: its parent's annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Kinds as `(group, kind)`.
    pub kinds: BTreeSet<(String, String)>,
    /// Namespaces.
    pub namespaces: BTreeSet<String>,
    /// Objects of others that are patched.
    pub patched: BTreeSet<ObjectId>,
}

impl Reach {
    /// What a parent says.
    pub fn of_parent(parent: &Live) -> Self {
        let words = |key: &str| {
            let text = parent.annotation(key).unwrap_or_default();
            text.split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(ToOwned::to_owned)
        };
        let kinds = words(GROUP_KINDS).map(|word| match word.split_once('.') {
            Some((kind, group)) => (group.to_owned(), kind.to_owned()),
            None => (String::new(), word),
        });
        Self {
            kinds: kinds.collect(),
            namespaces: words(NAMESPACES).collect(),
            patched: words(PATCHED).filter_map(|word| read_id(&word)).collect(),
        }
    }

    /// What either says.
    pub fn union(&self, other: &Self) -> Self {
        Self {
            kinds: self.kinds.union(&other.kinds).cloned().collect(),
            namespaces: self.namespaces.union(&other.namespaces).cloned().collect(),
            patched: self.patched.union(&other.patched).cloned().collect(),
        }
    }

    /// The value of [`GROUP_KINDS`].
    pub fn kinds_annotation(&self) -> String {
        let mut words: Vec<String> = self
            .kinds
            .iter()
            .map(|(group, kind)| {
                if group.is_empty() {
                    kind.clone()
                } else {
                    format!("{kind}.{group}")
                }
            })
            .collect();
        words.sort();
        words.join(",")
    }

    /// The value of [`PATCHED`]: `Kind.group/namespace/name`.
    pub fn patched_annotation(&self) -> String {
        let words: Vec<String> = self.patched.iter().map(write_id).collect();
        words.join(",")
    }

    /// The value of [`NAMESPACES`].
    pub fn namespaces_annotation(&self) -> String {
        self.namespaces
            .iter()
            .cloned()
            .collect::<Vec<_>>()
            .join(",")
    }
}

fn write_id(id: &ObjectId) -> String {
    let ObjectId {
        group,
        kind,
        namespace,
        name,
    } = id;
    format!("{kind}.{group}/{namespace}/{name}")
}

fn read_id(word: &str) -> Option<ObjectId> {
    let (kind, place) = word.split_once('/')?;
    let (kind, group) = kind.split_once('.')?;
    let (namespace, name) = place.split_once('/')?;
    Some(ObjectId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_is_the_one_that_kubectl_computes() {
        // sha256("cluster-dev..Environment.trueup.dev"), URL-safe Base64 without padding.
        let set = ApplySet::of("cluster_dev").unwrap();
        assert_eq!(set.parent(), "cluster-dev");
        assert_eq!(
            set.id(),
            "applyset-xNPbiBFpduMkXB7Za0z--E7zaJjfjXGQ3VWwKEhS_mw-v1"
        );
        assert!(set.id().len() <= 63, "a label value holds 63 characters");
    }

    #[test]
    fn a_name_that_no_object_can_have_is_refused() {
        for name in ["", "Dev", "-a", "a-", "a b", "_a", "a..b"] {
            assert!(ApplySet::of(name).is_err(), "{name}");
        }
        for name in ["dev", "a.b", "eu_west_1"] {
            assert!(ApplySet::of(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_parents_annotations_are_read_and_written_as_kubectl_does() {
        let parent = Live::new(json!({"metadata": {"annotations": {
            GROUP_KINDS: "ConfigMap,Deployment.apps,ClusterRole.rbac.authorization.k8s.io",
            NAMESPACES: "web,hub",
        }}}));
        let reach = Reach::of_parent(&parent);
        assert!(
            reach
                .kinds
                .contains(&("rbac.authorization.k8s.io".into(), "ClusterRole".into()))
        );
        assert_eq!(
            reach.kinds_annotation(),
            "ClusterRole.rbac.authorization.k8s.io,ConfigMap,Deployment.apps"
        );
        assert_eq!(reach.namespaces_annotation(), "hub,web");
        let empty = Reach::of_parent(&Live::new(json!({})));
        assert_eq!(reach.union(&empty), reach);
    }
}
