//! `metadata.managedFields`: one entry a manager, operation, version and subresource.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::set::FieldSet;
use crate::value::quote;

/// How a manager came to own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply: one entry a manager, whatever the version.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    /// The word the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One manager's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The field manager's name.
    pub manager: String,
    /// How it wrote.
    pub operation: Operation,
    /// The `group/version` the fields are named in.
    pub api_version: String,
    /// `status`, `scale`, …; empty for the main resource.
    pub subresource: String,
    /// When it last changed something: RFC 3339 in whole seconds, UTC.
    pub time: Option<String>,
    /// What it owns.
    pub fields: FieldSet,
}

impl Entry {
    /// Whether two entries are of the same manager to the server. An applier has one entry, whatever the version.
    pub(crate) fn same_manager(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The server's internal name of the manager, by which it sorts.
    pub(crate) fn identifier(&self) -> String {
        let mut out = String::from("{");
        let mut field = |name: &str, text: &str| {
            if !text.is_empty() {
                if out.len() > 1 {
                    out.push(',');
                }
                let _ = write!(out, "\"{name}\":{}", Value::from(text));
            }
        };
        field("manager", &self.manager);
        field("operation", self.operation.as_str());
        if self.operation == Operation::Update {
            field("apiVersion", &self.api_version);
        }
        field("subresource", &self.subresource);
        out.push('}');
        out
    }

    fn to_value(&self) -> Value {
        let mut map = Map::new();
        let mut put = |name: &str, text: &str| {
            if !text.is_empty() {
                map.insert(name.to_owned(), Value::from(text));
            }
        };
        put("apiVersion", &self.api_version);
        put("fieldsType", "FieldsV1");
        put("manager", &self.manager);
        put("operation", self.operation.as_str());
        put("subresource", &self.subresource);
        put("time", self.time.as_deref().unwrap_or_default());
        map.insert("fieldsV1".to_owned(), self.fields.to_fields_v1());
        Value::Object(map)
    }
}

/// Reads an object's `metadata.managedFields`. The error is in the real server's words.
pub fn decode(object: &Value) -> Result<Vec<Entry>, String> {
    let Some(list) = object.pointer("/metadata/managedFields") else {
        return Ok(Vec::new());
    };
    decode_list(list)
}

/// Reads a list of managed-fields entries; an entry of the same manager replaces an earlier one.
pub(crate) fn decode_list(list: &Value) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    let Some(items) = list.as_array() else {
        return Ok(entries);
    };
    for (i, item) in items.iter().enumerate() {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return Err("operation must be `Apply` or `Update`".to_owned()),
        };
        if text("apiVersion").is_empty() {
            return Err("apiVersion must not be empty".to_owned());
        }
        match text("fieldsType") {
            "FieldsV1" => {}
            "" => return Err(format!("missing fieldsType in managed fields entry {i}")),
            other => {
                return Err(format!(
                    "invalid fieldsType {} in managed fields entry {i}",
                    quote(other)
                ));
            }
        }
        let fields = FieldSet::from_fields_v1(item.get("fieldsV1").unwrap_or(&Value::Null))
            .map_err(|error| format!("error decoding set: {error}"))?;
        let entry = Entry {
            manager: text("manager").to_owned(),
            operation,
            api_version: text("apiVersion").to_owned(),
            subresource: text("subresource").to_owned(),
            time: Some(text("time").to_owned()).filter(|time| !time.is_empty()),
            fields,
        };
        match entries.iter_mut().find(|other| other.same_manager(&entry)) {
            Some(other) => *other = entry,
            None => entries.push(entry),
        }
    }
    Ok(entries)
}

/// Writes entries as `metadata.managedFields`, in the server's order: appliers first, then by time, manager,
/// version and subresource.
pub fn encode(entries: &[Entry]) -> Value {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| {
        a.operation
            .cmp(&b.operation)
            .then_with(|| seconds(a.time.as_deref()).cmp(seconds(b.time.as_deref())))
            .then_with(|| a.manager.cmp(&b.manager))
            .then_with(|| a.api_version.cmp(&b.api_version))
            .then_with(|| a.subresource.cmp(&b.subresource))
    });
    Value::Array(sorted.into_iter().map(Entry::to_value).collect())
}

/// A sort key for a time: text in whole seconds UTC sorts as time does, and an absent time is the epoch.
pub(crate) fn seconds(time: Option<&str>) -> &str {
    time.unwrap_or("1970-01-01T00:00:00Z")
}
