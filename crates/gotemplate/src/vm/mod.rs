//! Runs compiled templates over values.
//!
//! A [`Machine`] is one rendering: a stack of values, one of variables, one of loops, and the output.
//! Templates called by `{{template}}` are frames of the same machine; functions that render (`include`,
//! `tpl`) run another one, with the same fuel, depth and output to spend. Nothing here panics or goes on
//! for ever, whatever the template.

mod call;
mod failure;
mod host;
mod iterate;
mod path;

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use foldhash::HashMap;

use crate::compile::{Code, Keys, Op, Template};
use crate::error::Error;
use crate::fmt::Printer;
use crate::function::Functions;
use crate::parse::{Span, Tree};
use crate::template::{Delims, Limits, MissingKey, Options, Watch};
use crate::value::{Buffer, Object, Value};
pub(crate) use host::{Texts, is_function};
use iterate::Loop;

/// Templates by name.
pub(crate) type Codes = HashMap<Arc<str>, Arc<Template>>;

/// The templates that can be seen: those of a set, or of a text that is rendered within it.
pub(crate) struct Scope<'s> {
    pub(crate) own: &'s Codes,
    pub(crate) parent: Option<&'s Self>,
    pub(crate) functions: &'s Functions,
    pub(crate) delims: &'s Delims,
    /// What the set is called in errors.
    pub(crate) name: &'s str,
    /// Texts that were rendered before.
    pub(crate) texts: &'s Texts,
}

impl<'s> Scope<'s> {
    fn find(&self, name: &str) -> Option<&'s Template> {
        match self.own.get(name) {
            Some(template) => Some(template),
            None => self.parent?.find(name),
        }
    }

    fn code(&self, name: &str) -> Option<&'s Code> {
        Some(self.find(name)?.code(self.functions))
    }
}

/// What all machines of one execution have in common.
pub(crate) struct Shared<'o> {
    missing_key: MissingKey,
    limits: Limits,
    secrets: bool,
    state: Option<&'o dyn Any>,
    watch: Option<&'o dyn Watch>,
    fuel: u64,
    depth: u32,
    /// How much may still be printed.
    output: usize,
    /// Stacks that are free to use again.
    pool: Vec<Stacks>,
}

impl<'o> Shared<'o> {
    pub(crate) fn new(options: &Options<'o>) -> Self {
        Self {
            missing_key: options.missing_key,
            limits: options.limits,
            secrets: options.secrets,
            state: options.state,
            watch: options.watch,
            fuel: options.limits.fuel,
            depth: 0,
            output: options.limits.output,
            pool: Vec::new(),
        }
    }
}

/// Dot, and whether it is an element of `interface {}` type, as errors say.
#[derive(Clone, Default)]
struct Dot {
    value: Value,
    is_interface: bool,
}

struct Variable {
    name: u32,
    value: Value,
    is_interface: bool,
}

#[derive(Default)]
struct Stacks {
    values: Vec<Value>,
    variables: Vec<Variable>,
    dots: Vec<Dot>,
    marks: Vec<usize>,
    loops: Vec<Loop>,
    out: Buffer,
}

impl Stacks {
    fn clear(&mut self) {
        self.values.clear();
        self.variables.clear();
        self.dots.clear();
        self.marks.clear();
        self.loops.clear();
        self.out.clear();
    }
}

/// The names of fields, as they stand in the text of a template.
#[derive(Clone, Copy)]
struct Names<'m> {
    tree: &'m Tree,
    spans: &'m [Span],
}

impl<'m> Names<'m> {
    fn get(self, index: usize) -> Option<&'m str> {
        Some(self.tree.span(*self.spans.get(index)?))
    }

    fn iter(self) -> impl Iterator<Item = &'m str> {
        self.spans.iter().map(move |span| self.tree.span(*span))
    }
}

/// Where a template was called from.
struct Frame<'m> {
    code: &'m Code,
    pc: usize,
    dot: Dot,
    variables: usize,
}

