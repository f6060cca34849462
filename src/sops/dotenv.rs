//! Files of lines: `NAME=value`, with what SOPS writes beside them in lines of its own.

use serde_json::{Map, Value};

use super::Error;

/// What the lines of SOPS begin with.
const PREFIX: &str = "sops_";

/// The lines of values, and what SOPS wrote beside them.
pub(super) fn split(text: &str) -> Result<(Vec<(String, String)>, Value), Error> {
    let (mut lines, mut metadata) = (Vec::new(), Value::Object(Map::new()));
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(Error::Syntax("a line without `=`".to_owned()));
        };
        // A line feed in a value is written as two characters.
        let value = value.replace("\\n", "\n");
        match name.strip_prefix(PREFIX) {
            Some(name) => place(&mut metadata, name, value),
            None => lines.push((name.to_owned(), value)),
        }
    }
    if metadata.as_object().is_none_or(Map::is_empty) {
        return Err(Error::NotSops(
            "it has no lines that begin with `sops_`".to_owned(),
        ));
    }
    Ok((lines, metadata))
}

/// Puts a value where a flat name says: `age__list_0__map_enc`.
fn place(metadata: &mut Value, name: &str, value: String) {
    let mut at = metadata;
    for part in name.split("__") {
        if let Some(index) = part
            .strip_prefix("list_")
            .and_then(|index| index.parse::<usize>().ok())
        {
            // Nobody has so many recipients.
            if index > 1_000 {
                return;
            }
            if !at.is_array() {
                *at = Value::Array(Vec::new());
            }
            let Value::Array(items) = at else { return };
            while items.len() <= index {
                items.push(Value::Null);
            }
            let Some(item) = items.get_mut(index) else {
                return;
            };
            at = item;
        } else {
            let part = part.strip_prefix("map_").unwrap_or(part);
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let Value::Object(entries) = at else { return };
            at = entries.entry(part).or_insert(Value::Null);
        }
    }
    *at = Value::String(value);
}
