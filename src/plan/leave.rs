//! Who wins the fields that others set otherwise than Git, where the environment has rules about it.
//!
//! A field is contested when somebody else owns it and its live value is not ours. One that is left is taken out of
//! what we apply, so that an autoscaler, say, keeps the replicas it set although Git names a number.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value};
use trueup_manifest::Diagnostic;

use super::{
    compare::{Reading, carries},
    inventory::{ApplySet, FIELD_MANAGER},
    judge::{enter, find, migration},
    object::Object,
    path::{Path, Step, Trail},
    view::{Node, Shape, View},
};
use crate::{
    cluster::Live,
    config::{
        FieldRules, Pointer,
        reconcile::{Conflicts, Reconcile},
    },
};

/// A field that somebody else owns with another value than ours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contest {
    path: Path,
    /// Who owns it.
    managers: Vec<String>,
}

/// What becomes of an object's contested fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settlement {
    /// Those that are left to their owners.
    pub left: Vec<Path>,
    /// Those that nobody may take: nothing of the object is applied.
    pub(super) refused: Vec<Contest>,
    /// Whether others are taken from their owners.
    pub takes: bool,
}

impl Settlement {
    /// Whether the object may be applied as it is settled.
    pub fn is_allowed(&self) -> bool {
        self.refused.is_empty()
    }

    fn of<'a, V: View<'a>>(desired: V, live: &Live, rules: &FieldRules<'_>) -> Self {
        let mut settlement = Self::default();
        for contest in contests(desired, live) {
            let covers = |pointer: &Pointer| is_at_or_below(pointer, &contest.path, desired);
            let said: Vec<Conflicts> = contest
                .managers
                .iter()
                .map(|manager| match manager.as_str() {
                    // What we wrote ourselves in another way than by an apply.
                    FIELD_MANAGER => Conflicts::Take,
                    manager => rules.on(manager, covers),
                })
                .collect();
            if said.contains(&Conflicts::Fail) {
                settlement.refused.push(contest);
            } else if said.contains(&Conflicts::Leave) {
                settlement.left.push(contest.path);
            } else {
                settlement.takes = true;
            }
        }
        settlement
    }
}

/// Settles the contested fields of what is about to be sent, given the object as it is by now: the fields that are
/// left go from `body`.
pub fn settle_body(body: &mut Value, live: &Live, rules: &FieldRules<'_>) -> Settlement {
    let settlement = Settlement::of(&*body, live, rules);
    for path in &settlement.left {
        remove(body, path);
    }
    settlement
}

impl Object {
    /// Settles its contested fields: takes out those that are left to others, and notes what became of the rest.
    pub fn settle_contests(&mut self, live: &Live, applyset: &ApplySet, policy: &Reconcile) {
        // What is going leaves nothing to contest: the object is made anew.
        if policy.takes_everything() || live.is_terminating() {
            return;
        }
        let rules = policy.rules_for(&self.id());
        if rules.take_all() {
            return;
        }
        // What the tool before us set is no contest: it becomes ours.
        let moved = migration(live, applyset, policy).map(|migration| migration.moved(live));
        let settlement = Settlement::of(self.root(), moved.as_ref().unwrap_or(live), &rules);
        if !settlement.left.is_empty() {
            self.whole = Some(Arc::new(self.doc.clone()));
        }
        for path in &settlement.left {
            self.take_out(path);
        }
        self.settlement = settlement;
    }

