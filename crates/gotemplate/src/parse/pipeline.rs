//! Pipelines, commands and operands.

use super::ast::{NodeId, NodeKind, Span};
use super::control::MAX_DEPTH;
use super::lex::{Item, Kind};
use super::literal::is_literal;
use super::number::Number;
use super::parser::{Parser, span};
use crate::error::Error;

impl<'t> Parser<'t> {
    /// `declarations? command ('|' command)*`, with what ends it.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<NodeId, Error> {
        let pos = self.peek_non_space().pos;
        let first = self.pending.len();
        let is_assign = self.declarations(context, first)?;
        let decl = self.settle(first);
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.pending.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
        self.check(first, context)?;
        let commands = self.settle(first);
        Ok(self.add(
            pos,
            NodeKind::Pipe {
                decl,
                is_assign,
                commands,
            },
        ))
    }

    /// `$x :=`, `$x =` or `$i, $x :=`. Whether it assigns.
    fn declarations(&mut self, context: &str, first: usize) -> Result<bool, Error> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(false);
            }
            self.next();
            // A space after the variable is a token too, and has to be put back with it.
            let after = self.peek();
            let next = self.peek_non_space();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    self.next_non_space();
                    self.declare(&variable);
                    return Ok(next.kind == Kind::Assign);
                }
                Kind::Char if next.text == "," => {
                    self.next_non_space();
                    self.declare(&variable);
                    if context != "range" || self.pending.len() - first >= 2 {
                        return Err(self.error(format!("too many declarations in {context}")));
                    }
                    let kind = self.peek_non_space().kind;
                    if !matches!(kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return Err(self.error("range can only initialize variables"));
                    }
                }
                _ => {
                    if after.kind == Kind::Space {
                        self.backup3(variable, after);
                    } else {
                        self.backup2(variable);
                    }
                    return Ok(false);
                }
            }
        }
    }

    fn declare(&mut self, variable: &Item<'t>) {
        self.scope.vars.push(variable.text);
        let names = self.name([span(variable.pos, variable.text.len())]);
        let node = self.add(variable.pos, NodeKind::Variable(names));
        self.pending.push(node);
    }

    fn check(&self, first: usize, context: &str) -> Result<(), Error> {
        let commands = self.pending.get(first..).unwrap_or_default();
        if commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (index, &command) in commands.iter().enumerate().skip(1) {
            let NodeKind::Command(args) = self.tree.kind(command) else {
                continue;
            };
            let first = self
                .tree
                .children(*args)
                .first()
                .map(|&arg| self.tree.kind(arg));
            if let Some(
                NodeKind::Bool(_)
                | NodeKind::Dot
                | NodeKind::Nil
                | NodeKind::Number(_)
                | NodeKind::String(_),
            ) = first
            {
                let stage = index + 1;
                return Err(self.error(format!("non executable command in pipeline stage {stage}")));
            }
        }
        Ok(())
    }

    /// Operands up to a pipe, a right parenthesis or the right delimiter; only the pipe is consumed.
    fn command(&mut self) -> Result<NodeId, Error> {
        let pos = self.peek_non_space().pos;
        let first = self.pending.len();
        loop {
            self.peek_non_space();
            let operand = self.operand()?;
            self.pending.extend(operand);
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.backup();
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        if self.pending.len() == first {
            return Err(self.error("empty command"));
        }
        let args = self.settle(first);
        Ok(self.add(pos, NodeKind::Command(args)))
    }

    /// A term and the fields after it. `None`: what is next is no operand.
    fn operand(&mut self) -> Result<Option<NodeId>, Error> {
        let Some(node) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(node));
        }
        let from = match self.tree.kind(node) {
            // The term's own names are the last of the tree's: the fields go on from them.
            NodeKind::Field(names) | NodeKind::Variable(names) => names.start as usize,
            _ => self.tree.spans.len(),
        };
        while self.peek().kind == Kind::Field {
            let field = self.next();
            self.tree.spans.push(after_point(&field));
        }
        let pos = first.pos;
        let fields = self.names_from(from);
        let kind = match self.tree.kind(node) {
            NodeKind::Field(_) => NodeKind::Field(fields),
            NodeKind::Variable(_) => NodeKind::Variable(fields),
            NodeKind::Bool(_)
            | NodeKind::String(_)
            | NodeKind::Number(_)
            | NodeKind::Nil
            | NodeKind::Dot => {
                let term = crate::fmt::quote(self.tree.show(node).as_bytes());
                return Err(self.error(format!("unexpected . after term {term}")));
            }
            _ => NodeKind::Chain { node, fields },
        };
        Ok(Some(self.add(pos, kind)))
    }

    fn term(&mut self) -> Result<Option<NodeId>, Error> {
        let token = self.next_non_space();
        let whole = span(token.pos, token.text.len());
        let kind = match token.kind {
            Kind::Identifier => {
                if !(self.has_function)(token.text) {
                    let name = crate::fmt::quote(token.text.as_bytes());
                    return Err(self.error(format!("function {name} not defined")));
                }
                NodeKind::Identifier(whole)
            }
            Kind::Dot => NodeKind::Dot,
            Kind::Nil => NodeKind::Nil,
            Kind::Variable => {
                if !self.scope.vars.contains(&token.text) {
                    let name = crate::fmt::quote(token.text.as_bytes());
                    return Err(self.error(format!("undefined variable {name}")));
                }
                NodeKind::Variable(self.name([whole]))
            }
            Kind::Field => NodeKind::Field(self.name([after_point(&token)])),
            Kind::Bool => NodeKind::Bool(token.text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = Number::parse(token.text, token.kind, whole);
                NodeKind::Number(number.map_err(|message| self.error(message))?.into())
            }
            Kind::LeftParen => return self.parenthesised().map(Some),
            Kind::String | Kind::RawString => {
                if !is_literal(token.text) {
                    return Err(self.error("invalid syntax"));
                }
                NodeKind::String(whole)
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(self.add(token.pos, kind)))
    }

    fn parenthesised(&mut self) -> Result<NodeId, Error> {
        if self.scope.paren_depth >= MAX_DEPTH {
            return Err(self.error("max expression depth exceeded"));
        }
        self.scope.paren_depth += 1;
        let pipe = stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.pipeline("parenthesized pipeline", Kind::RightParen)
        })?;
        self.scope.paren_depth -= 1;
        Ok(pipe)
    }
}

fn after_point(field: &Item<'_>) -> Span {
    span(field.pos + 1, field.text.len().saturating_sub(1))
}
