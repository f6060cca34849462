//! Kubernetes quantities: `1000m` is `1`, `0.5Gi` is `512Mi`.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/api/resource`.

/// Suffixes with their factor as `mantissa × 2^binary × 10^decimal`.
const SUFFIXES: &[(&str, i32, i32)] = &[
    ("Ki", 10, 0),
    ("Mi", 20, 0),
    ("Gi", 30, 0),
    ("Ti", 40, 0),
    ("Pi", 50, 0),
    ("Ei", 60, 0),
    ("n", 0, -9),
    ("u", 0, -6),
    ("m", 0, -3),
    ("k", 0, 3),
    ("M", 0, 6),
    ("G", 0, 9),
    ("T", 0, 12),
    ("P", 0, 15),
    ("E", 0, 18),
];

/// Whether two texts are the same quantity. Texts that are no quantities are never the same.
pub(super) fn same(left: &str, right: &str) -> bool {
    match (nanos(left), nanos(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// A quantity in billionths, the finest step that servers keep (they round up). None for what is no
/// quantity or doesn't fit.
fn nanos(text: &str) -> Option<i128> {
    let (number, binary, decimal) = split(text)?;
    let (negative, digits) = match number.as_bytes().first()? {
        b'-' => (true, number.get(1..)?),
        b'+' => (false, number.get(1..)?),
        _ => (false, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: i128 = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = i128::from(digit.to_digit(10)?);
        mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
    }
    let exponent = decimal + 9 - i32::try_from(fraction.len()).ok()?;
    let scaled = mantissa.checked_mul(1_i128.checked_shl(u32::try_from(binary).ok()?)?)?;
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    let nanos = if exponent >= 0 {
        scaled.checked_mul(power)?
    } else {
        scaled.checked_add(power - 1)? / power
    };
    Some(if negative { -nanos } else { nanos })
}

/// Number, binary exponent and decimal exponent.
fn split(text: &str) -> Option<(&str, i32, i32)> {
    for (suffix, binary, decimal) in SUFFIXES {
        if let Some(number) = text.strip_suffix(suffix) {
            return Some((number, *binary, *decimal));
        }
    }
    match text.find(['e', 'E']) {
        Some(at) => {
            let exponent: i32 = text.get(at + 1..)?.parse().ok()?;
            (-30..=30)
                .contains(&exponent)
                .then_some((text.get(..at)?, 0, exponent))
        }
        None => Some((text, 0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_compared_by_value() {
        for (left, right) in [
            ("1000m", "1"),
            ("0.5Gi", "512Mi"),
            ("1024Mi", "1Gi"),
            ("0.1", "100m"),
            ("1e3", "1k"),
            ("1E", "1000P"),
            ("1.5", "1500m"),
            (".5", "0.5"),
            ("+1", "1"),
            ("-1", "-1000m"),
            ("100u", "0.1m"),
            ("0", "0Gi"),
            ("12e6", "12M"),
        ] {
            assert!(same(left, right), "{left} and {right}");
        }
    }

    #[test]
    fn what_differs_or_is_no_quantity_is_not_the_same() {
        for (left, right) in [
            ("1", "2"),
            ("1M", "1Mi"),
            ("abc", "abc"),
            ("", ""),
            ("1x", "1x"),
            ("1 ", "1"),
            ("m", "m"),
            ("99999999999999999999999999999999999999999", "1"),
        ] {
            assert!(!same(left, right), "{left} and {right}");
        }
    }
}
