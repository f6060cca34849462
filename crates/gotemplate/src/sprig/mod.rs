//! Sprig 3.3.0, whole: the functions that Helm's templates are written with.
//!
//! Arguments come in as [`Value`](crate::Value)s that the engine has checked against each function's signature; what
//! Go's function would return comes out, or the text of its error or panic. One file holds a family. Nothing here
//! reads the environment, a file or the network; randomness and the time come from an [`Outside`] that is handed in,
//! so that a rendering can be repeated.

mod bind;
mod crypto;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod json;
mod lists;
mod math;
mod outside;
mod path;
mod random;
mod reflection;
mod regex;
mod runes;
mod semver;
mod strings;
mod url;

use std::sync::Arc;

pub use self::{
    crypto::{certificate, keys::KeyKind},
    dates::{Duration, Month, Time, Weekday, moment::Moment, moment::Zone},
    json::{Expected, Layout, decode as decode_json, encode as encode_json},
    outside::{Outside, System},
    semver::{Constraints, Version},
};
use crate::function::Functions;

/// Adds all functions of Sprig, with the system's randomness and clock.
pub fn add(functions: &mut Functions) {
    add_with(functions, &(Arc::new(System) as Arc<dyn Outside>));
}

/// Adds all functions of Sprig with a source for what they draw at random and for the time.
///
/// `env` and `expandenv` are not among them: the environment is no input of a template, and Helm leaves them out.
pub fn add_with(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    strings::add(functions);
    lists::add(functions);
    dicts::add(functions);
    math::add(functions);
    dates::add(functions, outside);
    crypto::add(functions, outside);
    encoding::add(functions);
    json::add(functions);
    regex::add(functions);
    semver::add(functions);
    url::add(functions);
    path::add(functions);
    random::add(functions, outside);
    reflection::add(functions);
    defaults::add(functions);
}
