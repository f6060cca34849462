//! Writing: plain keys first, then tables, each sorted; two blanks for each level.

use trueup_gotemplate::{Buffer, Kind, Str, Value, sprig};

/// How deep values may nest before they are taken for a cycle.
const DEPTH: usize = 250;

/// `toml.Marshal` of a value, or the text of its error. Strings keep their marks.
pub(crate) fn encode(value: &Value) -> Result<Str, String> {
    let mut writer = Writer {
        out: Buffer::new(),
        depth: 0,
    };
    writer.entry(&[], &resolved(value))?;
    Ok(writer.out.to_str())
}

/// What a value is to TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nothing,
    Scalar,
    Array,
    Table,
    Tables,
}

struct Writer {
    out: Buffer,
    depth: usize,
}

/// A named type as what it is made of, unless it writes itself.
fn resolved(value: &Value) -> Value {
    match value {
        Value::Object(object) if written(value).is_none() => {
            object.underlying().unwrap_or_else(|| value.clone())
        }
        _ => value.clone(),
    }
}

/// The text of a value that writes itself, and whether it is quoted.
fn written(value: &Value) -> Option<(Str, bool)> {
    let Value::Object(object) = value else {
        return None;
    };
    let any = object.as_any();
    if let Some(time) = any.downcast_ref::<sprig::Time>() {
        return Some((time.format("2006-01-02T15:04:05.999999999Z07:00"), false));
    }
    if any.is::<sprig::Duration>() || any.is::<sprig::Version>() {
        return Some((object.text()?, true));
    }
    None
}

fn fields(value: &Value) -> Option<Vec<(Str, Value)>> {
    match value {
        Value::Map(map) => Some(map.entries()),
        Value::Object(object) if matches!(object.kind(), Kind::Struct | Kind::Ptr) => Some(
            object
                .fields()
                .into_iter()
                .map(|(name, value)| (Str::from(name), value))
                .collect(),
        ),
        _ => None,
    }
}

fn shape(value: &Value, depth: usize) -> Result<Shape, String> {
    if depth > DEPTH {
        return Err("toml: the value contains itself".into());
    }
    Ok(match value {
        Value::Nil => Shape::Nothing,
        Value::Map(map) if map.is_nil() => Shape::Nothing,
        Value::List(list) if list.is_nil() => Shape::Nothing,
        Value::Map(_) => Shape::Table,
        Value::Complex(..) => return Err("unsupported type: complex128".into()),
        Value::List(list) => {
            let mut tables = !list.is_empty();
            for item in list.items() {
                match shape(&resolved(item), depth + 1)? {
                    Shape::Nothing => {
                        return Err("toml: cannot encode array with nil element".into());
                    }
                    Shape::Table => {}
                    _ => tables = false,
                }
            }
            if tables { Shape::Tables } else { Shape::Array }
        }
        Value::Object(object) if object.is_nil() => Shape::Nothing,
        Value::Object(object) if written(value).is_none() => match object.kind() {
            Kind::Struct | Kind::Ptr => Shape::Table,
            kind => return Err(format!("unsupported type: {}", kind.name())),
        },
        _ => Shape::Scalar,
    })
}

