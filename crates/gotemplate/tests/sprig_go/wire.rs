//! Values as the Go program takes and gives them; see `tests/go/sprig`.

use serde_json::{Value as Json, json};
use trueup_gotemplate::{Str, Value, fmt, sprig};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= group.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

fn unbase64(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let digits: Vec<u32> = group
            .iter()
            .filter_map(|byte| DIGITS.iter().position(|digit| digit == byte))
            .map(|digit| u32::try_from(digit).unwrap())
            .collect();
        let bits = digits.iter().fold(0, |sum, digit| sum << 6 | digit) << (6 * (4 - digits.len()));
        out.extend(&bits.to_be_bytes()[1..digits.len()]);
    }
    out
}

/// One field: the type, and what there is of it.
pub(crate) fn encode(value: &Value) -> Json {
    let name = value.type_name().into_owned();
    let content = match value {
        Value::Nil => return Json::Null,
        Value::Str(text) => json!(base64(text.as_bytes())),
        Value::Bytes(text) => json!(base64(text.as_bytes())),
        Value::List(list) if list.is_nil() => return json!({ format!("nil {name}"): "" }),
        Value::Map(map) if map.is_nil() => return json!({ format!("nil {name}"): "" }),
        Value::List(list) => list.items().iter().map(encode).collect(),
        Value::Map(map) => map
            .entries()
            .iter()
            .map(|(key, value)| json!([encode(&Value::Str(key.clone())), encode(value)]))
            .collect(),
        _ => json!(fmt::display(value).to_text()),
    };
    json!({ name: content })
}

/// [`encode`] for arguments: times by their seconds.
pub(crate) fn encode_argument(value: &Value) -> Json {
    let name = value.type_name().into_owned();
    match value {
        Value::Object(object) => {
            let time = object.as_any().downcast_ref::<sprig::Time>().unwrap();
            json!({ name: time.unix().to_string() })
        }
        Value::List(list) if !list.is_nil() => {
            json!({ name: list.items().iter().map(encode_argument).collect::<Json>() })
        }
        Value::Map(map) if !map.is_nil() => {
            let entries = map.entries();
            let entry = |(key, value): &(Str, Value)| {
                json!([encode(&Value::Str(key.clone())), encode_argument(value)])
            };
            json!({ name: entries.iter().map(entry).collect::<Json>() })
        }
        other => encode(other),
    }
}

/// [`encode`] of a list of strings whose order nothing determines.
pub(crate) fn encode_sorted(value: &Value) -> Json {
    let mut items: Vec<Str> = value
        .as_list()
        .unwrap()
        .items()
        .iter()
        .map(|item| item.as_str().unwrap().clone())
        .collect();
    items.sort();
    encode(&Value::strings(items))
}

/// A time by its Unix seconds.
pub(crate) fn time(seconds: i64) -> Value {
    Value::object(sprig::Time::from_unix(seconds))
}

/// For people.
pub(crate) fn show(json: &Json) -> String {
    let Some((name, content)) = json.as_object().and_then(|fields| fields.iter().next()) else {
        return "nil".into();
    };
    match name.as_str() {
        "string" | "[]uint8" => {
            let text = fmt::quote(unbase64(content.as_str().unwrap()));
            if name == "string" {
                text
            } else {
                format!("bytes{text}")
            }
        }
        _ if name.starts_with("nil ") => format!("({name})"),
        _ if content.is_array() => {
            let items: Vec<String> = content
                .as_array()
                .unwrap()
                .iter()
                .map(|item| match item.as_array() {
                    Some(entry) => format!("{}: {}", show(&entry[0]), show(&entry[1])),
                    None => show(item),
                })
                .collect();
            format!("{name}{{{}}}", items.join(", "))
        }
        _ => format!("{name}({})", content.as_str().unwrap_or_default()),
    }
}
