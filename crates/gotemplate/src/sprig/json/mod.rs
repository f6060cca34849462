//! JSON as Go's `encoding/json` writes and reads it, and Sprig's functions on it.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Expected, decode};
pub use encode::{Layout, encode};

use super::bind::{ANY, STRING};
use crate::{
    function::{Functions, Signature},
    value::Value,
};

const A: Signature = Signature::of(&[ANY]);

pub(super) fn add(functions: &mut Functions) {
    let plain = Layout {
        escape_html: true,
        indent: false,
    };
    let layouts = [
        ("toJson", "mustToJson", plain),
        (
            "toPrettyJson",
            "mustToPrettyJson",
            Layout {
                indent: true,
                ..plain
            },
        ),
    ];
    for (quiet, must, layout) in layouts {
        functions.add(quiet, A, move |call| {
            // Sprig drops the error and what was written.
            Ok(encode(call.value(0), layout).map_or_else(|_| Value::from(""), Value::Str))
        });
        functions.add(must, A, move |call| {
            Ok(Value::Str(encode(call.value(0), layout)?))
        });
    }
    for name in ["toRawJson", "mustToRawJson"] {
        functions.add(name, A, |call| {
            Ok(Value::Str(encode(
                call.value(0),
                Layout {
                    escape_html: false,
                    indent: false,
                },
            )?))
        });
    }
    functions.add("fromJson", Signature::of(&[STRING]), |call| {
        Ok(match decode(call.bytes(0), Expected::Any) {
            Ok(value) | Err((value, _)) => value,
        })
    });
    functions.add("mustFromJson", Signature::of(&[STRING]), |call| {
        decode(call.bytes(0), Expected::Any).map_err(|(_, error)| error.into())
    });
}
