//! Go's number literals, under all the types that can hold them.

use super::ast::Span;
use super::lex::Kind;
use super::literal::char_constant;
use crate::fmt::quote;

/// A number literal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    /// As it was written.
    pub(crate) text: Span,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Number {
    /// Of a token's text. The error is Go's.
    pub(super) fn parse(text: &str, kind: Kind, span: Span) -> Result<Self, String> {
        let none = Self {
            text: span,
            int: None,
            uint: None,
            float: None,
            complex: None,
        };
        match kind {
            Kind::CharConstant => {
                let code = char_constant(text)?;
                return Ok(Self {
                    int: Some(i64::from(code)),
                    uint: Some(u64::from(code)),
                    float: Some(f64::from(code)),
                    ..none
                });
            }
            Kind::Complex => {
                let parts = complex(text).ok_or("syntax error scanning complex number")?;
                return Ok(none.with_complex(parts));
            }
            _ => {}
        }
        if let Some(im) = text.strip_suffix('i').and_then(parse_float) {
            return Ok(none.with_complex((0.0, im)));
        }
        none.real(text)
    }

    #[expect(clippy::cast_precision_loss, reason = "as Go promotes integers")]
    fn real(mut self, text: &str) -> Result<Self, String> {
        self.uint = parse_uint(text);
        self.int = parse_int(text);
        if self.int == Some(0) {
            self.uint = Some(0);
        }
        if let Some(int) = self.int {
            self.float = Some(int as f64);
        } else if let Some(uint) = self.uint {
            self.float = Some(uint as f64);
        } else if let Some(float) = parse_float(text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quote(text.as_bytes())));
            }
            self.float = Some(float);
            self.int = exact_int(float);
            self.uint = exact_uint(float);
        } else {
            return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
        }
        Ok(self)
    }

    fn with_complex(mut self, (re, im): (f64, f64)) -> Self {
        self.complex = Some((re, im));
        if im == 0.0 {
            self.float = Some(re);
            self.int = exact_int(re);
            self.uint = exact_uint(re);
        }
        self
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "asks whether the conversion loses anything"
)]
fn exact_int(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float && float < 9_223_372_036_854_775_808.0).then_some(int)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "asks whether the conversion loses anything"
)]
fn exact_uint(float: f64) -> Option<u64> {
    let uint = float as u64;
    (uint as f64 == float && float < 18_446_744_073_709_551_616.0).then_some(uint)
}

/// Whether underscores stand between digits, or between a base prefix and a digit.
fn underscores_ok(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    let (rest, is_hex, mut after_digit) = match lower.get(..2) {
        Some("0x") => (lower.get(2..).unwrap_or_default(), true, true),
        Some("0b" | "0o") => (lower.get(2..).unwrap_or_default(), false, true),
        _ => (lower.as_str(), false, false),
    };
    let mut after_underscore = false;
    for c in rest.chars() {
        let is_digit = c.is_ascii_digit() || (is_hex && c.is_ascii_hexdigit());
        if c == '_' && !after_digit || after_underscore && !is_digit {
            return false;
        }
        after_underscore = c == '_';
        after_digit = is_digit;
    }
    !after_underscore
}

/// `strconv.ParseUint` with base 0.
fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0b") if lower.len() > 2 => (lower.get(2..)?, 2),
        Some("0o") if lower.len() > 2 => (lower.get(2..)?, 8),
        Some("0x") if lower.len() > 2 => (lower.get(2..)?, 16),
        _ if lower.len() > 1 && lower.starts_with('0') => (lower.get(1..)?, 8),
        _ => (lower.as_str(), 10),
    };
    if digits.contains('_') && !underscores_ok(text) {
        return None;
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// `strconv.ParseInt` with base 0.
fn parse_int(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix('-') {
        return parse_uint(rest).and_then(|n| 0_i64.checked_sub_unsigned(n));
    }
    let rest = text.strip_prefix('+').unwrap_or(text);
    parse_uint(rest).and_then(|n| i64::try_from(n).ok())
}

/// `strconv.ParseFloat` of what the lexer lets through.
fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') && !underscores_ok(text) {
        return None;
    }
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let float = match digits.get(..2) {
        Some("0x" | "0X") if digits.len() > 2 => {
            let float = hex_float(digits.get(2..)?)?;
            if plain.starts_with('-') {
                -float
            } else {
                float
            }
        }
        _ if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => plain.parse().ok()?,
        _ => return None,
    };
    Some(float).filter(|float: &f64| float.is_finite())
}

/// `1.8p3`: the exponent is required.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let mut exponent = exponent.parse::<i64>().ok()?.clamp(-100_000, 100_000);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // 60 bits are kept, and one more that says whether any was lost.
    let mut bits = 0_u64;
    for (index, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16)?);
        if bits >> 56 == 0 {
            bits = bits << 4 | digit;
            exponent -= if index >= whole.len() { 4 } else { 0 };
        } else {
            bits |= u64::from(digit != 0);
            exponent += if index < whole.len() { 4 } else { 0 };
        }
    }
    Some(scaled(bits, exponent))
}

/// `bits × 2^exponent`, rounded once.
#[expect(clippy::cast_precision_loss, reason = "rounds to even, as is wanted")]
fn scaled(bits: u64, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let top = 63 - i64::from(bits.leading_zeros()) + exponent;
    if top < -1_022 {
        // Denormal: drop the bits beyond the last place first.
        let drop = u32::try_from(-1_074 - exponent).unwrap_or(0);
        if drop >= 64 {
            return 0.0;
        }
        let kept = bits >> drop;
        let lost = bits & ((1_u64 << drop) - 1);
        let half = 1_u64 << drop.saturating_sub(1);
        let up = drop > 0 && (lost > half || lost == half && kept & 1 == 1);
        return f64::from_bits(kept + u64::from(up));
    }
    let mut float = bits as f64;
    let mut left = exponent;
    while left != 0 && float.is_finite() {
        let step = left.clamp(-500, 500);
        let factor = f64::from_bits(u64::try_from(step + 1_023).unwrap_or_default() << 52);
        float *= factor;
        left -= step;
    }
    float
}

/// `1+2i`.
fn complex(text: &str) -> Option<(f64, f64)> {
    let text = text.strip_suffix('i')?;
    let bytes = text.as_bytes();
    let split = (1..bytes.len()).rev().find(|&at| {
        matches!(bytes.get(at), Some(b'+' | b'-'))
            && !matches!(bytes.get(at - 1), Some(b'e' | b'E' | b'p' | b'P'))
    })?;
    let (re, im) = text.split_at_checked(split)?;
    Some((parse_float(re)?, parse_float(im)?))
}
