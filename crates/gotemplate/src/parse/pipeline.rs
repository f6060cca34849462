//! Pipelines, commands and operands.

use std::borrow::Cow;

use super::ast::{NodeId, NodeKind, Span};
use super::control::MAX_DEPTH;
use super::lex::{Item, Kind};
use super::literal::unquote;
use super::number::Number;
use super::parser::{Parser, span};
use crate::error::Error;

impl<'t> Parser<'t> {
    /// `declarations? command ('|' command)*`, with what ends it.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<NodeId, Error> {
        let pos = self.peek_non_space().pos;
        let mut decl = Vec::new();
        let is_assign = self.declarations(context, &mut decl)?;
        let mut commands = Vec::new();
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
                    commands.push(self.command()?);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
        self.check(&commands, context)?;
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
    fn declarations(&mut self, context: &str, decl: &mut Vec<NodeId>) -> Result<bool, Error> {
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
                    self.declare(&variable, decl);
                    return Ok(next.kind == Kind::Assign);
                }
                Kind::Char if next.text == "," => {
                    self.next_non_space();
                    self.declare(&variable, decl);
                    if context != "range" || decl.len() >= 2 {
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

    fn declare(&mut self, variable: &Item<'t>, decl: &mut Vec<NodeId>) {
        if let Cow::Borrowed(name) = variable.text {
            self.scope.vars.push(name);
        }
        let names = vec![span(variable.pos, variable.text.len())];
        let node = self.add(variable.pos, NodeKind::Variable(names));
        decl.push(node);
    }

    fn check(&self, commands: &[NodeId], context: &str) -> Result<(), Error> {
        if commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (index, &command) in commands.iter().enumerate().skip(1) {
            let NodeKind::Command(args) = self.tree.kind(command) else {
                continue;
            };
            let first = args.first().map(|&arg| self.tree.kind(arg));
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
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            args.extend(self.operand()?);
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
        if args.is_empty() {
            return Err(self.error("empty command"));
        }
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
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let field = self.next();
            fields.push(after_point(&field));
        }
        let pos = first.pos;
        let kind = match self.tree.kind(node) {
            NodeKind::Field(names) => {
                NodeKind::Field(names.iter().copied().chain(fields).collect())
            }
            NodeKind::Variable(names) => {
                NodeKind::Variable(names.iter().copied().chain(fields).collect())
            }
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
                if !(self.has_function)(&token.text) {
                    let name = crate::fmt::quote(token.text.as_bytes());
                    return Err(self.error(format!("function {name} not defined")));
                }
                NodeKind::Identifier(whole)
            }
            Kind::Dot => NodeKind::Dot,
            Kind::Nil => NodeKind::Nil,
            Kind::Variable => {
                if !self.scope.vars.contains(&token.text.as_ref()) {
                    let name = crate::fmt::quote(token.text.as_bytes());
                    return Err(self.error(format!("undefined variable {name}")));
                }
                NodeKind::Variable(vec![whole])
            }
            Kind::Field => NodeKind::Field(vec![after_point(&token)]),
            Kind::Bool => NodeKind::Bool(token.text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = Number::parse(&token.text, token.kind, whole);
                NodeKind::Number(number.map_err(|message| self.error(message))?)
            }
            Kind::LeftParen => return self.parenthesised().map(Some),
            Kind::String | Kind::RawString => {
                if unquote(&token.text).is_none() {
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
