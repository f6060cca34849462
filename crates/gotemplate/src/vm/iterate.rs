//! Loops.

use std::sync::Arc;

use super::{Dot, Machine};
use crate::error::Error;
use crate::fmt;
use crate::value::{Kind, List, Str, Type, Value};

/// A loop that is being run.
pub(super) struct Loop {
    elements: Elements,
    declared: u8,
    is_assign: bool,
    /// The names of the variables for index and element.
    names: [u32; 2],
    /// How many variables, dots and marks there are at the start of each round.
    variables: usize,
    dots: usize,
    marks: usize,
    /// Dot outside of the loop.
    dot: Dot,
}

enum Elements {
    None,
    List(List, usize),
    Bytes(Arc<Str>, usize),
    Entries(std::vec::IntoIter<(Str, Value)>, bool),
    Count { next: i64, end: i64, kind: Kind },
}

impl Machine<'_, '_> {
    /// Starts a loop over the top of the stack, or jumps if there is nothing in it.
    pub(super) fn range(
        &mut self,
        declared: u8,
        is_assign: bool,
        names: [u32; 2],
        empty: u32,
    ) -> Result<(), Error> {
        let value = self.pop();
        let Some(elements) = self.elements(&value, declared)? else {
            self.pc = empty as usize;
            return Ok(());
        };
        self.stacks.loops.push(Loop {
            elements,
            declared,
            is_assign,
            names,
            variables: self.stacks.variables.len(),
            dots: self.stacks.dots.len(),
            marks: self.stacks.marks.len(),
            dot: self.dot.clone(),
        });
        let body = self.pc;
        self.advance(body)?;
        Ok(())
    }

    /// What a loop with nothing to iterate over executes; `break` leaves it as it leaves a loop.
    pub(super) fn enter_else(&mut self) {
        self.stacks.loops.push(Loop {
            elements: Elements::None,
            declared: 0,
            is_assign: false,
            names: [0, 0],
            variables: self.stacks.variables.len(),
            dots: self.stacks.dots.len(),
            marks: self.stacks.marks.len(),
            dot: self.dot.clone(),
        });
    }

    /// What to iterate over; `None` if there is nothing.
    fn elements(&self, value: &Value, declared: u8) -> Result<Option<Elements>, Error> {
        Ok(match value {
            Value::Nil => None,
            Value::List(list) if list.is_empty() => None,
            Value::List(list) => Some(Elements::List(list.clone(), 0)),
            Value::Bytes(bytes) if bytes.is_empty() => None,
            Value::Bytes(bytes) => Some(Elements::Bytes(Arc::clone(bytes), 0)),
            Value::Map(map) => {
                let entries = map.entries();
                let of_any = map.elem() == Type::Any;
                (!entries.is_empty()).then(|| Elements::Entries(entries.into_iter(), of_any))
            }
            Value::Object(object) => match object.underlying() {
                Some(inner) => return self.elements(&inner, declared),
                None if object.is_nil() => None,
                None => return Err(self.cannot_iterate(value)),
            },
            number => {
                let end = match (number.as_int(), number.as_uint()) {
                    (Some(int), _) => int,
                    (_, Some(uint)) => i64::try_from(uint).unwrap_or(i64::MAX),
                    _ => return Err(self.cannot_iterate(value)),
                };
                if declared > 1 {
                    let shown = fmt::display(value);
                    let shown = shown.to_text();
                    return Err(self.fail(format!(
                        "can't use {shown} to iterate over more than one variable"
                    )));
                }
                let kind = number.kind();
                (end > 0).then_some(Elements::Count { next: 0, end, kind })
            }
        })
    }

    #[cold]
    fn cannot_iterate(&self, value: &Value) -> Error {
        let shown = fmt::display(value);
        self.fail(format!("range can't iterate over {}", shown.to_text()))
    }

    /// The end of a round.
    pub(super) fn next(&mut self, body: u32) -> Result<(), Error> {
        self.reset();
        self.spend(1)?;
        if !self.advance(body as usize)? {
            let ended = self.stacks.loops.pop();
            self.dot = ended.map(|ended| ended.dot).unwrap_or_default();
        }
        Ok(())
    }

    /// Forgets what the round declared and opened.
    fn reset(&mut self) {
        if let Some(innermost) = self.stacks.loops.last() {
            self.stacks.variables.truncate(innermost.variables);
            self.stacks.dots.truncate(innermost.dots);
            self.stacks.marks.truncate(innermost.marks);
        }
    }

    pub(super) fn leave_loop(&mut self, target: u32) {
        self.reset();
        let ended = self.stacks.loops.pop();
        self.dot = ended.map(|ended| ended.dot).unwrap_or_default();
        self.pc = target as usize;
    }

    /// Sets dot and variables to the next element, if there is one.
    fn advance(&mut self, body: usize) -> Result<bool, Error> {
        let Some(innermost) = self.stacks.loops.last_mut() else {
            return Ok(false);
        };
        let Some((index, element, is_interface)) = innermost.elements.next() else {
            return Ok(false);
        };
        let (declared, names, top) = (innermost.declared, innermost.names, innermost.variables);
        if declared > 0 && innermost.is_assign {
            let [index_name, element_name] = names;
            if declared > 1 {
                self.assign(index_name, index, false)?;
            }
            self.assign(element_name, element.clone(), is_interface)?;
        } else if declared > 0 {
            if let Some(variable) = self.stacks.variables.get_mut(top - 1) {
                variable.value = element.clone();
                variable.is_interface = is_interface;
            }
            if declared > 1
                && let Some(variable) = self.stacks.variables.get_mut(top - 2)
            {
                variable.value = index;
            }
        }
        self.dot = Dot {
            value: element,
            is_interface,
        };
        self.pc = body;
        Ok(true)
    }
}

impl Elements {
    /// Index, element, and whether the element is of `interface {}` type.
    fn next(&mut self) -> Option<(Value, Value, bool)> {
        match self {
            Self::None => None,
            Self::List(list, next) => {
                let element = list.items().get(*next)?.clone();
                let index = i64::try_from(*next).unwrap_or(i64::MAX);
                *next += 1;
                Some((Value::Int(index), element, list.elem() == Type::Any))
            }
            Self::Bytes(bytes, next) => {
                let element = Value::byte(*bytes.as_bytes().get(*next)?);
                let index = i64::try_from(*next).unwrap_or(i64::MAX);
                *next += 1;
                Some((Value::Int(index), element, false))
            }
            Self::Entries(entries, of_any) => {
                let (key, value) = entries.next()?;
                Some((Value::Str(key), value, *of_any))
            }
            Self::Count { next, end, kind } => {
                if next >= end {
                    return None;
                }
                let number = *next;
                *next += 1;
                let element = match kind {
                    Kind::Int => Value::Int(number),
                    Kind::Int64 => Value::Int64(number),
                    Kind::Int8 | Kind::Int16 | Kind::Int32 => {
                        Value::SmallInt(*kind, i32::try_from(number).unwrap_or(i32::MAX))
                    }
                    _ => Value::Uint(*kind, number.cast_unsigned()),
                };
                Some((Value::Nil, element, false))
            }
        }
    }
}
