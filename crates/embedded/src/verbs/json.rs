//! JSON bodies as Go's decoder reads them: duplicate keys are found, the last one counts, and what
//! is malformed is said in Go's words.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A value and the paths of keys that came twice.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) duplicates: Vec<String>,
}

/// Reads a document.
pub(super) fn parse(bytes: &[u8]) -> Result<Document, String> {
    let found = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed {
        path: String::new(),
        found: &found,
    };
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| words(&error, bytes))?;
    Ok(Document {
        value,
        duplicates: found.into_inner(),
    })
}

/// Go's words for a syntax error.
fn words(error: &serde_json::Error, bytes: &[u8]) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let text = error.to_string();
    let place = match text.split(" at line").next().unwrap_or_default() {
        "key must be a string" => "looking for beginning of object key string",
        "expected `:`" => "after object key",
        "expected `,` or `}`" => "after object key:value pair",
        "expected `,` or `]`" => "after array element",
        "trailing characters" => "after top-level value",
        _ => "looking for beginning of value",
    };
    let line = bytes
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let rest = line.and_then(|line| line.get(error.column().saturating_sub(1)..));
    let character = rest
        .and_then(|rest| rest.first())
        .map_or(' ', |byte| char::from(*byte));
    format!("invalid character '{character}' {place}")
}

struct Seed<'a> {
    path: String,
    found: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Seed {
            path: format!("{}[{}]", self.path, list.len()),
            found: self.found,
        })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = if self.path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", self.path)
            };
            let seed = Seed {
                path: path.clone(),
                found: self.found,
            };
            let value = entries.next_value_seed(seed)?;
            if map.insert(key, value).is_some() {
                self.found
                    .try_borrow_mut()
                    .map_err(|_| A::Error::custom("duplicates are being read"))?
                    .push(path);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_come_twice_are_found_and_the_last_counts() {
        let text = br#"{"a": {"b": 1, "b": 2}, "c": [{"d": 1, "d": 3}], "a2": 1.5}"#;
        let document = parse(text).unwrap();
        assert_eq!(document.duplicates, ["a.b", "c[0].d"]);
        assert_eq!(
            document.value,
            json!({"a": {"b": 2}, "c": [{"d": 3}], "a2": 1.5})
        );
    }

    #[test]
    fn malformed_documents_are_refused_in_the_words_of_go() {
        let rows = [
            ("", "unexpected end of JSON input"),
            (
                "{foo",
                "invalid character 'f' looking for beginning of object key string",
            ),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            (
                "{\"a\": 1 \"b\"",
                "invalid character '\"' after object key:value pair",
            ),
            ("[1 2]", "invalid character '2' after array element"),
            (
                "nope",
                "invalid character 'o' looking for beginning of value",
            ),
            ("1 2", "invalid character '2' after top-level value"),
            ("x", "invalid character 'x' looking for beginning of value"),
        ];
        for (text, want) in rows {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), want, "{text}");
        }
    }
}
