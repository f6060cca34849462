//! Text to syntax tree, as Go's `text/template/parse` reads it.
//!
//! [`parse`] takes a text, its name and the names of functions, and gives a [`Tree`]: one arena of nodes
//! for the text and all templates that it defines. Errors have Go's words. Nothing here runs a template.

mod ast;
mod control;
mod lex;
mod literal;
mod number;
mod parser;
mod pipeline;
mod print;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use ast::{Branch, NodeId, NodeKind, Span, Tree};
pub(crate) use literal::unquote;
pub(crate) use number::Number;

use crate::error::Error;
use crate::template::Delims;

/// Parses a text. `has_function` says which identifiers are functions.
pub(crate) fn parse(
    name: &Arc<str>,
    text: &Arc<str>,
    delims: &Delims,
    has_function: &dyn Fn(&str) -> bool,
) -> Result<Tree, Error> {
    parser::Parser::new(name, text, delims, has_function).parse()
}
