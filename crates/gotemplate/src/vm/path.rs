//! Fields of fields.

use std::sync::Arc;

use super::{Machine, Names};
use crate::builtin::zero;
use crate::compile::{Keys, Op};
use crate::error::Error;
use crate::template::MissingKey;
use crate::value::{Kind, Map, Object, Type, Value};

/// Where a walk along fields ended.
enum Found {
    /// At the last field: its value, and whether its static type is `interface {}`.
    Value(Value, bool),
    /// At an object, to be asked for the field of this index.
    Object(Arc<dyn Object>, usize, bool),
    Failure(Failure),
}

/// Why the field of an index has no value.
struct Failure {
    index: usize,
    kind: FailureKind,
}

enum FailureKind {
    NilInterface,
    NilPointer(String),
    NilData,
    NoEntry,
    /// The type that has no such field.
    NoField(String),
}

impl Machine<'_, '_> {
    pub(super) fn dot_path(&mut self, keys: Keys) -> Result<(), Error> {
        self.at = self.pc - 1;
        let names = self.keys(keys);
        let found = self.walk(&self.dot.value, self.dot.is_interface, names, 0);
        self.arrive(found, names)
    }

    pub(super) fn variable_path(&mut self, name: u32, keys: Keys) -> Result<(), Error> {
        self.at = self.pc - 1;
        let names = self.keys(keys);
        let variable = self.find_variable(name);
        let Some(variable) = variable.and_then(|at| self.stacks.variables.get(at)) else {
            return Err(self.undefined(name));
        };
        let found = self.walk(&variable.value, variable.is_interface, names, 0);
        self.arrive(found, names)
    }

    /// A path from the top of the stack.
    pub(super) fn path(&mut self, keys: Keys) -> Result<(), Error> {
        let names = self.keys(keys);
        let value = self.pop();
        let found = self.walk(&value, self.is_interface, names, 0);
        self.arrive(found, names)
    }

    /// Walks on as long as there are maps; intermediate values are only looked at.
    fn walk(&self, value: &Value, is_interface: bool, names: Names<'_>, index: usize) -> Found {
        let Some(name) = names.get(index) else {
            return Found::Value(value.clone(), is_interface);
        };
        let failure = |kind| Found::Failure(Failure { index, kind });
        match value {
            Value::Map(map) => self.walk_map(map, name, names, index),
            Value::Nil if is_interface => failure(FailureKind::NilInterface),
            Value::Nil if self.shared.missing_key == MissingKey::Error => {
                failure(FailureKind::NilData)
            }
            Value::Nil => Found::Value(Value::Nil, false),
            Value::Object(object) => Found::Object(Arc::clone(object), index, is_interface),
            other => failure(FailureKind::NoField(static_type(other, is_interface))),
        }
    }

    fn walk_map(&self, map: &Map, name: &str, names: Names<'_>, index: usize) -> Found {
        let of_any = map.elem() == Type::Any;
        map.look(name.as_bytes(), |found| match found {
            Some(value) => self.walk(value, of_any, names, index + 1),
            None => match self.shared.missing_key {
                MissingKey::Invalid => self.walk(&Value::Nil, false, names, index + 1),
                MissingKey::Zero => self.walk(&zero(map.elem()), of_any, names, index + 1),
                MissingKey::Error => Found::Failure(Failure {
                    index,
                    kind: FailureKind::NoEntry,
                }),
            },
        })
    }

    /// Pushes what was found, asking the objects on the way.
    fn arrive(&mut self, found: Found, names: Names<'_>) -> Result<(), Error> {
        let mut found = found;
        loop {
            match found {
                Found::Value(value, is_interface) => {
                    self.push(value, is_interface);
                    return Ok(());
                }
                Found::Failure(failure) => return Err(self.field_error(failure, names)),
                Found::Object(object, index, is_interface) => {
                    found = self.object_field(&object, index, is_interface, names)?;
                }
            }
        }
    }

