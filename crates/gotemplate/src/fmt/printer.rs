//! Prints one value under one verb and its flags.

use super::number::Digits;
use super::{quote, rune};
use crate::value::{Buffer, Kind, List, Map, Object, Str, Value};

/// The deepest value that is printed: a map may hold itself.
const MAX_DEPTH: u32 = 500;

/// The flags, width and precision of a directive.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of Go's fmt")]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) prec: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`: with the names of fields.
    pub(super) plus_v: bool,
    /// `%#v`: as Go source.
    pub(super) sharp_v: bool,
}

/// Writes values into a buffer.
pub(crate) struct Printer<'o> {
    pub(crate) out: &'o mut Buffer,
    pub(super) flags: Flags,
    /// Printing what is wrong with a value: its methods are not asked again.
    pub(super) erroring: bool,
    /// Where the text that is being written may not go beyond.
    pub(super) limit: usize,
    /// Pointers print as what they point to.
    pub(crate) indirect: bool,
    overflow: bool,
}

impl<'o> Printer<'o> {
    pub(crate) fn new(out: &'o mut Buffer) -> Self {
        Self::with_limit(out, usize::MAX)
    }

    /// A printer that stops when the buffer has grown to a limit.
    pub(crate) fn with_limit(out: &'o mut Buffer, limit: usize) -> Self {
        Self {
            out,
            flags: Flags::default(),
            erroring: false,
            limit,
            indirect: false,
            overflow: false,
        }
    }

