//! Secret marks through YAML: what is secret in a value is secret in its text.

use std::ops::Range;

use trueup_gotemplate::{Str, Value};
use trueup_yaml::{Document, NodeId, Source};

use super::deeper;

/// The text with the marks of the value that it was printed from.
pub(super) fn carry(text: String, value: &Value) -> Value {
    if !holds_secret(value, 0) {
        return Value::from(text);
    }
    let mut secrets = Vec::new();
    let source = Source::new("toYaml", text.as_str());
    let whole = match Document::parse(&source) {
        Ok(documents) => match documents.as_slice() {
            [document] => walk(document, document.root(), value, &mut secrets).is_none(),
            _ => true,
        },
        Err(_) => true,
    };
    Value::Str(if whole {
        Str::secret(text)
    } else {
        Str::from(text).with_secrets(secrets)
    })
}

/// Far below what stacks allow; a value may hold itself.
const MAX_DEPTH: usize = 1000;

fn holds_secret(value: &Value, depth: usize) -> bool {
    match value {
        Value::Str(text) => text.has_secrets(),
        Value::Bytes(text) => text.has_secrets(),
        // What nobody has looked at may be one.
        _ if depth > MAX_DEPTH => true,
        Value::Map(map) => map.with(|entries| {
            entries
                .iter()
                .any(|(_, value)| deeper(|| holds_secret(value, depth + 1)))
        }),
        Value::List(list) => list
            .items()
            .iter()
            .any(|item| deeper(|| holds_secret(item, depth + 1))),
        Value::Object(object) => object
            .underlying()
            .is_some_and(|value| deeper(|| holds_secret(&value, depth + 1))),
        _ => false,
    }
}

fn push(document: &Document, node: NodeId, secrets: &mut Vec<Range<usize>>) -> Option<()> {
    let span = document.location(node)?.span;
    let range = span.start as usize..span.end as usize;
    // An empty range would hide nothing, and one out of order is a value that is printed twice.
    let fits = !range.is_empty() && secrets.last().is_none_or(|last| last.end <= range.start);
    fits.then(|| secrets.push(range))
}

/// Collects the ranges of secret scalars, in the order of the text; none where text and value do not fit.
fn walk(
    document: &Document,
    node: NodeId,
    value: &Value,
    secrets: &mut Vec<Range<usize>>,
) -> Option<()> {
    match value {
        Value::Str(text) if text.has_secrets() => push(document, node, secrets)?,
        Value::Bytes(text) if text.has_secrets() => push(document, node, secrets)?,
        Value::Map(map) => {
            for (key, inner) in document.entries(node) {
                let inner_value = map.get(document.text(key)?)?;
                walk(document, inner, &inner_value, secrets)?;
            }
        }
        Value::List(list) => {
            for (inner, item) in document.items(node).zip(list.items()) {
                walk(document, inner, item, secrets)?;
            }
        }
        Value::Object(object) => {
            if let Some(inner) = object.underlying() {
                walk(document, node, &inner, secrets)?;
            }
        }
        _ => {}
    }
    Some(())
}
