//! Sprig's functions on dictionaries. They change the very map they are given, as Go's do.

mod merge;

use super::{
    bind::{ANY, STRING, add_all, list, text_of},
    reflection::deep_copy,
};
use crate::{
    error::Error,
    function::{Functions, Signature},
    value::{Map, Str, Type, Value},
};

const MAP: Type = Type::MAP;

pub(super) fn add(functions: &mut Functions) {
    functions.add("dict", Signature::variadic(&[], ANY), |call| {
        let pair = |pair: &[Value]| {
            let value = pair.get(1).cloned().unwrap_or_else(|| Value::from(""));
            (pair.first().map(text_of).unwrap_or_default(), value)
        };
        Ok(Value::Map(Map::typed(
            ANY,
            call.all().chunks(2).map(pair).collect(),
        )))
    });
    add_keys(functions);
    add_choices(functions);
    for (names, overwrite) in [
        (["merge", "mustMerge"], false),
        (["mergeOverwrite", "mustMergeOverwrite"], true),
    ] {
        add_all(
            functions,
            &names,
            Signature::variadic(&[MAP], MAP),
            move |call| {
                let mut into = call.map(0);
                for at in 1..call.len() {
                    let from = call.map(at);
                    if into.is_nil() && !from.is_nil() {
                        into = Map::new();
                    }
                    merge::merge(&into, &from, overwrite, call.context())?;
                }
                Ok(Value::Map(into))
            },
        );
    }
    add_all(
        functions,
        &["deepCopy", "mustDeepCopy"],
        Signature::of(&[ANY]),
        |call| match call.value(0) {
            Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
            value => deep_copy(value, call.context()),
        },
    );
    functions.add("dig", Signature::variadic(&[], ANY), |call| dig(call.all()));
}

fn add_keys(functions: &mut Functions) {
    functions.add("get", Signature::of(&[MAP, STRING]), |call| {
        Ok(call
            .map(0)
            .get_bytes(call.bytes(1))
            .unwrap_or_else(|| Value::from("")))
    });
    functions.add("set", Signature::of(&[MAP, STRING, ANY]), |call| {
        let map = call.map(0);
        if map.is_nil() {
            return Err("assignment to entry in nil map".into());
        }
        map.insert(call.string(1), call.value(2).clone());
        Ok(Value::Map(map))
    });
    functions.add("unset", Signature::of(&[MAP, STRING]), |call| {
        let map = call.map(0);
        map.remove(&call.text(1));
        Ok(Value::Map(map))
    });
    functions.add("hasKey", Signature::of(&[MAP, STRING]), |call| {
        Ok(Value::Bool(call.map(0).get_bytes(call.bytes(1)).is_some()))
    });
}

fn add_choices(functions: &mut Functions) {
    functions.add("pluck", Signature::variadic(&[STRING], MAP), |call| {
        let maps = (1..call.len()).map(|at| call.map(at));
        Ok(list(
            maps.filter_map(|map| map.get_bytes(call.bytes(0)))
                .collect(),
        ))
    });
    // Go gives keys and values in no order; the order of the keys is one of those it may give.
    functions.add("keys", Signature::variadic(&[], MAP), |call| {
        Ok(Value::strings(
            (0..call.len()).flat_map(|at| call.map(at).keys()),
        ))
    });
    functions.add("values", Signature::of(&[MAP]), |call| {
        Ok(list(
            call.map(0)
                .entries()
                .into_iter()
                .map(|(_, value)| value)
                .collect(),
        ))
    });
    functions.add("pick", Signature::variadic(&[MAP], STRING), |call| {
        let map = call.map(0);
        let picked = call.rest(1).iter().filter_map(|key| {
            let key: &Str = key.as_str()?;
            Some((key.clone(), map.get_bytes(key.as_bytes())?))
        });
        Ok(Value::Map(Map::typed(ANY, picked.collect())))
    });
    functions.add("omit", Signature::variadic(&[MAP], STRING), |call| {
        let omitted = call.rest(1);
        let mut entries = call.map(0).entries();
        entries.retain(|(key, _)| !omitted.iter().any(|omitted| omitted.as_str() == Some(key)));
        Ok(Value::Map(Map::typed(ANY, entries)))
    });
}

/// Sprig's `dig`: keys, a default, a dictionary.
fn dig(arguments: &[Value]) -> Result<Value, Error> {
    let [keys @ .., default, dict] = arguments else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let conversion = |value: &Value, to: &str| {
        let is = if value.is_nil() {
            "nil".into()
        } else {
            value.type_name()
        };
        Error::new(format!(
            "interface conversion: interface {{}} is {is}, not {to}"
        ))
    };
    let as_map = |value: &Value| match value {
        Value::Map(map) if map.elem() == ANY => Ok(map.clone()),
        other => Err(conversion(other, "map[string]interface {}")),
    };
    let mut map = as_map(dict)?;
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        names.push(key.as_str().ok_or_else(|| conversion(key, "string"))?);
    }
    for (left, name) in (0..names.len()).rev().zip(&names) {
        let Some(step) = map.get_bytes(name.as_bytes()) else {
            return Ok(default.clone());
        };
        if left == 0 {
            return Ok(step);
        }
        map = as_map(&step)?;
    }
    Ok(Value::Nil)
}
