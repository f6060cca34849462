//! Integers, floats and complex numbers under a verb.

use super::float::{self, Width};
use super::printer::Printer;
use super::quote;
use crate::value::{Kind, Value};

/// An integer as its size and sign.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    size: u64,
    negative: bool,
    is_signed: bool,
    /// The two's complement, which `%c` and `%U` look at.
    bits: u64,
}

impl Digits {
    pub(super) fn signed(n: i64) -> Self {
        Self {
            size: n.unsigned_abs(),
            negative: n < 0,
            is_signed: true,
            bits: n.cast_unsigned(),
        }
    }

    pub(super) fn unsigned(n: u64) -> Self {
        Self {
            size: n,
            negative: false,
            is_signed: false,
            bits: n,
        }
    }

    fn rune(self) -> char {
        u32::try_from(self.bits)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

impl Printer<'_> {
    pub(super) fn integer(&mut self, value: &Value, digits: Digits, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && !digits.is_signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(digits, 'x');
                self.flags.sharp = sharp;
            }
            'v' => self.digits(digits, 'd'),
            'd' | 'b' | 'o' | 'O' | 'x' | 'X' => self.digits(digits, verb),
            'c' => self.pad(digits.rune().encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => {
                let quoted = quote::quote_rune(digits.rune(), self.flags.plus);
                self.pad(quoted.as_bytes());
            }
            'U' => self.unicode(digits.bits),
            _ => self.bad_verb(value, verb),
        }
    }

    /// An integer in a base, with sign, prefix, precision and padding.
    pub(super) fn digits(&mut self, n: Digits, verb: char) {
        let flags = self.flags;
        if verb == 'd'
            && flags.width.is_none()
            && flags.prec.is_none()
            && !flags.plus
            && !flags.space
        {
            self.decimal(n);
            return;
        }
        if flags.prec == Some(0) && n.size == 0 {
            let zero = std::mem::replace(&mut self.flags.zero, false);
            self.fill(flags.width.unwrap_or_default());
            self.flags.zero = zero;
            return;
        }
        let places = match (flags.prec, flags.width) {
            (Some(prec), _) => prec,
            (None, Some(width)) if flags.zero && !flags.minus => {
                width.saturating_sub(usize::from(n.negative || flags.plus || flags.space))
            }
            _ => 0,
        };
        let size = n.size;
        let body = match verb {
            'b' => format!("{size:0>places$b}"),
            'o' | 'O' => format!("{size:0>places$o}"),
            'x' => format!("{size:0>places$x}"),
            'X' => format!("{size:0>places$X}"),
            _ => format!("{size:0>places$}"),
        };
        let sign = match (n.negative, flags.plus, flags.space) {
            (true, _, _) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let prefix = match verb {
            'b' if flags.sharp => "0b",
            'o' if flags.sharp && !body.starts_with('0') => "0",
            'O' if flags.sharp && !body.starts_with('0') => "0o0",
            'O' => "0o",
            'x' if flags.sharp => "0x",
            'X' if flags.sharp => "0X",
            _ => "",
        };
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(format!("{sign}{prefix}{body}").as_bytes());
        self.flags.zero = zero;
    }

    /// The commonest case, without an allocation.
    fn decimal(&mut self, n: Digits) {
        let mut buffer = [0_u8; 20];
        let mut at = buffer.len();
        let mut rest = n.size;
        for slot in buffer.iter_mut().rev() {
            *slot = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            at -= 1;
            if rest == 0 {
                break;
            }
        }
        if n.negative {
            self.out.push_byte(b'-');
        }
        self.out.push_bytes(buffer.get(at..).unwrap_or_default());
    }

    /// `U+0078`, with `#` also `'x'`.
    fn unicode(&mut self, n: u64) {
        let places = self.flags.prec.filter(|prec| *prec > 4).unwrap_or(4);
        let mut text = format!("U+{n:0>places$X}");
        let c = u32::try_from(n).ok().and_then(char::from_u32);
        if let Some(c) = c.filter(|c| self.flags.sharp && quote::is_print(*c)) {
            text.extend([' ', '\'', c, '\'']);
        }
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text.as_bytes());
        self.flags.zero = zero;
    }

