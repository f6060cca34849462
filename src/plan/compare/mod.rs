//! Whether a live object already is what applying a rendered one would make it, found out without
//! asking the server and without knowing the schema.
//!
//! Flows in: the rendered object, the live object, and the `managedFields` entry of our own applies.
//! Flows out: the [`Difference`]s; none means that an apply would change nothing.
//!
//! `managedFields` is what makes this exact. Its entry for our manager lists the fields that our last
//! apply set, and a server takes a field off the list as soon as anybody else changes it. It also
//! shows the schema where we need it: lists that are maps have `k:{…}` children, sets have `v:…`
//! children, and what is atomic is a leaf. So the object is unchanged when our entry lists exactly the
//! fields we would set now and their live values equal ours.
//!
//! It must never call a difference where there could be one unchanged: what it cannot tell (a default
//! inside an atomic list, say) it reports, and the caller lets the server's dry run decide.

mod defaults;
mod quantity;
mod scalar;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(super) use self::scalar::{Reading, plainly_same};
use super::{
    path::{Path, Trail},
    view::{Shape, View},
};
use crate::cluster::Live;

/// What keeps a live object from being what we would apply.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    pub path: Path,
    pub kind: DifferenceKind,
}

/// In which way a field differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DifferenceKind {
    /// We own it, and its value is another one.
    Value,
    /// We would set it, and do not own it: it is new, or somebody changed it.
    Unowned,
    /// We own it, and would no longer set it.
    Surplus,
    /// The items of a list are in another order.
    Order,
    /// Nothing of the object is ours, or it was applied in another version.
    Ownership,
}

/// Metadata that the server sets: `managedFields` never lists it.
const SERVER_METADATA: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Compares a rendered object with the live one. `manager` is the name we apply under.
pub(super) fn compare<'a, V: View<'a>>(
    desired: V,
    live: &Live,
    manager: &str,
    has_status: bool,
) -> Vec<Difference> {
    let ownership = || {
        let kind = DifferenceKind::Ownership;
        vec![Difference {
            path: Path::default(),
            kind,
        }]
    };
    let Some(entry) = live.applied_by(manager) else {
        return ownership();
    };
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("apiVersion") != desired.text_at(&["apiVersion"]) {
        return ownership();
    }
    let Some(Value::Object(owned)) = entry.get("fieldsV1") else {
        return ownership();
    };
    let mut walk = Walk {
        differences: Vec::new(),
        reading: Reading::of(desired.text_at(&["apiVersion"]), desired.text_at(&["kind"])),
        has_status,
        key: String::new(),
    };
    walk.map(desired, live.value(), owned, &Trail::ROOT);
    walk.differences
}

struct Walk {
    differences: Vec<Difference>,
    reading: Reading,
    has_status: bool,
    /// Where keys of `fieldsV1` are put together, kept to save an allocation for each.
    key: String,
}

impl Walk {
    fn found(&mut self, trail: &Trail<'_>, kind: DifferenceKind) {
        self.differences.push(Difference {
            path: trail.to_path(),
            kind,
        });
    }

