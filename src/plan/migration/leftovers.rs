//! The fields that go with the first apply after a migration: moved to us, set by no manifest, owned by
//! nobody else.

use serde_json::{Map, Value};

use crate::plan::{
    compare::carries,
    path::{Path, Trail},
    view::{Node, View},
};

/// What all other managers say of one node of a live object.
pub(super) struct Others<'a>(Vec<&'a Value>);

impl<'a> Others<'a> {
    pub(super) fn new(fields: impl Iterator<Item = &'a Value>) -> Self {
        Self(fields.collect())
    }

    fn below(&self, field: &str) -> Self {
        Self(
            self.0
                .iter()
                .filter_map(|fields| fields.get(field))
                .collect(),
        )
    }
}

/// The search, with what it has found: JSON pointers in an order in which each can be removed before the
/// next, and the same as paths for people.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) found: Vec<(String, Path)>,
    pointer: String,
}

impl Walk {
    pub(super) fn map(
        &mut self,
        desired: Option<Node<'_>>,
        live: &Value,
        owned: &Map<String, Value>,
        others: &Others<'_>,
        trail: &Trail<'_>,
    ) {
        for (field, below) in owned {
            let Some(key) = field.strip_prefix("f:") else {
                continue;
            };
            let Some(there) = live.get(key) else {
                continue;
            };
            let wanted = desired.and_then(|desired| desired.get(key));
            let segment = key.replace('~', "~0").replace('/', "~1");
            let trail = trail.key(key);
            self.step(
                &segment,
                wanted,
                there,
                (below, &others.below(field)),
                &trail,
            );
        }
    }

    /// A node that moved to us: it goes, or parts of it may.
    fn step(
        &mut self,
        segment: &str,
        wanted: Option<Node<'_>>,
        there: &Value,
        (below, others): (&Value, &Others<'_>),
        trail: &Trail<'_>,
    ) {
        let Some(below) = below.as_object() else {
            return;
        };
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(segment);
        let is_whole = below.is_empty() || below.contains_key(".");
        if wanted.is_none() && others.0.is_empty() && is_whole {
            self.found.push((self.pointer.clone(), trail.to_path()));
        } else {
            match there {
                Value::Object(_) => self.map(wanted, there, below, others, trail),
                Value::Array(items) => self.list(wanted, items, below, others, trail),
                _ if wanted.is_none() && others.0.is_empty() => {
                    self.found.push((self.pointer.clone(), trail.to_path()));
                }
                _ => {}
            }
        }
        self.pointer.truncate(length);
    }

    fn list(
        &mut self,
        desired: Option<Node<'_>>,
        live: &[Value],
        owned: &Map<String, Value>,
        others: &Others<'_>,
        trail: &Trail<'_>,
    ) {
        // The last items first: removing one moves those after it.
        for (index, item) in live.iter().enumerate().rev() {
            for (field, below) in owned {
                let others = others.below(field);
                let segment = index.to_string();
                if let Some(Value::Object(keys)) = parse(field, "k:") {
                    let is_it = keys.iter().all(|(key, value)| item.get(key) == Some(value));
                    if is_it {
                        let wanted = desired
                            .and_then(|desired| desired.items().find(|item| carries(*item, &keys)));
                        let trail = trail.item(&keys);
                        self.step(&segment, wanted, item, (below, &others), &trail);
                    }
                } else if parse(field, "v:").as_ref() == Some(item) {
                    let wanted = desired.and_then(|desired| {
                        let mut items = desired.items();
                        items.find(|wanted| wanted.to_json() == *item)
                    });
                    self.step(
                        &segment,
                        wanted,
                        item,
                        (below, &others),
                        &trail.member(item),
                    );
                }
            }
        }
    }
}

/// The JSON after a prefix of a name in `fieldsV1`.
fn parse(field: &str, prefix: &str) -> Option<Value> {
    serde_json::from_str(field.strip_prefix(prefix)?).ok()
}
