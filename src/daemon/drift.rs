//! What differs from desired with no new revision: a pure state that watch events are fed into.
//!
//! An object counts once a pass has brought it to what is desired (it is *settled*) and a later
//! sighting shows otherwise. One that a pass could not bring there is no drift: the pass failed, and
//! is retried by its own rules. What only looks different, and was left as it is by a pass that
//! looked closely, is remembered as it looked and counts no more.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;
use trueup_manifest::ObjectId;

use super::follow::Sighting;
use crate::{cluster::Live, telemetry};

/// Tells whether a live object differs from what is desired of it.
pub(super) trait Desire {
    /// The objects that should be there and are ours.
    fn ids(&self) -> impl Iterator<Item = &ObjectId>;

    /// Whether an object should be there.
    fn wants(&self, id: &ObjectId) -> bool;

    /// Whether an object that should be there is not as it should be. May err towards yes.
    fn differs(&self, live: &Live) -> bool;

    /// A fingerprint of the way in which an object differs: what was found right once is right again as
    /// long as it differs in this way.
    fn look(&self, live: &Live) -> u64 {
        mark(live.value())
    }
}

/// An object that differs from desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deviant {
    /// In which way.
    pub(super) kind: telemetry::Drift,
    /// Who wrote it last, other than we ourselves.
    pub(super) writers: Vec<String>,
    /// How it looks.
    mark: u64,
}

/// What is known of an environment's objects.
#[derive(Debug)]
pub(super) struct Drift<D> {
    desire: D,
    field_manager: &'static str,
    settled: HashSet<ObjectId>,
    deviants: BTreeMap<ObjectId, Deviant>,
    /// How the deviants looked when the pass began: what it looks at is at least as new.
    looked_at: HashMap<ObjectId, u64>,
    /// How objects looked that a pass found to be right although they seem to differ.
    right: HashMap<ObjectId, u64>,
}

impl<D: Desire> Drift<D> {
    pub(super) fn new(desire: D, field_manager: &'static str) -> Self {
        Self {
            desire,
            field_manager,
            settled: HashSet::new(),
            deviants: BTreeMap::new(),
            looked_at: HashMap::new(),
            right: HashMap::new(),
        }
    }

    /// A pass begins that may bring something else about. Nothing is settled until it says so.
    pub(super) fn begin(&mut self, desire: D) {
        self.desire = desire;
        self.settled.clear();
        let desire = &self.desire;
        self.deviants.retain(|id, _| desire.wants(id));
        self.right.retain(|id, _| desire.wants(id));
        let looks = self
            .deviants
            .iter()
            .map(|(id, deviant)| (id.clone(), deviant.mark));
        self.looked_at = looks.collect();
    }

    /// The pass wrote an object, or found nothing to write. What it looked like when the pass began
    /// is mended in the one case, and right whatever it seems in the other; and so is what the pass left,
    /// whatever the server made of it.
    pub(super) fn settled(&mut self, id: &ObjectId, written: bool, live: Option<&Live>) {
        if !self.desire.wants(id) {
            return;
        }
        self.settled.insert(id.clone());
        if let Some(live) = live {
            self.right.remove(id);
            if self.desire.differs(live) {
                let look = self.desire.look(live);
                self.right.insert(id.clone(), look);
                if self
                    .deviants
                    .get(id)
                    .is_some_and(|deviant| deviant.mark == look)
                {
                    self.deviants.remove(id);
                }
            }
        }
        let Some(deviant) = self.deviants.get(id) else {
            return;
        };
        if self.looked_at.get(id) != Some(&deviant.mark) {
            return;
        }
        if !written && deviant.kind == telemetry::Drift::Changed {
            self.right.insert(id.clone(), deviant.mark);
        }
        self.deviants.remove(id);
    }

    /// The pass deletes again what it has made: that it goes is no drift.
    pub(super) fn undone(&mut self, id: &ObjectId) {
        self.settled.remove(id);
    }

