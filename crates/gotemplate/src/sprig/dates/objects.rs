//! `time.Time`, `time.Duration`, `time.Month` and `time.Weekday`, with their methods.

use std::{any::Any, borrow::Cow};

use super::{
    duration,
    layout::{DAYS, MONTHS, format},
    moment::{Moment, Zone},
};
use crate::{
    error::Error,
    function::{Call, Signature},
    sprig::bind::{INT, STRING},
    value::{Kind, Object, Str, Type, Value},
};

pub(super) const TIME: &str = "time.Time";
const DURATION: &str = "time.Duration";
/// Go's `Time.String`.
const DEFAULT_LAYOUT: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";

/// Go's `time.Time`.
#[derive(Debug, Clone)]
pub struct Time(pub(crate) Moment);

/// Go's `time.Duration`, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Duration(pub i64);

/// Go's `time.Month`, from 1.
#[derive(Debug, Clone, Copy)]
pub struct Month(pub i64);

/// Go's `time.Weekday`; 0 is Sunday.
#[derive(Debug, Clone, Copy)]
pub struct Weekday(pub i64);

/// The moment that a value is, if it is one.
pub(super) fn time(value: &Value) -> Option<&Moment> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref::<Time>().map(|time| &time.0),
        _ => None,
    }
}

/// A duration argument: one, or a number taken for one.
fn nanos(value: &Value) -> i64 {
    value.as_int().unwrap_or_default()
}

impl Time {
    /// So many seconds after 1970, in UTC.
    pub fn from_unix(seconds: i64) -> Self {
        Self(Moment::from_unix(seconds))
    }

    /// Reads a text by one of Go's layouts; the error is Go's.
    pub fn parse(layout: &str, text: &str) -> Result<Self, String> {
        super::parse::parse(layout.as_bytes(), text.as_bytes()).map(Self)
    }

    /// The time by one of Go's layouts.
    pub fn format(&self, layout: &str) -> Str {
        Str::from_bytes(format(&self.0, layout.as_bytes()))
    }

    /// The seconds since 1970.
    pub fn unix(&self) -> i64 {
        self.0.seconds
    }

    fn compared(&self, other: &Value) -> std::cmp::Ordering {
        let zero = Moment::zero();
        let other = time(other).unwrap_or(&zero);
        (self.0.seconds, self.0.nanos).cmp(&(other.seconds, other.nanos))
    }

    /// This time cut down, or rounded, to a multiple of a duration since the year 1.
    fn stepped(&self, step: i64, round: bool) -> Moment {
        if step <= 0 {
            return self.0.clone();
        }
        let since = (i128::from(self.0.seconds) - i128::from(Moment::zero().seconds))
            * 1_000_000_000
            + i128::from(self.0.nanos);
        let rest = i64::try_from(since.rem_euclid(i128::from(step))).unwrap_or_default();
        let up = round && rest >= step - rest;
        self.0.plus(if up { step - rest } else { -rest })
    }

    fn number(&self, name: &str) -> Option<i64> {
        let parts = self.0.parts();
        Some(match name {
            "Year" => parts.year,
            "Day" => parts.day,
            "YearDay" => parts.year_day,
            "Hour" => parts.hour,
            "Minute" => parts.minute,
            "Second" => parts.second,
            "Nanosecond" => i64::from(self.0.nanos),
            _ => return None,
        })
    }

    fn unix_unit(&self, name: &str) -> Option<i64> {
        let (per_second, nanos_each) = match name {
            "Unix" => return Some(self.0.seconds),
            "UnixMilli" => (1_000, 1_000_000),
            "UnixMicro" => (1_000_000, 1_000),
            "UnixNano" => (1_000_000_000, 1),
            _ => return None,
        };
        Some(
            self.0
                .seconds
                .wrapping_mul(per_second)
                .wrapping_add(i64::from(self.0.nanos) / nanos_each),
        )
    }
}

