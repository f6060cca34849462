//! Who wins a field that Git sets and another field manager sets otherwise, field by field.

use trueup_manifest::ObjectId;

use super::{
    names::glob,
    reconcile::{Conflicts, KindPattern, Reconcile},
};

/// A rule about the fields of some objects, for some managers. Every part that is given must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// Kind, with or without its group.
    pub kind: Option<KindPattern>,
    /// Name; may hold `*` and `?`.
    pub name: Option<String>,
    /// Namespace; may hold `*` and `?`.
    pub namespace: Option<String>,
    /// The fields, each with all below it; all fields where there are none.
    pub paths: Vec<Pointer>,
    /// The managers that set them otherwise, with `*` and `?`; all where there are none.
    pub managers: Vec<String>,
    /// What to do then.
    pub conflicts: Conflicts,
}

impl FieldRule {
    fn selects(&self, id: &ObjectId) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| glob(pattern, text))
        };
        let kind = self.kind.as_ref();
        kind.is_none_or(|kind| kind.matches(&id.group, &id.kind))
            && fits(&self.name, &id.name)
            && fits(&self.namespace, &id.namespace)
    }

    fn is_about(&self, manager: &str) -> bool {
        self.managers.is_empty() || self.managers.iter().any(|pattern| glob(pattern, manager))
    }
}

/// A place in an object: a JSON pointer (RFC 6901) in which `*` stands for any key or item, and
/// `[name=api]` for the item of a list that has this field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/spec/replicas`; none where it does not begin with `/`, or names no field.
    pub fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/').filter(|steps| !steps.is_empty())?;
        let steps = steps.split('/');
        let plain = |step: &str| step.replace("~1", "/").replace("~0", "~");
        Some(Self(steps.map(plain).collect()))
    }

    /// Its steps, without escapes.
    pub fn steps(&self) -> &[String] {
        &self.0
    }
}

impl Reconcile {
    /// Whether Git wins every field of every object.
    pub fn takes_everything(&self) -> bool {
        self.conflicts == Conflicts::Take && self.field_rules.is_empty()
    }

    /// Who wins the fields of an object.
    pub fn rules_for(&self, id: &ObjectId) -> FieldRules<'_> {
        let rules = self.field_rules.iter().filter(|rule| rule.selects(id));
        FieldRules {
            rules: rules.collect(),
            otherwise: self.conflicts,
        }
    }
}

/// Who wins the fields of one object.
#[derive(Clone, Debug)]
pub struct FieldRules<'a> {
    rules: Vec<&'a FieldRule>,
    otherwise: Conflicts,
}

impl FieldRules<'_> {
    /// Whether Git wins all of them.
    pub fn take_all(&self) -> bool {
        let mut rules = self.rules.iter().map(|rule| rule.conflicts);
        self.otherwise == Conflicts::Take && rules.all(|conflicts| conflicts == Conflicts::Take)
    }

    /// What to do about a field that a manager sets otherwise: what the first rule says that fits.
    /// `covers` tells whether the field is at or below a place.
    pub fn on(&self, manager: &str, covers: impl Fn(&Pointer) -> bool) -> Conflicts {
        let fits = |rule: &&&FieldRule| {
            let is_there = rule.paths.is_empty() || rule.paths.iter().any(&covers);
            is_there && rule.is_about(manager)
        };
        let rule = self.rules.iter().find(fits);
        rule.map_or(self.otherwise, |rule| rule.conflicts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: &str, name: &str) -> ObjectId {
        ObjectId {
            group: "apps".into(),
            kind: kind.into(),
            namespace: "web".into(),
            name: name.into(),
        }
    }

    fn rule(conflicts: Conflicts) -> FieldRule {
        FieldRule {
            kind: None,
            name: None,
            namespace: None,
            paths: Vec::new(),
            managers: Vec::new(),
            conflicts,
        }
    }

    #[test]
    fn the_first_rule_that_fits_object_field_and_manager_holds() {
        let policy = Reconcile {
            field_rules: vec![
                FieldRule {
                    kind: Some(KindPattern::new("Deployment.apps")),
                    name: Some("api-*".to_owned()),
                    paths: vec![Pointer::parse("/spec/replicas").unwrap()],
                    managers: vec!["kube-*".to_owned()],
                    ..rule(Conflicts::Leave)
                },
                FieldRule {
                    kind: Some(KindPattern::new("Deployment")),
                    managers: vec!["kubectl-edit".to_owned()],
                    ..rule(Conflicts::Fail)
                },
            ],
            ..Reconcile::default()
        };
        let is_replicas = |pointer: &Pointer| pointer.steps() == ["spec", "replicas"];
        for (name, manager, expected) in [
            ("api-a", "kube-controller-manager", Conflicts::Leave),
            ("api-a", "kubectl-edit", Conflicts::Fail),
            ("other", "kube-controller-manager", Conflicts::Take),
        ] {
            let id = id("Deployment", name);
            let rules = policy.rules_for(&id);
            assert_eq!(rules.on(manager, is_replicas), expected, "{name} {manager}");
            assert!(!rules.take_all());
        }
        let api = id("Deployment", "api-a");
        let elsewhere = policy
            .rules_for(&api)
            .on("kube-controller-manager", |_| false);
        assert_eq!(elsewhere, Conflicts::Take);
        assert!(policy.rules_for(&id("StatefulSet", "api-a")).take_all());
        assert!(!policy.takes_everything());
    }

    #[test]
    fn a_pointer_begins_with_a_slash_and_knows_the_escapes_of_json() {
        let pointer = Pointer::parse("/metadata/annotations/a.b~1c~01").unwrap();
        assert_eq!(pointer.steps(), ["metadata", "annotations", "a.b/c~1"]);
        for wrong in ["", "/", "spec/replicas", ".spec.replicas"] {
            assert_eq!(Pointer::parse(wrong), None, "{wrong}");
        }
    }
}