/// One rendering.
pub(crate) struct Machine<'m, 'o> {
    shared: &'m mut Shared<'o>,
    scope: &'m Scope<'m>,
    stacks: Stacks,
    frames: Vec<Frame<'m>>,
    code: &'m Code,
    pc: usize,
    dot: Dot,
    /// The first of the frame's variables.
    variables: usize,
    /// The instruction whose node was looked at last: errors are placed there.
    at: usize,
    /// Whether the value that was pushed last came from a map or list of `interface {}`.
    is_interface: bool,
}

impl<'m, 'o> Machine<'m, 'o> {
    fn new(shared: &'m mut Shared<'o>, scope: &'m Scope<'m>, code: &'m Code, data: &Value) -> Self {
        let mut stacks = shared.pool.pop().unwrap_or_default();
        stacks.variables.push(Variable {
            name: 0,
            value: data.clone(),
            is_interface: false,
        });
        Self {
            shared,
            scope,
            stacks,
            frames: Vec::new(),
            code,
            pc: 0,
            dot: Dot {
                value: data.clone(),
                is_interface: false,
            },
            variables: 0,
            at: 0,
            is_interface: false,
        }
    }

    /// Executes a template of the scope and gives what it prints to `take`.
    pub(crate) fn execute<T>(
        shared: &'m mut Shared<'o>,
        scope: &'m Scope<'m>,
        code: &'m Code,
        data: &Value,
        take: impl FnOnce(&mut Buffer) -> T,
    ) -> Result<T, Error> {
        let mut machine = Self::new(shared, scope, code, data);
        machine.stacks.out.reserve(code.text_len);
        let result = machine.run();
        let mut stacks = machine.stacks;
        let shared = machine.shared;
        let output = result.map(|()| {
            shared.output = shared.output.saturating_sub(stacks.out.len());
            take(&mut stacks.out)
        });
        stacks.clear();
        shared.pool.push(stacks);
        output
    }

    fn run(&mut self) -> Result<(), Error> {
        loop {
            let code = self.code;
            while let Some(&op) = code.ops.get(self.pc) {
                self.pc += 1;
                self.step(op)?;
                if !std::ptr::eq(code, self.code) {
                    break;
                }
            }
            if self.pc >= self.code.ops.len() && !self.end_template() {
                return Ok(());
            }
        }
    }

    /// Back to the calling template, if there is one.
    fn end_template(&mut self) -> bool {
        let Some(frame) = self.frames.pop() else {
            return false;
        };
        self.shared.depth -= 1;
        if let Some(watch) = self.shared.watch {
            watch.ends();
        }
        self.stacks.variables.truncate(self.variables);
        self.code = frame.code;
        self.pc = frame.pc;
        self.dot = frame.dot;
        self.variables = frame.variables;
        true
    }

    #[inline]
    fn step(&mut self, op: Op) -> Result<(), Error> {
        match op {
            Op::Nop => {}
            Op::At => self.at = self.pc - 1,
            Op::Text(span) => return self.print_text(span),
            Op::Print => return self.print(),
            Op::Pop => drop(self.stacks.values.pop()),
            Op::Nip => self.nip(),
            Op::Constant(index) => self.constant(index),
            Op::Dot => self.push_dot(),
            Op::Variable(name) => return self.variable(name),
            Op::DotPath(keys) => return self.dot_path(keys),
            Op::VariablePath { name, keys } => return self.variable_path(name, keys),
            Op::Path(keys) => return self.path(keys),
            Op::Plain => self.is_interface = false,
            Op::Bound => self.bound(),
            Op::Validate(to) => return self.validate(to),
            Op::Method {
                key,
                args,
                has_final,
            } => return self.check_method(key, args, has_final),
            Op::CallMethod {
                key,
                args,
                has_final,
            } => return self.call_method(key, args, has_final),
            Op::Call {
                function,
                args,
                has_final,
            } => return self.call(function, args, has_final),
            Op::Builtin {
                builtin,
                args,
                has_final,
            } => return self.builtin(builtin, args, has_final),
            _ => return self.control(op),
        }
        Ok(())
    }

