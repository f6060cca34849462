//! What Go prints where verb and value do not fit.

use super::printer::Printer;
use crate::value::Value;

impl Printer<'_> {
    /// `%!d(string=text)`.
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) {
        self.erroring = true;
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push_byte(b'(');
        if value.is_nil() {
            self.out.push_str("<nil>");
        } else {
            self.out.push_str(&value.type_name());
            self.out.push_byte(b'=');
            self.arg(value, 'v');
        }
        self.out.push_byte(b')');
        self.erroring = false;
    }

    /// `%!d(MISSING)`, `%!d(BADINDEX)`.
    pub(super) fn complain(&mut self, verb: char, what: &str) {
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push_str(what);
    }

    /// `%!(EXTRA int=1, string=x)`.
    pub(super) fn extra(&mut self, args: &[Value]) {
        self.out.push_str("%!(EXTRA ");
        for (index, arg) in args.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if arg.is_nil() {
                self.out.push_str("<nil>");
            } else {
                self.out.push_str(&arg.type_name());
                self.out.push_byte(b'=');
                self.arg(arg, 'v');
            }
        }
        self.out.push_byte(b')');
    }
}
