//! The functions that every template has.
//!
//! Arguments come in checked for number and type; a value or the words of an error come out. `and` and
//! `or` are instructions, since they do not always evaluate their arguments.

mod compare;
mod escape;
mod index;

pub(crate) use index::zero;

use crate::error::{Error, ErrorKind};
use crate::fmt::{self, Printer};
use crate::function::Signature;
use crate::value::{Buffer, Kind, Str, Type, Value};

/// A builtin function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Or,
    Not,
    Len,
    Index,
    Slice,
    Print,
    Printf,
    Println,
    Html,
    Js,
    Urlquery,
    Call,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

const ONE: &[Type] = &[Type::Reflect];
const TWO: &[Type] = &[Type::Reflect, Type::Reflect];

impl Builtin {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "len" => Self::Len,
            "index" => Self::Index,
            "slice" => Self::Slice,
            "print" => Self::Print,
            "printf" => Self::Printf,
            "println" => Self::Println,
            "html" => Self::Html,
            "js" => Self::Js,
            "urlquery" => Self::Urlquery,
            "call" => Self::Call,
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
            Self::Len => "len",
            Self::Index => "index",
            Self::Slice => "slice",
            Self::Print => "print",
            Self::Printf => "printf",
            Self::Println => "println",
            Self::Html => "html",
            Self::Js => "js",
            Self::Urlquery => "urlquery",
            Self::Call => "call",
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        }
    }

    pub(crate) fn signature(self) -> Signature {
        match self {
            Self::And | Self::Or | Self::Index | Self::Slice | Self::Call | Self::Eq => {
                Signature::variadic(ONE, Type::Reflect)
            }
            Self::Not | Self::Len => Signature::of(ONE),
            Self::Print | Self::Println | Self::Html | Self::Js | Self::Urlquery => {
                Signature::variadic(&[], Type::Any)
            }
            Self::Printf => Signature::variadic(&[Type::String], Type::Any),
            Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => Signature::of(TWO),
        }
    }

    /// Calls it. `is_nil_interface` tells a nil in a map or list from no value at all, where the last
    /// argument is nil; texts longer than `limit` are an error.
    pub(crate) fn call(
        self,
        args: &[Value],
        is_nil_interface: bool,
        limit: usize,
    ) -> Result<Value, Error> {
        let (first, rest) = args.split_first().unwrap_or((&Value::Nil, &[]));
        let second = rest.first().unwrap_or(&Value::Nil);
        match self {
            Self::And | Self::Or | Self::Call => Err(Error::new("unreachable")),
            Self::Not => Ok(Value::Bool(!first.truth())),
            Self::Len => index::length(first, is_nil_interface).map_err(Error::new),
            Self::Index => index::index(first, rest).map_err(Error::new),
            Self::Slice => index::slice(first, rest).map_err(Error::new),
            Self::Print => text(limit, |printer| fmt::print(printer, args)),
            Self::Println => text(limit, |printer| fmt::println(printer, args)),
            Self::Printf => {
                let format = first.as_str().cloned().unwrap_or_default();
                text(limit, |printer| printer.printf(&format, rest))
            }
            Self::Html => escaped(args, limit, escape::html),
            Self::Js => escaped(args, limit, escape::js),
            Self::Urlquery => escaped(args, limit, escape::url_query),
            Self::Eq => compare::eq(first, rest)
                .map_err(Error::new)
                .map(Value::Bool),
            Self::Ne => truth(compare::eq(first, rest).map(|equal| !equal)),
            Self::Lt => truth(compare::lt(first, second)),
            Self::Le => truth(compare::le(first, second)),
            Self::Gt => truth(compare::le(first, second).map(|is| !is)),
            Self::Ge => truth(compare::lt(first, second).map(|is| !is)),
        }
    }
}

fn truth(result: Result<bool, String>) -> Result<Value, Error> {
    result.map(Value::Bool).map_err(Error::new)
}

fn text(limit: usize, print: impl FnOnce(&mut Printer<'_>)) -> Result<Value, Error> {
    let mut out = Buffer::new();
    let mut printer = Printer::with_limit(&mut out, limit);
    print(&mut printer);
    if printer.has_overflowed() {
        return Err(Error::new("the text is too long or nested too deep").of_kind(ErrorKind::Limit));
    }
    Ok(Value::Str(out.to_str()))
}

/// The text of the arguments, escaped.
fn escaped(args: &[Value], limit: usize, escape: fn(&Str) -> Str) -> Result<Value, Error> {
    if let [Value::Str(one)] = args {
        return Ok(Value::Str(escape(one)));
    }
    let shown: Vec<Value> = args
        .iter()
        .map(|arg| match arg {
            Value::Nil => Value::from("<no value>"),
            other => other.clone(),
        })
        .collect();
    let printed = text(limit, |printer| {
        printer.indirect = true;
        fmt::print(printer, &shown);
    })?;
    Ok(match printed {
        Value::Str(text) => Value::Str(escape(&text)),
        other => other,
    })
}

/// Why a value that is no function cannot be called.
pub(crate) fn not_callable(name: &str, value: &Value) -> Option<String> {
    match value.kind() {
        Kind::Invalid => Some("call of nil".to_owned()),
        Kind::Func => None,
        _ => Some(format!("non-function {name} of type {}", value.type_name())),
    }
}
