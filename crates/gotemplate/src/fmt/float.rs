//! Floats as Go's `strconv.FormatFloat` writes them.

use std::fmt::Write as _;

/// How many bits a float came from: the shortest digits differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Single,
    Double,
}

/// The significant digits of a number, and where its point is: 0.d₁d₂… × 10^point.
struct Decimal {
    digits: String,
    point: i32,
}

/// A float as `%v` prints it: `1e+06`, `0.1`, `+Inf`.
pub fn float(value: f64) -> String {
    let mut out = String::new();
    format(value, 'g', None, Width::Double, &mut out);
    out
}

/// `verb` is one of `e E f g G b x X`; no precision means as many digits as needed.
pub(super) fn format(value: f64, verb: char, prec: Option<usize>, width: Width, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let value = value.abs();
    match verb {
        'b' => binary(value, width, out),
        'x' | 'X' => hex(value, verb, prec, out),
        'f' => match prec {
            Some(prec) => {
                let _ = write!(out, "{value:.prec$}");
            }
            None => positional(&shortest(value, width), 0, out),
        },
        'e' | 'E' => {
            let decimal = match prec {
                Some(prec) => rounded(value, prec),
                None => shortest(value, width),
            };
            let prec = prec.unwrap_or_else(|| decimal.digits.len().saturating_sub(1));
            scientific(&decimal, prec, verb, out);
        }
        _ => general(value, verb, prec, width, out),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value came from an f32"
)]
fn shortest(value: f64, width: Width) -> Decimal {
    let text = match width {
        Width::Single => format!("{:e}", value as f32),
        Width::Double => format!("{value:e}"),
    };
    decimal(&text)
}

fn rounded(value: f64, prec: usize) -> Decimal {
    decimal(&format!("{value:.prec$e}"))
}

/// Of Rust's `1.5e3`.
fn decimal(text: &str) -> Decimal {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits = mantissa.replace('.', "");
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    if digits.bytes().all(|digit| digit == b'0') {
        return Decimal { digits, point: 1 };
    }
    Decimal { digits, point }
}

fn general(value: f64, verb: char, prec: Option<usize>, width: Width, out: &mut String) {
    let mut prec = prec;
    let mut decimal = match prec {
        Some(digits) => rounded(value, digits.max(1) - 1),
        None => shortest(value, width),
    };
    if prec == Some(0) {
        prec = Some(1);
    }
    // Zeros at the end are no digits.
    let significant = decimal.digits.trim_end_matches('0').len();
    decimal.digits.truncate(significant);
    let digits = i32::try_from(significant).unwrap_or(i32::MAX);
    if digits == 0 {
        decimal.point = 0;
    }
    let limit = match prec.map(|prec| i32::try_from(prec).unwrap_or(i32::MAX)) {
        None => 6,
        Some(prec) if prec > digits && digits >= decimal.point => digits,
        Some(prec) => prec,
    };
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= limit {
        let places = significant.saturating_sub(1);
        let places = prec.map_or(places, |prec| places.min(prec - 1));
        let verb = if verb == 'G' { 'E' } else { 'e' };
        if decimal.digits.is_empty() {
            decimal.digits.push('0');
        }
        scientific(&decimal, places, verb, out);
        return;
    }
    let places = usize::try_from(digits - decimal.point).unwrap_or(0);
    positional(&decimal, places, out);
}

/// `d.ddde±dd`, with zeros up to the precision.
fn scientific(decimal: &Decimal, prec: usize, verb: char, out: &mut String) {
    let (first, rest) = decimal.digits.split_at_checked(1).unwrap_or(("0", ""));
    out.push_str(first);
    if prec > 0 {
        out.push('.');
        out.push_str(rest);
        out.extend(std::iter::repeat_n('0', prec.saturating_sub(rest.len())));
    }
    let is_zero = decimal.digits.bytes().all(|digit| digit == b'0');
    let exponent = if is_zero { 0 } else { decimal.point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "{verb}{sign}{:02}", exponent.unsigned_abs());
}

/// `ddd.ddd` with at least so many places.
fn positional(decimal: &Decimal, places: usize, out: &mut String) {
    let digits = decimal.digits.as_str();
    let whole = usize::try_from(decimal.point).unwrap_or(0);
    if whole == 0 || digits.is_empty() {
        out.push('0');
    } else {
        let (have, _) = digits.split_at_checked(whole).unwrap_or((digits, ""));
        out.push_str(have);
        out.extend(std::iter::repeat_n('0', whole - have.len()));
    }
    let zeros = usize::try_from(-decimal.point).unwrap_or(0);
    let fraction = digits.get(whole..).unwrap_or_default();
    if places == 0 && fraction.is_empty() {
        return;
    }
    out.push('.');
    out.extend(std::iter::repeat_n('0', zeros));
    out.push_str(fraction);
    out.extend(std::iter::repeat_n(
        '0',
        places.saturating_sub(zeros + fraction.len()),
    ));
}

/// The bits of a positive number: mantissa with its implicit bit, exponent of its last bit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value came from an f32"
)]
fn bits(value: f64, width: Width) -> (u64, i32) {
    let (mantissa, exponent, size, bias) = match width {
        Width::Double => {
            let bits = value.to_bits();
            (bits & ((1 << 52) - 1), (bits >> 52) & 0x7ff, 52, 1023)
        }
        Width::Single => {
            let bits = (value as f32).to_bits();
            (
                u64::from(bits & 0x7f_ffff),
                u64::from(bits >> 23) & 0xff,
                23,
                127,
            )
        }
    };
    let exponent = i32::try_from(exponent).unwrap_or_default();
    if exponent == 0 {
        return (mantissa, 1 - bias - size);
    }
    (mantissa | (1 << size), exponent - bias - size)
}

/// `4503599627370496p-52`.
fn binary(value: f64, width: Width, out: &mut String) {
    let (mantissa, exponent) = bits(value, width);
    let _ = write!(out, "{mantissa}p{exponent:+}");
}

/// `0x1.8p+01`.
fn hex(value: f64, verb: char, prec: Option<usize>, out: &mut String) {
    let (mut mantissa, mut exponent) = bits(value, Width::Double);
    exponent += 52;
    if mantissa == 0 {
        exponent = 0;
    } else {
        // The leading digit is 1, for denormal numbers too: bit 60 leads, 15 digits follow.
        let shift = mantissa.leading_zeros().saturating_sub(3);
        mantissa <<= shift;
        exponent += 8 - i32::try_from(shift).unwrap_or_default();
    }
    if let Some(prec) = prec.filter(|prec| *prec < 15) {
        let shift = u32::try_from(prec * 4).unwrap_or_default();
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut text = String::from("0x");
    text.push(if mantissa == 0 { '0' } else { '1' });
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match prec {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(prec) => format!(
            "{:0<prec$}",
            fraction.get(..prec.min(15)).unwrap_or_default()
        ),
    };
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(&fraction);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(text, "p{sign}{:02}", exponent.unsigned_abs());
    if verb == 'X' {
        text.make_ascii_uppercase();
    }
    out.push_str(&text);
}
