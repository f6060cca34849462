//! How the managers of a live object share it: which of its lists have items of their own, and by which
//! fields those are told apart. Its `managedFields` say so of every kind, known or not.

use serde_json::{Map, Value};

use crate::cluster::Live;

/// What all managers say of one node of a live object.
#[derive(Clone, Debug)]
pub(super) struct Split<'a>(Vec<&'a Map<String, Value>>);

impl<'a> Split<'a> {
    /// What they say of the whole object.
    pub(super) fn of(live: &'a Live) -> Self {
        let entries = live
            .at(&["metadata", "managedFields"])
            .and_then(Value::as_array);
        let fields = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("fieldsV1")?.as_object());
        Self(fields.collect())
    }

    /// Nobody says anything.
    pub(super) fn nobody() -> Self {
        Self(Vec::new())
    }

    /// What they say of the value of a key.
    pub(super) fn key(&self, key: &str) -> Self {
        let name = format!("f:{key}");
        self.below(|field| field == name)
    }

    /// What they say of an item of a list.
    pub(super) fn item(&self, item: &Value) -> Self {
        self.below(|field| keys_of(field).is_some_and(|keys| carries(item, &keys)))
    }

    fn below(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let children = self.0.iter().flat_map(|fields| fields.iter());
        let found = children
            .filter(|(field, _)| wanted(field))
            .filter_map(|(_, child)| child.as_object());
        Self(found.collect())
    }

    /// The fields that tell the items of a list apart; none where it is one value.
    pub(super) fn item_keys(&self) -> Option<Vec<String>> {
        let mut fields = self.0.iter().flat_map(|fields| fields.keys());
        let keys = fields.find_map(|field| keys_of(field))?;
        Some(keys.keys().cloned().collect())
    }

    /// Whether it is a list of which each manager may have some members.
    pub(super) fn is_set(&self) -> bool {
        let mut fields = self.0.iter().flat_map(|fields| fields.keys());
        fields.any(|field| field.starts_with("v:"))
    }

    /// Whether somebody has it as one value.
    pub(super) fn is_whole(&self) -> bool {
        let own = |fields: &&Map<String, Value>| fields.keys().all(|field| field == ".");
        !self.0.is_empty() && self.0.iter().all(own)
    }
}

/// The fields that tell an item apart, from its name in `managedFields`.
pub(super) fn keys_of(field: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(field.strip_prefix("k:")?).ok()
}

/// Whether an item has these values; a field it leaves out has its default, which we do not know.
pub(super) fn carries(item: &Value, keys: &Map<String, Value>) -> bool {
    let mut any = false;
    let all = keys.iter().all(|(key, value)| match item.get(key) {
        Some(own) => {
            any = true;
            own == value
        }
        None => true,
    });
    any && all
}

/// The values by which an item is told apart.
pub(super) fn identity(item: &Value, keys: &[String]) -> Map<String, Value> {
    let own = keys.iter();
    own.filter_map(|key| Some((key.clone(), item.get(key)?.clone())))
        .collect()
}