    pub(super) fn float(&mut self, value: &Value, n: f64, verb: char) {
        let width = match value.kind() {
            Kind::Float32 => Width::Single,
            _ => Width::Double,
        };
        if !self.float_verb(n, verb, width) {
            self.bad_verb(value, verb);
        }
    }

    pub(super) fn complex(&mut self, value: &Value, re: f64, im: f64, verb: char) {
        if !matches!(
            verb,
            'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E'
        ) {
            self.bad_verb(value, verb);
            return;
        }
        self.out.push_byte(b'(');
        self.float_verb(re, verb, Width::Double);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float_verb(im, verb, Width::Double);
        self.out.push_str("i)");
        self.flags.plus = plus;
    }

    /// Whether the verb is one for floats.
    fn float_verb(&mut self, n: f64, verb: char, width: Width) -> bool {
        match verb {
            'v' => self.float_digits(n, 'g', None, verb, width),
            'b' | 'g' | 'G' | 'x' | 'X' => self.float_digits(n, verb, None, verb, width),
            'f' | 'F' => self.float_digits(n, 'f', Some(6), 'f', width),
            'e' | 'E' => self.float_digits(n, verb, Some(6), verb, width),
            _ => return false,
        }
        true
    }

    fn float_digits(&mut self, n: f64, form: char, prec: Option<usize>, verb: char, width: Width) {
        let prec = self.flags.prec.or(prec);
        let mut text = String::new();
        float::format(n, form, prec, width, &mut text);
        if !text.starts_with(['-', '+']) {
            text.insert(0, '+');
        }
        if self.flags.space && text.starts_with('+') && !self.flags.plus {
            text.replace_range(..1, " ");
        }
        if n.is_nan() || n.is_infinite() {
            let zero = std::mem::replace(&mut self.flags.zero, false);
            let is_signed = !n.is_nan() || self.flags.space || self.flags.plus;
            let shown = text.get(usize::from(!is_signed)..).unwrap_or_default();
            self.pad(shown.as_bytes());
            self.flags.zero = zero;
            return;
        }
        if self.flags.sharp && form != 'b' {
            text = with_point(&text, verb, form, prec);
        }
        if !self.flags.plus && text.starts_with('+') {
            self.pad(text.get(1..).unwrap_or_default().as_bytes());
            return;
        }
        let missing = self
            .flags
            .width
            .unwrap_or_default()
            .saturating_sub(text.len());
        if self.flags.zero && !self.flags.minus && missing > 0 {
            let (sign, rest) = text.split_at_checked(1).unwrap_or(("", &text));
            self.out.push_str(sign);
            self.fill(missing);
            self.out.push_str(rest);
            return;
        }
        self.pad(text.as_bytes());
    }
}

/// What `#` does: always a point, and the zeros at the end that `g` leaves out.
fn with_point(text: &str, verb: char, form: char, prec: Option<usize>) -> String {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => prec.unwrap_or(6),
        _ => 0,
    };
    let is_hex = matches!(form, 'x' | 'X');
    let split = text.find(|c| matches!(c, 'p' | 'P') || (!is_hex && matches!(c, 'e' | 'E')));
    let (number, tail) = text
        .split_at_checked(split.unwrap_or(text.len()))
        .unwrap_or((text, ""));
    let mut seen = false;
    for c in number.chars().skip(1).filter(|c| *c != '.') {
        seen |= c != '0';
        if seen {
            digits = digits.saturating_sub(1);
        }
    }
    let mut out = number.to_owned();
    if !number.contains('.') {
        if number.len() == 2 && number.ends_with('0') {
            digits = digits.saturating_sub(1);
        }
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', digits));
    out.push_str(tail);
    out
}
