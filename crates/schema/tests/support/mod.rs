//! What the differential tests share: the Go program they ask, and seeded random values.

pub(crate) mod objects;
pub(crate) mod oracle;
pub(crate) mod random;
pub(crate) mod schemas;

/// Says something on the terminal even when the test passes: the harness keeps what `println!` prints to itself.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