    /// The instructions that say where to go on, and with which dot and variables.
    #[inline]
    fn control(&mut self, op: Op) -> Result<(), Error> {
        match op {
            Op::Or(target) => self.short_circuit(target, true),
            Op::And(target) => self.short_circuit(target, false),
            Op::Declare(name) => self.declare(name),
            Op::Assign(name) => {
                let value = self.top().clone();
                return self.assign(name, value, false);
            }
            Op::Jump(target) => self.pc = target as usize,
            Op::If(target) => self.test(target),
            Op::With(target) => self.with(target),
            Op::EndWith => self.dot = self.stacks.dots.pop().unwrap_or_default(),
            Op::Mark => self.stacks.marks.push(self.stacks.variables.len()),
            Op::Unmark => {
                let mark = self.stacks.marks.pop().unwrap_or_default();
                self.stacks.variables.truncate(mark);
            }
            Op::Range {
                declared,
                is_assign,
                index,
                element,
                empty,
            } => return self.range(declared, is_assign, [index, element], empty),
            Op::Next(body) => return self.next(body),
            Op::Break(target) => self.leave_loop(target),
            Op::Find(template) => return self.find(template),
            Op::Template(template) => return self.template(template),
            Op::Else => self.enter_else(),
            Op::DropLoop => drop(self.stacks.loops.pop()),
            Op::Fail(message) => {
                self.at = self.pc - 1;
                return self.fail_with(message);
            }
            Op::FailHere(message) => return self.fail_with(message),
            _ => {}
        }
        Ok(())
    }

    // The stack of values.

    fn push(&mut self, value: Value, is_interface: bool) {
        self.stacks.values.push(value);
        self.is_interface = is_interface;
    }

    fn pop(&mut self) -> Value {
        self.stacks.values.pop().unwrap_or_default()
    }

    fn top(&self) -> &Value {
        const NIL: &Value = &Value::Nil;
        self.stacks.values.last().unwrap_or(NIL)
    }

    fn nip(&mut self) {
        let top = self.pop();
        if let Some(below) = self.stacks.values.last_mut() {
            *below = top;
        }
    }

    /// `slice` does not look into interfaces, where `index` does.
    fn bound(&mut self) {
        if self.is_interface {
            self.pop();
            self.push(Value::object(Interface), false);
        }
    }

    fn constant(&mut self, index: u32) {
        self.at = self.pc - 1;
        let constant = self.code.constants.get(index as usize);
        self.push(constant.cloned().unwrap_or_default(), false);
    }

    fn push_dot(&mut self) {
        self.at = self.pc - 1;
        self.push(self.dot.value.clone(), self.dot.is_interface);
    }

