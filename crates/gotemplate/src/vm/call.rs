//! Calls of functions and methods.

use std::sync::Arc;

use super::Machine;
use super::host::Host;
use crate::builtin::{Builtin, not_callable, zero};
use crate::error::Error;
use crate::function::{Call, Context, Signature};
use crate::parse::{NodeId, NodeKind};
use crate::value::{List, Object, Str, Type, Value};

/// What a call costs.
const CALL: u64 = 2;

impl<'m> Machine<'m, '_> {
    /// Checks the top of the stack against a parameter's type.
    pub(super) fn validate(&mut self, to: Type) -> Result<(), Error> {
        if self.top().is_assignable_to(to) {
            return Ok(());
        }
        let value = self.pop();
        let value = self.converted(&value, to, self.is_interface);
        let value = value.map_err(|reason| self.fail(reason))?;
        self.stacks.values.push(value);
        Ok(())
    }

    /// A value as one of a type that it is not assignable to, or why it cannot be.
    #[expect(clippy::unused_self, reason = "reads as a rule of the machine")]
    fn converted(&self, value: &Value, to: Type, is_interface: bool) -> Result<Value, String> {
        match value {
            Value::Nil if is_interface => Err(format!(
                "wrong type for value; expected {to}; got interface {{}}"
            )),
            Value::Nil if to.can_be_nil() => Ok(zero(to)),
            Value::Nil => Err(format!("invalid value; expected {to}")),
            other => {
                let of = other.type_name();
                Err(format!("wrong type for value; expected {to}; got {of}"))
            }
        }
    }

    /// Puts the piped value behind the arguments. The index of the first argument.
    fn arrange(
        &mut self,
        signature: Signature,
        args: u16,
        has_final: bool,
    ) -> Result<usize, Error> {
        if args == 0 {
            self.at = self.pc - 1;
        }
        let count = usize::from(args) + usize::from(has_final);
        let base = self.stacks.values.len().saturating_sub(count);
        if has_final {
            if let Some(all) = self.stacks.values.get_mut(base..)
                && args > 0
            {
                all.rotate_left(1);
            }
            let to = signature
                .fixed
                .get(count - 1)
                .copied()
                .or(signature.variadic);
            if let Some(to) = to
                && !self.top().is_assignable_to(to)
            {
                let value = self.pop();
                let value = self.converted(&value, to, false);
                let value = value.map_err(|reason| self.fail(reason))?;
                self.stacks.values.push(value);
            }
        }
        Ok(base)
    }

    pub(super) fn call(&mut self, function: u32, args: u16, has_final: bool) -> Result<(), Error> {
        self.spend(CALL)?;
        let code = self.code;
        let Some((name, function)) = code.functions.get(function as usize) else {
            return Ok(());
        };
        let base = self.arrange(function.signature(), args, has_final)?;
        let arguments = self.stacks.values.get(base..).unwrap_or_default();
        let node = self.node(self.pc - 1);
        let mut host = Host {
            shared: &mut *self.shared,
            scope: self.scope,
            code,
            node,
        };
        let mut context = Context { machine: &mut host };
        let result = (function.body)(&mut Call::new(arguments, &mut context));
        match result {
            Ok(mut value) => {
                if self.shared.secrets && arguments.iter().any(is_secret) {
                    value = all_secret(value);
                }
                self.stacks.values.truncate(base);
                self.account(&value)?;
                self.push(value, false);
                Ok(())
            }
            Err(error) => Err(self.call_error(error, name, self.node(self.pc - 1))),
        }
    }

    /// Takes fuel for what a call made, so that a loop cannot fill the memory or copy for ever.
    fn account(&mut self, made: &Value) -> Result<(), Error> {
        let size = match made {
            Value::Str(text) => text.len() / 32,
            Value::Bytes(bytes) => bytes.len() / 32,
            Value::List(list) => list.len() / 16,
            _ => return Ok(()),
        };
        self.spend(size as u64)
    }

    #[cold]
    fn call_error(&self, error: Error, name: &str, node: NodeId) -> Error {
        self.place(error, node, &format!("error calling {name}: "))
    }

    pub(super) fn builtin(
        &mut self,
        builtin: Builtin,
        args: u16,
        has_final: bool,
    ) -> Result<(), Error> {
        self.spend(CALL)?;
        let base = self.arrange(builtin.signature(), args, has_final)?;
        let arguments = self.stacks.values.get(base..).unwrap_or_default();
        let result = if builtin == Builtin::Call {
            return self.call_value(base, args);
        } else {
            builtin.call(arguments, self.is_interface, self.shared.output)
        };
        match result {
            Ok(value) => {
                self.stacks.values.truncate(base);
                self.account(&value)?;
                // An element that is nil is a nil interface; pipelines make it no value.
                self.push(value, builtin == Builtin::Index);
                Ok(())
            }
            Err(error) => Err(self.call_error(error, builtin.name(), self.node(self.pc - 1))),
        }
    }

    /// `call`: the first argument is a function.
    fn call_value(&mut self, base: usize, args: u16) -> Result<(), Error> {
        let command = self.node(self.pc - 1);
        let mut arguments = self.stacks.values.split_off(base).into_iter();
        let function = arguments.next().unwrap_or_default();
        let arguments: Vec<Value> = arguments.collect();
        let name = match self.code.tree.kind(command) {
            NodeKind::Command(nodes) if args > 0 => self
                .code
                .tree
                .children(*nodes)
                .get(1)
                .map_or_else(String::new, |&node| self.code.tree.show(node)),
            _ => match &function {
                Value::Str(text) => text.to_text().into_owned(),
                Value::Nil => "<invalid Value>".to_owned(),
                other => format!("<{} Value>", other.type_name()),
            },
        };
        match (not_callable(&name, &function), function) {
            (None, Value::Object(object)) => {
                let value = self.invoke(&object, "", &arguments, command)?;
                self.push(value, false);
                Ok(())
            }
            (reason, _) => {
                let error = Error::new(reason.unwrap_or_default());
                Err(self.call_error(error, "call", command))
            }
        }
    }

    /// Calls a method: receiver and arguments lie on the stack, the piped value before them.
    pub(super) fn call_method(
        &mut self,
        key: u32,
        args: u16,
        has_final: bool,
    ) -> Result<(), Error> {
        let name: &'m str = self.key(key);
        let count = usize::from(args);
        let split = self.stacks.values.len().saturating_sub(count);
        let mut arguments = self.stacks.values.split_off(split);
        let receiver = self.pop();
        if has_final {
            arguments.push(self.pop());
        }
        let Value::Object(object) = receiver else {
            self.push(Value::Nil, false);
            return Ok(());
        };
        let value = self.invoke(&object, name, &arguments, self.node(self.pc - 1))?;
        self.push(value, false);
        Ok(())
    }

    /// Calls a method with arguments that are still to be checked.
    pub(super) fn invoke(
        &mut self,
        object: &Arc<dyn Object>,
        name: &str,
        arguments: &[Value],
        node: NodeId,
    ) -> Result<Value, Error> {
        self.spend(CALL)?;
        let signature = object.method(name).unwrap_or(Signature::of(&[]));
        let (given, fixed) = (arguments.len(), signature.fixed.len());
        if signature.variadic.is_some() && given < fixed {
            let reason =
                format!("wrong number of args for {name}: want at least {fixed} got {given}");
            return Err(self.fail(reason));
        }
        if signature.variadic.is_none() && given != fixed {
            let reason = format!("wrong number of args for {name}: want {fixed} got {given}");
            return Err(self.fail(reason));
        }
        let mut checked = Vec::with_capacity(given);
        for (index, value) in arguments.iter().enumerate() {
            let to = signature.fixed.get(index).copied().or(signature.variadic);
            let to = to.unwrap_or(Type::Any);
            checked.push(if value.is_assignable_to(to) {
                value.clone()
            } else {
                let value = self.converted(value, to, false);
                value.map_err(|reason| self.fail(reason))?
            });
        }
        let mut host = Host {
            shared: &mut *self.shared,
            scope: self.scope,
            code: self.code,
            node,
        };
        let mut context = Context { machine: &mut host };
        let result = object.call(name, &mut Call::new(&checked, &mut context));
        result.map_err(|error| self.call_error(error, name, node))
    }
}

/// Whether an argument is a secret text, or a list of some.
fn is_secret(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.has_secrets(),
        Value::Bytes(bytes) => bytes.has_secrets(),
        Value::List(list) => list
            .items()
            .iter()
            .any(|item| matches!(item, Value::Str(text) if text.has_secrets())),
        _ => false,
    }
}

/// What a function made of a secret: texts that have no marks of their own are secret as a whole.
fn all_secret(value: Value) -> Value {
    let secret = |text: &Str| {
        if text.has_secrets() {
            text.clone()
        } else {
            Str::secret(text.clone())
        }
    };
    match &value {
        Value::Str(text) => Value::Str(secret(text)),
        Value::Bytes(bytes) => Value::Bytes(Arc::new(secret(bytes))),
        Value::List(list) => {
            let items = list.items().iter().map(|item| match item {
                Value::Str(text) => Value::Str(secret(text)),
                other => other.clone(),
            });
            Value::List(List::typed(list.elem(), items.collect()))
        }
        _ => value,
    }
}
