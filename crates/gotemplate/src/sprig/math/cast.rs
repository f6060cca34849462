//! Numbers out of whatever value, as `github.com/spf13/cast` 1.7.0 makes them; what is no number is zero.

use crate::{
    sprig::dates::{Month, Weekday},
    value::Value,
};

/// Go's conversion of a float to an integer on amd64: what does not fit is the least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "bounded before"
)]
pub(crate) fn float_to_int(float: f64) -> i64 {
    if float >= i64::MIN as f64 && float < i64::MAX as f64 {
        float as i64
    } else {
        i64::MIN
    }
}

/// `cast.ToInt` and `cast.ToInt64`.
pub(crate) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(bool) => i64::from(*bool),
        Value::Float(float) => float_to_int(*float),
        Value::Float32(float) => float_to_int(f64::from(*float)),
        Value::Uint(_, number) => number.cast_signed(),
        Value::Int(number) | Value::Int64(number) => *number,
        Value::SmallInt(_, number) => i64::from(*number),
        Value::Str(text) => {
            parse_int(without_zero_fraction(text.as_bytes()), 0).unwrap_or_default()
        }
        Value::Object(object) => {
            let any = object.as_any();
            // Of named numbers these two alone are known to the library.
            let known = any.is::<Weekday>() || any.is::<Month>();
            if known {
                object
                    .underlying()
                    .and_then(|value| value.as_int())
                    .unwrap_or_default()
            } else {
                0
            }
        }
        _ => 0,
    }
}

/// `cast.ToFloat64`.
#[expect(clippy::cast_precision_loss, reason = "Go's conversion")]
pub(crate) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(float) => *float,
        Value::Float32(float) => f64::from(*float),
        Value::Uint(_, number) => *number as f64,
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or_default(),
        other => to_int(other) as f64,
    }
}

/// A trailing `.`, `.0`, `.00` … dropped; only a point with a zero after it counts.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    let rest = text.get(..text.len() - zeros).unwrap_or(text);
    match rest.strip_suffix(b".") {
        Some(whole) if zeros > 0 => whole,
        _ => text,
    }
}

/// Why `strconv` did not read a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is none.
    Syntax,
    /// It does not fit; the bound on its side.
    Range(i64),
}

/// Go's `strconv.ParseInt(text, base, 64)`; base 0 reads Go's prefixes and underscores.
pub(crate) fn parse_int(text: &[u8], base: u32) -> Result<i64, Unread> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let bound = if negative { i64::MIN } else { i64::MAX };
    let free = base == 0;
    let (base, digits) = if free {
        base_of(digits)
    } else {
        (base, digits)
    };
    let mut size = 0_u64;
    let mut seen = false;
    for byte in digits.iter().filter(|byte| !(free && **byte == b'_')) {
        let digit = char::from(*byte).to_digit(base).ok_or(Unread::Syntax)?;
        seen = true;
        let next = size
            .checked_mul(u64::from(base))
            .and_then(|sum| sum.checked_add(u64::from(digit)));
        size = next.ok_or(Unread::Range(bound))?;
    }
    if !seen || (free && digits.contains(&b'_') && !underscores_fit(text)) {
        return Err(Unread::Syntax);
    }
    if size > bound.unsigned_abs() {
        return Err(Unread::Range(bound));
    }
    Ok(if negative {
        size.wrapping_neg().cast_signed()
    } else {
        size.cast_signed()
    })
}

/// The base that a prefix names, and what follows it. A plain leading zero is octal's.
fn base_of(digits: &[u8]) -> (u32, &[u8]) {
    match digits {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] | [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    }
}

/// Go's rule for underscores in a number: between digits, or between a prefix and the first one.
fn underscores_fit(text: &[u8]) -> bool {
    let text = text
        .strip_prefix(b"-")
        .or_else(|| text.strip_prefix(b"+"))
        .unwrap_or(text);
    let prefix = matches!(text, [b'0', b'b' | b'B' | b'o' | b'O' | b'x' | b'X', ..]);
    let hexadecimal = prefix && matches!(text.get(1), Some(b'x' | b'X'));
    let (mut before, rest) = if prefix {
        (b'0', text.get(2..))
    } else {
        (b'^', Some(text))
    };
    for byte in rest.unwrap_or_default() {
        let class = match byte {
            b'_' => b'_',
            digit if digit.is_ascii_digit() || hexadecimal && digit.is_ascii_hexdigit() => b'0',
            _ => b'!',
        };
        if class == b'_' && before != b'0' || class == b'!' && before == b'_' {
            return false;
        }
        before = class;
    }
    before != b'_'
}

/// Go's `strconv.ParseFloat(text, 64)`; nothing also where the number does not fit.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let (sign, digits) = match text.as_bytes().split_first()? {
        (b'-', _) => (-1.0, text.get(1..)?),
        (b'+', _) => (1.0, text.get(1..)?),
        _ => (1.0, text),
    };
    let mut lower = digits.to_ascii_lowercase();
    if lower.contains('_') {
        if !underscores_fit(text.as_bytes()) {
            return None;
        }
        lower.retain(|c| c != '_');
    }
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" if digits.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let size = match lower.strip_prefix("0x") {
        Some(hexadecimal) => parse_hexadecimal(hexadecimal)?,
        None if lower.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
            lower.parse().ok()?
        }
        None => return None,
    };
    if size.is_infinite() {
        None
    } else {
        Some(sign * size)
    }
}

/// `1.8p-2` after `0x`; the exponent must be there.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    let mut scale = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    scale -= i32::try_from(fraction.len()).ok()? * 4;
    Some(value * 2.0_f64.powi(exponent.checked_add(scale)?))
}
