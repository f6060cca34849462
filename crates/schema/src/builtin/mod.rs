//! The builtin kinds of Kubernetes 1.36: their types and the table of resources.
//!
//! The facts are in `kinds.txt`, made from the published modules: `k8s.io/kubernetes` 1.36.3 (its
//! `api/openapi-spec/v3` and `api/discovery`) and the JSON tags of the `k8s.io/api`, `apiextensions-apiserver` and
//! `kube-aggregator` Go types of the same release. Descriptions are left out. To make it again:
//!
//! ```sh
//! cd tests/go/schema && go run . generate > ../../../crates/schema/src/builtin/kinds.txt
//! ```
//!
//! The file is read at the first question, in a few milliseconds. Field enumerations are not in the published
//! documents, and neither are most defaults: a server writes those in code.

mod load;
mod openapi;
mod reset;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use crate::FieldSet;
use crate::types::Type;
use crate::types::node::{Arena, NodeRef};

pub use openapi::{model_name, open_api};

static BUILTIN: LazyLock<load::Builtin> = LazyLock::new(|| load::load(include_str!("kinds.txt")));

/// A row of the resource table, as discovery shows it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// The kind of its objects.
    pub kind: &'static str,
    /// The name in URLs.
    pub plural: &'static str,
    /// The singular name.
    pub singular: &'static str,
    /// Abbreviations that kubectl takes.
    pub short_names: Vec<&'static str>,
    /// Groups of resources that kubectl takes, such as `all`.
    pub categories: Vec<&'static str>,
    /// What can be done with it.
    pub verbs: Vec<&'static str>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Whether a server serves it unless told otherwise: true of general availability only.
    pub enabled: bool,
    /// Its subresources.
    pub subresources: Vec<Subresource>,
}

/// A subresource, such as `status` or `scale`.
#[derive(Clone, Debug)]
pub struct Subresource {
    /// The name after the object's in URLs.
    pub name: &'static str,
    /// Group of the kind it speaks.
    pub group: &'static str,
    /// Version of the kind it speaks.
    pub version: &'static str,
    /// The kind it speaks.
    pub kind: &'static str,
    /// What can be done with it.
    pub verbs: Vec<&'static str>,
}

/// The type of a builtin kind's objects, `None` for a kind that is not builtin. The core group is `""`.
pub fn kind(group: &str, version: &str, kind: &str) -> Option<Type> {
    let group = if group.is_empty() { "core" } else { group };
    let key = format!("{group}/{version} {kind}");
    let reference = BUILTIN.kinds.get(key.as_str())?;
    Some(Type::builtin(&BUILTIN.arena, *reference))
}

/// The type of an OpenAPI model, such as `io.k8s.api.core.v1.PodSpec`.
pub fn named(name: &str) -> Option<Type> {
    let reference = BUILTIN.models.get(short(name).as_str())?;
    Some(Type::builtin(&BUILTIN.arena, *reference))
}

/// Every builtin resource, in the order of discovery.
pub fn resources() -> &'static [Resource] {
    &BUILTIN.resources
}

/// The resource of this name.
pub fn resource(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    resources().iter().find(|resource| {
        resource.plural == plural && resource.group == group && resource.version == version
    })
}

/// The resource whose objects are of this kind.
pub fn resource_of_kind(group: &str, version: &str, kind: &str) -> Option<&'static Resource> {
    resources().iter().find(|resource| {
        resource.kind == kind && resource.group == group && resource.version == version
    })
}

/// The fields that an endpoint of a kind ignores: `status` on the main resource, `spec` on `status`, and so on.
pub fn reset_fields(group: &str, version: &str, kind: &str, subresource: &str) -> FieldSet {
    let has_status = resource_of_kind(group, version, kind)
        .is_some_and(|resource| resource.subresources.iter().any(|sub| sub.name == "status"));
    reset::fields(kind, subresource, has_status)
}

fn short(name: &str) -> String {
    name.strip_prefix("io.k8s.api.")
        .unwrap_or(name)
        .replacen("io.k8s.apimachinery.pkg.", "~", 1)
}

pub(crate) fn arena() -> &'static Arena {
    &BUILTIN.arena
}

/// A model's node, for custom kinds that refer to it.
pub(crate) fn model(name: &str) -> Option<NodeRef> {
    BUILTIN
        .models
        .get(short(name).as_str())
        .map(|reference| reference.in_builtin())
}
