//! `FieldsV1`: the JSON notation of a field set, read and written as the real server does.

use serde_json::{Map, Value};

use super::path::PathElement;
use super::set::{FieldSet, SetBuilder, SetEntry};
use crate::value::go_json;

impl FieldSet {
    /// Reads the `fieldsV1` member of a managed-fields entry.
    ///
    /// Steps of an unknown kind are dropped, as the real server does. The error is in its words.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, String> {
        match fields {
            Value::Null => Ok(Self::new()),
            Value::Object(map) => read(map).map(|(children, _)| children),
            other => Err(format!(
                "fieldsV1 is not an object but {}",
                crate::value::kind(other)
            )),
        }
    }

    /// The set as a JSON value. Where the order of keys matters, use [`FieldSet::write_fields_v1`].
    pub fn to_fields_v1(&self) -> Value {
        self.to_value(false)
    }

    fn to_value(&self, self_is_member: bool) -> Value {
        let mut map = Map::new();
        if self_is_member && !self.entries.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for entry in &self.entries {
            map.insert(
                step_text(&entry.step),
                entry.children.to_value(entry.member),
            );
        }
        Value::Object(map)
    }

    /// Writes the set as compact JSON, keys in the canonical order of the real server.
    pub fn write_fields_v1(&self, out: &mut String) {
        self.write(false, out);
    }

    fn write(&self, self_is_member: bool, out: &mut String) {
        out.push('{');
        let mut first = true;
        if self_is_member && !self.entries.is_empty() {
            out.push_str("\".\":{}");
            first = false;
        }
        for entry in &self.entries {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            write_entry(entry, out);
        }
        out.push('}');
    }
}

fn write_entry(entry: &SetEntry, out: &mut String) {
    out.push_str(&go_json(&Value::String(step_text(&entry.step))));
    out.push(':');
    entry.children.write(entry.member, out);
}

/// Reads one level: the members below, and whether the level itself is a member.
fn read(map: &Map<String, Value>) -> Result<(FieldSet, bool), String> {
    let mut builder = SetBuilder::default();
    let mut is_member = false;
    let mut found = false;
    for (key, value) in map {
        if key == "." {
            is_member = true;
            continue;
        }
        let Some(step) = parse_step(key)? else {
            continue;
        };
        found = true;
        let below = match value {
            Value::Object(below) => read(below)?,
            Value::Null => (FieldSet::new(), true),
            other => {
                return Err(format!(
                    "field {key} is not an object but {}",
                    crate::value::kind(other)
                ));
            }
        };
        builder.push(step, below.1, below.0);
    }
    Ok((builder.finish(), is_member || !found))
}

/// Parses one key; `None` for a kind of step that this version does not know.
fn parse_step(text: &str) -> Result<Option<PathElement>, String> {
    let mut characters = text.chars();
    let (Some(kind), Some(separator)) = (characters.next(), characters.next()) else {
        return Err("key must be 2 characters long:".to_owned());
    };
    if separator != ':' {
        return Err(format!("missing colon: {text}"));
    }
    let rest = characters.as_str();
    Ok(Some(match kind {
        'f' => PathElement::field(rest),
        'v' => PathElement::Value(serde_json::from_str(rest).map_err(|error| error.to_string())?),
        'k' => {
            let keys: Map<String, Value> =
                serde_json::from_str(rest).map_err(|error| error.to_string())?;
            PathElement::key(
                keys.into_iter()
                    .map(|(name, value)| (name.into(), value))
                    .collect(),
            )
        }
        'i' => PathElement::Index(rest.parse().map_err(|_| {
            format!(
                "strconv.Atoi: parsing {}: invalid syntax",
                crate::value::quote(rest)
            )
        })?),
        _ => return Ok(None),
    }))
}

/// One step as a key of `FieldsV1`.
fn step_text(step: &PathElement) -> String {
    match step {
        PathElement::Field(name) => {
            let mut text = String::with_capacity(name.len() + 2);
            text.push_str("f:");
            text.push_str(name);
            text
        }
        PathElement::Key(keys) => {
            let mut text = String::from("k:{");
            for (i, (name, value)) in keys.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                text.push_str(&go_json(&Value::String(name.to_string())));
                text.push(':');
                text.push_str(&go_json(value));
            }
            text.push('}');
            text
        }
        PathElement::Value(value) => format!("v:{}", go_json(value)),
        PathElement::Index(index) => format!("i:{index}"),
    }
}