    /// Something was seen of live.
    pub(super) fn saw(&mut self, sighting: &Sighting) {
        match sighting {
            Sighting::Present(live) => self.present(live),
            Sighting::Gone(id) => self.gone(id),
            Sighting::Back => {}
            Sighting::All { group, kind, ids } => {
                let missing =
                    |id: &&ObjectId| id.group == *group && id.kind == *kind && !ids.contains(*id);
                let missing: BTreeSet<ObjectId> =
                    self.desire.ids().filter(missing).cloned().collect();
                for id in missing {
                    self.gone(&id);
                }
            }
        }
    }

    fn present(&mut self, live: &Live) {
        let id = live.id();
        if !self.desire.wants(&id) {
            return;
        }
        // On its way out it cannot be changed; once it is gone it can be created anew.
        if live.is_terminating() || !self.desire.differs(live) {
            self.deviants.remove(&id);
            self.looked_at.remove(&id);
            return;
        }
        let mark = self.desire.look(live);
        if self.right.get(&id) == Some(&mark) {
            self.deviants.remove(&id);
            return;
        }
        let writers = writers(live.value(), self.field_manager);
        let deviant = Deviant {
            kind: telemetry::Drift::Changed,
            writers,
            mark,
        };
        self.deviants.insert(id, deviant);
    }

    fn gone(&mut self, id: &ObjectId) {
        if self.desire.wants(id) {
            self.right.remove(id);
            self.looked_at.remove(id);
            let deviant = Deviant {
                kind: telemetry::Drift::Deleted,
                writers: Vec::new(),
                mark: 0,
            };
            self.deviants.insert(id.clone(), deviant);
        }
    }

    /// The objects that differ from what a pass has brought about.
    pub(super) fn drifted(&self) -> impl Iterator<Item = (&ObjectId, &Deviant)> {
        self.deviants
            .iter()
            .filter(|(id, _)| self.settled.contains(*id))
    }
}

/// A fingerprint of all that a person or controller could have changed and we could care about.
pub(super) fn mark(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Value::Object(fields) = object {
        for (key, value) in fields.iter().filter(|(key, _)| *key != "status") {
            key.hash(&mut hasher);
            match value {
                Value::Object(metadata) if key == "metadata" => {
                    for (key, value) in metadata {
                        if !matches!(key.as_str(), "resourceVersion" | "generation") {
                            key.hash(&mut hasher);
                            hash_value(value, &mut hasher);
                        }
                    }
                }
                value => hash_value(value, &mut hasher),
            }
        }
    }
    hasher.finish()
}

/// Times are left out: `managedFields` carries one for each write, even of the same value.
fn hash_value(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(flag) => flag.hash(hasher),
        Value::Number(number) => number.to_string().hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Array(items) => {
            items.len().hash(hasher);
            for item in items {
                hash_value(item, hasher);
            }
        }
        Value::Object(fields) => {
            fields.len().hash(hasher);
            for (key, value) in fields.iter().filter(|(key, _)| *key != "time") {
                key.hash(hasher);
                hash_value(value, hasher);
            }
        }
    }
}

