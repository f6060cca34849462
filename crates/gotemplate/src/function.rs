//! Functions that templates may call: how they declare themselves, and what they are given.

use std::any::Any;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use foldhash::HashMap;

use crate::error::{Error, Place};
use crate::value::{List, Map, Str, Type, Value};

/// The types of a function's parameters. Calls are checked against them before the function runs, with
/// Go's rules and Go's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The parameters that must be there.
    pub fixed: &'static [Type],
    /// The type of each further argument: `Some(Type::Any)` for `...interface{}`.
    pub variadic: Option<Type>,
}

impl Signature {
    /// Exactly these parameters.
    pub const fn of(fixed: &'static [Type]) -> Self {
        Self {
            fixed,
            variadic: None,
        }
    }

    /// These parameters and any number more of another type.
    pub const fn variadic(fixed: &'static [Type], rest: Type) -> Self {
        Self {
            fixed,
            variadic: Some(rest),
        }
    }
}

type Body = Arc<dyn Fn(&mut Call<'_, '_>) -> Result<Value, Error> + Send + Sync>;

/// A function.
#[derive(Clone)]
pub struct Function {
    pub(crate) signature: Signature,
    pub(crate) body: Body,
}

impl Function {
    /// A function with a signature.
    pub fn new(
        signature: Signature,
        body: impl Fn(&mut Call<'_, '_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) -> Self {
        let body = Arc::new(body);
        Self { signature, body }
    }

    /// What it takes.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Runs it for a call that was made of another function with the same signature: one that stands
    /// in front of it.
    pub fn run(&self, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        (self.body)(call)
    }
}

/// Functions by name. The builtin ones of `text/template` are always there and may be replaced.
#[derive(Clone, Default)]
pub struct Functions {
    pub(crate) by_name: HashMap<&'static str, Function>,
}

impl Functions {
    /// None but the builtin ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a function.
    pub fn insert(&mut self, name: &'static str, function: Function) {
        self.by_name.insert(name, function);
    }

    /// Adds or replaces a function.
    pub fn add(
        &mut self,
        name: &'static str,
        signature: Signature,
        body: impl Fn(&mut Call<'_, '_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.insert(name, Function::new(signature, body));
    }

    /// Takes a function away.
    pub fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// A function that was added.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.by_name.get(name)
    }

    /// The names of what was added, in no order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.by_name.keys().copied()
    }
}

/// One call of a function: its arguments and a way back into the engine.
pub struct Call<'a, 'c> {
    args: Args<'a>,
    context: &'a mut Context<'c>,
}

impl<'a, 'c> Call<'a, 'c> {
    /// A call with arguments that have been checked.
    pub fn new(args: &'a [Value], context: &'a mut Context<'c>) -> Self {
        let args = Args(args);
        Self { args, context }
    }

    /// The arguments, apart from the borrow of the context.
    pub fn args(&self) -> Args<'a> {
        self.args
    }

    /// The engine.
    pub fn context(&mut self) -> &mut Context<'c> {
        self.context
    }

    /// Executes a template with `data` as its dot: what Helm's `include` does.
    pub fn render(&mut self, name: &str, data: &Value) -> Result<Str, Error> {
        self.context.render(name, data)
    }
}

impl<'a> Deref for Call<'a, '_> {
    type Target = Args<'a>;

    fn deref(&self) -> &Args<'a> {
        &self.args
    }
}

/// Arguments. The accessors of a type give its zero value where the argument is of another type, which
/// a signature rules out.
#[derive(Clone, Copy)]
pub struct Args<'a>(pub &'a [Value]);

