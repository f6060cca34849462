//! Sprig's arithmetic: on `int64`, which wraps around, and on decimals for the functions whose names end in `f`.

pub(crate) mod cast;
mod decimal;
#[cfg(test)]
mod tests;

use cast::{Unread, parse_int, to_float, to_int};
use decimal::Decimal;

use super::bind::{ANY, INT, STRING, print};
use crate::{
    error::Error,
    function::{Call, Functions, Signature},
    value::{List, Type, Value},
};

const A: Signature = Signature::of(&[ANY]);
const AA: Signature = Signature::of(&[ANY, ANY]);
const SOME: Signature = Signature::variadic(&[ANY], ANY);

pub(super) fn add(functions: &mut Functions) {
    add_integers(functions);
    add_decimals(functions);
    add_conversions(functions);
    add_sequences(functions);
    functions.add("floor", A, |call| {
        Ok(Value::Float(to_float(call.value(0)).floor()))
    });
    functions.add("ceil", A, |call| {
        Ok(Value::Float(to_float(call.value(0)).ceil()))
    });
    functions.add(
        "round",
        Signature::variadic(&[ANY, INT], Type::FLOAT64),
        |call| {
            let on = call
                .rest(2)
                .first()
                .and_then(Value::as_float)
                .unwrap_or(0.5);
            Ok(Value::Float(round(
                to_float(call.value(0)),
                call.int(1),
                on,
            )))
        },
    );
}

type Operation = fn(i64, i64) -> i64;