/// The other managers with a share in the object, the one that wrote last first.
fn writers(object: &Value, ours: &str) -> Vec<String> {
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    let text = |entry: &Value, key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut others: Vec<(String, String)> = entries
        .into_iter()
        .flatten()
        .filter(|entry| text(entry, "subresource").is_empty())
        .map(|entry| (text(entry, "time"), text(entry, "manager")))
        .filter(|(_, manager)| manager != ours)
        .collect();
    others.sort_by(|a, b| b.cmp(a));
    let mut names: Vec<String> = Vec::new();
    for (_, manager) in others {
        if !names.contains(&manager) {
            names.push(manager);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Wants objects of the kind `ConfigMap`, each with `data.value` as given.
    struct Wanted(BTreeMap<ObjectId, &'static str>);

    impl Desire for Wanted {
        fn ids(&self) -> impl Iterator<Item = &ObjectId> {
            self.0.keys()
        }

        fn wants(&self, id: &ObjectId) -> bool {
            self.0.contains_key(id)
        }

        fn differs(&self, live: &Live) -> bool {
            self.0
                .get(&live.id())
                .is_some_and(|value| live.text(&["data", "value"]) != *value)
        }
    }

    fn id(name: &str) -> ObjectId {
        let (kind, name) = ("ConfigMap".to_owned(), name.to_owned());
        ObjectId {
            kind,
            name,
            ..ObjectId::default()
        }
    }

    fn present(name: &str, value: &str, version: &str) -> Sighting {
        Sighting::Present(Box::new(Live::new(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"value": value},
            "metadata": {"name": name, "resourceVersion": version, "managedFields": [
                {"manager": "trueup", "operation": "Apply", "time": "2026-01-01T00:00:00Z"},
                {"manager": "kubectl-edit", "operation": "Update", "time": version},
                {"manager": "old", "operation": "Update", "time": "2020-01-01T00:00:00Z"},
            ]},
        }))))
    }

    fn wanted() -> Wanted {
        Wanted([(id("a"), "good"), (id("b"), "good")].into())
    }

    /// Two objects, both brought to `good` by a pass.
    fn settled() -> Drift<Wanted> {
        let mut drift = Drift::new(wanted(), "trueup");
        drift.begin(wanted());
        drift.settled(&id("a"), true, None);
        drift.settled(&id("b"), true, None);
        drift
    }

    fn names<D: Desire>(drift: &Drift<D>) -> Vec<(&str, telemetry::Drift)> {
        drift
            .drifted()
            .map(|(id, deviant)| (id.name.as_str(), deviant.kind))
            .collect()
    }

    #[test]
    fn a_change_and_a_deletion_are_drift_and_their_undoing_ends_it() {
        let mut drift = settled();
        drift.saw(&present("a", "bad", "1"));
        drift.saw(&Sighting::Gone(id("b")));
        let (changed, deleted) = (telemetry::Drift::Changed, telemetry::Drift::Deleted);
        assert_eq!(names(&drift), [("a", changed), ("b", deleted)]);
        drift.saw(&present("a", "good", "2"));
        drift.saw(&present("b", "good", "2"));
        assert!(names(&drift).is_empty());
    }

    #[test]
    fn the_other_writer_is_known_by_name() {
        let mut drift = settled();
        drift.saw(&present("a", "bad", "2026-02-02T00:00:00Z"));
        let (_, deviant) = drift.drifted().next().unwrap();
        assert_eq!(deviant.writers, ["kubectl-edit", "old"]);
    }

    #[test]
    fn an_object_that_is_not_desired_is_none_of_our_business() {
        let mut drift = settled();
        drift.saw(&present("other", "bad", "1"));
        drift.saw(&Sighting::Gone(id("other")));
        assert!(names(&drift).is_empty());
    }

    #[test]
    fn what_a_pass_has_not_brought_about_is_no_drift() {
        let mut drift = settled();
        drift.begin(Wanted([(id("a"), "new"), (id("b"), "good")].into()));
        drift.saw(&present("a", "good", "1"));
        drift.saw(&Sighting::Gone(id("b")));
        assert!(names(&drift).is_empty());
        drift.settled(&id("b"), true, None);
        assert_eq!(names(&drift), [("b", telemetry::Drift::Deleted)]);
    }

    #[test]
    fn a_list_shows_what_went_while_nobody_watched() {
        let mut drift = settled();
        let (group, kind) = (String::new(), "ConfigMap".to_owned());
        drift.saw(&Sighting::All {
            group,
            kind,
            ids: [id("a")].into(),
        });
        assert_eq!(names(&drift), [("b", telemetry::Drift::Deleted)]);
        let mut drift = settled();
        let (group, kind) = (String::new(), "Secret".to_owned());
        drift.saw(&Sighting::All {
            group,
            kind,
            ids: BTreeSet::new(),
        });
        assert!(
            names(&drift).is_empty(),
            "a list of another kind says nothing"
        );
    }

    #[test]
    fn what_a_pass_found_right_counts_no_more_until_it_looks_otherwise() {
        let mut drift = settled();
        drift.saw(&present("a", "looks odd", "1"));
        assert_eq!(names(&drift).len(), 1);
        drift.begin(wanted());
        drift.settled(&id("a"), false, None);
        assert!(names(&drift).is_empty());
        drift.saw(&present("a", "looks odd", "7"));
        assert!(names(&drift).is_empty(), "the same look at a later version");
        drift.saw(&present("a", "bad", "8"));
        assert_eq!(names(&drift).len(), 1);
    }

    #[test]
    fn what_a_server_made_of_a_write_is_no_drift_however_the_news_come() {
        let Sighting::Present(left) = present("a", "looks odd", "1") else {
            unreachable!()
        };
        for told_first in [true, false] {
            let mut drift = Drift::new(wanted(), "trueup");
            drift.begin(wanted());
            if told_first {
                drift.settled(&id("a"), true, Some(&left));
            }
            drift.saw(&present("a", "looks odd", "1"));
            if !told_first {
                drift.settled(&id("a"), true, Some(&left));
            }
            assert!(names(&drift).is_empty(), "told first: {told_first}");
            drift.saw(&present("a", "bad", "2"));
            assert_eq!(names(&drift).len(), 1);
        }
    }

    #[test]
    fn a_change_that_a_pass_may_have_missed_is_not_taken_for_right() {
        let mut drift = settled();
        drift.saw(&present("a", "looks odd", "1"));
        drift.begin(wanted());
        drift.saw(&present("a", "bad", "2"));
        drift.settled(&id("a"), false, None);
        assert_eq!(names(&drift).len(), 1);
    }

    #[test]
    fn what_a_pass_mended_is_not_drift_while_the_news_of_it_is_on_its_way() {
        let mut drift = settled();
        drift.saw(&present("a", "bad", "1"));
        drift.saw(&Sighting::Gone(id("b")));
        drift.begin(wanted());
        drift.settled(&id("a"), true, None);
        drift.settled(&id("b"), true, None);
        assert!(names(&drift).is_empty());
        drift.saw(&present("a", "good", "2"));
        drift.saw(&present("a", "bad", "3"));
        assert_eq!(names(&drift).len(), 1, "somebody did it again");
    }

    #[test]
    fn a_second_change_during_the_pass_is_not_lost_if_it_is_told_first() {
        let mut drift = settled();
        drift.saw(&present("a", "bad", "1"));
        drift.saw(&Sighting::Gone(id("b")));
        drift.begin(wanted());
        for sighting in [
            present("a", "good", "2"),
            present("a", "bad", "3"),
            present("b", "good", "4"),
            Sighting::Gone(id("b")),
        ] {
            drift.saw(&sighting);
        }
        drift.settled(&id("a"), true, None);
        drift.settled(&id("b"), true, None);
        assert_eq!(names(&drift).len(), 2);
    }

    #[test]
    fn what_a_pass_deletes_again_is_no_drift_until_it_is_made_once_more() {
        let mut drift = settled();
        drift.undone(&id("b"));
        drift.saw(&Sighting::Gone(id("b")));
        assert!(names(&drift).is_empty());
        drift.begin(wanted());
        drift.settled(&id("b"), true, None);
        drift.saw(&present("b", "good", "5"));
        drift.saw(&Sighting::Gone(id("b")));
        assert_eq!(names(&drift).len(), 1);
    }

    #[test]
    fn an_object_on_its_way_out_is_drift_only_once_it_is_gone() {
        let mut drift = settled();
        drift.saw(&Sighting::Present(Box::new(Live::new(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"value": "bad"},
            "metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"},
        })))));
        assert!(names(&drift).is_empty());
        drift.saw(&Sighting::Gone(id("a")));
        assert_eq!(names(&drift).len(), 1);
    }
}
