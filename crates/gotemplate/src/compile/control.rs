//! Actions and control structures.

use super::{Compiler, Loop, Op, intern};
use crate::parse::{NodeId, NodeKind};

/// Where jumps go that are landed later.
const LATER: u32 = u32::MAX;

impl Compiler<'_> {
    /// Nodes one after the other.
    pub(super) fn list(&mut self, list: NodeId) {
        let tree = self.tree;
        if let NodeKind::List(nodes) = tree.kind(list) {
            for &node in tree.children(*nodes) {
                stacker::maybe_grow(64 << 10, 1 << 20, || self.statement(node));
            }
        }
    }

    fn statement(&mut self, node: NodeId) {
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Text(span) => {
                self.emit(Op::Text(*span), node);
            }
            NodeKind::Action(pipe) => {
                self.pipe(*pipe);
                let is_silent = matches!(
                    tree.kind(*pipe),
                    NodeKind::Pipe { decl, .. } if !tree.children(*decl).is_empty()
                );
                self.emit(if is_silent { Op::Pop } else { Op::Print }, node);
            }
            NodeKind::If(branch) => self.conditional(node, branch, false),
            NodeKind::With(branch) => self.conditional(node, branch, true),
            NodeKind::Range(branch) => self.range(node, branch),
            NodeKind::Break => {
                let jump = self.emit(Op::Break(LATER), node);
                if let Some(innermost) = self.loops.last_mut() {
                    innermost.breaks.push(jump);
                }
            }
            NodeKind::Continue => {
                let inner = self.loops.iter().rev().take_while(|of| of.is_else).count();
                for _ in 0..inner {
                    self.emit(Op::DropLoop, node);
                }
                let jump = self.emit(Op::Jump(LATER), node);
                if let Some(of) = self.loops.iter_mut().rev().nth(inner) {
                    of.continues.push(jump);
                }
            }
            NodeKind::Template { name, pipe } => {
                let template = intern(&mut self.code.templates, name);
                self.emit(Op::Find(template), node);
                match pipe {
                    Some(pipe) => self.pipe(*pipe),
                    None => self.constant(crate::value::Value::Nil, node),
                }
                self.emit(Op::Template(template), node);
            }
            // Expressions are no statements.
            _ => {}
        }
    }

    fn conditional(&mut self, node: NodeId, branch: &crate::parse::Branch, is_with: bool) {
        let mark = self.emit(Op::Mark, node);
        let declared = self.declared;
        self.pipe(branch.pipe);
        let op = if is_with {
            Op::With(LATER)
        } else {
            Op::If(LATER)
        };
        let test = self.emit(op, node);
        self.list(branch.list);
        if is_with {
            self.emit(Op::EndWith, node);
        }
        match branch.else_list {
            Some(list) => {
                let jump = self.emit(Op::Jump(LATER), node);
                self.land(test);
                self.list(list);
                self.land(jump);
            }
            None => self.land(test),
        }
        self.unmark(node, mark, declared);
    }

    /// Ends a scope; one in which nothing was declared costs nothing.
    fn unmark(&mut self, node: NodeId, mark: usize, declared: u32) {
        if self.declared == declared {
            if let Some(op) = self.code.ops.get_mut(mark) {
                *op = Op::Nop;
            }
        } else {
            self.emit(Op::Unmark, node);
        }
    }

    fn range(&mut self, node: NodeId, branch: &crate::parse::Branch) {
        let tree = self.tree;
        let mark = self.emit(Op::Mark, node);
        let declared = self.declared;
        self.pipe(branch.pipe);
        let (names, is_assign) = match tree.kind(branch.pipe) {
            NodeKind::Pipe {
                decl, is_assign, ..
            } => (tree.children(*decl), *is_assign),
            _ => (&[][..], false),
        };
        let names: Vec<u32> = names.iter().map(|&name| self.variable_name(name)).collect();
        let (index, element) = match names.as_slice() {
            [element] => (0, *element),
            [index, element, ..] => (*index, *element),
            [] => (0, 0),
        };
        let start = self.emit(
            Op::Range {
                declared: u8::try_from(names.len()).unwrap_or(u8::MAX),
                is_assign,
                index,
                element,
                empty: LATER,
            },
            node,
        );
        let body = self.here();
        self.loops.push(Loop::default());
        self.list(branch.list);
        let inner = self.loops.pop().unwrap_or_default();
        let next = self.here();
        for jump in inner.continues {
            self.patch(jump, next);
        }
        self.emit(Op::Next(body), node);
        let end = self.emit(Op::Jump(LATER), node);
        self.land(start);
        let mut breaks = inner.breaks;
        match branch.else_list {
            Some(list) if !self.loops.is_empty() => {
                self.emit(Op::Else, node);
                self.loops.push(Loop {
                    is_else: true,
                    ..Loop::default()
                });
                self.list(list);
                breaks.extend(self.loops.pop().unwrap_or_default().breaks);
                breaks.push(self.emit(Op::Break(LATER), node));
            }
            Some(list) => self.list(list),
            None => {}
        }
        self.land(end);
        for jump in breaks {
            self.land(jump);
        }
        self.unmark(node, mark, declared);
    }

    fn variable_name(&mut self, node: NodeId) -> u32 {
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Variable(names) => tree
                .names(*names)
                .first()
                .map_or(0, |&name| self.name(name)),
            _ => 0,
        }
    }
}
