//! Syntax trees to instructions.
//!
//! A [`Tree`] goes in with the functions it may call, one [`Template`] comes out for each template in it, which makes its
//! [`Code`] when it is needed.
//! What is known before any data is there is decided here: which function is called with how many
//! arguments, what a literal is under its parameter's type, and the errors that follow. An instruction
//! keeps the node it came from, so that errors point where Go's do. Nothing here looks at data.

mod argument;
mod control;
mod expression;

use std::sync::{Arc, OnceLock};

use crate::builtin::Builtin;
use crate::function::{Function, Functions};
use crate::parse::{NodeId, Span, Tree};
use crate::value::{Type, Value};

/// A template: parsed, and compiled when it is first executed, as most of a chart's are not.
pub(crate) struct Template {
    pub(crate) name: Arc<str>,
    /// Nothing but space.
    pub(crate) is_empty: bool,
    tree: Arc<Tree>,
    root: NodeId,
    code: OnceLock<Code>,
}

impl Template {
    /// The templates of a tree.
    pub(crate) fn all(tree: Tree) -> Vec<Arc<Self>> {
        let tree = Arc::new(tree);
        let templates = tree.templates.iter();
        templates
            .map(|(name, root)| {
                Arc::new(Self {
                    name: Arc::clone(name),
                    is_empty: tree.is_empty(*root),
                    tree: Arc::clone(&tree),
                    root: *root,
                    code: OnceLock::new(),
                })
            })
            .collect()
    }

    /// Its instructions; `functions` are those that the text was parsed with.
    pub(crate) fn code(&self, functions: &Functions) -> &Code {
        self.code.get_or_init(|| {
            let mut compiler = Compiler::new(Arc::clone(&self.name), &self.tree, functions);
            compiler.list(self.root);
            compiler.code
        })
    }
}

/// A template, ready to run.
pub(crate) struct Code {
    pub(crate) name: Arc<str>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) ops: Vec<Op>,
    /// For each instruction the node that it is at.
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) constants: Vec<Value>,
    /// Names of fields, in runs.
    pub(crate) keys: Vec<Span>,
    /// Names of variables.
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) functions: Vec<(Arc<str>, Function)>,
    pub(crate) templates: Vec<Arc<str>>,
    pub(crate) messages: Vec<String>,
    /// The bytes of plain text in it.
    pub(crate) text_len: usize,
}

/// The most fields that one instruction walks along: a walk is a recursion.
const MAX_KEYS: usize = 100;

/// A run of names in [`Code::keys`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub(crate) from: u32,
    pub(crate) count: u16,
}

/// An instruction of the stack machine. "Pushes" and "pops" are of the stack of values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Does nothing.
    Nop,
    /// Errors are placed here from now on.
    At,
    /// Prints a range of the text.
    Text(Span),
    /// Pops a value and prints it.
    Print,
    /// Pops a value.
    Pop,
    /// Drops the value below the top.
    Nip,
    Constant(u32),
    Dot,
    /// Pushes a variable.
    Variable(u32),
    /// Pushes a field of a field … of dot.
    DotPath(Keys),
    /// Pushes a field of a field … of a variable.
    VariablePath {
        name: u32,
        keys: Keys,
    },
    /// Replaces the top by a field of a field … of it.
    Path(Keys),
    /// The top is what a pipeline gave: a nil interface is no value from here on.
    Plain,
    /// The top is a bound for `slice`, which takes no elements of `interface {}` type.
    Bound,
    /// Checks the top against a parameter's type.
    Validate(Type),
    /// Fails unless the top has a method of this name with so many arguments.
    Method {
        key: u32,
        args: u16,
        has_final: bool,
    },
    /// Calls a method: receiver, arguments, with `has_final` the piped value before the receiver.
    CallMethod {
        key: u32,
        args: u16,
        has_final: bool,
    },
    /// Calls a function; with `has_final` the piped value lies before the arguments.
    Call {
        function: u32,
        args: u16,
        has_final: bool,
    },
    Builtin {
        builtin: Builtin,
        args: u16,
        has_final: bool,
    },
    /// Jumps if the top is true and keeps it, else pops it.
    Or(u32),
    /// Jumps if the top is false and keeps it, else pops it.
    And(u32),
    /// Declares a variable with the top, which stays.
    Declare(u32),
    /// Sets a variable to the top, which stays.
    Assign(u32),
    Jump(u32),
    /// Pops a value and jumps unless it is true.
    If(u32),
    /// Pops a value that becomes dot, or jumps unless it is true.
    With(u32),
    /// Dot is again what it was before `With`.
    EndWith,
    /// Remembers which variables there are.
    Mark,
    /// Forgets the variables since the mark.
    Unmark,
    /// Pops a value to iterate over, or jumps if there is nothing in it.
    Range {
        declared: u8,
        is_assign: bool,
        index: u32,
        element: u32,
        empty: u32,
    },
    /// Next element, or goes on behind.
    Next(u32),
    /// Leaves the loop.
    Break(u32),
    /// Fails unless there is such a template.
    Find(u32),
    /// Pops the dot of a template and executes it.
    Template(u32),
    /// Starts what is executed where a loop has nothing to iterate over: `break` leaves it.
    Else,
    /// Forgets the loop without changing anything else.
    DropLoop,
    /// Fails with a message.
    Fail(u32),
    /// Fails with a message, placed at what was looked at last.
    FailHere(u32),
}

