//! What the user says about when objects are healthy.

use trueup_manifest::ObjectId;

use super::{expression::Expression, reconcile::KindPattern};

/// When objects of a kind are what they say, in place of the rules for their kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Which kind.
    pub kind: KindPattern,
    /// Only in this version of its group.
    pub api_version: Option<String>,
    /// Only objects of this name.
    pub name: Option<String>,
    /// Only objects in this namespace.
    pub namespace: Option<String>,
    /// When they are what they say.
    pub current: Expression,
    /// When they are on their way there; looked at first.
    pub in_progress: Option<Expression>,
    /// When they will not get there by themselves; looked at before `current`.
    pub failed: Option<Expression>,
}

impl HealthCheck {
    /// Whether it is about an object.
    pub fn is_about(&self, api_version: &str, id: &ObjectId) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        self.kind.matches(&id.group, &id.kind)
            && is(&self.api_version, api_version)
            && is(&self.name, &id.name)
            && is(&self.namespace, &id.namespace)
    }
}