    /// The same with its contested fields settled.
    pub(super) fn settled(
        &self,
        live: &Live,
        applyset: &ApplySet,
        policy: &Reconcile,
    ) -> Cow<'_, Self> {
        if policy.takes_everything() {
            return Cow::Borrowed(self);
        }
        let mut object = self.clone();
        object.settle_contests(live, applyset, policy);
        Cow::Owned(object)
    }

    fn take_out(&mut self, path: &Path) {
        let Some((Step::Key(key), parent)) = path.0.split_last() else {
            return;
        };
        let parent = find(self.root(), &Path(parent.to_vec())).map(Node::id);
        if let Some(parent) = parent {
            self.doc.remove(parent, key);
        }
    }

    /// The error about the fields that nobody may take.
    pub(super) fn refusal(&self) -> Option<Diagnostic> {
        let refused = &self.settlement.refused;
        let first = refused.first()?;
        let said = refused.iter().map(|contest| {
            let managers = contest.managers.join("`, `");
            format!("`.{}` is set by `{managers}`", contest.path)
        });
        let said: Vec<String> = said.collect();
        let message = format!(
            "`{}`: {}, and Git says otherwise",
            self.id(),
            said.join(", ")
        );
        let keys = first.path.0.iter().map(|step| match step {
            Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            step => format!("/{}", Path(vec![step.clone()])),
        });
        let help = format!(
            "take the fields out of Git, or say who wins in `reconcile.fieldRules`: `{{paths: [{}], conflicts: leave}}`",
            keys.collect::<String>()
        );
        Some(self.error("apply/conflict", message).help(help))
    }
}

/// The fields that others own with other values, each with all who do.
fn contests<'a, V: View<'a>>(desired: V, live: &Live) -> Vec<Contest> {
    let mut walk = Walk {
        found: Vec::new(),
        reading: Reading::of(desired.text_at(&["apiVersion"]), desired.text_at(&["kind"])),
        manager: "",
    };
    for (manager, fields) in others(live) {
        walk.manager = manager;
        walk.map(desired, live.value(), fields, &Trail::ROOT);
    }
    walk.found
}

/// The fields of everybody else, without those of the status, which is written apart.
fn others(live: &Live) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    let entries = live
        .at(&["metadata", "managedFields"])
        .and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        // An autoscaler writes through `scale`, and what it owns by that is a field of the object itself.
        let is_of_object = matches!(text("subresource"), "" | "scale");
        let is_ours = text("manager") == FIELD_MANAGER && text("operation") == "Apply";
        if is_of_object && !is_ours {
            Some((text("manager"), entry.get("fieldsV1")?.as_object()?))
        } else {
            None
        }
    })
}

struct Walk<'l> {
    found: Vec<Contest>,
    reading: Reading,
    manager: &'l str,
}

impl Walk<'_> {
    fn contested(&mut self, path: Path) {
        let manager = self.manager.to_owned();
        match self.found.iter_mut().find(|contest| contest.path == path) {
            Some(contest) if contest.managers.contains(&manager) => {}
            Some(contest) => contest.managers.push(manager),
            None => self.found.push(Contest {
                path,
                managers: vec![manager],
            }),
        }
    }

    fn map<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: &Value,
        fields: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        for (field, children) in fields {
            let Some(key) = field.strip_prefix("f:") else {
                continue;
            };
            let (Some(value), Some(there)) = (desired.get(key), live.get(key)) else {
                continue;
            };
            let here = trail.key(key);
            let children = children.as_object();
            let is_leaf = children.is_none_or(|children| children.keys().all(|key| key == "."));
            match (value.shape(), children) {
                (Shape::Map, Some(children)) if !is_leaf => self.map(value, there, children, &here),
                (Shape::List, Some(children)) if !is_leaf => {
                    self.list(value, there, children, &here);
                }
                (Shape::Map, _) if value.len() == 0 => {}
                _ if self.reading.same(value, Some(there), &here) => {}
                _ => self.contested(here.to_path()),
            }
        }
    }

    /// Only the fields of items can be contested: each manager adds items of its own.
    fn list<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: &Value,
        items: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        for (item, children) in items {
            let keys = item
                .strip_prefix("k:")
                .and_then(|keys| serde_json::from_str(keys).ok());
            let (Some(Value::Object(keys)), Some(children)) = (keys, children.as_object()) else {
                continue;
            };
            let ours = desired.items().find(|item| carries(*item, &keys));
            let theirs = live.items().find(|item| carries(*item, &keys));
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                self.map(ours, theirs, children, &trail.item(&keys));
            }
        }
    }
}