    fn object_field(
        &mut self,
        object: &Arc<dyn Object>,
        index: usize,
        is_interface: bool,
        names: Names<'_>,
    ) -> Result<Found, Error> {
        let name = names.get(index).unwrap_or_default();
        if object.method(name).is_some() {
            let value = self.invoke(object, name, &[], self.node(self.at))?;
            return Ok(self.walk(&value, false, names, index + 1));
        }
        if let Some(value) = object.field(name) {
            return Ok(self.walk(&value, false, names, index + 1));
        }
        if let Some(Value::Map(map)) = object.underlying() {
            return Ok(self.walk_map(&map, name, names, index));
        }
        let type_name = object.type_name().into_owned();
        let kind = if object.is_nil() && object.kind() == Kind::Ptr {
            FailureKind::NilPointer(type_name)
        } else if is_interface {
            FailureKind::NoField("interface {}".to_owned())
        } else {
            FailureKind::NoField(type_name)
        };
        Ok(Found::Failure(Failure { index, kind }))
    }

    #[cold]
    fn field_error(&self, failure: Failure, names: Names<'_>) -> Error {
        let index = failure.index;
        let name = names.get(index).unwrap_or_default();
        let reason = match failure.kind {
            FailureKind::NilInterface => format!("nil pointer evaluating interface {{}}.{name}"),
            FailureKind::NilPointer(of) => format!("nil pointer evaluating {of}.{name}"),
            FailureKind::NilData => format!("nil data; no entry for key {}", quoted(name)),
            FailureKind::NoEntry => format!("map has no entry for key {}", quoted(name)),
            FailureKind::NoField(of) => format!("can't evaluate field {name} in type {of}"),
        };
        let shown = self.shown_path(names.iter().take(index));
        self.fail(reason).with_nil_path(Some(shown))
    }

    /// The path up to what had no field: `.Values.image`.
    fn shown_path<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let start = match self.code.ops.get(self.pc.saturating_sub(1)) {
            Some(Op::VariablePath { name, .. }) => {
                let name = self.code.names.get(*name as usize);
                name.map_or_else(String::new, ToString::to_string)
            }
            Some(Op::Path(_)) => "(…)".to_owned(),
            _ => String::new(),
        };
        let path = names.fold(start, |path, name| format!("{path}.{name}"));
        if path.is_empty() {
            ".".to_owned()
        } else {
            path
        }
    }

    /// Fails unless the top has a method that takes so many arguments.
    pub(super) fn check_method(&mut self, key: u32, args: u16, final_: bool) -> Result<(), Error> {
        let name = self.key(key);
        let receiver = self.top();
        match receiver {
            Value::Object(object) => {
                if object.method(name).is_some() {
                    return Ok(());
                }
                if object.field(name).is_some() {
                    let reason = format!("{name} has arguments but cannot be invoked as function");
                    return Err(self.fail(reason));
                }
                if matches!(object.underlying(), Some(Value::Map(_))) {
                    return Err(self.fail(format!("{name} is not a method but has arguments")));
                }
            }
            Value::Map(_) => {
                return Err(self.fail(format!("{name} is not a method but has arguments")));
            }
            Value::Nil if self.is_interface => {
                let reason = format!("nil pointer evaluating interface {{}}.{name}");
                return Err(self.fail(reason));
            }
            Value::Nil if self.shared.missing_key == MissingKey::Error => {
                let key = quoted(name);
                return Err(self.fail(format!("nil data; no entry for key {key}")));
            }
            Value::Nil => return Ok(()),
            _ => {}
        }
        let of = static_type(receiver, self.is_interface);
        let _ = (args, final_);
        Err(self.fail(format!("can't evaluate field {name} in type {of}")))
    }
}

fn quoted(name: &str) -> String {
    crate::fmt::quote(name.as_bytes())
}

fn static_type(value: &Value, is_interface: bool) -> String {
    if is_interface {
        return "interface {}".to_owned();
    }
    value.type_name().into_owned()
}
