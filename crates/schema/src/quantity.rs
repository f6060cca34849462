//! Kubernetes quantities (`100m`, `1Gi`, `1.5e3`): parsed, made canonical and compared as apimachinery does.
//!
//! The behaviour is that of `k8s.io/apimachinery/pkg/api/resource` 0.36.3, oddities included: text that looks
//! canonical enough is kept as it is written (`+1k`, `520.737e3`), and only binary amounts are capped.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An exact amount with the text it prints as. Order and equality are by amount.
#[derive(Clone, Debug)]
pub struct Quantity {
    amount: Decimal,
    format: Format,
    /// The text as written, where the server would keep it.
    text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `e6`
    DecimalExponent,
    /// `Ki`, `Mi`, …
    BinarySi,
    /// `m`, `k`, `M`, …
    DecimalSi,
}

/// Why text is no quantity, in apimachinery's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// The text is malformed.
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

/// The suffixes of powers of ten.
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

/// The suffixes of powers of two.
const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];

/// The finest step of a quantity, as a power of ten.
const NANO: i32 = -9;
/// Digits that surely fit an `i64`.
const SURE_DIGITS: usize = 18;

/// The text that a server prints for a quantity, `None` when it does not parse.
pub fn canonical(text: &str) -> Option<String> {
    text.parse::<Quantity>()
        .ok()
        .map(|quantity| quantity.to_string())
}

/// An exact decimal number: `±digits × 10^exponent`.
#[derive(Clone, Debug, Default)]
struct Decimal {
    negative: bool,
    /// Most significant first, without leading or trailing zeros; empty for zero.
    digits: Vec<u8>,
    exponent: i32,
}

impl Decimal {
    fn new(negative: bool, digits: impl Iterator<Item = u8>, exponent: i32) -> Self {
        let digits = digits.skip_while(|digit| *digit == 0).collect();
        let mut out = Self {
            negative,
            digits,
            exponent,
        };
        out.trim();
        out
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        if self.digits.is_empty() {
            self.exponent = 0;
        }
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Multiplies by a power of two.
    fn shift_left(&mut self, power: u32) {
        let mut carry = 0_u128;
        for digit in self.digits.iter_mut().rev() {
            let product = (u128::from(*digit) << power) + carry;
            *digit = u8::try_from(product % 10).unwrap_or_default();
            carry = product / 10;
        }
        while carry > 0 {
            self.digits
                .insert(0, u8::try_from(carry % 10).unwrap_or_default());
            carry /= 10;
        }
        self.trim();
    }

    /// Rounds away from zero to a multiple of `10^exponent`.
    fn round_up(&mut self, exponent: i32) {
        let surplus = i64::from(exponent) - i64::from(self.exponent);
        let Ok(surplus) = usize::try_from(surplus) else {
            return;
        };
        if self.is_zero() || surplus == 0 {
            return;
        }
        // Digits have no trailing zeros, so what is cut off is never nothing.
        self.digits
            .truncate(self.digits.len().saturating_sub(surplus));
        self.exponent = exponent;
        let mut at = self.digits.len();
        loop {
            let Some(before) = at.checked_sub(1) else {
                self.digits.insert(0, 1);
                break;
            };
            match self.digits.get_mut(before) {
                Some(digit) if *digit == 9 => *digit = 0,
                Some(digit) => {
                    *digit += 1;
                    break;
                }
                None => break,
            }
            at = before;
        }
        self.trim();
    }

    /// The value if it is a whole number that fits.
    fn whole(&self) -> Option<i128> {
        let power = u32::try_from(self.exponent).ok()?;
        let mut value = 0_i128;
        for digit in &self.digits {
            value = value.checked_mul(10)?.checked_add(i128::from(*digit))?;
        }
        let value = value.checked_mul(10_i128.checked_pow(power)?)?;
        Some(if self.negative { -value } else { value })
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        let size = |decimal: &Self| {
            i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX) + i64::from(decimal.exponent)
        };
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Of equal size, digits compare as text does: the longer of two that begin alike is the greater.
            (false, false) => size(self)
                .cmp(&size(other))
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let sign = |decimal: &Self| match (decimal.is_zero(), decimal.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let order = self.compare_magnitude(other);
            if self.negative {
                order.reverse()
            } else {
                order
            }
        })
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        let digits = value.unsigned_abs().to_string();
        Self::new(value < 0, digits.bytes().map(|byte| byte - b'0'), 0)
    }
}

/// A quantity's text in its parts.
struct Parts<'a> {
    negative: bool,
    /// Without leading zeros; empty when there is nothing but zeros.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

fn split(text: &str) -> Result<Parts<'_>, QuantityError> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let unsigned = unsigned.trim_start_matches('0');
    let digits_end = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let (whole, rest) = unsigned.split_at(digits_end(unsigned));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits_end(rest)),
        None => ("", rest),
    };
    let exponent = suffix.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(QuantityError::Format);
    }
    Ok(Parts {
        negative,
        whole,
        fraction,
        suffix,
    })
}

