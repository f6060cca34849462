//! What a finding says, word for word as the validator that Helm uses.

use serde_json::Value;

use crate::go;

/// One value that is not as asked, with what led to it.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The path of the value, as keys and indices.
    pub(crate) path: Vec<String>,
    /// What is wrong.
    pub(super) kind: Kind,
    /// What it consists of, for a schema of several.
    pub(super) causes: Vec<Self>,
}

/// What is wrong.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Several findings in one value.
    Group,
    /// Behind a reference; told only where it has several causes.
    Reference,
    /// Anything else, as told.
    Says(String),
}

impl Finding {
    /// The path as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        let mut out = String::new();
        for part in &self.path {
            out.push('/');
            out.push_str(&part.replace('~', "~0").replace('/', "~1"));
        }
        out
    }

    /// What is wrong with this very value, in one line.
    pub(crate) fn summary(&self) -> &str {
        match &self.kind {
            Kind::Group | Kind::Reference => "validation failed",
            Kind::Says(text) => text,
        }
    }

    /// The findings that have no further causes, with their paths.
    pub(crate) fn leaves<'f>(&'f self, out: &mut Vec<&'f Self>) {
        if self.causes.is_empty() {
            out.push(self);
        }
        for cause in &self.causes {
            cause.leaves(out);
        }
    }
}

/// The findings as an indented list, one line each.
pub(crate) fn print(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        write(finding, 0, &mut out);
    }
    out
}

fn write(finding: &Finding, depth: usize, out: &mut String) {
    let hidden = matches!(finding.kind, Kind::Reference) && finding.causes.len() == 1;
    if !hidden {
        let line = format!(
            "{}- at {}: {}\n",
            "  ".repeat(depth),
            quote(&finding.pointer()),
            finding.summary()
        );
        out.push_str(&line);
    }
    let depth = if hidden { depth } else { depth + 1 };
    for cause in &finding.causes {
        write(cause, depth, out);
    }
}

/// In single quotes, escaped as the validator does.
pub(super) fn quote(text: &str) -> String {
    let quoted = go::quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    format!("'{inner}'")
}

pub(super) fn quoted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let all: Vec<String> = texts.into_iter().map(quote).collect();
    all.join(", ")
}

/// A value of `enum` or `const`.
pub(super) fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        other => other.to_string(),
    }
}

/// A number through the printer of Go's `x/text` for English: grouped by thousands.
pub(super) fn number(value: f64) -> String {
    let text = go::format_g(value, false);
    if text.contains('e') {
        // The printer writes `1.5 × 10⁶`; rare enough to keep Go's plain form.
        return group(&value.to_string());
    }
    group(&text)
}

/// A count through the same printer.
pub(super) fn count(value: usize) -> String {
    group(&value.to_string())
}

fn group(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match rest.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (rest, String::new()),
    };
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}
