//! The functions that `tests/go/template` has, in Rust.

use trueup_gotemplate::{Error, Functions, List, Map, Signature, Type, Value, fmt};

pub(super) fn functions() -> Functions {
    let mut functions = Functions::new();
    results(&mut functions);
    parameters(&mut functions);
    functions.add("fails", Signature::of(&[Type::String]), |call| {
        Err(Error::new(call.text(0)))
    });
    functions.add("dies", Signature::of(&[Type::String]), |call| {
        Err(Error::new(call.text(0)))
    });
    functions.add(
        "include",
        Signature::of(&[Type::String, Type::Any]),
        |call| {
            let args = call.args();
            call.render(&args.text(0), args.value(1)).map(Value::Str)
        },
    );
    functions
}

fn results(functions: &mut Functions) {
    functions.add("strs", Signature::of(&[]), |_| {
        Ok(Value::strings(["x", "", "z"]))
    });
    functions.add("nums", Signature::of(&[]), |_| {
        let items = [3, 0, -1].map(Value::Int).to_vec();
        Ok(List::typed(Type::INT, items).into())
    });
    functions.add("smap", Signature::of(&[]), |_| {
        let entries = vec![("k".into(), "v".into()), ("e".into(), "".into())];
        Ok(Map::typed(Type::String, entries).into())
    });
    functions.add("long", Signature::of(&[Type::FLOAT64]), |call| {
        let float = call.float(0);
        let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
        #[expect(clippy::cast_possible_truncation, reason = "as Go's conversion")]
        let int = float as i64;
        // Go gives the least number for what does not fit, on amd64.
        Ok(Value::Int64(if fits { int } else { i64::MIN }))
    });
    functions.add("octet", Signature::of(&[Type::INT]), |call| {
        Ok(Value::byte(call.int(0).to_le_bytes()[0]))
    });
    functions.add("bytes", Signature::of(&[Type::String]), |call| {
        Ok(Value::bytes(call.bytes(0)))
    });
    functions.add("same", Signature::of(&[Type::Any]), |call| {
        Ok(call.value(0).clone())
    });
    functions.add("list", Signature::variadic(&[], Type::Any), |call| {
        Ok(Value::list(call.all().iter().cloned()))
    });
}

fn parameters(functions: &mut Functions) {
    let int = |n: usize| Ok(Value::Int(i64::try_from(n).unwrap()));
    let all = &[Type::String, Type::INT, Type::FLOAT64, Type::Bool];
    functions.add("typed", Signature::of(all), |call| {
        Ok(Value::Str(fmt::sprint(call.all())))
    });
    functions.add(
        "vari",
        Signature::variadic(&[Type::String], Type::INT),
        move |call| int(call.bytes(0).len() + call.rest(1).len()),
    );
    functions.add("size", Signature::of(&[Type::MAP]), move |call| {
        int(call.map(0).len())
    });
    functions.add("count", Signature::of(&[Type::LIST]), move |call| {
        int(call.list(0).len())
    });
    functions.add("words", Signature::of(&[Type::STRINGS]), move |call| {
        int(call.list(0).len())
    });
}
