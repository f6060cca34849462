//! Numbers as Go's `strconv` reads them, with the detours that the loaders take.

use super::Schema;

/// A number in the smallest type that Go's loaders give it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Uint(u64),
    Float(f64),
}

/// The number that a plain scalar spells. The first byte is a digit, a sign or a dot.
pub(crate) fn number(schema: Schema, text: &str) -> Option<Number> {
    if schema == Schema::Json {
        return core(text);
    }
    if text.starts_with('.') {
        return parse_float(text, true).map(Number::Float);
    }
    if text.contains('_') {
        return without_underscores(schema, &text.replace('_', ""));
    }
    without_underscores(schema, text)
}

fn without_underscores(schema: Schema, plain: &str) -> Option<Number> {
    // Most strings that begin with a digit or a minus are not numbers; the first odd byte tells.
    if !plain.bytes().all(|b| {
        b.is_ascii_hexdigit() || matches!(b, b'+' | b'-' | b'.' | b'x' | b'X' | b'o' | b'O')
    }) {
        return None;
    }
    if let Some(n) = parse_int(plain, 0) {
        return Some(Number::Int(n));
    }
    if let Some(n) = parse_uint(plain, 0) {
        return Some(Number::Uint(n));
    }
    if is_yaml_float(plain)
        && let Some(n) = parse_float(plain, false)
    {
        return Some(Number::Float(n));
    }
    odd_prefix(plain, "0b", "-0b", 2).or_else(|| {
        if schema == Schema::Kyaml {
            odd_prefix(plain, "0o", "-0o", 8)
        } else {
            None
        }
    })
}

/// The loaders' second try at binaries and octals: only a sign after the prefix gets this far.
fn odd_prefix(plain: &str, prefix: &str, negative: &str, base: u32) -> Option<Number> {
    if let Some(rest) = plain.strip_prefix(prefix) {
        return parse_int(rest, base)
            .map(Number::Int)
            .or_else(|| parse_uint(rest, base).map(Number::Uint));
    }
    let rest = plain.strip_prefix(negative)?;
    if rest.starts_with(['+', '-']) {
        return None;
    }
    parse_int(&format!("-{rest}"), base).map(Number::Int)
}

/// The core schema: `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+`, and floats.
fn core(text: &str) -> Option<Number> {
    if let Some(octal) = text.strip_prefix("0o") {
        return parse_uint(octal, 8).map(small);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return parse_uint(hex, 16).map(small);
    }
    if let Some(n) = parse_int(text, 10) {
        return Some(Number::Int(n));
    }
    if let Some(n) = parse_uint(text, 10) {
        return Some(Number::Uint(n));
    }
    if is_yaml_float(text) {
        return parse_float(text, false).map(Number::Float);
    }
    None
}

fn small(n: u64) -> Number {
    i64::try_from(n).map_or(Number::Uint(n), Number::Int)
}

/// Go's `strconv.ParseInt(s, base, 64)`; base 0 goes by the prefix. Underscores are gone already.
fn parse_int(text: &str, base: u32) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits, base)?;
    if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Go's `strconv.ParseUint(s, base, 64)`.
fn parse_uint(text: &str, base: u32) -> Option<u64> {
    let (base, digits) = if base == 0 {
        match text.as_bytes() {
            [b'0', b'x' | b'X', _, ..] => (16, text.get(2..)?),
            [b'0', b'b' | b'B', _, ..] => (2, text.get(2..)?),
            [b'0', b'o' | b'O', _, ..] => (8, text.get(2..)?),
            [b'0', _, ..] => (8, text.get(1..)?),
            _ => (10, text),
        }
    } else {
        (base, text)
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for c in digits.chars() {
        let digit = c.to_digit(base)?;
        value = value
            .checked_mul(u64::from(base))?
            .checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at(at),
        None => (unsigned, ""),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_empty() || {
        let power = exponent.get(1..).unwrap_or("");
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        !power.is_empty() && digits(power)
    };
    mantissa_fits && exponent_fits
}

/// Go's `strconv.ParseFloat` on decimal texts. Too large a number is an error there, not infinity.
/// Underscores between digits pass where the loaders left them in, after a leading dot.
fn parse_float(text: &str, underscores: bool) -> Option<f64> {
    let mut owned = String::new();
    let mut plain = text;
    if underscores && text.contains('_') {
        let bytes = text.as_bytes();
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        for (at, byte) in bytes.iter().enumerate() {
            let after_digit = digit(at.checked_sub(1));
            if *byte == b'_' && !(after_digit && digit(Some(at + 1))) {
                return None;
            }
        }
        owned = text.replace('_', "");
        plain = &owned;
    }
    let value = if is_yaml_float(plain) {
        plain.parse::<f64>().ok()
    } else {
        None
    };
    drop(owned);
    value.filter(|n| n.is_finite())
}