struct Compiler<'c> {
    tree: &'c Tree,
    functions: &'c Functions,
    code: Code,
    /// Jumps of `break` that wait for the end of their loop, and where to `continue` to.
    loops: Vec<Loop>,
    /// How many declarations were emitted.
    declared: u32,
}

#[derive(Default)]
struct Loop {
    breaks: Vec<usize>,
    continues: Vec<usize>,
    /// What follows the `else` of a loop: `break` leaves it, `continue` is of the loop around.
    is_else: bool,
}

impl<'c> Compiler<'c> {
    fn new(name: Arc<str>, tree: &'c Arc<Tree>, functions: &'c Functions) -> Self {
        // Nodes that a template has on average.
        let size = tree.nodes.len() / tree.templates.len().max(1);
        Self {
            tree,
            functions,
            code: Code {
                name,
                tree: Arc::clone(tree),
                ops: Vec::with_capacity(size),
                nodes: Vec::with_capacity(size),
                constants: Vec::with_capacity(size / 4),
                keys: Vec::with_capacity(size / 2),
                names: vec!["$".into()],
                functions: Vec::new(),
                templates: Vec::new(),
                messages: Vec::new(),
                text_len: 0,
            },
            loops: Vec::new(),
            declared: 0,
        }
    }

    /// Adds an instruction; its index.
    fn emit(&mut self, op: Op, at: NodeId) -> usize {
        if let Op::Text(span) = op {
            self.code.text_len += span.end.saturating_sub(span.start) as usize;
        }
        self.code.ops.push(op);
        self.code.nodes.push(at);
        self.code.ops.len() - 1
    }

    fn fail(&mut self, message: String, at: NodeId) {
        let message = add(&mut self.code.messages, message);
        self.emit(Op::Fail(message), at);
    }

    fn constant(&mut self, value: Value, at: NodeId) {
        let constant = add(&mut self.code.constants, value);
        self.emit(Op::Constant(constant), at);
    }

    fn here(&self) -> u32 {
        u32::try_from(self.code.ops.len()).unwrap_or(u32::MAX)
    }

    /// Lets a jump that was emitted before go to what is emitted next.
    fn land(&mut self, jump: usize) {
        let here = self.here();
        self.patch(jump, here);
    }

    fn patch(&mut self, jump: usize, to: u32) {
        let Some(op) = self.code.ops.get_mut(jump) else {
            return;
        };
        if let Op::Jump(target)
        | Op::If(target)
        | Op::With(target)
        | Op::And(target)
        | Op::Or(target)
        | Op::Break(target)
        | Op::Range { empty: target, .. } = op
        {
            *target = to;
        }
    }

    /// Pushes a field of a field …: `first` makes the instruction for the first of them.
    fn path(&mut self, names: &[Span], at: NodeId, first: impl FnOnce(Keys) -> Op) {
        let (head, rest) = names.split_at_checked(MAX_KEYS).unwrap_or((names, &[]));
        let keys = self.keys(head);
        self.emit(first(keys), at);
        for names in rest.chunks(MAX_KEYS) {
            let keys = self.keys(names);
            self.emit(Op::Path(keys), at);
        }
    }

    fn keys(&mut self, spans: &[Span]) -> Keys {
        let from = u32::try_from(self.code.keys.len()).unwrap_or(u32::MAX);
        self.code.keys.extend_from_slice(spans);
        Keys {
            from,
            count: u16::try_from(spans.len()).unwrap_or(u16::MAX),
        }
    }

    fn name(&mut self, span: Span) -> u32 {
        intern(&mut self.code.names, self.tree.span(span))
    }
}

fn add<T>(table: &mut Vec<T>, item: T) -> u32 {
    table.push(item);
    u32::try_from(table.len() - 1).unwrap_or(u32::MAX)
}

fn intern(table: &mut Vec<Arc<str>>, name: &str) -> u32 {
    match table.iter().position(|have| **have == *name) {
        Some(at) => u32::try_from(at).unwrap_or(u32::MAX),
        None => add(table, Arc::from(name)),
    }
}
