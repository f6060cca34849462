//! How an environment is kept true: what may be pruned, recreated and taken over, and how long to
//! wait for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_manifest::ObjectId;

use super::{field_rule::FieldRule, health_check::HealthCheck};

/// `spec.reconcile` of an Environment. The defaults delete nothing that is dear and take nothing
/// that belongs to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// How often the source is looked at when nothing wakes the daemon earlier.
    pub interval: Duration,
    /// Whether objects that left the desired set are deleted.
    pub prune: bool,
    /// Kinds whose objects are deleted only when this list names them: `Namespace`,
    /// `CustomResourceDefinition`, `PersistentVolume`, `PersistentVolumeClaim`.
    pub prune_kinds: Vec<KindPattern>,
    /// Kinds whose objects may be deleted and created anew when a field that cannot be changed
    /// changes.
    pub recreate: Vec<KindPattern>,
    /// Objects that are never deleted, neither to prune nor to recreate.
    pub protect: Vec<ProtectSelector>,
    /// How much one run may delete before it stops and asks.
    pub deletion_budget: Option<DeletionBudget>,
    /// What to do with objects that exist already and are not ours.
    pub adoption: Adoption,
    /// What to do when another field manager owns a field that we set.
    pub conflicts: Conflicts,
    /// Where something else holds for some fields or managers.
    pub field_rules: Vec<FieldRule>,
    /// How long a phase may take to become healthy where it does not say.
    pub timeout: Duration,
    /// When objects are healthy: `spec.healthChecks` of the Environment.
    pub health_checks: Vec<HealthCheck>,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            prune: true,
            prune_kinds: Vec::new(),
            recreate: Vec::new(),
            protect: Vec::new(),
            deletion_budget: None,
            adoption: Adoption::default(),
            conflicts: Conflicts::default(),
            field_rules: Vec::new(),
            timeout: Duration::from_mins(5),
            health_checks: Vec::new(),
        }
    }
}

/// A kind by name, with or without its group: `StorageClass`, `Certificate.cert-manager.io`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindPattern(String);

impl KindPattern {
    /// Takes `Kind` or `Kind.group`.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether a kind is meant. Without a group in the pattern, any group will do.
    pub fn matches(&self, group: &str, kind: &str) -> bool {
        match self.0.split_once('.') {
            Some((name, suffix)) => name == kind && suffix == group,
            None => self.0 == kind,
        }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which objects are never deleted: every part that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProtectSelector {
    /// Kind, with or without its group.
    pub kind: Option<KindPattern>,
    /// Name.
    pub name: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
}

impl ProtectSelector {
    /// Whether an object is meant. A selector without any part means nothing, not everything.
    pub fn matches(&self, id: &ObjectId) -> bool {
        let given = self.kind.is_some() || self.name.is_some() || self.namespace.is_some();
        given
            && self
                .kind
                .as_ref()
                .is_none_or(|kind| kind.matches(&id.group, &id.kind))
            && self.name.as_ref().is_none_or(|name| *name == id.name)
            && self
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == id.namespace)
    }
}

/// How much one run may delete. With both parts given, the stricter one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionBudget {
    /// At most this many objects.
    pub count: Option<u32>,
    /// At most this many percent of what the environment owns, rounded down.
    pub percent: Option<u8>,
}

impl DeletionBudget {
    /// The most objects that may go out of `owned`; none when the budget sets no limit.
    pub fn limit(&self, owned: usize) -> Option<usize> {
        let count = self
            .count
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let percent = self
            .percent
            .map(|percent| owned.saturating_mul(usize::from(percent)) / 100);
        match (count, percent) {
            (Some(count), Some(percent)) => Some(count.min(percent)),
            (count, percent) => count.or(percent),
        }
    }
}

/// What to do with an object that exists and does not carry our label; the words of cli-utils.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Adoption {
    /// It is an error.
    MustMatch,
    /// It is taken over when no other inventory claims it.
    #[default]
    AdoptIfNoInventory,
    /// It is taken over even from another inventory.
    AdoptAll,
}

/// What to do when another field manager owns a field that we set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Conflicts {
    /// Take the field over: Git wins.
    #[default]
    Take,
    /// Leave the field to its owner and apply the rest.
    Leave,
    /// Report both names and apply nothing of the object.
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
        ObjectId {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_kind_pattern_may_leave_the_group_out() {
        for (pattern, group, kind, matches) in [
            ("StorageClass", "storage.k8s.io", "StorageClass", true),
            (
                "StorageClass.storage.k8s.io",
                "storage.k8s.io",
                "StorageClass",
                true,
            ),
            (
                "StorageClass.example.com",
                "storage.k8s.io",
                "StorageClass",
                false,
            ),
            ("Storage", "storage.k8s.io", "StorageClass", false),
            ("ConfigMap", "", "ConfigMap", true),
        ] {
            assert_eq!(
                KindPattern::new(pattern).matches(group, kind),
                matches,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_protect_selector_needs_every_part_it_gives() {
        let selector = ProtectSelector {
            kind: Some(KindPattern::new("Secret")),
            namespace: Some("vault".into()),
            ..ProtectSelector::default()
        };
        assert!(selector.matches(&id("", "Secret", "vault", "keys")));
        assert!(!selector.matches(&id("", "Secret", "hub", "keys")));
        assert!(!selector.matches(&id("", "ConfigMap", "vault", "keys")));
        assert!(!ProtectSelector::default().matches(&id("", "Secret", "vault", "keys")));
    }

    #[test]
    fn the_stricter_part_of_a_deletion_budget_holds() {
        let budget = |count, percent| DeletionBudget { count, percent };
        assert_eq!(budget(Some(20), Some(25)).limit(40), Some(10));
        assert_eq!(budget(Some(5), Some(25)).limit(40), Some(5));
        assert_eq!(budget(None, Some(25)).limit(3), Some(0));
        assert_eq!(budget(None, None).limit(3), None);
    }
}
