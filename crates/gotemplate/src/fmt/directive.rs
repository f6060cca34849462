//! Formats: text and directives such as `%-[2]*.3f`.

use super::printer::{Flags, Printer};
use super::rune::decode;
use crate::value::{Str, Value};

/// The largest width, precision or argument number.
const MAX: i64 = 1_000_000;

/// A walk through a format and its arguments.
struct Walk<'f> {
    format: &'f [u8],
    at: usize,
    args: &'f [Value],
    next: usize,
    /// An argument was named by its number.
    reordered: bool,
    /// The last such number was one there is.
    good_number: bool,
    /// Such a number stands right before this place.
    after_number: bool,
}

impl Printer<'_> {
    /// `fmt.Sprintf`.
    pub(crate) fn printf(&mut self, format: &Str, args: &[Value]) {
        if format.has_secrets() {
            let start = self.out.len();
            self.directives(format.as_bytes(), args);
            let end = self.out.len();
            self.out.mark(start..end);
            return;
        }
        self.directives(format.as_bytes(), args);
    }

    fn directives(&mut self, format: &[u8], args: &[Value]) {
        let mut walk = Walk {
            format,
            at: 0,
            args,
            next: 0,
            reordered: false,
            good_number: true,
            after_number: false,
        };
        while !walk.rest().is_empty() {
            let rest = walk.rest();
            let text = rest
                .iter()
                .position(|&byte| byte == b'%')
                .unwrap_or(rest.len());
            self.out.push_bytes(rest.get(..text).unwrap_or_default());
            walk.at += text + 1;
            if text == rest.len() {
                break;
            }
            if !self.directive(&mut walk) || self.out.len() > self.limit {
                break;
            }
        }
        self.flags = Flags::default();
        if !walk.reordered && walk.next < args.len() {
            self.extra(args.get(walk.next..).unwrap_or_default());
        }
    }

    /// What follows a `%`. Whether the format goes on.
    fn directive(&mut self, walk: &mut Walk<'_>) -> bool {
        self.flags = walk.flags();
        walk.good_number = true;
        walk.after_number = false;
        walk.number();
        self.width(walk);
        self.precision(walk);
        if !walk.after_number {
            walk.number();
        }
        if walk.rest().is_empty() {
            self.out.push_str("%!(NOVERB)");
            return false;
        }
        let (verb, width) = decode(walk.rest());
        let verb = verb.unwrap_or(char::REPLACEMENT_CHARACTER);
        walk.at += width;
        match walk.args.get(walk.next) {
            _ if verb == '%' => self.out.push_byte(b'%'),
            _ if !walk.good_number => self.complain(verb, "(BADINDEX)"),
            None => self.complain(verb, "(MISSING)"),
            Some(arg) => {
                if matches!(verb, 'v' | 'w') {
                    self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                    self.flags.plus_v = std::mem::take(&mut self.flags.plus);
                }
                self.arg(arg, verb);
                walk.next += 1;
            }
        }
        true
    }

    fn width(&mut self, walk: &mut Walk<'_>) {
        if !walk.eat(b'*') {
            self.flags.width = walk.digits();
            if walk.after_number && self.flags.width.is_some() {
                walk.good_number = false;
            }
            return;
        }
        match walk.int_arg() {
            Some(width) => {
                self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                if width < 0 {
                    self.flags.minus = true;
                    self.flags.zero = false;
                }
            }
            None => self.out.push_str("%!(BADWIDTH)"),
        }
        walk.after_number = false;
    }

    fn precision(&mut self, walk: &mut Walk<'_>) {
        // A point at the very end is no precision.
        if walk.rest().len() < 2 || !walk.eat(b'.') {
            return;
        }
        if walk.after_number {
            walk.good_number = false;
        }
        walk.number();
        if !walk.eat(b'*') {
            self.flags.prec = Some(walk.digits().unwrap_or_default());
            return;
        }
        match walk.int_arg().and_then(|prec| usize::try_from(prec).ok()) {
            Some(prec) => self.flags.prec = Some(prec),
            None => self.out.push_str("%!(BADPREC)"),
        }
        walk.after_number = false;
    }
}

impl<'f> Walk<'f> {
    fn rest(&self) -> &'f [u8] {
        self.format.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.rest().first() == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        loop {
            match self.rest().first() {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => return flags,
            }
            self.at += 1;
        }
    }

    /// A number in digits. One that is too large swallows the rest of the format, as in Go.
    fn digits(&mut self) -> Option<usize> {
        let (number, at) = digits(self.format, self.at, self.format.len());
        self.at = at;
        number
    }

    /// `[3]`: the argument that is next.
    fn number(&mut self) {
        self.after_number = false;
        let rest = self.rest();
        if rest.first() != Some(&b'[') {
            return;
        }
        self.reordered = true;
        let Some(close) = rest
            .iter()
            .position(|&byte| byte == b']')
            .filter(|_| rest.len() >= 3)
        else {
            self.good_number = false;
            self.at += 1;
            return;
        };
        let (number, end) = digits(rest, 1, close);
        self.at += close + 1;
        let Some(number) = number.filter(|_| end == close) else {
            self.good_number = false;
            return;
        };
        // A number that is none of an argument's still counts as one.
        self.after_number = true;
        match number
            .checked_sub(1)
            .filter(|index| *index < self.args.len())
        {
            Some(index) => self.next = index,
            None => self.good_number = false,
        }
    }

    /// The next argument, for `*`.
    fn int_arg(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = match arg.as_int() {
            Some(number) => number,
            None => i64::try_from(arg.as_uint()?).ok()?,
        };
        (-MAX..=MAX).contains(&number).then_some(number)
    }
}

fn digits(text: &[u8], from: usize, end: usize) -> (Option<usize>, usize) {
    let mut number = None;
    let mut at = from;
    while let Some(digit) = text
        .get(at)
        .filter(|byte| at < end && byte.is_ascii_digit())
    {
        let so_far = number.unwrap_or(0);
        if so_far > MAX {
            return (None, end);
        }
        number = Some(so_far * 10 + i64::from(digit - b'0'));
        at += 1;
    }
    (number.and_then(|number| usize::try_from(number).ok()), at)
}
