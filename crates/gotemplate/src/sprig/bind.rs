//! What all families share in taking arguments: types, texts of values, and slices of whatever type.

use std::borrow::Cow;

use crate::{
    error::Error,
    function::Functions,
    value::{Kind, List, Str, Type, Value},
};

pub(super) const ANY: Type = Type::Any;
pub(super) const STRING: Type = Type::String;
pub(super) const INT: Type = Type::INT;

/// Runs a step of a recursion with stack enough for it, whatever thread it is on.
pub(super) fn deeper<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(128 << 10, 1 << 20, step)
}

/// What Go's runtime says when a nil interface's type is asked for.
pub(super) const NIL_DEREFERENCE: &str =
    "runtime error: invalid memory address or nil pointer dereference";

/// `%v` of a value.
pub(super) fn print(value: &Value) -> Str {
    crate::fmt::display(value)
}

/// A text for a message: U+FFFD for each byte that is not UTF-8, as Go prints it.
pub(super) fn shown(text: &[u8]) -> String {
    super::runes::runes(text).map(|(rune, _)| rune).collect()
}

/// `%q` of a text.
pub(super) fn quote(text: &[u8]) -> String {
    crate::fmt::quote(text)
}

/// Sprig's `strval`: strings and bytes as they are, what prints itself as it does, all else as `%v`.
pub(super) fn text_of(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        Value::Bytes(text) => Str::clone(text),
        Value::Object(object) => object.text().unwrap_or_else(|| print(value)),
        _ => print(value),
    }
}

/// An error whose text is an argument; its marks stay with the template's author, not with the reader.
pub(super) fn failed(text: &Str) -> Error {
    if text.has_secrets() {
        Error::new("***")
    } else {
        Error::new(shown(text.as_bytes()))
    }
}

/// The items of a slice of any type; nothing for other values.
pub(super) fn items(value: &Value) -> Option<Cow<'_, [Value]>> {
    match value {
        Value::List(list) => Some(Cow::Borrowed(list.items())),
        Value::Bytes(bytes) => Some(
            bytes
                .as_bytes()
                .iter()
                .map(|byte| Value::byte(*byte))
                .collect(),
        ),
        Value::Object(object) if object.kind() == Kind::Slice => {
            items(&object.underlying()?).map(|items| Cow::Owned(items.into_owned()))
        }
        _ => None,
    }
}

/// The items of a slice argument, or the error that Sprig ends it with: `verb` and the kind of what it is instead.
pub(super) fn slice<'v>(value: &'v Value, verb: &str) -> Result<Cow<'v, [Value]>, Error> {
    if value.is_nil() {
        return Err(NIL_DEREFERENCE.into());
    }
    items(value).ok_or_else(|| Error::new(format!("{verb} {}", value.kind().name())))
}

/// Sprig's `strslice`: the texts of a slice's items without the nil ones, or the one text of another value.
pub(super) fn strings_of(value: &Value) -> Vec<Str> {
    match items(value) {
        Some(items) => items
            .iter()
            .filter(|item| !item.is_nil())
            .map(text_of)
            .collect(),
        None if value.is_nil() => Vec::new(),
        None => vec![text_of(value)],
    }
}

/// A `[]interface {}`.
pub(super) fn list(items: Vec<Value>) -> Value {
    Value::List(List::typed(Type::Any, items))
}

/// The same function under several names.
pub(super) fn add_all(
    functions: &mut Functions,
    names: &[&'static str],
    signature: crate::function::Signature,
    body: impl Fn(&mut crate::function::Call<'_, '_>) -> Result<Value, Error> + Send + Sync + 'static,
) {
    let function = crate::function::Function::new(signature, body);
    for name in names {
        functions.insert(name, function.clone());
    }
}
