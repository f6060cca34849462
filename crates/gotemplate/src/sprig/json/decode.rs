//! Reading, with the errors of Go's `encoding/json`.

use crate::{
    sprig::{
        bind::deeper,
        runes::{push, runes},
    },
    value::{Map, Str, Value},
};

/// How deep a text may nest.
const DEPTH: usize = 10_000;
/// How deep values are built; deeper ones would be of no use and hard to drop.
const BUILT_DEPTH: usize = 1000;

/// What the text is read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// `interface {}`.
    Any,
    /// `map[string]interface {}`.
    Map,
    /// `[]interface {}`.
    List,
}

/// `json.Unmarshal` of a text. An error comes with what had been read: nothing where the text is no JSON, the
/// value without its bad parts where a number does not fit.
pub fn decode(text: &[u8], expected: Expected) -> Result<Value, (Value, String)> {
    let mut scanner = Scanner {
        text,
        at: 0,
        unfit: None,
    };
    let value = scanner.document().map_err(|error| (Value::Nil, error))?;
    let name = match &value {
        Value::Bool(_) => "bool",
        Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        _ => "object",
    };
    let fits = match (expected, &value) {
        (Expected::Any, _) | (_, Value::Nil) => true,
        (Expected::Map, value) => value.as_map().is_some(),
        (Expected::List, value) => value.as_list().is_some(),
    };
    if !fits {
        let target = if expected == Expected::Map {
            "map[string]interface {}"
        } else {
            "[]interface {}"
        };
        return Err((
            Value::Nil,
            format!("json: cannot unmarshal {name} into Go value of type {target}"),
        ));
    }
    match scanner.unfit {
        Some(error) => Err((value, error)),
        None => Ok(value),
    }
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    /// The first number that does not fit a float.
    unfit: Option<String>,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<Value, String> {
        let value = self.value("looking for beginning of value", 0)?;
        self.blanks();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.unexpected("after top-level value")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error for what stands here, or for nothing standing here.
    fn unexpected(&self, context: &str) -> String {
        // At the end Go's scanner looks at one blank more, which does not go into a number or a word.
        let in_token = context.contains("in ") && context != "in string literal"
            || context.contains("decimal point");
        let byte = match self.peek() {
            Some(byte) => byte,
            None if in_token => b' ',
            None => return "unexpected end of JSON input".into(),
        };
        let shown = match byte {
            b'\'' => r"'\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            byte => {
                let text = char::from(byte).to_string();
                let quoted = crate::sprig::bind::quote(text.as_bytes());
                format!("'{}'", quoted.trim_matches('"'))
            }
        };
        format!("invalid character {shown} {context}")
    }

    fn value(&mut self, context: &str, depth: usize) -> Result<Value, String> {
        self.blanks();
        match self.peek() {
            Some(b'{') => deeper(|| self.object(depth + 1)),
            Some(b'[') => deeper(|| self.array(depth + 1)),
            Some(b'"') => self.string().map(|text| Value::Str(Str::from_bytes(text))),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Nil),
            _ => Err(self.unexpected(context)),
        }
    }

    fn deep(depth: usize) -> Result<(), String> {
        // Go reads ten times as deep; see `BUILT_DEPTH`.
        if depth > BUILT_DEPTH.min(DEPTH) {
            Err("exceeded max depth".into())
        } else {
            Ok(())
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        Self::deep(depth)?;
        self.at += 1;
        let mut entries = Vec::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(Map::new()));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            let value = self.value("looking for beginning of value", depth)?;
            entries.push((Str::from_bytes(key), value));
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(Map::typed(crate::value::Type::Any, entries)));
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        Self::deep(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list([]));
        }
        loop {
            items.push(self.value("looking for beginning of value", depth)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::list(items));
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                let expected = char::from(expected);
                return Err(self.unexpected(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Result<Value, String> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return Err(self.unexpected("in numeric literal"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unexpected("after decimal point in numeric literal"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected("in exponent of numeric literal"));
            }
        }
        let text = self
            .text
            .get(from..self.at)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default();
        let number: f64 = text.parse().unwrap_or_default();
        if number.is_finite() {
            return Ok(Value::Float(number));
        }
        let error =
            || format!("json: cannot unmarshal number {text} into Go value of type float64");
        self.unfit.get_or_insert_with(error);
        Ok(Value::Nil)
    }

    fn string(&mut self) -> Result<Vec<u8>, String> {
        self.at += 1;
        let mut out = Vec::new();
        let mut from = self.at;
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.unexpected("in string literal"));
            };
            match byte {
                b'"' => {
                    self.plain(from, &mut out);
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => {
                    self.plain(from, &mut out);
                    self.at += 1;
                    self.escape(&mut out)?;
                    from = self.at;
                }
                ..b' ' => return Err(self.unexpected("in string literal")),
                _ => self.at += 1,
            }
        }
    }

    /// The text since `from` as it is, but that bytes which are not UTF-8 become U+FFFD.
    fn plain(&self, from: usize, out: &mut Vec<u8>) {
        for (rune, _) in runes(self.text.get(from..self.at).unwrap_or_default()) {
            push(out, rune);
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let simple = match self.peek() {
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(plain @ (b'\\' | b'/' | b'"')) => plain,
            Some(b'u') => {
                self.at += 1;
                let first = self.unit()?;
                let rune = match first {
                    0xd800..=0xdbff => self.low_half(first),
                    _ => char::from_u32(first),
                };
                push(out, rune.unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(());
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        out.push(simple);
        self.at += 1;
        Ok(())
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16
                + digit.ok_or_else(|| self.unexpected("in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }

    /// The rune of a surrogate pair whose second half follows; if none does, nothing is read.
    fn low_half(&mut self, high: u32) -> Option<char> {
        let before = self.at;
        if self.text.get(self.at..self.at + 2) == Some(br"\u") {
            self.at += 2;
            if let Ok(low @ 0xdc00..=0xdfff) = self.unit() {
                return char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            }
        }
        self.at = before;
        None
    }
}