    /// Whether something was left out: beyond the limit, or nested too deep.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.overflow || self.out.len() > self.limit
    }

    /// An operand.
    pub(crate) fn arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.string(&Str::from(value.type_name())),
            (_, 'p') => self.pointer(value, verb),
            (Value::Bytes(bytes), _) => self.bytes(value, bytes, verb, "[]byte"),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value, verb: char, depth: u32) {
        if depth > MAX_DEPTH || self.out.len() > self.limit {
            self.overflow = true;
            return;
        }
        if verb == 'w' && !matches!(value, Value::Bytes(_)) {
            // For wrapping errors only, and no value is looked into for it.
            self.bad_verb(value, verb);
            return;
        }
        match value {
            // Within a list or map: a nil interface.
            Value::Nil if self.flags.sharp_v => self.out.push_str("interface {}(nil)"),
            Value::Nil => self.out.push_str("<nil>"),
            Value::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(n) | Value::Int64(n) => self.integer(value, Digits::signed(*n), verb),
            Value::SmallInt(_, n) => self.integer(value, Digits::signed(i64::from(*n)), verb),
            Value::Uint(_, n) => self.integer(value, Digits::unsigned(*n), verb),
            Value::Float(n) => self.float(value, *n, verb),
            Value::Float32(n) => self.float(value, f64::from(*n), verb),
            Value::Complex(re, im) => self.complex(value, *re, *im, verb),
            Value::Str(text) => self.text(value, text, verb),
            Value::Bytes(bytes) if matches!(verb, 's' | 'q' | 'x' | 'X') => {
                self.bytes(value, bytes, verb, "[]uint8");
            }
            Value::Bytes(bytes) => self.byte_items(bytes.as_bytes(), verb, "[]uint8"),
            Value::List(list) => self.list(list, value, verb, depth),
            Value::Map(map) => self.map(map, value, verb, depth),
            Value::Object(object) => self.object(object.as_ref(), value, verb, depth),
        }
    }

    fn text(&mut self, value: &Value, text: &Str, verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'x' => self.hex(text, false),
            'X' => self.hex(text, true),
            'q' => self.quoted(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn list(&mut self, list: &List, value: &Value, verb: char, depth: u32) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.out.push_str(&value.type_name());
            if list.is_nil() {
                self.out.push_str("(nil)");
                return;
            }
        }
        self.out.push_byte(if sharp { b'{' } else { b'[' });
        for (index, item) in list.items().iter().enumerate() {
            self.separator(index);
            self.value(item, verb, depth + 1);
            if self.overflow {
                break;
            }
        }
        self.out.push_byte(if sharp { b'}' } else { b']' });
    }

    fn map(&mut self, map: &Map, value: &Value, verb: char, depth: u32) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.out.push_str(&value.type_name());
            if map.is_nil() {
                self.out.push_str("(nil)");
                return;
            }
            self.out.push_byte(b'{');
        } else {
            self.out.push_str("map[");
        }
        for (index, (key, item)) in map.entries().into_iter().enumerate() {
            self.separator(index);
            self.value(&Value::Str(key), verb, depth + 1);
            self.out.push_byte(b':');
            self.value(&item, verb, depth + 1);
            if self.overflow {
                break;
            }
        }
        self.out.push_byte(if sharp { b'}' } else { b']' });
    }

    fn separator(&mut self, index: usize) {
        if index > 0 {
            self.out
                .push_str(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn object(&mut self, object: &dyn Object, value: &Value, verb: char, depth: u32) {
        let is_text = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') && !self.flags.sharp_v;
        if is_text
            && !self.erroring
            && let Some(text) = object.text()
        {
            self.text(value, &text, verb);
            return;
        }
        let kind = object.kind();
        if let Some(inner) = object.underlying() {
            self.named(&inner, value, verb, depth);
            return;
        }
        if kind == Kind::Ptr && object.is_nil() {
            self.pad(b"<nil>");
            return;
        }
        if kind == Kind::Func || (kind == Kind::Ptr && depth > 0) {
            self.pointer(value, verb);
            return;
        }
        let name = object.type_name();
        if kind == Kind::Ptr && !self.indirect {
            self.out.push_byte(b'&');
        }
        if self.flags.sharp_v {
            self.out.push_str(name.trim_start_matches('*'));
        }
        self.out.push_byte(b'{');
        for (index, (name, field)) in object.fields().into_iter().enumerate() {
            self.separator(index);
            if self.flags.plus_v || self.flags.sharp_v {
                self.out.push_str(name);
                self.out.push_byte(b':');
            }
            self.value(&field, verb, depth + 1);
        }
        self.out.push_byte(b'}');
    }

    /// A named type that is no struct: as what it is made of, but for its name.
    fn named(&mut self, inner: &Value, value: &Value, verb: char, depth: u32) {
        match inner {
            Value::List(list) => self.list(list, value, verb, depth),
            Value::Map(map) => self.map(map, value, verb, depth),
            Value::Int(n) | Value::Int64(n) => self.integer(value, Digits::signed(*n), verb),
            Value::Float(n) => self.float(value, *n, verb),
            Value::Str(text) => self.text(value, text, verb),
            other => self.value(other, verb, depth),
        }
    }

    /// Addresses mean nothing here: all but nil ones print alike.
    fn pointer(&mut self, value: &Value, verb: char) {
        let is_reference = matches!(
            value.kind(),
            Kind::Map | Kind::Slice | Kind::Ptr | Kind::Func
        );
        let address = Digits::unsigned(0xc000_0000_0000);
        match verb {
            'v' | 'p' if is_reference => {
                let sharp = self.flags.sharp;
                self.flags.sharp = !sharp;
                self.digits(address, 'x');
                self.flags.sharp = sharp;
            }
            'b' | 'o' | 'd' | 'x' | 'X' if is_reference => self.digits(address, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    /// A text, cut to the precision.
    pub(super) fn string(&mut self, text: &Str) {
        match self.flags.prec {
            None if self.flags.width.is_none() => self.out.push_text(text),
            None => self.pad_text(text),
            Some(prec) => {
                let end = rune::prefix(text.as_bytes(), prec);
                self.pad_text(&text.slice(0..end));
            }
        }
    }

    fn quoted(&mut self, text: &Str) {
        let end = match self.flags.prec {
            Some(prec) => rune::prefix(text.as_bytes(), prec),
            None => text.len(),
        };
        let cut = text.as_bytes().get(..end).unwrap_or_default();
        let quoted = if self.flags.sharp && quote::can_backquote(cut) {
            format!("`{}`", String::from_utf8_lossy(cut))
        } else if self.flags.plus {
            quote::quote_to_ascii(cut)
        } else {
            quote::quote(cut)
        };
        let quoted = Str::from(quoted);
        self.pad_text(&if text.has_secrets() {
            Str::secret(quoted)
        } else {
            quoted
        });
    }

    /// Bytes as two digits each.
    fn hex(&mut self, text: &Str, upper: bool) {
        let bytes = text.as_bytes();
        let len = self
            .flags
            .prec
            .map_or(bytes.len(), |prec| prec.min(bytes.len()));
        let mut out = String::with_capacity(len * 2);
        for (index, byte) in bytes.iter().take(len).enumerate() {
            if self.flags.space && index > 0 {
                out.push(' ');
            }
            if self.flags.sharp && (self.flags.space || index == 0) {
                out.push_str(if upper { "0X" } else { "0x" });
            }
            let digits = if upper {
                b"0123456789ABCDEF"
            } else {
                b"0123456789abcdef"
            };
            for digit in [byte >> 4, byte & 0xf] {
                out.push(
                    digits
                        .get(usize::from(digit))
                        .map_or('0', |&digit| char::from(digit)),
                );
            }
        }
        let out = Str::from(out);
        self.pad_text(&if text.has_secrets() {
            Str::secret(out)
        } else {
            out
        });
    }

    fn bytes(&mut self, value: &Value, bytes: &Str, verb: char, name: &str) {
        match verb {
            'v' | 'd' => self.byte_list(bytes.as_bytes(), verb, name),
            's' => self.string(bytes),
            'x' => self.hex(bytes, false),
            'X' => self.hex(bytes, true),
            'q' => self.quoted(bytes),
            _ => self.value(value, verb, 0),
        }
    }

    fn byte_list(&mut self, bytes: &[u8], verb: char, name: &str) {
        if !self.flags.sharp_v {
            self.byte_items(bytes, verb, name);
            return;
        }
        self.byte_items(bytes, 'v', name);
    }

    /// A slice of bytes, each under the verb.
    fn byte_items(&mut self, bytes: &[u8], verb: char, name: &str) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.out.push_str(name);
        }
        self.out.push_byte(if sharp { b'{' } else { b'[' });
        for (index, byte) in bytes.iter().enumerate() {
            self.separator(index);
            self.value(&Value::byte(*byte), verb, 1);
        }
        self.out.push_byte(if sharp { b'}' } else { b']' });
    }

    /// Pads to the width, with zeros where the flag says so.
    pub(super) fn pad(&mut self, bytes: &[u8]) {
        let missing = self.missing(bytes);
        if !self.flags.minus {
            self.fill(missing);
        }
        self.out.push_bytes(bytes);
        if self.flags.minus {
            self.fill(missing);
        }
    }

    fn pad_text(&mut self, text: &Str) {
        let missing = self.missing(text.as_bytes());
        if !self.flags.minus {
            self.fill(missing);
        }
        self.out.push_text(text);
        if self.flags.minus {
            self.fill(missing);
        }
    }

    fn missing(&self, bytes: &[u8]) -> usize {
        match self.flags.width {
            None | Some(0) => 0,
            Some(width) => width.saturating_sub(rune::count(bytes)),
        }
    }

    pub(super) fn fill(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        for _ in 0..count {
            self.out.push_byte(byte);
        }
    }
}