impl Writer {
    /// A value under its key, on lines of its own.
    fn entry(&mut self, key: &[Str], value: &Value) -> Result<(), String> {
        self.depth += 1;
        match shape(value, self.depth)? {
            Shape::Nothing => {}
            Shape::Scalar | Shape::Array => self.pair(key, value, false)?,
            Shape::Table => {
                if key.len() == 1 {
                    self.line();
                }
                if !key.is_empty() {
                    self.header(key, "[", "]");
                    self.line();
                }
                self.table(key, value, false)?;
            }
            Shape::Tables => {
                if key.is_empty() {
                    return Err("toml: top-level values must be Go maps or structs".into());
                }
                for item in value
                    .as_list()
                    .map(|list| list.items().to_vec())
                    .unwrap_or_default()
                {
                    self.line();
                    self.header(key, "[[", "]]");
                    self.line();
                    self.table(key, &resolved(&item), false)?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// A line break, but not at the very beginning.
    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push_byte(b'\n');
        }
    }

    fn indent(&mut self, key: &[Str]) {
        (1..key.len()).for_each(|_| self.out.push_str("  "));
    }

    fn header(&mut self, key: &[Str], open: &str, close: &str) {
        self.indent(key);
        self.out.push_str(open);
        for (at, part) in key.iter().enumerate() {
            if at > 0 {
                self.out.push_byte(b'.');
            }
            self.key(part);
        }
        self.out.push_str(close);
    }

    fn key(&mut self, part: &Str) {
        let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !part.is_empty() && part.as_bytes().iter().all(bare) {
            self.out.push_text(part);
        } else {
            self.string(part);
        }
    }

    /// The fields of a map or struct: on lines, or in braces.
    fn table(&mut self, key: &[Str], value: &Value, inline: bool) -> Result<(), String> {
        let (mut plain, mut tables) = (Vec::new(), Vec::new());
        for (name, value) in fields(value).unwrap_or_default() {
            let value = resolved(&value);
            let of = match shape(&value, self.depth)? {
                Shape::Table | Shape::Tables => &mut tables,
                _ => &mut plain,
            };
            of.push((name, value));
        }
        if inline {
            self.out.push_byte(b'{');
        }
        let (first, last) = (plain.len(), plain.len() + tables.len());
        for (at, (name, value)) in plain.into_iter().chain(tables).enumerate() {
            if shape(&value, self.depth)? == Shape::Nothing {
                continue;
            }
            if !inline {
                self.entry(&[key, &[name]].concat(), &value)?;
                continue;
            }
            self.pair(&[name], &value, true)?;
            // The comma goes by the place among the names, those without a value included.
            let ends = if at < first {
                at + 1 == first && first == last
            } else {
                at + 1 == last
            };
            if !ends {
                self.out.push_str(", ");
            }
        }
        if inline {
            self.out.push_byte(b'}');
        }
        Ok(())
    }

    fn pair(&mut self, key: &[Str], value: &Value, inline: bool) -> Result<(), String> {
        let Some(name) = key.last() else {
            return self.element(value);
        };
        self.indent(key);
        self.key(name);
        self.out.push_str(" = ");
        self.element(value)?;
        if !inline {
            self.line();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Str(text) => self.string(text),
            Value::Bool(bool) => self.out.push_str(if *bool { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.out.push_str(&number.to_string()),
            Value::SmallInt(_, number) => self.out.push_str(&number.to_string()),
            Value::Uint(_, number) => self.out.push_str(&number.to_string()),
            Value::Float(float) => self.out.push_str(&number(*float, &format!("{float:e}"))),
            Value::Float32(float) => self
                .out
                .push_str(&number(f64::from(*float), &format!("{float:e}"))),
            Value::Bytes(bytes) => {
                let numbers: Vec<String> = bytes.as_bytes().iter().map(u8::to_string).collect();
                self.out.push_str(&format!("[{}]", numbers.join(", ")));
            }
            Value::List(list) => {
                self.out.push_byte(b'[');
                for (at, item) in list.items().iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.depth += 1;
                    self.element(&resolved(item))?;
                    self.depth -= 1;
                }
                self.out.push_byte(b']');
            }
            other => match written(other) {
                Some((text, true)) => self.string(&text),
                Some((text, false)) => self.out.push_text(&text),
                None => self.table(&[], other, true)?,
            },
        }
        Ok(())
    }

    fn string(&mut self, text: &Str) {
        self.out.push_byte(b'"');
        let mut from = 0;
        for (at, byte) in text.as_bytes().iter().enumerate() {
            let escape = match byte {
                b'"' => "\\\"".to_owned(),
                b'\\' => "\\\\".to_owned(),
                8 => "\\b".to_owned(),
                b'\t' => "\\t".to_owned(),
                b'\n' => "\\n".to_owned(),
                12 => "\\f".to_owned(),
                b'\r' => "\\r".to_owned(),
                0..=0x1f | 0x7f => format!("\\u{byte:04x}"),
                _ => continue,
            };
            self.out.push_text(&text.slice(from..at));
            let begin = self.out.len();
            self.out.push_str(&escape);
            if text.secrets().iter().any(|secret| secret.contains(&at)) {
                self.out.mark(begin..begin + escape.len());
            }
            from = at + 1;
        }
        self.out.push_text(&text.slice(from..text.len()));
        self.out.push_byte(b'"');
    }
}

/// A float as `strconv.FormatFloat(f, 'g', -1, 64)` has it, with a point or an exponent in any case.
fn number(float: f64, scientific: &str) -> String {
    if float.is_nan() {
        return "nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // From seven digits before the point on, as Go prints the shortest form.
    if float != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = float.to_string();
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}
