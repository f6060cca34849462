//! Sprig's functions on lists. Each `must…` form is the same as the plain one: a panic and an error read alike.

use super::{
    bind::{ANY, INT, add_all, list, slice},
    math::cast::to_int,
    reflection::deep_equal,
};
use crate::{
    error::Error,
    function::{Functions, Signature},
    value::{List, Type, Value},
};

const A: Signature = Signature::of(&[ANY]);
const AA: Signature = Signature::of(&[ANY, ANY]);

pub(super) fn add(functions: &mut Functions) {
    add_all(
        functions,
        &["list", "tuple"],
        Signature::variadic(&[], ANY),
        |call| Ok(list(call.all().to_vec())),
    );
    add_ends(functions);
    add_changes(functions);
    add_searches(functions);
    add_all(
        functions,
        &["slice", "mustSlice"],
        Signature::variadic(&[ANY], ANY),
        |call| part(call.all()),
    );
    add_all(
        functions,
        &["chunk", "mustChunk"],
        Signature::of(&[INT, ANY]),
        |call| chunk(call.int(0), &slice(call.value(1), "Cannot chunk type")?),
    );
    functions.add("concat", Signature::variadic(&[], ANY), |call| {
        let mut out = Vec::new();
        for value in call.all() {
            let items = slice(value, "Cannot concat type").map_err(|error| match value {
                Value::Nil => error,
                _ => Error::new(format!("{} as list", error.reason())),
            })?;
            out.extend_from_slice(&items);
        }
        Ok(if out.is_empty() {
            Value::List(List::nil(Type::Any))
        } else {
            list(out)
        })
    });
}

fn add_ends(functions: &mut Functions) {
    add_all(functions, &["first", "mustFirst"], A, |call| {
        Ok(slice(call.value(0), "Cannot find first on type")?
            .first()
            .cloned()
            .unwrap_or_default())
    });
    add_all(functions, &["last", "mustLast"], A, |call| {
        Ok(slice(call.value(0), "Cannot find last on type")?
            .last()
            .cloned()
            .unwrap_or_default())
    });
    add_all(functions, &["rest", "mustRest"], A, |call| {
        let items = slice(call.value(0), "Cannot find rest on type")?;
        Ok(items
            .split_first()
            .map_or_else(nil_list, |(_, rest)| list(rest.to_vec())))
    });
    add_all(functions, &["initial", "mustInitial"], A, |call| {
        let items = slice(call.value(0), "Cannot find initial on type")?;
        Ok(items
            .split_last()
            .map_or_else(nil_list, |(_, rest)| list(rest.to_vec())))
    });
}

fn nil_list() -> Value {
    Value::List(List::nil(Type::Any))
}

fn add_changes(functions: &mut Functions) {
    add_all(
        functions,
        &["append", "mustAppend", "push", "mustPush"],
        AA,
        |call| {
            let mut items = slice(call.value(0), "Cannot push on type")?.into_owned();
            items.push(call.value(1).clone());
            call.context().spend((items.len() / 16) as u64)?;
            Ok(list(items))
        },
    );
    add_all(functions, &["prepend", "mustPrepend"], AA, |call| {
        let items = slice(call.value(0), "Cannot prepend on type")?;
        let all: Vec<Value> = std::iter::once(call.value(1))
            .chain(items.iter())
            .cloned()
            .collect();
        call.context().spend((all.len() / 16) as u64)?;
        Ok(list(all))
    });
    add_all(functions, &["reverse", "mustReverse"], A, |call| {
        let mut items = slice(call.value(0), "Cannot find reverse on type")?.into_owned();
        items.reverse();
        Ok(list(items))
    });
    add_all(functions, &["compact", "mustCompact"], A, |call| {
        let items = slice(call.value(0), "Cannot compact on type")?;
        Ok(list(
            items.iter().filter(|item| item.truth()).cloned().collect(),
        ))
    });
    add_all(functions, &["uniq", "mustUniq"], A, |call| {
        let items = slice(call.value(0), "Cannot find uniq on type")?;
        let mut out: Vec<Value> = Vec::new();
        for item in items.iter() {
            call.context().spend((out.len() / 8) as u64)?;
            if !out.iter().any(|known| deep_equal(item, known)) {
                out.push(item.clone());
            }
        }
        Ok(list(out))
    });
}

fn add_searches(functions: &mut Functions) {
    add_all(
        functions,
        &["without", "mustWithout"],
        Signature::variadic(&[ANY], ANY),
        |call| {
            let items = slice(call.value(0), "Cannot find without on type")?;
            let omitted = call.rest(1);
            let kept = items
                .iter()
                .filter(|item| !omitted.iter().any(|omitted| deep_equal(item, omitted)));
            Ok(list(kept.cloned().collect()))
        },
    );
    add_all(functions, &["has", "mustHas"], AA, |call| {
        let (needle, haystack) = (call.value(0), call.value(1));
        if haystack.is_nil() {
            return Ok(Value::Bool(false));
        }
        let items = slice(haystack, "Cannot find has on type")?;
        Ok(Value::Bool(
            items.iter().any(|item| deep_equal(needle, item)),
        ))
    });
}

/// Sprig's `slice`: a part of a list, of the list's own type.
fn part(arguments: &[Value]) -> Result<Value, Error> {
    let Some((value, indices)) = arguments.split_first() else {
        return Ok(Value::Nil);
    };
    let items = slice(value, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let index = |at: usize, or: usize| match indices.get(at) {
        Some(value) => usize::try_from(to_int(value)).ok(),
        None => Some(or),
    };
    let range = index(0, 0)
        .zip(index(1, items.len()))
        .and_then(|(start, end)| items.get(start..end));
    let Some(range) = range else {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    };
    Ok(match value {
        Value::Bytes(_) => {
            let bytes = range
                .iter()
                .filter_map(|byte| u8::try_from(byte.as_uint()?).ok())
                .collect::<Vec<u8>>();
            Value::bytes(bytes)
        }
        Value::List(list) => Value::List(List::typed(list.elem(), range.to_vec())),
        _ => list(range.to_vec()),
    })
}

/// Lists of `size` items each. A size that is no size ends as in Go: in how much memory it would take.
fn chunk(size: i64, items: &[Value]) -> Result<Value, Error> {
    let typed = |chunks: Vec<Value>| Value::List(List::typed(Type::LIST, chunks));
    match usize::try_from(size) {
        Ok(size @ 1..) => Ok(typed(
            items
                .chunks(size)
                .map(|chunk| list(chunk.to_vec()))
                .collect(),
        )),
        // Go's arithmetic with a negative size: one item is left over, and a few make no chunk at all.
        Err(_) if items.len() == 1 && size < -1 => Ok(typed(vec![list(items.to_vec())])),
        Err(_)
            if items.len() > 1 && (items.len() as u64 - 1).div_ceil(size.unsigned_abs()) == 1 =>
        {
            Ok(typed(Vec::new()))
        }
        _ => Err("runtime error: makeslice: len out of range".into()),
    }
}
