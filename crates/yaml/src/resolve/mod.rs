//! What a scalar means, under the schemas of Go's two loaders.
//!
//! Mirrors `resolve` of `go.yaml.in/yaml/v3` 3.0.5 ([`Schema::Kyaml`]) and of `go.yaml.in/yaml/v2`
//! 2.4.4 ([`Schema::Sigs`]), which differ only in booleans and octals. Takes a scalar's text, gives a
//! [`Resolved`]; knows nothing of documents.

mod number;
#[cfg(test)]
mod tests;
mod timestamp;

pub(crate) use number::{Number, number};
use timestamp::is_timestamp;
pub(crate) use timestamp::rfc3339;

/// Which loader's rules say what a plain scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schema {
    /// `yaml.v3` as kyaml and kustomize load: `yes` and `on` are strings.
    Kyaml,
    /// `sigs.k8s.io/yaml` 1.6 over `goyaml.v2`, as kubectl, Helm and the API machinery load: `yes`,
    /// `on`, `y` and their like are booleans.
    Sigs,
    /// The core schema of YAML 1.2: no timestamps, no `0b`, no `_` in numbers, `017` is decimal.
    Json,
}

/// The value of a scalar.
#[derive(Clone, Copy, Debug)]
pub enum Resolved<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float; infinities and not-a-number included.
    Float(f64),
    /// A string.
    Str(&'a str),
    /// A timestamp, as written.
    Timestamp(&'a str),
    /// Base64 text tagged `!!binary`, as written.
    Binary(&'a str),
    /// The key `<<`.
    Merge,
}

impl PartialEq for Resolved<'_> {
    /// Equality of values; not-a-number equals itself.
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Null, Self::Null) | (Self::Merge, Self::Merge) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Uint(a), Self::Uint(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits() || a == b,
            (Self::Str(a), Self::Str(b))
            | (Self::Timestamp(a), Self::Timestamp(b))
            | (Self::Binary(a), Self::Binary(b)) => a == b,
            _ => false,
        }
    }
}

impl Resolved<'_> {
    /// The short tag of the value's type.
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Str(_) => "!!str",
            Self::Timestamp(_) => "!!timestamp",
            Self::Binary(_) => "!!binary",
            Self::Merge => "!!merge",
        }
    }
}

/// What the first byte of a plain scalar says it may be: nothing but a string, a word of the table, a
/// float, or a number or timestamp.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Str,
    Word,
    Dot,
    Number,
    Merge,
}

#[inline]
fn hint(text: &str) -> Hint {
    let first = text.as_bytes().first();
    first.map_or(Hint::Word, |&first| {
        HINTS.get(first as usize).copied().unwrap_or(Hint::Str)
    })
}

/// [`hint`] by the first byte.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static HINTS: [Hint; 256] = {
    let mut table = [Hint::Str; 256];
    let mut i = 0;
    while i < 128 {
        #[expect(clippy::cast_possible_truncation, reason = "below 128")]
        let byte = i as u8;
        table[i] = match byte {
            b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
                Hint::Word
            }
            b'.' => Hint::Dot,
            b'0'..=b'9' | b'+' | b'-' => Hint::Number,
            b'<' => Hint::Merge,
            _ => Hint::Str,
        };
        i += 1;
    }
    table
};

/// The value of a plain scalar without a tag.
#[inline]
pub(crate) fn resolve_plain(schema: Schema, text: &str) -> Resolved<'_> {
    match hint(text) {
        Hint::Word => word(schema, text).unwrap_or(Resolved::Str(text)),
        Hint::Merge if text == "<<" && schema != Schema::Json => Resolved::Merge,
        Hint::Merge | Hint::Str => Resolved::Str(text),
        Hint::Dot | Hint::Number => numeric(schema, text, true),
    }
}

/// Whether a plain text is a string under every schema by its first bytes: no number, timestamp,
/// boolean, null or merge key.
#[inline]
pub(crate) fn is_plain_word(text: &str) -> bool {
    match hint(text) {
        Hint::Str => true,
        Hint::Word => !begins_word(text) || word(Schema::Sigs, text).is_none(),
        Hint::Dot | Hint::Number | Hint::Merge => false,
    }
}

