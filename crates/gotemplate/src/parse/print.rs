//! Nodes as Go prints them back in errors.

use super::ast::{NodeId, NodeKind, Span, Tree};

impl Tree {
    /// An expression or action as text.
    pub(crate) fn show(&self, id: NodeId) -> String {
        let mut out = String::new();
        self.write(id, &mut out);
        out
    }

    fn write(&self, id: NodeId, out: &mut String) {
        stacker::maybe_grow(32 << 10, 1 << 20, || self.write_node(id, out));
    }

    fn write_node(&self, id: NodeId, out: &mut String) {
        match self.kind(id) {
            NodeKind::Template { name, pipe } => {
                out.push_str("{{template ");
                out.push_str(&crate::fmt::quote(name.as_bytes()));
                if let Some(pipe) = pipe {
                    out.push(' ');
                    self.write(*pipe, out);
                }
                out.push_str("}}");
            }
            NodeKind::Pipe {
                decl,
                is_assign,
                commands,
            } => self.write_pipe(
                self.children(*decl),
                *is_assign,
                self.children(*commands),
                out,
            ),
            NodeKind::Command(args) => {
                for (index, &arg) in self.children(*args).iter().enumerate() {
                    if index > 0 {
                        out.push(' ');
                    }
                    self.write_operand(arg, out);
                }
            }
            NodeKind::Identifier(name) | NodeKind::String(name) => out.push_str(self.span(*name)),
            NodeKind::Number(number) => out.push_str(self.span(number.text)),
            NodeKind::Field(names) => self.write_fields(self.names(*names), out),
            NodeKind::Variable(names) => {
                if let Some((first, rest)) = self.names(*names).split_first() {
                    out.push_str(self.span(*first));
                    self.write_fields(rest, out);
                }
            }
            NodeKind::Chain { node, fields } => {
                self.write_operand(*node, out);
                self.write_fields(self.names(*fields), out);
            }
            NodeKind::Dot => out.push('.'),
            NodeKind::Nil => out.push_str("nil"),
            NodeKind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            // Errors are never placed at these.
            NodeKind::List(_)
            | NodeKind::Text(_)
            | NodeKind::Action(_)
            | NodeKind::If(_)
            | NodeKind::Range(_)
            | NodeKind::With(_)
            | NodeKind::Break
            | NodeKind::Continue
            | NodeKind::Else
            | NodeKind::End => {}
        }
    }

    fn write_pipe(&self, decl: &[NodeId], is_assign: bool, commands: &[NodeId], out: &mut String) {
        for (index, &variable) in decl.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            self.write(variable, out);
        }
        if !decl.is_empty() {
            out.push_str(if is_assign { " = " } else { " := " });
        }
        for (index, &command) in commands.iter().enumerate() {
            if index > 0 {
                out.push_str(" | ");
            }
            self.write(command, out);
        }
    }

    fn write_operand(&self, id: NodeId, out: &mut String) {
        let is_pipe = matches!(self.kind(id), NodeKind::Pipe { .. });
        if is_pipe {
            out.push('(');
        }
        self.write(id, out);
        if is_pipe {
            out.push(')');
        }
    }

    fn write_fields(&self, names: &[Span], out: &mut String) {
        for &name in names {
            out.push('.');
            out.push_str(self.span(name));
        }
    }
}