    fn owned_child<'o>(&mut self, owned: &'o Map<String, Value>, key: &str) -> Option<&'o Value> {
        self.key.clear();
        self.key.push_str("f:");
        self.key.push_str(key);
        owned.get(&self.key)
    }

    /// Fields that an apply does not set, whatever the manifest says.
    fn is_server_field(&self, trail: &Trail<'_>, key: &str) -> bool {
        match trail.parent() {
            None => matches!(key, "apiVersion" | "kind") || (key == "status" && self.has_status),
            Some(parent) => {
                parent.parent().is_none()
                    && trail.last_key() == "metadata"
                    && SERVER_METADATA.contains(&key)
            }
        }
    }

    fn map<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: &Value,
        owned: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        let mut seen = 0;
        for (key, value) in desired.entries() {
            if self.is_server_field(trail, key) {
                continue;
            }
            let here = trail.key(key);
            match self.owned_child(owned, key) {
                Some(child) => {
                    seen += 1;
                    self.field(value, live.get(key), child, &here);
                }
                None if value.is_vacuous() => {}
                // Nothing below is ours either: said of each field, as its parts may be the server's.
                None if value.shape() == Shape::Map => {
                    let live = live.get(key).unwrap_or(&Value::Null);
                    self.map(value, live, &Map::new(), &here);
                }
                None => self.found(&here, DifferenceKind::Unowned),
            }
        }
        let fields = owned.keys().filter(|key| key.starts_with("f:"));
        if fields.clone().count() == seen {
            return;
        }
        for field in fields {
            let key = field.get(2..).unwrap_or_default();
            if desired.get(key).is_none() || self.is_server_field(trail, key) {
                self.found(&trail.key(key), DifferenceKind::Surplus);
            }
        }
    }

    fn field<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: Option<&Value>,
        owned: &Value,
        trail: &Trail<'_>,
    ) {
        let owned = owned.as_object();
        let is_leaf = is_leaf(owned);
        match (desired.shape(), live, owned) {
            (Shape::Map, Some(live @ Value::Object(_)), Some(owned)) if !is_leaf => {
                self.map(desired, live, owned, trail);
            }
            (Shape::List, Some(Value::Array(live)), Some(owned)) if !is_leaf => {
                self.list(desired, live, owned, trail);
            }
            // An empty map that we own says no more than that it is there. Had we set a key in it
            // before, the entry would list that key.
            (Shape::Map, _, _) if is_leaf && desired.len() == 0 => {}
            _ if is_leaf => {
                if !self.reading.same(desired, live, trail) {
                    self.found(trail, DifferenceKind::Value);
                }
            }
            _ => self.found(trail, DifferenceKind::Value),
        }
    }

    fn list<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: &[Value],
        owned: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        let is_set = owned.keys().any(|key| key.starts_with("v:"));
        if is_set {
            self.set(desired, live, owned, trail);
        } else {
            self.map_list(desired, live, owned, trail);
        }
    }

    /// A list whose items are told apart by their value.
    fn set<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: &[Value],
        owned: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        let members: Vec<Value> = owned.keys().filter_map(|key| parse(key, "v:")).collect();
        for (index, item) in desired.items().enumerate() {
            let is_item = |value: &Value| scalar::plainly_same(item, value);
            if !members.iter().any(is_item) || !live.iter().any(is_item) {
                self.found(&trail.index(index), DifferenceKind::Unowned);
            }
        }
        for member in &members {
            if !desired
                .items()
                .any(|item| scalar::plainly_same(item, member))
            {
                self.found(&trail.member(member), DifferenceKind::Surplus);
            }
        }
    }

    /// A list whose items are told apart by some of their fields.
    fn map_list<'a, V: View<'a>>(
        &mut self,
        desired: V,
        live: &[Value],
        owned: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        let mut items: Vec<Option<V>> = desired.items().map(Some).collect();
        let mut places = vec![None; items.len()];
        for (key, child) in owned {
            let Some(Value::Object(fields)) = parse(key, "k:") else {
                continue;
            };
            let here = trail.item(&fields);
            let found = items
                .iter()
                .position(|item| item.is_some_and(|item| carries(item, &fields)));
            let taken = found
                .and_then(|at| items.get_mut(at))
                .and_then(Option::take);
            let (Some(at), Some(item)) = (found, taken) else {
                self.found(&here, DifferenceKind::Surplus);
                continue;
            };
            let place = live.iter().position(|item| {
                fields
                    .iter()
                    .all(|(name, value)| item.get(name) == Some(value))
            });
            if let Some(slot) = places.get_mut(at) {
                *slot = place;
            }
            match (place.and_then(|place| live.get(place)), child) {
                (Some(live), Value::Object(child)) => self.map(item, live, child, &here),
                _ => self.found(&here, DifferenceKind::Value),
            }
        }
        for (index, item) in items.iter().enumerate() {
            if item.is_some() {
                self.found(&trail.index(index), DifferenceKind::Unowned);
            }
        }
        if !places.iter().flatten().is_sorted() {
            self.found(trail, DifferenceKind::Order);
        }
    }
}

/// Whether a node of `fieldsV1` names a field that is owned as a whole.
fn is_leaf(owned: Option<&Map<String, Value>>) -> bool {
    owned.is_none_or(|children| children.keys().all(|key| key == "."))
}

/// The JSON after a prefix of `fieldsV1`.
fn parse(key: &str, prefix: &str) -> Option<Value> {
    serde_json::from_str(key.strip_prefix(prefix)?).ok()
}

/// Whether an item carries the fields that tell it apart; one it leaves out has a default.
pub(super) fn carries<'a, V: View<'a>>(item: V, fields: &Map<String, Value>) -> bool {
    let mut any = false;
    let all = fields.iter().all(|(name, value)| match item.get(name) {
        Some(own) => {
            any = true;
            scalar::plainly_same(own, value)
        }
        None => true,
    });
    any && all
}