    fn keys(&self, keys: Keys) -> Names<'m> {
        let from = keys.from as usize;
        let spans = self.code.keys.get(from..from + usize::from(keys.count));
        Names {
            tree: &self.code.tree,
            spans: spans.unwrap_or_default(),
        }
    }

    fn key(&self, key: u32) -> &'m str {
        let span = self.code.keys.get(key as usize);
        span.map_or("", |span| self.code.tree.span(*span))
    }

    // Variables.

    fn find_variable(&self, name: u32) -> Option<usize> {
        let own = self.stacks.variables.get(self.variables..)?;
        let at = own.iter().rposition(|variable| variable.name == name)?;
        Some(self.variables + at)
    }

    fn undefined(&self, name: u32) -> Error {
        let name = self.code.names.get(name as usize);
        let name = name.map_or("", |name| &**name);
        self.fail(format!("undefined variable: {name}"))
    }

    fn variable(&mut self, name: u32) -> Result<(), Error> {
        self.at = self.pc - 1;
        let found = self.find_variable(name);
        match found.and_then(|at| self.stacks.variables.get(at)) {
            Some(variable) => {
                self.is_interface = variable.is_interface;
                self.stacks.values.push(variable.value.clone());
                Ok(())
            }
            None => Err(self.undefined(name)),
        }
    }

    fn declare(&mut self, name: u32) {
        self.stacks.variables.push(Variable {
            name,
            value: self.top().clone(),
            is_interface: false,
        });
    }

    fn assign(&mut self, name: u32, value: Value, is_interface: bool) -> Result<(), Error> {
        let found = self.find_variable(name);
        match found.and_then(|at| self.stacks.variables.get_mut(at)) {
            Some(variable) => {
                variable.value = value;
                variable.is_interface = is_interface;
                Ok(())
            }
            None => Err(self.undefined(name)),
        }
    }

    // Control.

    fn test(&mut self, target: u32) {
        if !self.pop().truth() {
            self.pc = target as usize;
        }
    }

    fn with(&mut self, target: u32) {
        let value = self.pop();
        if !value.truth() {
            self.pc = target as usize;
            return;
        }
        let dot = Dot {
            value,
            is_interface: false,
        };
        self.stacks.dots.push(std::mem::replace(&mut self.dot, dot));
    }

    fn short_circuit(&mut self, target: u32, when: bool) {
        if self.top().truth() == when {
            self.pc = target as usize;
        } else {
            self.pop();
        }
    }

    fn find(&mut self, template: u32) -> Result<(), Error> {
        self.at = self.pc - 1;
        let name = self.template_name(template);
        if self.scope.find(name).is_none() {
            let name = crate::fmt::quote(name.as_bytes());
            return Err(self.fail(format!("template {name} not defined")));
        }
        if self.shared.depth >= self.shared.limits.depth {
            return Err(self.too_deep());
        }
        Ok(())
    }

    fn template_name(&self, template: u32) -> &'m str {
        let name = self.code.templates.get(template as usize);
        name.map_or("", |name| &**name)
    }

    fn template(&mut self, template: u32) -> Result<(), Error> {
        self.spend(1)?;
        let Some(code) = self.scope.code(self.template_name(template)) else {
            return Ok(());
        };
        let dot = Dot {
            value: self.pop(),
            is_interface: false,
        };
        self.shared.depth += 1;
        if let Some(watch) = self.shared.watch {
            watch.begins(self.template_name(template), &dot.value);
        }
        let first = self.stacks.variables.len();
        self.stacks.variables.push(Variable {
            name: 0,
            value: dot.value.clone(),
            is_interface: false,
        });
        self.frames.push(Frame {
            code: std::mem::replace(&mut self.code, code),
            pc: std::mem::replace(&mut self.pc, 0),
            dot: std::mem::replace(&mut self.dot, dot),
            variables: std::mem::replace(&mut self.variables, first),
        });
        Ok(())
    }

    // Output.

    #[inline]
    fn print_text(&mut self, span: crate::parse::Span) -> Result<(), Error> {
        let code = self.code;
        self.stacks.out.push_str(code.tree.span(span));
        self.check_output()
    }

    fn print(&mut self) -> Result<(), Error> {
        let value = self.pop();
        match &value {
            Value::Str(text) => self.stacks.out.push_text(text),
            Value::Nil => self.stacks.out.push_str("<no value>"),
            Value::Object(object) if object.kind() == crate::value::Kind::Func => {
                return Err(self.cannot_print(&value));
            }
            other => {
                let mut printer = Printer::with_limit(&mut self.stacks.out, self.shared.output);
                printer.indirect = true;
                printer.arg(other, 'v');
                if printer.has_overflowed() {
                    return Err(self.too_long());
                }
            }
        }
        self.check_output()
    }

    #[inline]
    fn check_output(&self) -> Result<(), Error> {
        if self.stacks.out.len() > self.shared.output {
            return Err(self.too_long());
        }
        Ok(())
    }

    #[inline]
    fn spend(&mut self, work: u64) -> Result<(), Error> {
        match self.shared.fuel.checked_sub(work) {
            Some(left) => {
                self.shared.fuel = left;
                Ok(())
            }
            None => Err(self.out_of_fuel()),
        }
    }
}

/// What `slice` sees of a bound that is of `interface {}` type.
struct Interface;

impl Object for Interface {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed("interface {}")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
