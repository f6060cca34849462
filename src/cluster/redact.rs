//! Takes values out of what a server says about objects whose values are secret.

/// Words after which a quoted string names a field, not a value.
const NAMES: &[&str] = &[
    "unknown field ",
    "duplicate field ",
    "field manager ",
    "conflict with ",
];

/// Replaces every quoted string and every `Invalid value: …` of a server's message by `***`, save
/// `keep` (the object's own name and the like) and the names of fields. API servers repeat rejected
/// values in their messages.
pub(super) fn redact(message: &str, keep: &[&str]) -> String {
    mask_quoted(&mask_typed(&mask_invalid(message)), keep)
}

/// `got &value.valueUnstructured{Value:<anything>}` → `…{Value:***}`: what a schema expected otherwise.
fn mask_typed(message: &str) -> String {
    const MARK: &str = "valueUnstructured{Value:";
    let Some((before, after)) = message.split_once(MARK) else {
        return message.to_owned();
    };
    // What the value itself looks like is unknown: everything up to the last brace may be of it.
    let rest = after.rsplit_once('}').map_or("", |(_, rest)| rest);
    format!("{before}{MARK}***}}{rest}")
}

/// `Invalid value: <anything>: reason` → `Invalid value: ***: reason`.
fn mask_invalid(message: &str) -> String {
    const MARK: &str = "nvalid value: ";
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        out.push_str(before);
        out.push_str("***");
        rest = value_end(after)
            .and_then(|end| after.get(end..))
            .unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where the value at the start of `text` ends: after its closing quote, or before the next `: `.
fn value_end(text: &str) -> Option<usize> {
    if text.starts_with('"') {
        quoted_end(text)
    } else {
        text.find(": ")
    }
}

/// The length of the Go-quoted string at the start of `text`.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn mask_quoted(message: &str, keep: &[&str]) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find('"') {
        let (before, quoted) = rest.split_at(at);
        out.push_str(before);
        let end = quoted_end(quoted).unwrap_or(quoted.len());
        let (string, after) = quoted.split_at(end);
        let inner = string.trim_matches('"');
        let is_name = NAMES.iter().any(|name| before.ends_with(name)) || keep.contains(&inner);
        out.push_str(if is_name { string } else { "\"***\"" });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_names_stay() {
        for (message, expected) in [
            (
                r#"Secret "db" is invalid: data[a]: Invalid value: "hunter2": too short"#,
                r#"Secret "db" is invalid: data[a]: Invalid value: ***: too short"#,
            ),
            (
                r#"Secret "db" is invalid: data: Invalid value: map[string]string{"a":"hunter2"}: no"#,
                r#"Secret "db" is invalid: data: Invalid value: ***: no"#,
            ),
            (
                r#"unknown field "dta" near "hunter2""#,
                r#"unknown field "dta" near "***""#,
            ),
            (
                r#"cannot read "a\"hunter2" here"#,
                r#"cannot read "***" here"#,
            ),
            (r#"cut off "hunter2"#, r#"cut off "***""#),
            ("type: Invalid value: hunter2", "type: Invalid value: ***"),
        ] {
            let out = redact(message, &["db", "Secret"]);
            assert_eq!(out, expected);
            assert!(!out.contains("hunter2"));
        }
    }
}
