//! `toYamlPretty`: Go values straight through `yaml.v3`, with lists indented below their keys.
//!
//! Scalars and keys are printed by the YAML crate's `yaml.v3` emitter, one at a time; the layout around
//! them is made here.

use trueup_gotemplate::{Kind, Str, Value};
use trueup_yaml::{Document, NodeId, Style, emit};

/// Deeper values are taken to hold themselves.
const MAX_DEPTH: usize = 250;

/// The text without its last line end; nothing where Go cannot print the value.
pub(super) fn encode(value: &Value) -> Option<String> {
    let mut out = String::new();
    print(value, 0, &mut out)?;
    Some(
        out.trim_start()
            .strip_suffix('\n')
            .unwrap_or(&out)
            .to_owned(),
    )
}

/// The entries of a map, or of a struct under the names that `yaml.v3` gives its fields.
fn entries(value: &Value) -> Option<Vec<(Str, Value)>> {
    let mut entries = match value {
        Value::Map(map) if !map.is_nil() => map.entries(),
        Value::Object(object)
            if matches!(object.kind(), Kind::Struct | Kind::Ptr) && !object.is_nil() =>
        {
            let lower = |name: &str| Str::from(name.to_lowercase());
            return Some(
                object
                    .fields()
                    .into_iter()
                    .map(|(name, value)| (lower(name), value))
                    .collect(),
            );
        }
        _ => return None,
    };
    entries.sort_by(|(a, _), (b, _)| emit::key_order(&a.to_text(), &b.to_text()));
    Some(entries)
}

/// A value after its key or its hyphen: on the same line if it is a scalar or empty, else on lines of its own.
fn print(value: &Value, depth: usize, out: &mut String) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Value::Object(object) = value
        && object.text().is_none()
        && let Some(inner) = object.underlying()
    {
        return print(&inner, depth, out);
    }
    if let Some(entries) = entries(value) {
        if entries.is_empty() {
            out.push_str(" {}\n");
            return Some(());
        }
        out.push('\n');
        return mapping(&entries, depth, true, out);
    }
    match value {
        Value::List(list) if list.is_empty() => out.push_str(" []\n"),
        Value::List(list) => {
            out.push('\n');
            sequence(list.items(), depth, true, out)?;
        }
        scalar => {
            out.push(' ');
            out.push_str(&indented(&printed(scalar)?, depth.saturating_sub(1)));
        }
    }
    Some(())
}

fn pad(depth: usize) -> String {
    "  ".repeat(depth)
}

fn mapping(
    entries: &[(Str, Value)],
    depth: usize,
    first_padded: bool,
    out: &mut String,
) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 || first_padded {
            out.push_str(&pad(depth));
        }
        let key = printed(&Value::Str(key.clone()))?;
        out.push_str(key.trim_end_matches('\n'));
        out.push(':');
        print(value, depth + 1, out)?;
    }
    Some(())
}

fn sequence(items: &[Value], depth: usize, first_padded: bool, out: &mut String) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    for (at, item) in items.iter().enumerate() {
        if at > 0 || first_padded {
            out.push_str(&pad(depth));
        }
        out.push('-');
        // What is in an item begins on its line.
        match (entries(item), item) {
            (Some(entries), _) if !entries.is_empty() => {
                out.push(' ');
                mapping(&entries, depth + 1, false, out)?;
            }
            (_, Value::List(list)) if !list.is_empty() => {
                out.push(' ');
                sequence(list.items(), depth + 1, false, out)?;
            }
            _ => print(item, depth + 1, out)?,
        }
    }
    Some(())
}

/// A scalar's text with its line end, as a value of a key at the margin.
fn printed(value: &Value) -> Option<String> {
    let mut doc = Document::empty_mapping();
    let key = doc.new_str("k");
    let scalar = scalar(&mut doc, value)?;
    let mapping = doc.new_mapping();
    doc.set_pairs(mapping, &[(key, scalar)]);
    let mut out = String::new();
    emit::kyaml(&doc, mapping, &mut out);
    out.strip_prefix("k: ").map(str::to_owned)
}

/// The lines after the first moved in; empty ones stay empty.
fn indented(text: &str, depth: usize) -> String {
    let mut out = String::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if at > 0 && line != "\n" {
            out.push_str(&pad(depth));
        }
        out.push_str(line);
    }
    out
}

fn scalar(doc: &mut Document, value: &Value) -> Option<NodeId> {
    let plain = |doc: &mut Document, text: &str| doc.new_scalar(text, Style::Plain, None);
    Some(match value {
        Value::Bool(flag) => doc.new_bool(*flag),
        Value::Int(number) | Value::Int64(number) => doc.new_int(*number),
        Value::SmallInt(_, number) => doc.new_int(i64::from(*number)),
        Value::Uint(_, number) => plain(doc, &number.to_string()),
        Value::Float(number) => {
            let text = match crate::go::format_g(*number, true).as_str() {
                "+Inf" => ".inf".to_owned(),
                "-Inf" => "-.inf".to_owned(),
                "NaN" => ".nan".to_owned(),
                text => text.to_owned(),
            };
            plain(doc, &text)
        }
        Value::Str(text) => {
            let text = text.as_utf8()?;
            if is_of_yaml_1_1(text) {
                doc.new_scalar(text, Style::DoubleQuoted, None)
            } else {
                doc.new_str(text)
            }
        }
        Value::Object(object) => {
            let text = object.text()?;
            doc.new_str(text.as_utf8()?)
        }
        Value::Nil | Value::Map(_) | Value::List(_) => doc.new_null(),
        _ => return None,
    })
}

/// Whether YAML 1.1 read a text as a boolean or as a number of base 60: `yaml.v3` quotes it for old readers.
fn is_of_yaml_1_1(text: &str) -> bool {
    const WORDS: [&str; 6] = ["y", "yes", "on", "n", "no", "off"];
    let lower = text.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) {
        let tail = text.get(1..).unwrap_or_default();
        return tail == tail.to_ascii_lowercase() || text == text.to_ascii_uppercase();
    }
    let (whole, groups) = text
        .strip_prefix(['-', '+'])
        .unwrap_or(text)
        .split_once(':')
        .unwrap_or_default();
    let digits = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let (groups, fraction) = groups.split_once('.').unwrap_or((groups, "0"));
    let sixty =
        |group: &str| group.len() <= 2 && group.parse::<u8>().is_ok_and(|number| number < 60);
    whole.starts_with(|first: char| first.is_ascii_digit())
        && digits(whole)
        && groups.split(':').all(sixty)
        && (fraction.is_empty() || digits(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_indented_and_texts_keep_their_form() {
        let value = Value::map([
            (
                "b10",
                Value::list([
                    Value::Int(1),
                    Value::list([Value::from("x"), Value::from("y")]),
                ]),
            ),
            (
                "b9",
                Value::map([("t", Value::from("l1\n\nl2\n")), ("e", Value::list([]))]),
            ),
            (
                "true",
                Value::list([Value::map([("n", Value::Nil), ("m", Value::from("1"))])]),
            ),
            ("f", Value::Float(1e6)),
        ]);
        assert_eq!(
            encode(&value).unwrap(),
            "b9:\n  e: []\n  t: |\n    l1\n\n    l2\nb10:\n  - 1\n  - - x\n    - \"y\"\nf: 1e+06\n\
             \"true\":\n  - m: \"1\"\n    \"n\": null"
        );
        assert_eq!(encode(&Value::from("x")).unwrap(), "x");
        assert_eq!(encode(&Value::list([])).unwrap(), "[]");
    }
}
