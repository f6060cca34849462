//! Scalars that YAML has no type for.

use std::{fmt::Write, time::Duration};

use super::shape::Type;

/// Milliseconds of each unit, largest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a span of time written as whole numbers with units, the largest first: `10m`, `1m30s`,
/// `1h`, `500ms`. The error says what is wrong with it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut largest = u64::MAX;
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits).unwrap_or((rest, ""));
        if number.is_empty() {
            return Err(format!(
                "`{text}` has no number before `{}`",
                shortened(rest)
            ));
        }
        let letters = after
            .bytes()
            .take_while(|byte| !byte.is_ascii_digit())
            .count();
        let (unit, after) = after.split_at_checked(letters).unwrap_or((after, ""));
        if unit.is_empty() {
            return Err(format!("`{number}` in `{text}` has no unit"));
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{}` is not a unit", shortened(unit.trim())));
        };
        if *scale >= largest {
            return Err(format!(
                "the units of `{text}` must go from large to small, each once"
            ));
        }
        largest = *scale;
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*scale))
            .and_then(|millis| total.checked_add(millis))
            .ok_or_else(|| format!("`{}` is too long", shortened(text)))?;
        rest = after;
    }
    Ok(Duration::from_millis(total))
}

/// The shortest text that [`parse_duration`] reads as this span, to the millisecond.
pub fn format_duration(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, scale) in UNITS {
        if millis >= scale {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{unit}", millis / scale);
            millis %= scale;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// A text in a message, cut where it is too long to be read there.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        format!("{cut}…")
    } else {
        cut
    }
}

impl Type {
    /// A value of this type, for "add `x: …`".
    pub(super) fn sample(self) -> &'static str {
        match self {
            Self::Text(_) | Self::Scalar | Self::Any | Self::Words(_) => "…",
            Self::Word(word) => word,
            Self::Path => "overlays/dev",
            Self::Bool => "true",
            Self::Duration => "1m",
            Self::Count(_) => "1",
            Self::List(_) => "[…]",
            Self::Map(_) | Self::Shape(_) => "{…}",
            Self::Either(one, _) => one.sample(),
        }
    }
}
