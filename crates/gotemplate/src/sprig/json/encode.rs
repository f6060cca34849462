//! Writing.

use crate::{
    sprig::{bind::deeper, dates, runes::runes},
    value::{Buffer, Kind, Str, Value},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// How deep values may nest before they are taken for a cycle, as in Go.
const DEPTH: usize = 1000;

/// How JSON is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Whether `<`, `>` and `&` are written as `\u003c` and so on.
    pub escape_html: bool,
    /// Two blanks a level, or all on one line.
    pub indent: bool,
}

/// `json.Marshal` of a value; the error is Go's. Strings keep their marks.
pub fn encode(value: &Value, layout: Layout) -> Result<Str, String> {
    let mut writer = Writer {
        out: Buffer::new(),
        layout,
        depth: 0,
    };
    writer.value(value)?;
    Ok(writer.out.to_str())
}

struct Writer {
    out: Buffer,
    layout: Layout,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(bool) => self.out.push_str(if *bool { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.out.push_str(&number.to_string()),
            Value::SmallInt(_, number) => self.out.push_str(&number.to_string()),
            Value::Uint(_, number) => self.out.push_str(&number.to_string()),
            Value::Float(float) => self.out.push_str(&number(*float, &format!("{float:e}"))?),
            Value::Float32(float) => self
                .out
                .push_str(&number(f64::from(*float), &format!("{float:e}"))?),
            Value::Complex(..) => return Err("json: unsupported type: complex128".into()),
            Value::Str(text) => self.string(text),
            Value::Bytes(bytes) => {
                let text = STANDARD.encode(bytes.as_bytes());
                self.out.push_str(&format!("\"{text}\""));
            }
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => {
                self.enter(value)?;
                let items = list
                    .items()
                    .iter()
                    .map(|item| (None, item.clone()))
                    .collect();
                self.collection(b'[', items, b']')?;
            }
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::Map(map) => {
                self.enter(value)?;
                let entries = map
                    .entries()
                    .into_iter()
                    .map(|(key, value)| (Some(key), value))
                    .collect();
                self.collection(b'{', entries, b'}')?;
            }
            Value::Object(object) => return self.object(&**object, value),
        }
        Ok(())
    }

    fn object(&mut self, object: &dyn crate::value::Object, value: &Value) -> Result<(), String> {
        if object.is_nil() {
            self.out.push_str("null");
            return Ok(());
        }
        if let Some(time) = object.as_any().downcast_ref::<dates::Time>() {
            self.string(&Str::from_bytes(dates::layout::format(
                &time.0,
                b"2006-01-02T15:04:05.999999999Z07:00",
            )));
            return Ok(());
        }
        if let Some(version) = object
            .as_any()
            .downcast_ref::<crate::sprig::semver::Version>()
        {
            self.string(&version.to_string().into());
            return Ok(());
        }
        if let Some(inner) = object.underlying() {
            return self.value(&inner);
        }
        if object.kind() == Kind::Func {
            return Err(format!("json: unsupported type: {}", object.type_name()));
        }
        self.enter(value)?;
        let fields = object
            .json_fields()
            .into_iter()
            .map(|(name, value)| (Some(Str::from(name)), value))
            .collect();
        self.collection(b'{', fields, b'}')
    }

    fn enter(&mut self, value: &Value) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!(
                "json: unsupported value: encountered a cycle via {}",
                value.type_name()
            ));
        }
        Ok(())
    }

    fn collection(
        &mut self,
        open: u8,
        items: Vec<(Option<Str>, Value)>,
        close: u8,
    ) -> Result<(), String> {
        self.out.push_byte(open);
        let empty = items.is_empty();
        for (at, (key, item)) in items.into_iter().enumerate() {
            if at > 0 {
                self.out.push_byte(b',');
            }
            self.line();
            if let Some(key) = key {
                self.string(&key);
                self.out
                    .push_str(if self.layout.indent { ": " } else { ":" });
            }
            deeper(|| self.value(&item))?;
        }
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.push_byte(close);
        Ok(())
    }

    fn line(&mut self) {
        if self.layout.indent {
            self.out.push_byte(b'\n');
            (0..self.depth).for_each(|_| self.out.push_str("  "));
        }
    }

    fn string(&mut self, text: &Str) {
        self.out.push_byte(b'"');
        let bytes = text.as_bytes();
        let (mut from, mut at) = (0, 0);
        for (rune, size) in runes(bytes) {
            let escaped = match rune {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '<' | '>' | '&' if !self.layout.escape_html => {
                    at += size;
                    continue;
                }
                '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    format!("\\u{:04x}", u32::from(rune))
                }
                char::REPLACEMENT_CHARACTER if size == 1 => "\\ufffd".to_owned(),
                _ => {
                    at += size;
                    continue;
                }
            };
            self.out.push_text(&text.slice(from..at));
            let begin = self.out.len();
            self.out.push_str(&escaped);
            if text.secrets().iter().any(|secret| secret.contains(&at)) {
                self.out.mark(begin..begin + escaped.len());
            }
            at += size;
            from = at;
        }
        self.out.push_text(&text.slice(from..bytes.len()));
        self.out.push_byte(b'"');
    }
}

/// A float as Go's JSON has it: the shortest digits, with an exponent below 1e-6 and from 1e21 on.
fn number(float: f64, scientific: &str) -> Result<String, String> {
    if !float.is_finite() {
        let name = if float.is_nan() {
            "NaN"
        } else if float > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(format!("json: unsupported value: {name}"));
    }
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if float != 0.0 && !(-6..21).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return Ok(format!("{digits}e{sign}{}", exponent.abs()));
    }
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |digits| ("-", digits));
    let digits: String = digits.chars().filter(|c| *c != '.').collect();
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or_default());
        return Ok(format!("{sign}0.{zeros}{digits}"));
    }
    let whole = usize::try_from(exponent + 1).unwrap_or_default();
    Ok(match digits.split_at_checked(whole) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits:0<whole$}"),
    })
}