impl Object for Time {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(TIME)
    }

    fn method(&self, name: &str) -> Option<Signature> {
        Some(match name {
            "Year" | "Month" | "Day" | "YearDay" | "Hour" | "Minute" | "Second" | "Nanosecond"
            | "Weekday" | "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "UTC" | "Local"
            | "String" | "IsZero" | "IsDST" => Signature::of(&[]),
            "Format" => Signature::of(&[STRING]),
            "AddDate" => Signature::of(&[INT, INT, INT]),
            "Add" | "Truncate" | "Round" => Signature::of(&[Type::INT64]),
            "Sub" | "After" | "Before" | "Equal" | "Compare" => Signature::of(&[Type::Named(TIME)]),
            _ => return None,
        })
    }

    fn call(&self, name: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        let own = |moment| Ok(Value::object(Self(moment)));
        if let Some(number) = self.number(name) {
            return Ok(Value::Int(number));
        }
        if let Some(number) = self.unix_unit(name) {
            return Ok(Value::Int64(number));
        }
        match name {
            "Month" => Ok(Value::object(Month(self.0.parts().month))),
            "Weekday" => Ok(Value::object(Weekday(
                i64::try_from(self.0.parts().weekday).unwrap_or_default(),
            ))),
            "UTC" | "Local" => own(self.0.in_zone(Zone::Utc)),
            "Format" => Ok(Value::Str(Str::from_bytes(format(&self.0, call.bytes(0))))),
            "AddDate" => own(self.0.add_date(call.int(0), call.int(1), call.int(2))),
            "Add" => own(self.0.plus(nanos(call.value(0)))),
            "Truncate" => own(self.stepped(nanos(call.value(0)), false)),
            "Round" => own(self.stepped(nanos(call.value(0)), true)),
            "Sub" => {
                let zero = Moment::zero();
                Ok(Value::object(Duration(
                    self.0.since(time(call.value(0)).unwrap_or(&zero)),
                )))
            }
            "After" => Ok(Value::Bool(self.compared(call.value(0)).is_gt())),
            "Before" => Ok(Value::Bool(self.compared(call.value(0)).is_lt())),
            "Equal" => Ok(Value::Bool(self.compared(call.value(0)).is_eq())),
            "Compare" => Ok(Value::Int(self.compared(call.value(0)) as i64)),
            "IsZero" => Ok(Value::Bool(self.compared(&Value::Nil).is_eq())),
            "IsDST" => Ok(Value::Bool(self.0.is_dst())),
            _ => Ok(Value::Str(self.text().unwrap_or_default())),
        }
    }

    fn text(&self) -> Option<Str> {
        Some(Str::from_bytes(format(&self.0, DEFAULT_LAYOUT)))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            (self.0.seconds, self.0.nanos) == (other.0.seconds, other.0.nanos)
                && self.0.parts().zone == other.0.parts().zone
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Duration {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(DURATION)
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        Some(match name {
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds"
            | "String" | "Abs" => Signature::of(&[]),
            _ => return None,
        })
    }

    fn call(&self, name: &str, _: &mut Call<'_, '_>) -> Result<Value, Error> {
        Ok(match name {
            "Hours" => Value::Float(split(self.0, 3_600_000_000_000)),
            "Minutes" => Value::Float(split(self.0, 60_000_000_000)),
            "Seconds" => Value::Float(split(self.0, 1_000_000_000)),
            "Milliseconds" => Value::Int64(self.0 / 1_000_000),
            "Microseconds" => Value::Int64(self.0 / 1_000),
            "Nanoseconds" => Value::Int64(self.0),
            "Abs" => Value::object(Self(self.0.saturating_abs())),
            _ => Value::from(duration::print(self.0)),
        })
    }

    fn text(&self) -> Option<Str> {
        Some(duration::print(self.0).into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A number of units, the whole ones and the rest added as Go adds them.
#[expect(clippy::cast_precision_loss, reason = "Go's own arithmetic")]
fn split(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

/// A named number of which each value has a name.
fn named(names: &[&str], index: i64, otherwise: &str, number: i64) -> Str {
    let name = usize::try_from(index)
        .ok()
        .and_then(|index| names.get(index));
    name.map_or_else(
        || format!("%!{otherwise}({number})").into(),
        |name| Str::from(*name),
    )
}

macro_rules! named_number {
    ($type:ty, $name:literal, $text:expr) => {
        impl Object for $type {
            fn type_name(&self) -> Cow<'static, str> {
                Cow::Borrowed($name)
            }

            fn kind(&self) -> Kind {
                Kind::Int
            }

            fn underlying(&self) -> Option<Value> {
                Some(Value::Int(self.0))
            }

            fn method(&self, name: &str) -> Option<Signature> {
                (name == "String").then(|| Signature::of(&[]))
            }

            fn call(&self, _: &str, _: &mut Call<'_, '_>) -> Result<Value, Error> {
                Ok(Value::Str(self.text().unwrap_or_default()))
            }

            fn text(&self) -> Option<Str> {
                Some($text(self.0))
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    };
}

named_number!(Month, "time.Month", |number| named(
    &MONTHS,
    number - 1,
    "Month",
    number
));
named_number!(Weekday, "time.Weekday", |number| named(
    &DAYS, number, "Weekday", number
));
