//! Go's `text/template`, natively: templates compile to instructions that a VM runs over Go-like values.
//!
//! Template text goes in by [`Templates::parse`], data as a [`Value`]; a text comes out, or an [`Error`]
//! worded as Go words it with the place beside. Functions come in through [`Functions`]; work, depth and
//! output are bounded by [`Limits`]. This crate does no I/O and knows nothing of charts.

#[expect(dead_code, reason = "the machine, which places errors, comes next")]
mod error;
#[expect(dead_code, reason = "the machine, which calls functions, comes next")]
mod function;
pub mod sprig;
mod template;
mod value;

pub use error::{Error, ErrorKind, Frame, Place};
pub use function::{Args, Call, Context, Function, Functions, Signature};
pub use template::{Delims, Limits, MissingKey, Options, Output, Templates};
pub use value::{Buffer, Kind, List, Map, Object, Str, Type, Value};
