//! Arguments, and literals under the type of their parameter.

use super::{Compiler, Op};
use crate::parse::{NodeId, NodeKind, Number, unquote};
use crate::value::{Kind, List, Map, Type, Value};

impl Compiler<'_> {
    /// Pushes an argument of a type.
    pub(super) fn argument(&mut self, node: NodeId, to: Type) {
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Dot => {
                self.emit(Op::Dot, node);
            }
            NodeKind::Nil => {
                match nil(to) {
                    Some(value) => self.constant(value, node),
                    None => self.fail(format!("cannot assign nil to {to}"), node),
                }
                return;
            }
            NodeKind::Field(names) => {
                self.path(tree.names(*names), node, Op::DotPath);
            }
            NodeKind::Variable(names) => self.variable(node, tree.names(*names)),
            NodeKind::Pipe { .. } => {
                self.pipe(node);
                self.emit(Op::Plain, node);
            }
            NodeKind::Identifier(name) => self.call(node, *name, node, &[], false),
            NodeKind::Chain {
                node: inner,
                fields,
            } => self.chain(node, *inner, tree.names(*fields), &[], false),
            _ => {
                self.literal(node, to);
                return;
            }
        }
        if !matches!(to, Type::Any | Type::Reflect) {
            self.emit(Op::Validate(to), node);
        }
    }

    /// Pushes a literal as a value of a type.
    pub(super) fn literal(&mut self, node: NodeId, to: Type) {
        let value = match (self.tree.kind(node), to) {
            (NodeKind::Bool(b), Type::Any | Type::Reflect | Type::Bool) => Ok(Value::Bool(*b)),
            (NodeKind::String(span), Type::Any | Type::Reflect | Type::String) => Ok(Value::Str(
                unquote(self.tree.span(*span)).unwrap_or_default(),
            )),
            (NodeKind::Number(number), Type::Any | Type::Reflect) => {
                ideal(number, self.tree.span(number.text))
            }
            (NodeKind::Number(number), Type::Number(kind)) => {
                typed(number, kind, || self.tree.show(node))
            }
            (_, Type::Bool) => Err(format!("expected bool; found {}", self.tree.show(node))),
            (_, Type::String) => Err(format!("expected string; found {}", self.tree.show(node))),
            (_, Type::Number(kind)) => Err(expected(kind, &self.tree.show(node))),
            _ => {
                let shown = self.tree.show(node);
                Err(format!("can't handle {shown} for arg of type {to}"))
            }
        };
        match value {
            Ok(value) => self.constant(value, node),
            Err(message) => self.fail(message, node),
        }
    }
}

/// The nil of a type.
fn nil(of: Type) -> Option<Value> {
    match of {
        Type::Any | Type::Reflect => Some(Value::Nil),
        Type::List(elem) => Some(Value::List(List::nil(*elem))),
        Type::Map(elem) => Some(Value::Map(Map::nil(*elem))),
        _ => None,
    }
}

/// What a number is where its own syntax decides.
fn ideal(number: &Number, text: &str) -> Result<Value, String> {
    if let Some((re, im)) = number.complex {
        return Ok(Value::Complex(re, im));
    }
    let is_hex = text.len() > 2
        && (text.starts_with("0x") || text.starts_with("0X"))
        && !text.contains(['p', 'P']);
    let is_rune = text.starts_with('\'');
    let looks_float = !is_hex && !is_rune && text.contains(['.', 'e', 'E', 'p', 'P']);
    match (number.float, number.int, number.uint) {
        (Some(float), _, _) if looks_float => Ok(Value::Float(float)),
        (_, Some(int), _) => Ok(Value::Int(int)),
        (_, None, Some(_)) => Err(format!("{text} overflows int")),
        _ => Ok(Value::Nil),
    }
}

/// A number as a value of a kind.
fn typed(number: &Number, kind: Kind, shown: impl Fn() -> String) -> Result<Value, String> {
    let value = match kind {
        Kind::Int => number.int.map(Value::Int),
        Kind::Int64 => number.int.map(Value::Int64),
        Kind::Int8 | Kind::Int16 | Kind::Int32 => number
            .int
            .and_then(|int| i32::try_from(int).ok())
            .map(|int| Value::SmallInt(kind, int)),
        Kind::Float64 => number.float.map(Value::Float),
        _ => number.uint.map(|uint| Value::Uint(kind, uint)),
    };
    value.ok_or_else(|| expected(kind, &shown()))
}

fn expected(kind: Kind, found: &str) -> String {
    let what = match kind {
        Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => "integer",
        Kind::Float32 | Kind::Float64 => "float",
        Kind::Complex128 => "complex",
        _ => "unsigned integer",
    };
    format!("expected {what}; found {found}")
}
