//! Actions: control structures, calls of templates, and pipelines that are printed.

use super::ast::{Branch, NodeId, NodeKind};
use super::lex::Kind;
use super::parser::Parser;
use crate::error::Error;

/// How deep control structures and parentheses may be nested; Go's bound for the latter.
pub(super) const MAX_DEPTH: u32 = 10_000;

impl Parser<'_> {
    /// What follows a left delimiter.
    pub(super) fn action(&mut self) -> Result<NodeId, Error> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Block => return self.block(),
            Kind::Break => return self.leave_loop(token.pos, "{{break}}", NodeKind::Break),
            Kind::Continue => {
                return self.leave_loop(token.pos, "{{continue}}", NodeKind::Continue);
            }
            Kind::Else => return self.else_control(),
            Kind::End => {
                let pos = self.expect(Kind::RightDelim, "end")?.pos;
                return Ok(self.add(pos, NodeKind::End));
            }
            Kind::If => return self.branch("if"),
            Kind::Range => return self.branch("range"),
            Kind::Template => return self.template(),
            Kind::With => return self.branch("with"),
            _ => {}
        }
        self.backup();
        let pos = self.peek().pos;
        let pipe = self.pipeline("command", Kind::RightDelim)?;
        Ok(self.add(pos, NodeKind::Action(pipe)))
    }

    fn leave_loop(&mut self, pos: usize, name: &str, kind: NodeKind) -> Result<NodeId, Error> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(&token, name));
        }
        if self.scope.range_depth == 0 {
            return Err(self.error(format!("{name} outside {{{{range}}}}")));
        }
        Ok(self.add(pos, kind))
    }

    fn else_control(&mut self) -> Result<NodeId, Error> {
        let peek = self.peek_non_space();
        if matches!(peek.kind, Kind::If | Kind::With) {
            // `{{else if …}}`: the branch that has it goes on from here.
            return Ok(self.add(peek.pos, NodeKind::Else));
        }
        let pos = self.expect(Kind::RightDelim, "else")?.pos;
        Ok(self.add(pos, NodeKind::Else))
    }

    /// `if`, `range` or `with`, up to its `{{end}}`.
    fn branch(&mut self, context: &'static str) -> Result<NodeId, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("control structures are nested too deep"));
        }
        self.depth += 1;
        let vars = self.scope.vars.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let in_range = u32::from(context == "range");
        self.scope.range_depth += in_range;
        let (list, next) = self.item_list()?;
        self.scope.range_depth -= in_range;
        let else_list = match self.tree.kind(next) {
            NodeKind::Else => Some(self.else_list(context, next)?),
            _ => None,
        };
        self.scope.vars.truncate(vars);
        self.depth -= 1;
        let pos = self.tree.node(pipe).pos as usize;
        let branch = Branch {
            pipe,
            list,
            else_list,
        };
        let kind = match context {
            "if" => NodeKind::If(branch),
            "range" => NodeKind::Range(branch),
            _ => NodeKind::With(branch),
        };
        Ok(self.add(pos, kind))
    }

    fn else_list(&mut self, context: &'static str, next: NodeId) -> Result<NodeId, Error> {
        let chained = match context {
            "if" => Some(Kind::If),
            "with" => Some(Kind::With),
            _ => None,
        };
        if chained.is_some_and(|kind| self.peek().kind == kind) {
            self.next();
            let pos = self.tree.node(next).pos as usize;
            let node = stacker::maybe_grow(64 << 10, 1 << 20, || self.branch(context))?;
            let first = self.pending.len();
            self.pending.push(node);
            let list = self.settle(first);
            return Ok(self.add(pos, NodeKind::List(list)));
        }
        let (list, end) = self.item_list()?;
        if !matches!(self.tree.kind(end), NodeKind::End) {
            return Err(self.error("expected end; found {{else}}"));
        }
        Ok(list)
    }

    fn block(&mut self) -> Result<NodeId, Error> {
        let context = "block clause";
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        let name = self.unquoted(&token)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.block_body(name.clone(), context)?;
        let pipe = Some(pipe);
        Ok(self.add(token.pos, NodeKind::Template { name, pipe }))
    }

    fn template(&mut self) -> Result<NodeId, Error> {
        let context = "template clause";
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        let name = self.unquoted(&token)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(context, Kind::RightDelim)?);
        }
        Ok(self.add(token.pos, NodeKind::Template { name, pipe }))
    }
}
