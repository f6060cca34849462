//! Kubernetes quantities (`100m`, `1Gi`, `1.5e3`): parsed, made canonical and compared as apimachinery does.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// How a quantity prints its magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `e6`
    DecimalExponent,
    /// `Ki`, `Mi`, …
    BinarySi,
    /// `m`, `k`, `M`, …
    DecimalSi,
}

/// An exact amount with the notation it prints in. Order and equality are by amount.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// In billionths, the finest step a quantity has.
    nanos: i128,
    format: Format,
}

/// Why text is no quantity, in apimachinery's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// The text has no number in it, or is malformed.
    Format,
    /// The suffix is unknown.
    Suffix,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => {
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            Self::Suffix => "unable to parse quantity's suffix",
        })
    }
}

impl std::error::Error for QuantityError {}

const NANO: i128 = 1_000_000_000;
/// Amounts are capped at the greatest `int64`, as apimachinery caps them.
const MAX: i128 = i64::MAX as i128 * NANO;

/// The suffixes and their powers of ten; `n` and `u` are below one.
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// The suffixes and their powers of two.
const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];

/// The canonical text of a quantity, `None` when it does not parse.
pub fn canonical(text: &str) -> Option<String> {
    text.parse::<Quantity>()
        .ok()
        .map(|quantity| quantity.to_string())
}

enum Scale {
    Ten(i32),
    Two(u32),
}

fn scale(suffix: &str) -> Result<(Scale, Format), QuantityError> {
    if let Some((_, power)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Ok((Scale::Ten(*power), Format::DecimalSi));
    }
    if let Some((_, power)) = BINARY.iter().find(|(known, _)| *known == suffix) {
        return Ok((Scale::Two(*power), Format::BinarySi));
    }
    suffix
        .strip_prefix(['e', 'E'])
        .and_then(|power| power.parse::<i32>().ok())
        .map(|power| (Scale::Ten(power), Format::DecimalExponent))
        .ok_or(QuantityError::Suffix)
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned
            .split_at_checked(end)
            .ok_or(QuantityError::Format)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if number.is_empty() || fraction.contains('.') || whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::Format);
        }
        if suffix.contains(|c: char| !"eEinumkKMGTP+-0123456789".contains(c)) {
            return Err(QuantityError::Format);
        }
        let (scale, format) = scale(suffix)?;
        let amount = amount(whole, fraction, &scale);
        Ok(Self {
            nanos: if text.starts_with('-') {
                -amount
            } else {
                amount
            },
            format,
        })
    }
}

/// The amount in billionths, rounded up, capped.
fn amount(whole: &str, fraction: &str, scale: &Scale) -> i128 {
    let (power, factor) = match scale {
        Scale::Ten(power) => (i64::from(*power), 1_i128),
        Scale::Two(power) => (0, 1_i128 << power),
    };
    let fraction = fraction.trim_end_matches('0');
    let mut digits = 0_i128;
    let mut overflow = false;
    for digit in whole.bytes().chain(fraction.bytes()) {
        match digits
            .checked_mul(10)
            .and_then(|digits| digits.checked_add(i128::from(digit - b'0')))
        {
            Some(next) => digits = next,
            None => overflow = true,
        }
    }
    if overflow {
        // More digits than any amount needs: the whole part alone decides whether it is past the cap.
        return if fraction.is_empty() {
            MAX
        } else {
            amount_of_whole(whole, scale)
        };
    }
    // digits × 10^(power - fraction + 9) × factor
    let exponent = power - i64::try_from(fraction.len()).unwrap_or(i64::MAX) + 9;
    let scaled = digits.checked_mul(factor);
    if exponent >= 0 {
        let ten = u32::try_from(exponent)
            .ok()
            .and_then(|exponent| 10_i128.checked_pow(exponent));
        if digits == 0 {
            return 0;
        }
        return scaled
            .zip(ten)
            .and_then(|(scaled, ten)| scaled.checked_mul(ten))
            .map_or(MAX, |nanos| nanos.min(MAX));
    }
    let ten = u32::try_from(-exponent)
        .ok()
        .and_then(|exponent| 10_i128.checked_pow(exponent));
    match (scaled, ten) {
        (Some(scaled), Some(ten)) => (scaled / ten + i128::from(scaled % ten != 0)).min(MAX),
        (Some(scaled), None) => i128::from(scaled != 0),
        (None, _) => MAX,
    }
}

fn amount_of_whole(whole: &str, scale: &Scale) -> i128 {
    // Only reached with more than 38 digits; a fraction finer than the step rounds up by at most one step.
    (amount(whole, "", scale) + 1).min(MAX)
}

impl Quantity {
    /// Parses text such as `100m`, `1Gi` or `1e3`.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        text.parse()
    }

    /// The amount in billionths.
    pub fn nanos(&self) -> i128 {
        self.nanos
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.nanos;
        if nanos == 0 {
            return f.write_str("0");
        }
        // Below 1024, and with a fraction, binary notation is given up for decimal.
        let is_binary = self.format == Format::BinarySi && nanos % NANO == 0;
        if is_binary && (nanos / NANO).abs() >= 1024 {
            let mut number = nanos / NANO;
            let mut suffix = "";
            for (name, _) in BINARY {
                if number % 1024 != 0 {
                    break;
                }
                number /= 1024;
                suffix = name;
            }
            return write!(f, "{number}{suffix}");
        }
        let mut number = nanos;
        let mut power = -9;
        while number % 1000 == 0 && power < 18 {
            number /= 1000;
            power += 3;
        }
        if self.format == Format::DecimalExponent {
            return if power == 0 {
                write!(f, "{number}")
            } else {
                write!(f, "{number}e{power}")
            };
        }
        let suffix = DECIMAL
            .iter()
            .find(|(_, known)| *known == power)
            .map_or("", |(suffix, _)| suffix);
        write!(f, "{number}{suffix}")
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}
