//! Sprig's functions on dates, and Go's `time.Time` and its kin as templates see them.

mod duration;
pub(crate) mod layout;
pub(crate) mod moment;
mod objects;
mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use moment::{Moment, Zone};
pub use objects::{Duration, Month, Time, Weekday};

use super::{
    bind::{ANY, STRING, add_all},
    math::cast::parse_int,
    outside::Outside,
};
use crate::{
    function::{Functions, Signature},
    value::{Str, Type, Value},
};

const TIME: Type = Type::Named(objects::TIME);
const HTML: &[u8] = b"2006-01-02";

pub(super) fn add(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    add_formats(functions, outside);
    add_changes(functions);
    add_durations(functions, outside);
    let clock = Arc::clone(outside);
    functions.add("now", Signature::of(&[]), move |_| {
        clock.drawn("now");
        Ok(Value::object(Time(clock.now())))
    });
}

/// The moment of a `date` argument; what is no date is now.
fn moment(value: &Value, outside: &dyn Outside, function: &str) -> Moment {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Moment::from_unix(*seconds),
        Value::SmallInt(crate::value::Kind::Int32, seconds) => {
            Moment::from_unix(i64::from(*seconds))
        }
        Value::Object(object) if object.as_any().is::<Time>() => object
            .as_any()
            .downcast_ref::<Time>()
            .map_or_else(Moment::zero, |time| time.0.clone()),
        _ => {
            outside.drawn(function);
            outside.now()
        }
    }
}

fn formatted(moment: &Moment, layout: &[u8], zone: &str) -> Value {
    let zone = Zone::load(zone).unwrap_or(Zone::Utc);
    Value::Str(Str::from_bytes(layout::format(
        &moment.in_zone(zone),
        layout,
    )))
}

fn add_formats(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    let clock = Arc::clone(outside);
    functions.add("date", Signature::of(&[STRING, ANY]), move |call| {
        Ok(formatted(
            &moment(call.value(1), &*clock, "date"),
            call.bytes(0),
            "Local",
        ))
    });
    let clock = Arc::clone(outside);
    add_all(
        functions,
        &["dateInZone", "date_in_zone"],
        Signature::of(&[STRING, ANY, STRING]),
        move |call| {
            Ok(formatted(
                &moment(call.value(1), &*clock, "dateInZone"),
                call.bytes(0),
                &call.text(2),
            ))
        },
    );
    let clock = Arc::clone(outside);
    functions.add("htmlDate", Signature::of(&[ANY]), move |call| {
        Ok(formatted(
            &moment(call.value(0), &*clock, "htmlDate"),
            HTML,
            "Local",
        ))
    });
    let clock = Arc::clone(outside);
    functions.add(
        "htmlDateInZone",
        Signature::of(&[ANY, STRING]),
        move |call| {
            Ok(formatted(
                &moment(call.value(0), &*clock, "htmlDateInZone"),
                HTML,
                &call.text(1),
            ))
        },
    );
    functions.add("toDate", Signature::of(&[STRING, STRING]), |call| {
        let parsed = parse::parse(call.bytes(0), call.bytes(1));
        Ok(Value::object(Time(
            parsed.unwrap_or_else(|_| Moment::zero()),
        )))
    });
    functions.add("mustToDate", Signature::of(&[STRING, STRING]), |call| {
        Ok(Value::object(Time(parse::parse(
            call.bytes(0),
            call.bytes(1),
        )?)))
    });
}

fn add_changes(functions: &mut Functions) {
    let signature = Signature::of(&[STRING, TIME]);
    add_all(
        functions,
        &["dateModify", "date_modify"],
        signature,
        |call| {
            let Some(time) = objects::time(call.value(1)) else {
                return Ok(call.value(1).clone());
            };
            Ok(match duration::parse(call.bytes(0)) {
                Ok(nanos) => Value::object(Time(time.plus(nanos))),
                Err(_) => call.value(1).clone(),
            })
        },
    );
    add_all(
        functions,
        &["mustDateModify", "must_date_modify"],
        signature,
        |call| {
            let Some(time) = objects::time(call.value(1)) else {
                return Ok(call.value(1).clone());
            };
            Ok(Value::object(Time(
                time.plus(duration::parse(call.bytes(0))?),
            )))
        },
    );
    functions.add("unixEpoch", Signature::of(&[TIME]), |call| {
        Ok(Value::from(
            objects::time(call.value(0))
                .map_or(0, |time| time.seconds)
                .to_string(),
        ))
    });
}

fn add_durations(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    let clock = Arc::clone(outside);
    functions.add("ago", Signature::of(&[ANY]), move |call| {
        let then = match call.value(0) {
            Value::SmallInt(..) => clock.now(),
            value => moment(value, &*clock, "ago"),
        };
        clock.drawn("ago");
        Ok(Value::from(duration::print(duration::to_seconds(
            clock.now().since(&then),
        ))))
    });
    functions.add("duration", Signature::of(&[ANY]), |call| {
        let seconds = match call.value(0) {
            Value::Str(text) => match parse_int(text.as_bytes(), 10) {
                Ok(seconds) | Err(super::math::cast::Unread::Range(seconds)) => seconds,
                Err(_) => 0,
            },
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        Ok(Value::from(duration::print(
            seconds.wrapping_mul(1_000_000_000),
        )))
    });
    let clock = Arc::clone(outside);
    functions.add("durationRound", Signature::of(&[ANY]), move |call| {
        let nanos = match call.value(0) {
            Value::Str(text) => duration::parse(text.as_bytes()).unwrap_or_default(),
            Value::Int64(nanos) => *nanos,
            value => match objects::time(value) {
                Some(time) => {
                    clock.drawn("durationRound");
                    clock.now().since(time)
                }
                None => 0,
            },
        };
        Ok(Value::from(duration::round(nanos)))
    });
}
