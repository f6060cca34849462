//! Bodies in Kubernetes' Protobuf form, which typed Go clients such as `kubectl create` send.
//!
//! In: the bytes after `application/vnd.kubernetes.protobuf`. Out: the object as JSON. The messages
//! are those of `messages.txt`. It only reads: answers are JSON, which such clients take too.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

mod special;
#[cfg(test)]
mod tests;
mod wire;

use wire::{Content, Fields};

/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// Messages in messages in messages, no deeper than this.
const MAX_DEPTH: usize = 64;

/// One field of a message.
#[derive(Debug, Clone, Copy)]
struct Field {
    name: &'static str,
    kind: &'static str,
}

type Messages = HashMap<&'static str, HashMap<u32, Field>>;

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| read(include_str!("messages.txt")));

fn read(text: &'static str) -> Messages {
    let mut messages = Messages::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(field) = line.strip_prefix(' ') else {
            current = line;
            messages.entry(current).or_default();
            continue;
        };
        let mut words = field.splitn(3, ' ');
        if let (Some(number), Some(name), Some(kind)) = (words.next(), words.next(), words.next())
            && let Ok(number) = number.parse()
        {
            messages
                .entry(current)
                .or_default()
                .insert(number, Field { name, kind });
        }
    }
    messages
}

/// Reads a body; the error says what is wrong with it.
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    let rest = body
        .strip_prefix(MAGIC)
        .ok_or("the body does not begin with the Protobuf prefix")?;
    let mut api_version = String::new();
    let mut kind = String::new();
    let mut raw: &[u8] = &[];
    for field in Fields::new(rest) {
        match field? {
            (1, Content::Bytes(type_meta)) => {
                for field in Fields::new(type_meta) {
                    match field? {
                        (1, Content::Bytes(text)) => api_version = utf8(text)?,
                        (2, Content::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Content::Bytes(object)) => raw = object,
            _ => {}
        }
    }
    let name = message_name(&api_version, &kind);
    if !MESSAGES.contains_key(name.as_str()) {
        return Err(format!(
            "no Protobuf message is known for {kind} in {api_version:?}"
        ));
    }
    let mut object = message(&name, raw, 0)?;
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    Ok(Value::Object(object))
}

fn message_name(api_version: &str, kind: &str) -> String {
    if kind == "DeleteOptions" {
        return "~apis.meta.v1.DeleteOptions".to_owned();
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    let group = group.split('.').next().unwrap_or_default();
    format!("{group}.{version}.{kind}")
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a string is not UTF-8".to_owned())
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, String> {
    if depth > MAX_DEPTH {
        return Err("messages are nested too deep".to_owned());
    }
    let mut object = Map::new();
    let Some(fields) = MESSAGES.get(name) else {
        return Ok(object);
    };
    for field in Fields::new(bytes) {
        let (number, content) = field?;
        let Some(Field { name, kind }) = fields.get(&number).copied() else {
            continue;
        };
        let inside = |open: char, close: char| kind.strip_prefix(open)?.strip_suffix(close);
        if let Some(item) = inside('[', ']') {
            let items = object.entry(name).or_insert_with(|| json!([]));
            if let Value::Array(items) = items {
                repeated(item, &content, depth, items)?;
            }
        } else if let Some(item) = inside('{', '}') {
            let (key, value) = entry(item, &content, depth)?;
            crate::meta::section_of(&mut object, name).insert(key, value);
        } else if name == "-" {
            if let Content::Bytes(bytes) = content {
                object.extend(message(kind, bytes, depth + 1)?);
            }
        } else {
            object.insert(name.to_owned(), value(kind, &content, depth)?);
        }
    }
    Ok(object)
}

/// One item of a list, or several packed ones.
fn repeated(
    kind: &str,
    content: &Content<'_>,
    depth: usize,
    items: &mut Vec<Value>,
) -> Result<(), String> {
    let packed = matches!(kind, "int32" | "int64" | "uint32" | "uint64" | "bool");
    match content {
        Content::Bytes(bytes) if packed => {
            for number in wire::packed(bytes) {
                items.push(value(kind, &Content::Number(number?), depth)?);
            }
        }
        _ => items.push(value(kind, content, depth)?),
    }
    Ok(())
}

/// An entry of a map: 1 is the key, 2 the value.
fn entry(kind: &str, content: &Content<'_>, depth: usize) -> Result<(String, Value), String> {
    let Content::Bytes(bytes) = content else {
        return Err("a map entry is no message".to_owned());
    };
    let (mut key, mut found) = (String::new(), None);
    for field in Fields::new(bytes) {
        match field? {
            (1, Content::Bytes(text)) => key = utf8(text)?,
            (2, content) => found = Some(value(kind, &content, depth)?),
            _ => {}
        }
    }
    // An absent value is the empty one.
    let found = match found {
        Some(found) => found,
        None => value(kind, &Content::Bytes(&[]), depth)?,
    };
    Ok((key, found))
}

fn value(kind: &str, content: &Content<'_>, depth: usize) -> Result<Value, String> {
    Ok(match (kind, content) {
        ("string", Content::Bytes(text)) => json!(utf8(text)?),
        ("bytes", Content::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        ("bool", Content::Number(number)) => json!(*number != 0),
        ("double", Content::Fixed(bits)) => json!(f64::from_bits(*bits)),
        ("uint32" | "uint64", Content::Number(number)) => json!(number),
        // Negative numbers are written as 64 bits whatever their type.
        ("int32" | "int64", Content::Number(number)) => json!(number.cast_signed()),
        (name, Content::Bytes(bytes)) => match special::value(name, bytes)? {
            Some(value) => value,
            None => Value::Object(message(name, bytes, depth + 1)?),
        },
        (kind, _) => return Err(format!("a field of type {kind} has the wrong wire type")),
    })
}
