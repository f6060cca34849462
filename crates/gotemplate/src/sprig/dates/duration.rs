//! Go's `time.Duration`: reading `1h30m`, printing it, and the coarse form of `durationRound`.

use super::parse::quote;

const SECOND: u64 = 1_000_000_000;

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => SECOND,
        b"m" => 60 * SECOND,
        b"h" => 3600 * SECOND,
        _ => return None,
    })
}

/// Go's `time.ParseDuration`, in nanoseconds.
pub(crate) fn parse(text: &[u8]) -> Result<i64, String> {
    let error = |what: &str| format!("time: {what} {}", quote(text));
    let invalid = || error("invalid duration");
    let (negative, mut rest) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let whole_digits = leading_digits(rest);
        let whole = integer(rest.get(..whole_digits).unwrap_or_default()).ok_or_else(invalid)?;
        rest = rest.get(whole_digits..).unwrap_or_default();
        let (mut fraction, mut scale, mut fraction_digits) = (0, 1.0, 0);
        if let Some(after) = rest.strip_prefix(b".") {
            fraction_digits = leading_digits(after);
            (fraction, scale) = leading_fraction(after.get(..fraction_digits).unwrap_or_default());
            rest = after.get(fraction_digits..).unwrap_or_default();
        }
        if whole_digits == 0 && fraction_digits == 0 {
            return Err(invalid());
        }
        let length = rest
            .iter()
            .take_while(|byte| **byte != b'.' && !byte.is_ascii_digit())
            .count();
        let (name, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if name.is_empty() {
            return Err(error("missing unit in duration"));
        }
        let unit = unit(name)
            .ok_or_else(|| error(&format!("unknown unit {} in duration", quote(name))))?;
        rest = after;
        let nanos = whole
            .checked_mul(unit)
            .filter(|nanos| *nanos <= 1 << 63)
            .ok_or_else(invalid)?;
        sum = sum
            .checked_add(nanos.wrapping_add(part_of(unit, fraction, scale)))
            .filter(|sum| *sum <= 1 << 63)
            .ok_or_else(invalid)?;
    }
    match (negative, i64::try_from(sum)) {
        (true, nanos) => Ok(nanos.map_or(i64::MIN, |nanos| -nanos)),
        (false, Ok(nanos)) => Ok(nanos),
        (false, Err(_)) => Err(invalid()),
    }
}

fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The number of at most 2^63 that the digits are.
fn integer(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, byte| {
        sum.checked_mul(10)?
            .checked_add(u64::from(byte - b'0'))
            .filter(|sum| *sum <= 1 << 63)
    })
}

/// The digits after the point as a number and its scale; digits that no longer fit are dropped.
fn leading_fraction(digits: &[u8]) -> (u64, f64) {
    let (mut number, mut scale) = (0_u64, 1.0);
    for byte in digits {
        let next = number
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(byte - b'0')));
        let Some(next) = next.filter(|next| *next <= i64::MAX.unsigned_abs()) else {
            break;
        };
        number = next;
        scale *= 10.0;
    }
    (number, scale)
}

/// A fraction of a unit in whole nanoseconds, in floating point as Go computes it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go's own arithmetic; both are small and positive"
)]
fn part_of(unit: u64, fraction: u64, scale: f64) -> u64 {
    (fraction as f64 * (unit as f64 / scale)) as u64
}

/// Go's `Duration.String`: `72h3m0.5s`, `1.5ms`, `0s`.
pub(crate) fn print(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    if size == 0 {
        return "0s".into();
    }
    if size < SECOND {
        let (scale, name) = match size {
            ..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", decimal(size, scale));
    }
    let (minutes, seconds) = (size / (60 * SECOND), decimal(size % (60 * SECOND), SECOND));
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `number / scale` with as many digits as it needs.
fn decimal(number: u64, scale: u64) -> String {
    let width = scale.ilog10() as usize;
    let fraction = format!("{:0width$}", number % scale);
    let fraction = if width == 0 {
        ""
    } else {
        fraction.trim_end_matches('0')
    };
    let whole = number / scale;
    if fraction.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{fraction}")
    }
}

/// Sprig's `durationRound`: the largest unit that is exceeded, and nothing smaller; the sign is dropped.
pub(crate) fn round(nanos: i64) -> String {
    const HOUR: u64 = 3600 * SECOND;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60 * SECOND, "m"),
        (SECOND, "s"),
    ];
    let size = nanos.unsigned_abs();
    units
        .into_iter()
        .find(|(unit, _)| size > *unit)
        .map_or_else(
            || "0s".into(),
            |(unit, name)| format!("{}{name}", size / unit),
        )
}

/// `nanos` rounded to whole seconds, halves away from zero, as Go's `Duration.Round(time.Second)` does.
pub(crate) fn to_seconds(nanos: i64) -> i64 {
    let second = 1_000_000_000;
    let rest = nanos % second;
    let down = nanos - rest;
    if rest.abs() * 2 < second {
        down
    } else {
        down.saturating_add(rest.signum() * second)
    }
}