fn add_integers(functions: &mut Functions) {
    functions.add("add1", A, |call| {
        Ok(Value::Int64(to_int(call.value(0)).wrapping_add(1)))
    });
    functions.add("add", Signature::variadic(&[], ANY), |call| {
        Ok(Value::Int64(
            call.all().iter().map(to_int).fold(0, i64::wrapping_add),
        ))
    });
    functions.add("mul", SOME, |call| {
        Ok(Value::Int64(
            call.all().iter().map(to_int).fold(1, i64::wrapping_mul),
        ))
    });
    functions.add("sub", AA, |call| {
        Ok(Value::Int64(
            to_int(call.value(0)).wrapping_sub(to_int(call.value(1))),
        ))
    });
    let operations: [(&'static str, Operation); 2] =
        [("div", i64::wrapping_div), ("mod", i64::wrapping_rem)];
    for (name, operation) in operations {
        functions.add(name, AA, move |call| match to_int(call.value(1)) {
            0 => Err("runtime error: integer divide by zero".into()),
            divisor => Ok(Value::Int64(operation(to_int(call.value(0)), divisor))),
        });
    }
    for name in ["max", "biggest"] {
        functions.add(name, SOME, |call| {
            Ok(Value::Int64(
                call.all().iter().map(to_int).max().unwrap_or_default(),
            ))
        });
    }
    functions.add("min", SOME, |call| {
        Ok(Value::Int64(
            call.all().iter().map(to_int).min().unwrap_or_default(),
        ))
    });
    functions.add("maxf", SOME, |call| {
        Ok(Value::Float(folded(call, f64::gt, f64::INFINITY)))
    });
    functions.add("minf", SOME, |call| {
        Ok(Value::Float(folded(call, f64::lt, f64::NEG_INFINITY)))
    });
}

/// Go's `math.Max` or `math.Min` over all arguments: infinities first, then NaN, and -0 below 0.
fn folded(call: &Call<'_, '_>, better: fn(&f64, &f64) -> bool, best: f64) -> f64 {
    let pair = |a: f64, b: f64| match (a, b) {
        _ if a.total_cmp(&best).is_eq() || b.total_cmp(&best).is_eq() => best,
        _ if a.is_nan() || b.is_nan() => f64::NAN,
        _ if a == 0.0 && b == 0.0 => {
            if a.is_sign_negative() == best.is_sign_negative() {
                a
            } else {
                b
            }
        }
        _ => {
            if better(&a, &b) {
                a
            } else {
                b
            }
        }
    };
    call.all()
        .iter()
        .map(to_float)
        .reduce(pair)
        .unwrap_or_default()
}

fn add_decimals(functions: &mut Functions) {
    functions.add("add1f", A, |call| {
        decimals(call.all(), Some(1.0), |a, b| Ok(a.plus(b)))
    });
    functions.add("addf", Signature::variadic(&[], ANY), |call| {
        decimals(call.all(), Some(0.0), |a, b| Ok(a.plus(b)))
    });
    functions.add("subf", SOME, |call| {
        decimals(call.all(), None, |a, b| Ok(a.minus(b)))
    });
    functions.add("mulf", SOME, |call| {
        decimals(call.all(), None, |a, b| Ok(a.times(b)))
    });
    functions.add("divf", SOME, |call| {
        decimals(call.all(), None, Decimal::divided_by)
    });
}

/// The arguments as decimals, after `first` if there is one, folded by an operation.
fn decimals(
    arguments: &[Value],
    first: Option<f64>,
    operation: fn(&Decimal, &Decimal) -> Result<Decimal, String>,
) -> Result<Value, Error> {
    let mut floats = first.into_iter().chain(arguments.iter().map(to_float));
    let mut sum = Decimal::from_float(floats.next().unwrap_or_default())?;
    for float in floats {
        sum = operation(&sum, &Decimal::from_float(float)?)?;
    }
    Ok(Value::Float(sum.to_float()))
}

fn add_conversions(functions: &mut Functions) {
    functions.add("int", A, |call| Ok(Value::Int(to_int(call.value(0)))));
    functions.add("int64", A, |call| Ok(Value::Int64(to_int(call.value(0)))));
    functions.add("float64", A, |call| {
        Ok(Value::Float(to_float(call.value(0))))
    });
    functions.add("atoi", Signature::of(&[STRING]), |call| {
        Ok(Value::Int(match parse_int(call.bytes(0), 10) {
            Ok(number) | Err(Unread::Range(number)) => number,
            Err(Unread::Syntax) => 0,
        }))
    });
    functions.add("toDecimal", A, |call| {
        Ok(Value::Int64(
            parse_int(print(call.value(0)).as_bytes(), 8).unwrap_or_default(),
        ))
    });
}

fn add_sequences(functions: &mut Functions) {
    functions.add("until", Signature::of(&[INT]), |call| {
        let count = call.int(0);
        integers(call, 0, count, if count < 0 { -1 } else { 1 })
    });
    functions.add("untilStep", Signature::of(&[INT, INT, INT]), |call| {
        integers(call, call.int(0), call.int(1), call.int(2))
    });
    functions.add("seq", Signature::variadic(&[], INT), |call| {
        let numbers: Vec<i64> = call.all().iter().filter_map(Value::as_int).collect();
        let (start, step, end) = match numbers.as_slice() {
            [end] => (1, None, *end),
            [start, end] => (*start, None, *end),
            [start, step, end] => (*start, Some(*step), *end),
            _ => return Ok(Value::from("")),
        };
        let direction = if end < start { -1 } else { 1 };
        if direction < 0 && step.is_some_and(|step| step > 0) {
            return Ok(Value::from(""));
        }
        let sequence = steps(
            call,
            start,
            end.wrapping_add(direction),
            step.unwrap_or(direction),
        )?;
        let texts: Vec<String> = sequence.iter().map(i64::to_string).collect();
        Ok(Value::from(texts.join(" ")))
    });
}

fn integers(call: &mut Call<'_, '_>, start: i64, stop: i64, step: i64) -> Result<Value, Error> {
    let items = steps(call, start, stop, step)?
        .into_iter()
        .map(Value::Int)
        .collect();
    Ok(Value::List(List::typed(Type::INT, items)))
}

/// From `start` towards `stop` and not reaching it; nothing where the step leads away.
fn steps(call: &mut Call<'_, '_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Error> {
    let distance = i128::from(stop) - i128::from(start);
    if distance == 0 || step == 0 || (distance < 0) != (step < 0) {
        return Ok(Vec::new());
    }
    let count = distance
        .unsigned_abs()
        .div_ceil(u128::from(step.unsigned_abs()));
    call.context()
        .spend(u64::try_from(count).unwrap_or(u64::MAX))?;
    let mut at = start;
    let mut out = Vec::new();
    for _ in 0..count {
        out.push(at);
        at = at.wrapping_add(step);
    }
    Ok(out)
}

/// Sprig's `round`: to `places`, up from `on` of what is cut off.
fn round(value: f64, places: i64, on: f64) -> f64 {
    let power = power_of_ten(places);
    let digit = power * value;
    // Go's Modf keeps infinities apart: their fraction is no number.
    let fraction = if digit.is_infinite() {
        f64::NAN
    } else {
        digit.fract()
    };
    if fraction >= on {
        digit.ceil() / power
    } else {
        digit.floor() / power
    }
}

/// Go's `math.Pow(10, places)`, by the same multiplications, since the last bit shows.
fn power_of_ten(places: i64) -> f64 {
    match places {
        0 => return 1.0,
        1 => return 10.0,
        -1 => return 0.1,
        ..=-400 => return 0.0,
        400.. => return f64::INFINITY,
        _ => {}
    }
    // 10 is 0.625 * 2^4; mantissa and exponent are kept apart.
    let (mut factor, mut factor_exponent) = (0.625_f64, 4_i32);
    let (mut power, mut exponent) = (1.0_f64, 0_i32);
    let mut left = places.unsigned_abs();
    while left != 0 {
        if left & 1 == 1 {
            power *= factor;
            exponent += factor_exponent;
        }
        factor *= factor;
        factor_exponent *= 2;
        if factor < 0.5 {
            factor += factor;
            factor_exponent -= 1;
        }
        left >>= 1;
    }
    if places < 0 {
        power = 1.0 / power;
        exponent = -exponent;
    }
    // In two steps, since 2^exponent alone may not be a float.
    let half = exponent / 2;
    power * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half)
}
