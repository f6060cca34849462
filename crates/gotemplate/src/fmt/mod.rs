//! Go's `fmt`: how values print, for every verb, flag, width and precision.
//!
//! A [`Value`] goes in, its text goes into a [`Buffer`], with the marks of secrets kept. Mirrors
//! `Sprint`, `Sprintln` and `Sprintf` of Go 1.26, mistakes in formats included (`%!d(string=x)`).

mod complaint;
mod directive;
mod float;
mod number;
mod printer;
mod quote;
mod rune;
#[cfg(test)]
mod tests;

use crate::value::{Buffer, Kind, Str, Value};

pub use float::float;
pub(crate) use printer::Printer;
pub(crate) use quote::{is_digit, is_letter};
pub use quote::{is_print, quote, quote_to_ascii};
pub(crate) use rune::decode;

/// `fmt.Sprint`: spaces between operands where neither is a string.
pub fn sprint(args: &[Value]) -> Str {
    let mut out = Buffer::new();
    print(&mut Printer::new(&mut out), args);
    out.to_str()
}

/// `fmt.Sprintln`: spaces between operands, a line break at the end.
pub fn sprintln(args: &[Value]) -> Str {
    let mut out = Buffer::new();
    println(&mut Printer::new(&mut out), args);
    out.to_str()
}

/// `fmt.Sprintf`.
pub fn sprintf(format: &Str, args: &[Value]) -> Str {
    let mut out = Buffer::new();
    Printer::new(&mut out).printf(format, args);
    out.to_str()
}

/// A value as `%v` prints it.
pub fn display(value: &Value) -> Str {
    if let Value::Str(text) = value {
        return text.clone();
    }
    let mut out = Buffer::new();
    append(&mut out, value);
    out.to_str()
}

/// Adds a value as `%v` prints it.
pub fn append(out: &mut Buffer, value: &Value) {
    match value {
        Value::Str(text) => out.push_text(text),
        other => Printer::new(out).arg(other, 'v'),
    }
}

pub(crate) fn print(printer: &mut Printer<'_>, args: &[Value]) {
    let mut after_string = true; // No space before the first.
    for arg in args {
        let is_string = arg.kind() == Kind::String;
        if !is_string && !after_string {
            printer.out.push_byte(b' ');
        }
        printer.arg(arg, 'v');
        after_string = is_string;
    }
}

pub(crate) fn println(printer: &mut Printer<'_>, args: &[Value]) {
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.out.push_byte(b' ');
        }
        printer.arg(arg, 'v');
    }
    printer.out.push_byte(b'\n');
}
