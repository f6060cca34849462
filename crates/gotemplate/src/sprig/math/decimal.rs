//! Decimal arithmetic as `github.com/shopspring/decimal` 1.4.0 does it for `addf` and its kin.

use num_bigint::{BigInt, Sign};

/// Digits after the point that a quotient is rounded to.
const DIVISION_PRECISION: i64 = 16;

/// `value * 10^exponent`.
#[derive(Debug, Clone)]
pub(super) struct Decimal {
    value: BigInt,
    exponent: i64,
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or_default())
}

impl Decimal {
    /// The shortest decimal that reads back as `float`.
    pub(super) fn from_float(float: f64) -> Result<Self, String> {
        if !float.is_finite() {
            let name = if float.is_nan() {
                "NaN"
            } else if float > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(format!("Cannot create a Decimal from {name}"));
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let value =
            BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10).unwrap_or_default();
        let places = i64::try_from(fraction.len()).unwrap_or_default();
        Ok(Self {
            value,
            exponent: exponent.parse().unwrap_or(0) - places,
        })
    }

    /// Both values at the lesser of their exponents.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |one: &Self| &one.value * power_of_ten(one.exponent - exponent);
        (scaled(self), scaled(other), exponent)
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self {
            value: left + right,
            exponent,
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self {
            value: left - right,
            exponent,
        }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self {
            value: &self.value * &other.value,
            exponent: self.exponent + other.exponent,
        }
    }

    /// The quotient at 16 places, halves away from zero.
    pub(super) fn divided_by(&self, other: &Self) -> Result<Self, String> {
        if other.value.sign() == Sign::NoSign {
            return Err("decimal division by 0".into());
        }
        let shift = self.exponent - other.exponent + DIVISION_PRECISION;
        let (above, below) = if shift < 0 {
            (self.value.clone(), &other.value * power_of_ten(-shift))
        } else {
            (&self.value * power_of_ten(shift), other.value.clone())
        };
        let (mut value, rest) = (&above / &below, &above % &below);
        let twice: BigInt = rest * 2;
        if twice.magnitude() >= below.magnitude() {
            value += if self.value.sign() == other.value.sign() {
                1
            } else {
                -1
            };
        }
        Ok(Self {
            value,
            exponent: -DIVISION_PRECISION,
        })
    }

    /// The nearest float.
    pub(super) fn to_float(&self) -> f64 {
        if self.value.sign() == Sign::NoSign {
            return 0.0;
        }
        format!("{}e{}", self.value, self.exponent)
            .parse()
            .unwrap_or_default()
    }
}
