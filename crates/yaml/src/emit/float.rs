//! Floats as Go prints them.

use std::fmt::Write as _;

/// The shortest decimal digits of a positive finite float and the position of the point: the value is
/// `0.d1d2d3… × 10^point`.
struct Digits {
    digits: String,
    point: i32,
}

fn digits(scientific: &str) -> Digits {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.trim_end_matches('0') {
        "" => "0".to_owned(),
        trimmed => trimmed.to_owned(),
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let point = if digits == "0" { 1 } else { exponent + 1 };
    Digits { digits, point }
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`, with YAML's words for infinities and not-a-number.
pub(crate) fn yaml(value: f64, out: &mut String) {
    general(value, &format!("{:e}", value.abs()), out);
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`: how `sigs.k8s.io/yaml` prints a float that is a key.
pub(crate) fn yaml_key(value: f64, out: &mut String) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Go rounds to 32 bits here too"
    )]
    let short = value.abs() as f32;
    if short.is_infinite() {
        out.push_str(if value < 0.0 { "-.inf" } else { ".inf" });
    } else {
        general(value, &format!("{short:e}"), out);
    }
}

fn general(value: f64, scientific: &str, out: &mut String) {
    if value.is_nan() {
        return out.push_str(".nan");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        return out.push_str(".inf");
    }
    let Digits { digits, point } = digits(scientific);
    // The shortest precision counts as 6 for this choice.
    let exponent = point - 1;
    if (-4..6).contains(&exponent) {
        push_fixed(&digits, point, out);
    } else {
        push_exponent(&digits, exponent, true, out);
    }
}

/// As `encoding/json` prints a float: fixed between 1e-6 and 1e21. `None` for infinities and
/// not-a-number.
pub(crate) fn json(value: f64, out: &mut String) -> Option<()> {
    if !value.is_finite() {
        return None;
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let magnitude = value.abs();
    let Digits { digits, point } = digits(&format!("{magnitude:e}"));
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        push_exponent(&digits, point - 1, false, out);
    } else {
        push_fixed(&digits, point, out);
    }
    Some(())
}

fn push_exponent(digits: &str, exponent: i32, two_digits: bool, out: &mut String) {
    let (first, rest) = digits.split_at(1);
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let exponent = exponent.abs();
    // Writing to a string cannot fail.
    let _ = if two_digits || sign == '+' {
        write!(out, "e{sign}{exponent:02}")
    } else {
        write!(out, "e{sign}{exponent}")
    };
}

fn push_fixed(digits: &str, point: i32, out: &mut String) {
    let Ok(whole) = usize::try_from(point) else {
        out.push_str("0.");
        (point..0).for_each(|_| out.push('0'));
        out.push_str(digits);
        return;
    };
    match whole {
        0 => {
            out.push_str("0.");
            out.push_str(digits);
        }
        _ if whole < digits.len() => {
            let (before, after) = digits.split_at(whole);
            out.push_str(before);
            out.push('.');
            out.push_str(after);
        }
        _ => {
            out.push_str(digits);
            (digits.len()..whole).for_each(|_| out.push('0'));
        }
    }
}
