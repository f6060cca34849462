//! Pipelines, commands and calls.

use super::{Compiler, Op, add};
use crate::builtin::Builtin;
use crate::function::{Function, Signature};
use crate::parse::{NodeId, NodeKind, Span};
use crate::value::Type;

/// What an identifier calls.
enum Callee {
    Builtin(Builtin),
    Function(Function),
}

impl Compiler<'_> {
    /// Pushes the value of a pipeline, and declares what it declares.
    pub(super) fn pipe(&mut self, pipe: NodeId) {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.pipe_here(pipe));
    }

    fn pipe_here(&mut self, pipe: NodeId) {
        let tree = self.tree;
        let NodeKind::Pipe {
            decl,
            is_assign,
            commands,
        } = tree.kind(pipe)
        else {
            return;
        };
        for (index, &command) in tree.children(*commands).iter().enumerate() {
            self.command(command, (index > 0, pipe));
        }
        for &variable in tree.children(*decl) {
            let NodeKind::Variable(names) = tree.kind(variable) else {
                continue;
            };
            let Some(&name) = tree.names(*names).first() else {
                continue;
            };
            let name = self.name(name);
            let last = self.code.nodes.last().copied().unwrap_or(pipe);
            if *is_assign {
                self.emit(Op::Assign(name), last);
            } else {
                self.declared += 1;
                self.emit(Op::Declare(name), last);
            }
        }
    }

    /// A command of the pipeline `within`; with `has_final` the value of the one before is on the stack
    /// and its last argument.
    fn command(&mut self, command: NodeId, (has_final, within): (bool, NodeId)) {
        let tree = self.tree;
        let NodeKind::Command(args) = tree.kind(command) else {
            return;
        };
        let Some((&first, rest)) = tree.children(*args).split_first() else {
            return;
        };
        match tree.kind(first) {
            NodeKind::Field(names) => {
                let names = tree.names(*names);
                let Some((&last, path)) = names.split_last() else {
                    return;
                };
                if rest.is_empty() && !has_final {
                    self.path(names, first, Op::DotPath);
                    return;
                }
                if path.is_empty() {
                    self.emit(Op::Dot, first);
                } else {
                    self.path(path, first, Op::DotPath);
                }
                self.method(first, last, rest, has_final);
            }
            NodeKind::Variable(names) => {
                self.variable_command(first, tree.names(*names), rest, has_final);
            }
            NodeKind::Chain { node, fields } => {
                self.chain(first, *node, tree.names(*fields), rest, has_final);
            }
            NodeKind::Identifier(name) => self.call(first, *name, command, rest, has_final),
            NodeKind::Pipe { .. } if rest.is_empty() && !has_final => {
                self.pipe(first);
                self.emit(Op::Plain, first);
            }
            NodeKind::Pipe { .. } => {
                // Go has not looked at the parentheses yet, and places this at what it saw last.
                if !has_final {
                    self.emit(Op::At, within);
                }
                let shown = self.tree.show(first);
                let message = format!("can't give argument to non-function {shown}");
                let message = add(&mut self.code.messages, message);
                self.emit(Op::FailHere(message), first);
            }
            NodeKind::Nil => {
                if self.not_a_function(first, rest, has_final) {
                    self.fail("nil is not a command".to_owned(), first);
                }
            }
            NodeKind::Dot => {
                if self.not_a_function(first, rest, has_final) {
                    self.emit(Op::Dot, first);
                }
            }
            _ => {
                if self.not_a_function(first, rest, has_final) {
                    self.literal(first, Type::Any);
                }
            }
        }
    }

    /// Fails if something that is no function is given arguments.
    fn not_a_function(&mut self, node: NodeId, rest: &[NodeId], has_final: bool) -> bool {
        let is_fine = rest.is_empty() && !has_final;
        if !is_fine {
            let shown = self.tree.show(node);
            self.fail(format!("can't give argument to non-function {shown}"), node);
        }
        is_fine
    }

    fn variable_command(&mut self, node: NodeId, names: &[Span], rest: &[NodeId], has_final: bool) {
        let Some((&name, fields)) = names.split_first() else {
            return;
        };
        let Some((&last, path)) = fields.split_last() else {
            let name = self.name(name);
            self.emit(Op::Variable(name), node);
            self.not_a_function(node, rest, has_final);
            return;
        };
        if rest.is_empty() && !has_final {
            self.variable(node, names);
            return;
        }
        let name = self.name(name);
        if path.is_empty() {
            self.emit(Op::Variable(name), node);
        } else {
            self.path(path, node, |keys| Op::VariablePath { name, keys });
        }
        self.method(node, last, rest, has_final);
    }

    /// Pushes `$x.a.b`.
    pub(super) fn variable(&mut self, node: NodeId, names: &[Span]) {
        let Some((&name, fields)) = names.split_first() else {
            return;
        };
        let name = self.name(name);
        if fields.is_empty() {
            self.emit(Op::Variable(name), node);
        } else {
            self.path(fields, node, |keys| Op::VariablePath { name, keys });
        }
    }

    /// Pushes `(…).a.b`, calling the last as a method if there are arguments.
    pub(super) fn chain(
        &mut self,
        node: NodeId,
        inner: NodeId,
        fields: &[Span],
        rest: &[NodeId],
        has_final: bool,
    ) {
        let tree = self.tree;
        match tree.kind(inner) {
            NodeKind::Nil => {
                let shown = tree.show(node);
                self.fail(format!("indirection through explicit nil in {shown}"), node);
                return;
            }
            _ => self.argument(inner, Type::Reflect),
        }
        let last = match fields.split_last() {
            Some((&last, path)) if !rest.is_empty() || has_final => {
                if !path.is_empty() {
                    self.path(path, node, Op::Path);
                }
                last
            }
            _ => {
                self.path(fields, node, Op::Path);
                return;
            }
        };
        self.method(node, last, rest, has_final);
    }

    /// Calls a method of the top with arguments.
    fn method(&mut self, node: NodeId, name: Span, rest: &[NodeId], has_final: bool) {
        let key = self.keys(&[name]).from;
        let args = u16::try_from(rest.len()).unwrap_or(u16::MAX);
        self.emit(
            Op::Method {
                key,
                args,
                has_final,
            },
            node,
        );
        for &arg in rest {
            self.argument(arg, Type::Any);
        }
        self.emit(
            Op::CallMethod {
                key,
                args,
                has_final,
            },
            node,
        );
    }

    fn callee(&self, name: &str) -> Option<(Callee, Signature)> {
        if let Some(function) = self.functions.get(name) {
            let signature = function.signature();
            return Some((Callee::Function(function.clone()), signature));
        }
        let builtin = Builtin::named(name)?;
        Some((Callee::Builtin(builtin), builtin.signature()))
    }

    /// Calls a function; errors of its own are placed at `command`.
    pub(super) fn call(
        &mut self,
        node: NodeId,
        name: Span,
        command: NodeId,
        rest: &[NodeId],
        has_final: bool,
    ) {
        let name = self.tree.span(name);
        let Some((callee, signature)) = self.callee(name) else {
            let quoted = crate::fmt::quote(name.as_bytes());
            self.fail(format!("{quoted} is not a defined function"), node);
            return;
        };
        if let Some(message) = wrong_count(name, signature, rest.len(), has_final) {
            self.fail(message, node);
            return;
        }
        if let Callee::Builtin(builtin @ (Builtin::And | Builtin::Or)) = callee {
            self.short_circuit(builtin, node, rest, has_final);
            return;
        }
        for (index, &arg) in rest.iter().enumerate() {
            let to = signature.fixed.get(index).copied();
            self.argument(arg, to.or(signature.variadic).unwrap_or(Type::Any));
            if index > 0 && matches!(callee, Callee::Builtin(Builtin::Slice)) {
                self.emit(Op::Bound, arg);
            }
        }
        let args = u16::try_from(rest.len()).unwrap_or(u16::MAX);
        // Go places errors of a call without arguments at the name: the same place and text.
        let command = if rest.is_empty() { node } else { command };
        match callee {
            Callee::Builtin(builtin) => {
                if has_final && rest.is_empty() {
                    self.emit(Op::Plain, node);
                }
                self.emit(
                    Op::Builtin {
                        builtin,
                        args,
                        has_final,
                    },
                    command,
                );
            }
            Callee::Function(function) => {
                let function = self.function(name, function);
                self.emit(
                    Op::Call {
                        function,
                        args,
                        has_final,
                    },
                    command,
                );
            }
        }
    }

    fn function(&mut self, name: &str, function: Function) -> u32 {
        let table = &mut self.code.functions;
        match table.iter().position(|(have, _)| **have == *name) {
            Some(at) => u32::try_from(at).unwrap_or(u32::MAX),
            None => add(table, (name.into(), function)),
        }
    }

    /// `and` and `or`, which evaluate no more arguments than they need.
    fn short_circuit(&mut self, which: Builtin, node: NodeId, rest: &[NodeId], has_final: bool) {
        if rest.is_empty() {
            self.emit(Op::At, node);
        }
        let mut jumps = Vec::new();
        for (index, &arg) in rest.iter().enumerate() {
            self.argument(arg, Type::Reflect);
            if index + 1 < rest.len() || has_final {
                let op = match which {
                    Builtin::Or => Op::Or(0),
                    _ => Op::And(0),
                };
                jumps.push(self.emit(op, node));
            }
        }
        if !has_final || jumps.is_empty() {
            for jump in jumps {
                self.land(jump);
            }
            return;
        }
        // The piped value is what is left, unless a jump brings another one above it.
        let done = self.emit(Op::Jump(0), node);
        for jump in jumps {
            self.land(jump);
        }
        self.emit(Op::Nip, node);
        self.land(done);
    }
}

fn wrong_count(name: &str, signature: Signature, args: usize, has_final: bool) -> Option<String> {
    let fixed = signature.fixed.len();
    let given = args + usize::from(has_final);
    if signature.variadic.is_some() {
        return (given < fixed)
            .then(|| format!("wrong number of args for {name}: want at least {fixed} got {args}"));
    }
    (given != fixed).then(|| format!("wrong number of args for {name}: want {fixed} got {given}"))
}
