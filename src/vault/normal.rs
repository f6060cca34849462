//! One form for each kind of field, so that what is written in a file and what the server gives back
//! can be compared: `1h`, `3600` and `"3600s"` are one duration, `a,b`, `[b, a]` and `null` are sets.

use serde_json::{Number, Value};

/// What a field of Vault holds, and so how two of its values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A span of time; the server gives seconds, or `0s`.
    Duration,
    /// Texts whose order means nothing; a text of them with commas is the same.
    Set,
    /// Texts whose order counts; one text of them with commas is the same.
    List,
    /// Texts whose order counts and which may hold commas, such as statements of SQL.
    Lines,
    /// Texts by their names.
    Pairs,
    /// JSON in a text.
    Json,
    /// `true` or `false`, also as text.
    Bool,
    /// A whole number, also as text.
    Int,
    /// Any number, also as text.
    Number,
    /// Text.
    Text,
    /// A name that the server keeps in lower case.
    LowerName,
    /// A text in HCL: how it is laid out means nothing.
    Hcl,
    /// Whatever it is.
    Any,
    /// Written and never given back.
    WriteOnly,
    /// No secret, and of meaning only while something is written: neither kept nor given back.
    Passing,
}

/// The one form of a value. An error says what the value should have been.
pub(super) fn normal(kind: FieldKind, value: &Value) -> Result<Value, &'static str> {
    match kind {
        FieldKind::Duration => seconds(value)
            .map(Value::from)
            .ok_or("a duration such as `1h`"),
        FieldKind::Set => texts(value)
            .map(|mut texts| {
                texts.sort();
                texts.dedup();
                Value::from(texts)
            })
            .ok_or("a list of texts"),
        FieldKind::List => texts(value).map(Value::from).ok_or("a list of texts"),
        FieldKind::Lines => lines(value).map(Value::from).ok_or("a list of texts"),
        FieldKind::Pairs => pairs(value).ok_or("a mapping of names to texts"),
        FieldKind::Json => json(value).ok_or("JSON"),
        FieldKind::Bool => boolean(value).map(Value::Bool).ok_or("`true` or `false`"),
        FieldKind::Int => integer(value).map(Value::from).ok_or("a whole number"),
        FieldKind::Number => number(value).map(Value::from).ok_or("a number"),
        FieldKind::Text => text(value).map(Value::String).ok_or("text"),
        FieldKind::LowerName => text(value)
            .map(|text| text.to_lowercase().into())
            .ok_or("a name"),
        // Its one form is for comparing only: what is written is the text.
        FieldKind::Hcl => text(value).map(Value::String).ok_or("a text in HCL"),
        FieldKind::Any | FieldKind::WriteOnly | FieldKind::Passing => Ok(value.clone()),
    }
}

/// Whether two values in their one form say the same.
pub(super) fn same(kind: FieldKind, a: &Value, b: &Value) -> bool {
    match (kind, a.as_str(), b.as_str()) {
        (FieldKind::Hcl, Some(a), Some(b)) if a != b => {
            let tree = super::hcl::policy::tree;
            tree(a).is_some_and(|form| Some(form) == tree(b))
        }
        (FieldKind::Passing, _, _) => true,
        _ => a == b,
    }
}

/// Seconds of a Go duration, of a number of seconds, or of days (`1d`).
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => parse_seconds(text.trim()),
        _ => None,
    }
}

fn parse_seconds(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut total = 0.0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let units = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(units);
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Vault counts whole seconds, and so many fit"
    )]
    Some(total as i64)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(text).collect(),
        Value::String(text) => Some(
            text.split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        other => text(other).map(|text| vec![text]),
    }
}

fn lines(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Null => Some(Vec::new()),
        other => text(other).map(|text| vec![text]),
    }
}

fn pairs(value: &Value) -> Option<Value> {
    match value {
        Value::Null => Some(Value::Object(serde_json::Map::new())),
        Value::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(name, value)| Some((name.clone(), text(value)?.into())));
            entries.collect::<Option<_>>().map(Value::Object)
        }
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn json(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.is_empty() => Some(Value::Null),
        Value::String(text) => serde_json::from_str(text).ok(),
        other => Some(other.clone()),
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        _ => None,
    }
}

fn integer(value: &Value) -> Option<Number> {
    match value {
        Value::Null => Some(0.into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.clone()),
        Value::String(text) => text.trim().parse::<i64>().ok().map(Number::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_means_the_same_has_one_form() {
        use FieldKind::{Bool, Duration, Int, Json, Lines, List, LowerName, Number, Pairs, Set};
        for (kind, same) in [
            (
                Duration,
                vec![
                    json!("1h"),
                    json!(3600),
                    json!("3600"),
                    json!("3600s"),
                    json!("60m"),
                ],
            ),
            (Duration, vec![json!("1d"), json!("24h"), json!(86_400)]),
            (
                Duration,
                vec![json!(null), json!("0s"), json!(0), json!("")],
            ),
            (Duration, vec![json!("1h30m"), json!(5400)]),
            (
                Set,
                vec![json!("b, a"), json!(["a", "b"]), json!(["b", "a", "a"])],
            ),
            (Set, vec![json!(null), json!([]), json!("")]),
            (List, vec![json!("b,a"), json!(["b", "a"])]),
            (Json, vec![json!("{\"a\": 1}"), json!({"a": 1})]),
            (Bool, vec![json!("true"), json!(true)]),
            (Int, vec![json!("-1"), json!(-1)]),
            (Number, vec![json!("2"), json!(2), json!(2.0)]),
            (LowerName, vec![json!("Dev"), json!("dev")]),
            (Lines, vec![json!("GRANT a, b"), json!(["GRANT a, b"])]),
            (Pairs, vec![json!({"a": 1}), json!({"a": "1"})]),
            (Pairs, vec![json!(null), json!({})]),
        ] {
            let first = normal(kind, same.first().unwrap()).unwrap();
            for one in &same {
                assert_eq!(normal(kind, one).unwrap(), first, "{kind:?} {one}");
            }
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for wrong in [json!("soon"), json!("1w"), json!([]), json!("h")] {
            assert!(normal(FieldKind::Duration, &wrong).is_err(), "{wrong}");
        }
    }
}
