//! Go's `text/template`, natively: templates compile to instructions that a VM runs over Go-like values.
//!
//! Template text goes in by [`Templates::parse`], data as a [`Value`]; a text comes out, or an [`Error`]
//! worded as Go words it with the place beside. Functions come in through [`Functions`]; work, depth and
//! output are bounded by [`Limits`]. This crate does no I/O and knows nothing of charts.

mod builtin;
mod compile;
mod error;
pub mod fmt;
mod function;
mod parse;
pub mod sprig;
mod template;
mod value;
mod vm;

pub use error::{Error, ErrorKind, Frame, Place};
pub use function::{Args, Call, Context, Function, Functions, Signature};
pub use template::{Delims, Limits, MissingKey, Options, Output, Templates, Watch};
pub use value::{Buffer, Kind, List, Map, Object, Str, Type, Value};
