//! Who may do what: everything is allowed but what a test denies.
//!
//! In: rules. Out: a decision on a request. It must never know a credential: the server has one
//! user.

use std::sync::{PoisonError, RwLock};

use crate::log::RequestInfo;

/// The one user of the server, as `SelfSubjectReview` and messages name it.
pub const USER: &str = "admin";

/// Denies what matches all its parts; `*` or an empty part matches anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deny {
    /// RBAC verb.
    pub verb: String,
    /// API group; `*` for any, because empty means core only when `resource` is given.
    pub group: String,
    /// Plural resource.
    pub resource: String,
    /// Subresource; `*` for any, empty for none.
    pub subresource: String,
    /// Namespace.
    pub namespace: String,
    /// Object name.
    pub name: String,
}

impl Deny {
    /// A verb on a resource of a group, in every namespace.
    pub fn new(verb: &str, group: &str, resource: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            ..Self::default()
        }
    }

    /// Only within this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Only this object.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    fn matches(&self, info: &RequestInfo) -> bool {
        let any = |rule: &str, value: &str| rule.is_empty() || rule == "*" || rule == value;
        let exact = |rule: &str, value: &str| rule == "*" || rule == value;
        any(&self.verb, &info.verb)
            && exact(&self.group, &info.group)
            && any(&self.resource, &info.resource)
            && exact(&self.subresource, &info.subresource)
            && any(&self.namespace, &info.namespace)
            && any(&self.name, &info.name)
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Access(RwLock<Vec<Deny>>);

impl Access {
    /// Denies from now on.
    pub fn deny(&self, rule: Deny) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    /// Allows everything again.
    pub fn allow_all(&self) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The words of the denial, or `None` when allowed.
    pub(crate) fn denied(&self, info: &RequestInfo) -> Option<String> {
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rules
            .iter()
            .any(|rule| rule.matches(info))
            .then(|| words(info))
    }
}

/// The words of `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters`.
fn words(info: &RequestInfo) -> String {
    let resource = if info.subresource.is_empty() {
        info.resource.clone()
    } else {
        format!("{}/{}", info.resource, info.subresource)
    };
    let place = if info.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", info.namespace)
    };
    format!(
        "User {USER:?} cannot {} resource {resource:?} in API group {:?} {place}",
        info.verb, info.group
    )
}