/// Whether a field of an object is the one that a pointer names, or below it.
fn is_at_or_below<'a, V: View<'a>>(pointer: &Pointer, path: &Path, root: V) -> bool {
    if pointer.steps().len() > path.0.len() {
        return false;
    }
    let mut node = Some(root);
    pointer.steps().iter().zip(&path.0).all(|(wanted, step)| {
        let before = node;
        node = before.and_then(|before| enter(before, step));
        let by_name = match step {
            Step::Key(key) => key == wanted,
            _ => Path(vec![step.clone()]).to_string() == *wanted,
        };
        let by_place = || match step {
            Step::Item(fields) => before
                .and_then(|list| list.items().position(|item| item_is(item, fields)))
                .is_some_and(|place| place.to_string() == *wanted),
            _ => false,
        };
        wanted == "*" || by_name || by_place()
    })
}

fn item_is<'a, V: View<'a>>(item: V, fields: &[(String, Value)]) -> bool {
    fields.iter().all(|(key, value)| {
        item.get(key)
            .is_none_or(|own| super::compare::plainly_same(own, value))
    })
}

/// Whether an item of a list in JSON is the one that a key of `fieldsV1` names.
pub fn is_item(item: &Value, keys: &Map<String, Value>) -> bool {
    carries(item, keys)
}

fn remove(body: &mut Value, path: &Path) {
    let Some((Step::Key(key), parent)) = path.0.split_last() else {
        return;
    };
    let parent = parent.iter().try_fold(body, |node, step| match step {
        Step::Key(key) => node.get_mut(key),
        Step::Item(fields) => node
            .as_array_mut()?
            .iter_mut()
            .find(|item| item_is(&**item, fields)),
        Step::Index(_) | Step::Member(_) => None,
    });
    if let Some(parent) = parent.and_then(Value::as_object_mut) {
        parent.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        config::{FieldRule, reconcile::KindPattern},
        plan::tests::world::{desired, objects},
    };

    use super::*;

    const TEXT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: web}
spec:
  replicas: 2
  paused: true
  template: {spec: {containers: [{name: web, image: w:1}, {name: api, image: a:1}]}}