/// Whether the first two bytes are those of a word of the table; most that begin with its letters
/// (`name`, `type`, `team`) are told apart by the second.
#[inline]
fn begins_word(text: &str) -> bool {
    match text.as_bytes() {
        [first, second, ..] => matches!(
            (first | 0x20, second | 0x20),
            (b'n', b'o' | b'u') | (b't', b'r') | (b'f', b'a') | (b'y', b'e') | (b'o', b'n' | b'f')
        ),
        _ => true,
    }
}

/// The word table: nulls and booleans.
fn word(schema: Schema, text: &str) -> Option<Resolved<'static>> {
    // Nothing in the table is longer, and most strings are.
    if text.len() > 5 {
        return None;
    }
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if schema == Schema::Sigs => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if schema == Schema::Sigs => {
            Resolved::Bool(false)
        }
        _ => return None,
    })
}

/// Words that YAML 1.1 takes for booleans and `yaml.v3` does not.
#[cfg(test)]
fn is_old_bool(text: &str) -> bool {
    text.len() <= 3 && word(Schema::Kyaml, text).is_none() && word(Schema::Sigs, text).is_some()
}

#[inline(never)]
fn numeric(schema: Schema, text: &str, timestamps: bool) -> Resolved<'_> {
    if let Some(special) = infinity_or_nan(text) {
        return Resolved::Float(special);
    }
    if timestamps && schema != Schema::Json && is_timestamp(text) {
        return Resolved::Timestamp(text);
    }
    match number(schema, text) {
        Some(Number::Int(n)) => Resolved::Int(n),
        Some(Number::Uint(n)) => Resolved::Uint(n),
        Some(Number::Float(n)) => Resolved::Float(n),
        None => Resolved::Str(text),
    }
}

fn infinity_or_nan(text: &str) -> Option<f64> {
    if text.len() > 5 {
        return None;
    }
    Some(match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    })
}

/// The value of a scalar with a tag in its short form. `None` where the text does not fit the tag:
/// there Go's loaders fail with "cannot decode".
pub(crate) fn resolve_tagged<'a>(schema: Schema, tag: &str, text: &'a str) -> Option<Resolved<'a>> {
    let plain = || match hint(text) {
        Hint::Dot | Hint::Number => numeric(schema, text, tag == "!!timestamp"),
        _ => resolve_plain(schema, text),
    };
    match tag {
        // goyaml.v2 heeds the non-specific tag, yaml.v3 does not.
        "!" if schema == Schema::Kyaml => Some(resolve_plain(schema, text)),
        "!!binary" => Some(Resolved::Binary(text)),
        "!!merge" if text == "<<" => Some(Resolved::Merge),
        "!!float" => match plain() {
            #[expect(clippy::cast_precision_loss, reason = "Go converts so too")]
            Resolved::Int(n) => Some(Resolved::Float(n as f64)),
            float @ Resolved::Float(_) => Some(float),
            _ => None,
        },
        "!!bool" | "!!int" | "!!null" | "!!timestamp" => {
            let value = plain();
            (value.tag() == tag).then_some(value)
        }
        // `!!str`, and any other tag, which says nothing of the type: the loaders take the text.
        _ => Some(Resolved::Str(text)),
    }
}

/// Whether the text is a number in base 60 as YAML 1.1 has them: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`.
/// Both emitters' `stringv` quote such strings.
pub(crate) fn is_base60(text: &str) -> bool {
    let Some(first) = text.as_bytes().first() else {
        return false;
    };
    if !matches!(first, b'+' | b'-' | b'0'..=b'9') || !text.contains(':') {
        return false;
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut parts = whole.split(':');
    let head = parts.next().unwrap_or("");
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    head.starts_with(|c: char| c.is_ascii_digit())
        && is_digits(head)
        && is_digits(fraction)
        && whole.contains(':')
        && parts.all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}
