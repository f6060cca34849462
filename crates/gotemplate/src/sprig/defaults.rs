//! Sprig's defaults and choices.

use super::bind::ANY;
use crate::{
    function::{Functions, Signature},
    value::{Type, Value},
};

pub(super) fn add(functions: &mut Functions) {
    let any = Signature::variadic(&[], ANY);
    functions.add("default", Signature::variadic(&[ANY], ANY), |call| {
        let given = call.rest(1).first().filter(|given| given.truth());
        Ok(given.unwrap_or_else(|| call.value(0)).clone())
    });
    functions.add("empty", Signature::of(&[ANY]), |call| {
        Ok(Value::Bool(!call.value(0).truth()))
    });
    functions.add("coalesce", any, |call| {
        Ok(call
            .all()
            .iter()
            .find(|value| value.truth())
            .cloned()
            .unwrap_or_default())
    });
    functions.add("all", any, |call| {
        Ok(Value::Bool(call.all().iter().all(Value::truth)))
    });
    functions.add("any", any, |call| {
        Ok(Value::Bool(call.all().iter().any(Value::truth)))
    });
    functions.add("ternary", Signature::of(&[ANY, ANY, Type::Bool]), |call| {
        Ok(call.value(usize::from(!call.bool(2))).clone())
    });
}
