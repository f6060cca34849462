//! What a schema refers to, within its own document.

use super::document::{Document, Fields, Id, Json, field};

/// The reference of a schema, if it is one.
pub(super) fn of<'d>(document: &'d Document, fields: &Fields) -> Option<&'d str> {
    let named = |key: &str| document.text(field(fields, key)?);
    named("$ref")
        .or_else(|| named("$dynamicRef").map(|to| if to == "#meta" { "#" } else { to }))
        .or_else(|| named("$recursiveRef"))
}

/// What a reference leads to.
pub(super) fn follow(document: &Document, reference: &str) -> Result<Id, String> {
    let own = document.fields(document.root()).and_then(|fields| {
        let id = field(fields, "$id").or_else(|| field(fields, "id"))?;
        document.text(id).filter(|own| !own.is_empty())
    });
    let local = own
        .and_then(|own| reference.strip_prefix(own))
        .unwrap_or(reference);
    let Some(pointer) = local
        .strip_prefix('#')
        .or_else(|| local.is_empty().then_some(""))
    else {
        return Err(format!(
            "`$ref` to `{reference}` leads to another document, which is not fetched"
        ));
    };
    let pointer = percent_decoded(pointer);
    let found = if pointer.is_empty() {
        Some(document.root())
    } else if pointer.starts_with('/') {
        document.pointer(&pointer)
    } else {
        anchor(document, document.root(), &pointer)
    };
    found.ok_or_else(|| format!("`$ref` to `{reference}` leads nowhere"))
}

/// `%25` and its like in the fragment of an address.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = hex {
            out.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The schema with this `$anchor`, or `$id: "#name"` before draft 2019.
fn anchor(document: &Document, at: Id, name: &str) -> Option<Id> {
    match document.get(at) {
        Json::Object(fields) => {
            let named = |key: &str| field(fields, key).and_then(|id| document.text(id));
            let old = named("$id").and_then(|id| id.strip_prefix('#'));
            if named("$anchor") == Some(name) || old == Some(name) {
                return Some(at);
            }
            fields
                .iter()
                .find_map(|(_, value)| anchor(document, *value, name))
        }
        Json::Array(items) => items.iter().find_map(|item| anchor(document, *item, name)),
        Json::Scalar(_) => None,
    }
}
