//! `--set a.b[0]=c` and its siblings, with Helm's semantics and messages (`pkg/strvals`).
//!
//! Flows in: an expression and the values it changes. Flows out: the changed values, or Helm's message,
//! which may come after a part of the expression was applied, as in Helm.

mod parser;
#[cfg(test)]
mod tests;

use trueup_gotemplate::{Map, Value};

use parser::{Flavour, Parser};

/// `--set`: `true`, `false`, `null` and whole numbers are typed.
pub(crate) fn parse(text: &str, into: &Map) -> Result<(), String> {
    Parser::new(text, Flavour::Typed).run(into)
}

/// `--set-string`: every value is a string.
pub(crate) fn parse_string(text: &str, into: &Map) -> Result<(), String> {
    Parser::new(text, Flavour::Strings).run(into)
}

/// `--set-json`: every value is JSON.
pub(crate) fn parse_json(text: &str, into: &Map) -> Result<(), String> {
    Parser::new(text, Flavour::Json).run(into)
}

/// `--set-literal`: the value is all that follows the first `=`.
pub(crate) fn parse_literal(text: &str, into: &Map) -> Result<(), String> {
    Parser::new(text, Flavour::Literal).run(into)
}

/// `--set-file`: every value is a path, and what `read` gives for it is set.
pub(crate) fn parse_file(
    text: &str,
    into: &Map,
    read: &mut dyn FnMut(&str) -> Result<Value, String>,
) -> Result<(), String> {
    Parser::new(text, Flavour::Files(read)).run(into)
}