";

    fn live() -> Live {
        Live::new(json!({
            "metadata": {
                "labels": {"applyset.kubernetes.io/part-of": set().id()},
                "managedFields": [
                    {"manager": "trueup", "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                    {"manager": "autoscaler", "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                    {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {
                        "f:paused": {}, "f:replicas": {},
                        "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}, "f:name": {}}}}},
                    }}},
                    {"manager": "kubelet", "operation": "Update", "subresource": "status", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                ],
            },
            "spec": {
                "replicas": 7, "paused": true,
                "template": {"spec": {"containers": [{"name": "web", "image": "w:1"}, {"name": "api", "image": "a:2"}]}},
            },
        }))
    }

    fn set() -> ApplySet {
        ApplySet::of("dev").unwrap()
    }

    fn rule(paths: &[&str], managers: &[&str], conflicts: Conflicts) -> FieldRule {
        FieldRule {
            kind: Some(KindPattern::new("Deployment")),
            name: None,
            namespace: None,
            paths: paths
                .iter()
                .filter_map(|path| Pointer::parse(path))
                .collect(),
            managers: managers.iter().map(|name| (*name).to_owned()).collect(),
            conflicts,
        }
    }

    /// What is left, what is refused, and whether the rest is taken.
    fn settle(conflicts: Conflicts, field_rules: Vec<FieldRule>) -> (Object, String) {
        let policy = Reconcile {
            conflicts,
            field_rules,
            ..Reconcile::default()
        };
        let mut object = objects(&desired(&[("app", TEXT)])).unwrap().items.remove(0);
        let whole = object.clone();
        object.settle_contests(&live(), &set(), &policy);
        // The same of the bytes that are sent.
        let mut body: Value = serde_json::from_slice(&whole.body().unwrap()).unwrap();
        let of_body = settle_body(&mut body, &live(), &policy.rules_for(&whole.id()));
        assert_eq!(of_body.left, object.settlement.left);
        let own: Value = serde_json::from_slice(&object.body().unwrap()).unwrap();
        assert_eq!(body, own);
        let Settlement {
            left,
            refused,
            takes,
        } = &object.settlement;
        let left: Vec<String> = left.iter().map(ToString::to_string).collect();
        let refused = refused.iter().map(|contest| contest.path.to_string());
        let refused: Vec<String> = refused.collect();
        let said = format!(
            "left {}; refused {}; takes {takes}",
            left.join(" "),
            refused.join(" ")
        );
        (object, said)
    }

    #[test]
    fn a_field_that_somebody_else_owns_with_another_value_is_left_to_them() {
        let (object, said) = settle(Conflicts::Leave, Vec::new());
        let image = "spec.template.spec.containers[name=api].image";
        assert_eq!(
            said,
            format!("left spec.replicas {image}; refused ; takes false")
        );
        let body: Value = serde_json::from_slice(&object.body().unwrap()).unwrap();
        assert_eq!(body["spec"]["paused"], true);
        assert!(body["spec"].get("replicas").is_none());
        assert_eq!(
            body["spec"]["template"]["spec"]["containers"],
            json!([{"name": "web", "image": "w:1"}, {"name": "api"}])
        );
    }

    #[test]
    fn a_rule_holds_for_its_fields_and_its_managers_alone() {
        let image = "spec.template.spec.containers[name=api].image";
        for (rules, expected) in [
            (
                vec![rule(&["/spec/replicas"], &[], Conflicts::Leave)],
                "left spec.replicas; refused ; takes true".to_owned(),
            ),
            (
                vec![rule(&["/spec/template"], &[], Conflicts::Leave)],
                format!("left {image}; refused ; takes true"),
            ),
            (
                vec![rule(
                    &["/spec/template/spec/containers/[name=api]/image"],
                    &[],
                    Conflicts::Leave,
                )],
                format!("left {image}; refused ; takes true"),
            ),
            (
                vec![rule(
                    &["/spec/template/spec/containers/1/image"],
                    &[],
                    Conflicts::Leave,
                )],
                format!("left {image}; refused ; takes true"),
            ),
            (
                vec![rule(
                    &["/spec/template/spec/containers/0/image"],
                    &[],
                    Conflicts::Leave,
                )],
                "left ; refused ; takes true".to_owned(),
            ),
            (
                vec![rule(
                    &["/spec/template/spec/containers/*/image"],
                    &[],
                    Conflicts::Fail,
                )],
                format!("left ; refused {image}; takes true"),
            ),
            // Of the owners of a field one is enough to leave it to.
            (
                vec![rule(&[], &["auto*"], Conflicts::Leave)],
                "left spec.replicas; refused ; takes true".to_owned(),
            ),
            (
                vec![
                    rule(&["/spec/replicas"], &[], Conflicts::Leave),
                    rule(&[], &["kubectl-*"], Conflicts::Fail),
                ],
                format!("left spec.replicas; refused {image}; takes false"),
            ),
            (
                vec![rule(&["/spec/replicas/x"], &[], Conflicts::Leave)],
                "left ; refused ; takes true".to_owned(),
            ),
        ] {
            let (_, said) = settle(Conflicts::Take, rules.clone());
            assert_eq!(said, expected, "{rules:?}");
        }
    }

    #[test]
    fn what_may_not_be_taken_is_named_with_its_owners_and_a_way_out() {
        let rules = vec![rule(&["/spec/replicas"], &[], Conflicts::Fail)];
        let (object, _) = settle(Conflicts::Take, rules);
        let error = object.refusal().unwrap();
        assert_eq!(
            error.message,
            "`Deployment.apps web/api`: `.spec.replicas` is set by `autoscaler`, `kubectl-edit`, and Git says otherwise"
        );
        let help = error.help.unwrap();
        assert!(
            help.contains("{paths: [/spec/replicas], conflicts: leave}"),
            "{help}"
        );
    }

    #[test]
    fn an_object_that_is_going_is_made_anew_with_every_field() {
        let mut going = live().value().clone();
        going["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z".into();
        let policy = Reconcile {
            conflicts: Conflicts::Leave,
            ..Reconcile::default()
        };
        let mut object = objects(&desired(&[("app", TEXT)])).unwrap().items.remove(0);
        object.settle_contests(&Live::new(going), &set(), &policy);
        assert_eq!(object.settlement, Settlement::default());
    }
}
