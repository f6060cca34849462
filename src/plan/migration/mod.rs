//! Objects that another tool made become ours: whose fields move, what goes with them, who must let go.
//!
//! Flows in: a live object that is taken over. Flows out: the [`Migration`] that moves the fields which
//! the tool before us owns to our own entry of `managedFields`, as `k8s.io/client-go/util/csaupgrade`
//! does for client-side apply, so that what Git does not say goes with the apply that follows. That
//! takes the tool's own marks along: they are fields like others.
//! It must never touch the fields of anyone who is no such tool: controllers, autoscalers and people
//! who edit by hand keep what is theirs.

mod leftovers;
#[cfg(test)]
mod tests;
mod tool;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use self::tool::{Claim, Rival, Rivals, Tool};
use self::{
    leftovers::{Others, Walk},
    tool::predecessor,
};
use super::{inventory::FIELD_MANAGER, object::Object, path::Path};
use crate::cluster::{Live, Patch};

/// The fields of the tools before us, on their way to our own entry.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Migration {
    /// Whose fields move.
    pub from: Vec<Predecessor>,
    /// `managedFields` as it is to be.
    #[serde(skip)]
    entries: Vec<Value>,
    #[serde(skip)]
    resource_version: String,
}

/// A tool's entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Predecessor {
    /// The name under which it wrote.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// How many fields it owns.
    pub fields: usize,
}

impl Migration {
    /// What moves on a live object; none where no tool before us owns anything of it.
    pub fn of(live: &Live) -> Option<Self> {
        let all = live.at(&["metadata", "managedFields"])?.as_array()?;
        if all.iter().all(|entry| tool_of(entry).is_none()) {
            return None;
        }
        let (moving, mut entries): (Vec<&Value>, Vec<&Value>) =
            all.iter().partition(|entry| tool_of(entry).is_some());
        let newest = moving.first()?;
        let own = entries.iter().position(|entry| is_own(entry));
        let base = match own {
            Some(at) => entries.remove(at),
            None => *newest,
        };
        let mut merged = fields_of(base);
        for entry in &moving {
            unite(&mut merged, fields_of(entry));
        }
        // Status is written apart, whoever may have sent it along.
        merged.remove("f:status");
        let from = moving.iter().map(|entry| Predecessor {
            manager: text(entry, "manager").to_owned(),
            operation: text(entry, "operation").to_owned(),
            fields: count(&fields_of(entry)),
        });
        let mut entry = json!({
            "manager": FIELD_MANAGER,
            "operation": "Apply",
            "apiVersion": text(base, "apiVersion"),
            "fieldsType": "FieldsV1",
            "fieldsV1": merged,
        });
        if let (Some(time), Value::Object(entry)) = (newest.get("time"), &mut entry) {
            entry.insert("time".to_owned(), time.clone());
        }
        Some(Self {
            from: from.collect(),
            resource_version: live.resource_version().to_owned(),
            entries: entries.into_iter().cloned().chain([entry]).collect(),
        })
    }

    /// The request that moves them, which fails with a conflict where the object has changed since. The
    /// version is replaced and not tested: the server then answers 409, and not 422.
    pub fn patch(&self) -> Patch {
        Patch::Json(json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": self.entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": self.resource_version},
        ]))
    }

    /// The live object as it is once they have moved.
    pub fn moved(&self, live: &Live) -> Live {
        let mut value = live.value().clone();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("managedFields".to_owned(), self.entries.clone().into());
        }
        Live::new(value)
    }

    /// Whether a manager, as a conflict names it, is one of those whose fields move.
    pub fn is_from(&self, manager: &str) -> bool {
        self.from.iter().any(|before| {
            let quoted = format!("\"{}\"", before.manager);
            manager == before.manager || manager.starts_with(&quoted)
        })
    }

    /// The fields that go from the live object with the next apply, as nobody but the tools before us
    /// owns them and the manifest does not set them.
    fn leftovers(&self, object: &Object, live: &Live) -> Vec<(String, Path)> {
        let (own, others): (Vec<&Value>, Vec<&Value>) =
            self.entries.iter().partition(|entry| is_own(entry));
        let Some(owned) = own.first().map(|entry| fields_of(entry)) else {
            return Vec::new();
        };
        let others = others.into_iter().filter_map(|entry| entry.get("fieldsV1"));
        let mut walk = Walk::default();
        walk.map(
            Some(object.root()),
            live.value(),
            &owned,
            &Others::new(others),
            &super::path::Trail::ROOT,
        );
        walk.found
    }

    /// The paths of what goes.
    pub(super) fn paths(&self, object: &Object, live: &Live) -> Vec<Path> {
        let leftovers = self.leftovers(object, live).into_iter();
        leftovers.map(|(_, path)| path).collect()
    }

    /// The patch whose dry run shows what is left of the object without what goes: defaults come back.
    /// None where nothing goes.
    pub fn removal(&self, object: &Object, live: &Live) -> Option<Patch> {
        let leftovers = self.leftovers(object, live);
        let operations = leftovers
            .into_iter()
            .map(|(pointer, _)| json!({"op": "remove", "path": pointer}));
        let operations: Vec<Value> = operations.collect();
        (!operations.is_empty()).then(|| Patch::Json(operations.into()))
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn tool_of(entry: &Value) -> Option<Tool> {
    if text(entry, "subresource").is_empty() {
        predecessor(text(entry, "manager"), text(entry, "operation"))
    } else {
        None
    }
}

fn is_own(entry: &Value) -> bool {
    text(entry, "manager") == FIELD_MANAGER
        && text(entry, "operation") == "Apply"
        && text(entry, "subresource").is_empty()
}

fn fields_of(entry: &Value) -> Map<String, Value> {
    let fields = entry.get("fieldsV1").and_then(Value::as_object);
    fields.cloned().unwrap_or_default()
}

/// Both sets of fields in one. A node that is named as a field itself and has others below says so by `.`.
fn unite(into: &mut Map<String, Value>, other: Map<String, Value>) {
    for (key, theirs) in other {
        let Value::Object(theirs) = theirs else {
            continue;
        };
        match into.get_mut(&key).and_then(Value::as_object_mut) {
            None => drop(into.insert(key, theirs.into())),
            Some(ours) => {
                if ours.is_empty() != theirs.is_empty() {
                    ours.insert(".".to_owned(), json!({}));
                }
                unite(ours, theirs);
            }
        }
    }
}

/// How many fields a set names: its leaves.
fn count(fields: &Map<String, Value>) -> usize {
    let parts = fields.iter().filter(|(key, _)| *key != ".");
    parts
        .map(|(_, below)| below.as_object().map_or(1, |below| count(below).max(1)))
        .sum()
}
