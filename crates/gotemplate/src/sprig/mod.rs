//! Sprig's functions, as Helm offers them.

use crate::function::Functions;

/// Adds all functions of Sprig.
pub fn add(functions: &mut Functions) {
    let _ = functions;
}