impl<'a> Args<'a> {
    /// All of them.
    pub fn all(self) -> &'a [Value] {
        self.0
    }

    /// The number of arguments.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Those from an index on: the variadic ones.
    pub fn rest(self, from: usize) -> &'a [Value] {
        self.0.get(from..).unwrap_or_default()
    }

    /// An argument; nil if there are not so many.
    pub fn value(self, index: usize) -> &'a Value {
        const NIL: &Value = &Value::Nil;
        self.0.get(index).unwrap_or(NIL)
    }

    /// A string argument with its marks.
    pub fn string(self, index: usize) -> Str {
        self.value(index).as_str().cloned().unwrap_or_default()
    }

    /// A string argument as text.
    pub fn text(self, index: usize) -> Cow<'a, str> {
        match self.value(index) {
            Value::Str(text) => text.to_text(),
            _ => Cow::Borrowed(""),
        }
    }

    /// A string or `[]byte` argument as bytes.
    pub fn bytes(self, index: usize) -> &'a [u8] {
        match self.value(index) {
            Value::Str(text) => text.as_bytes(),
            Value::Bytes(text) => text.as_bytes(),
            _ => &[],
        }
    }

    /// An argument of any signed integer type.
    pub fn int(self, index: usize) -> i64 {
        self.value(index).as_int().unwrap_or_default()
    }

    /// A float argument.
    pub fn float(self, index: usize) -> f64 {
        self.value(index).as_float().unwrap_or_default()
    }

    /// A boolean argument.
    pub fn bool(self, index: usize) -> bool {
        matches!(self.value(index), Value::Bool(true))
    }

    /// A map argument; the very map, so that it can be changed.
    pub fn map(self, index: usize) -> Map {
        match self.value(index) {
            Value::Map(map) => map.clone(),
            Value::Object(object) => match object.underlying() {
                Some(Value::Map(map)) => map,
                _ => Map::nil(Type::Any),
            },
            _ => Map::nil(Type::Any),
        }
    }

    /// A slice argument.
    pub fn list(self, index: usize) -> List {
        match self.value(index) {
            Value::List(list) => list.clone(),
            Value::Object(object) => match object.underlying() {
                Some(Value::List(list)) => list,
                _ => List::nil(Type::Any),
            },
            _ => List::nil(Type::Any),
        }
    }
}

/// The engine as a function sees it.
pub struct Context<'c> {
    pub(crate) machine: &'c mut dyn Engine,
}

/// What a function may ask of the engine.
pub(crate) trait Engine {
    fn render(&mut self, name: &str, data: &Value) -> Result<Str, Error>;
    fn render_text(&mut self, name: &str, text: &Str, data: &Value) -> Result<Str, Error>;
    fn is_defined(&self, name: &str) -> bool;
    fn spend(&mut self, work: u64) -> Result<(), Error>;
    fn state(&self) -> Option<&dyn Any>;
    fn has_secrets(&self) -> bool;
    fn place(&self) -> Place;
}

impl Context<'_> {
    /// Executes a template with `data` as its dot: what Helm's `include` does. The error is Go's, ready
    /// to be returned as it is.
    pub fn render(&mut self, name: &str, data: &Value) -> Result<Str, Error> {
        self.machine.render(name, data)
    }

    /// Parses a text as a template named `name` and executes it: what Helm's `tpl` does. What it
    /// defines is seen by itself and what it includes, and forgotten after.
    pub fn render_text(&mut self, name: &str, text: &Str, data: &Value) -> Result<Str, Error> {
        self.machine.render_text(name, text, data)
    }

    /// Whether a template of this name is defined.
    pub fn is_defined(&self, name: &str) -> bool {
        self.machine.is_defined(name)
    }

    /// Takes from the fuel: a unit is about an instruction, or a few dozen bytes made. Functions whose
    /// work is not bounded by their arguments' size call it first.
    pub fn spend(&mut self, work: u64) -> Result<(), Error> {
        self.machine.spend(work)
    }

    /// What the caller of [`Templates::execute`](crate::Templates::execute) gave in
    /// [`Options::state`](crate::Options::state), if it is of this type.
    pub fn state<T: Any>(&self) -> Option<&T> {
        self.machine.state()?.downcast_ref()
    }

    /// Where the call stands.
    pub fn place(&self) -> Place {
        self.machine.place()
    }

    /// Whether any data may be secret; if not, functions need not look at marks.
    pub fn has_secrets(&self) -> bool {
        self.machine.has_secrets()
    }
}