/// What a suffix multiplies by.
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
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let parts = split(text)?;
        let (scale, mut format) = scale(parts.suffix)?;
        let digits = parts.whole.bytes().chain(parts.fraction.bytes());
        let places = i32::try_from(parts.fraction.len()).unwrap_or(i32::MAX);
        let exponent = match scale {
            Scale::Ten(power) => power.saturating_sub(places),
            Scale::Two(_) => 0_i32.saturating_sub(places),
        };
        let mut amount = Decimal::new(parts.negative, digits.map(|byte| byte - b'0'), exponent);
        if let Some(is_kept) = quick(&parts, &scale, exponent) {
            if let Scale::Two(power) = scale {
                amount.shift_left(power);
            }
            return Ok(Self {
                amount,
                format,
                text: is_kept.then(|| text.to_owned()),
            });
        }
        if let Scale::Two(power) = scale {
            amount.shift_left(power);
        }
        amount.round_up(NANO);
        if format == Format::BinarySi {
            let most = Decimal::from(i64::MAX);
            if amount.compare_magnitude(&most).is_gt() {
                amount.digits = most.digits;
                amount.exponent = most.exponent;
            }
            if amount.compare_magnitude(&Decimal::from(1)).is_lt() && !amount.is_zero() {
                format = Format::DecimalSi;
            }
        }
        Ok(Self {
            amount,
            format,
            text: None,
        })
    }
}

/// Whether the server parses the text without big numbers, and if so whether it keeps the text.
fn quick(parts: &Parts<'_>, scale: &Scale, exponent: i32) -> Option<bool> {
    let whole = parts.whole.len().max(1);
    match scale {
        Scale::Ten(_) => {
            if whole + parts.fraction.len() > SURE_DIGITS || exponent < NANO {
                return None;
            }
            let zeros = if parts.whole.is_empty() {
                "0"
            } else {
                parts.whole
            };
            let shifted = format!("{zeros}{}", parts.fraction);
            Some(exponent % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0'))
        }
        Scale::Two(power) => {
            // 2^power has about power × 3 / 10 decimal digits.
            let room = 15_usize.checked_sub(whole + (power * 3 / 10) as usize + 1);
            if !parts.fraction.is_empty() || room.is_none() {
                return None;
            }
            let value: i64 = parts.whole.parse().unwrap_or_default();
            value.checked_mul(1_i64.checked_shl(*power)?)?;
            Some(value & 7 != 0)
        }
    }
}

impl Quantity {
    /// Parses text such as `100m`, `1Gi` or `1e3`.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        text.parse()
    }

    /// Whether the amount is zero.
    pub fn is_zero(&self) -> bool {
        self.amount.is_zero()
    }

    fn write_decimal(&self, f: &mut fmt::Formatter<'_>, exponential: bool) -> fmt::Result {
        let Decimal {
            negative,
            digits,
            exponent,
        } = &self.amount;
        // The exponent becomes a multiple of three.
        let zeros = exponent.rem_euclid(3);
        let exponent = exponent.saturating_sub(zeros);
        if *negative {
            f.write_str("-")?;
        }
        for digit in digits {
            write!(f, "{digit}")?;
        }
        for _ in 0..zeros {
            f.write_str("0")?;
        }
        if exponential {
            return if exponent == 0 {
                Ok(())
            } else {
                write!(f, "e{exponent}")
            };
        }
        // An exponent without a suffix is dropped, as on the real server.
        let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent);
        f.write_str(suffix.map_or("", |(suffix, _)| suffix))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        if self.is_zero() {
            return f.write_str("0");
        }
        // Small amounts and such with a fraction give up binary notation.
        if self.format == Format::BinarySi
            && let Some(mut number) = self.amount.whole()
            && number.abs() >= 1024
        {
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
        self.write_decimal(f, self.format == Format::DecimalExponent)
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.amount.compare(&other.amount)
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Quantity {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_as_the_server_prints_them() {
        for (text, expected) in [
            ("0", "0"),
            ("1000m", "1"),
            ("0.1", "100m"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("1500Mi", "1500Mi"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("12e6", "12e6"),
            ("100000", "100k"),
            ("+1k", "+1k"),
            ("1n", "1n"),
            ("0.1n", "1n"),
            ("9999999Ei", "9223372036854775807"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(Quantity::parse("1x"), Err(QuantityError::Format));
        assert_eq!(Quantity::parse("1Kx"), Err(QuantityError::Format));
        assert_eq!(Quantity::parse("1K"), Err(QuantityError::Suffix));
    }

    #[test]
    fn order_is_by_amount() {
        let sorted = [
            "-1Gi", "-1", "0", "1n", "1m", "0.5", "1000m", "1023", "1Ki", "1M", "1Mi", "1e30",
        ];
        for pair in sorted.windows(2) {
            assert!(
                Quantity::parse(pair[0]).unwrap() < Quantity::parse(pair[1]).unwrap(),
                "{pair:?}"
            );
        }
        assert_eq!(Quantity::parse("1"), Quantity::parse("1000m"));
        assert_eq!(Quantity::parse("1024Mi"), Quantity::parse("1Gi"));
    }
}
