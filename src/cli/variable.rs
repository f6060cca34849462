//! `--var NAME=VALUE`.

use crate::config::Literal;

/// `name=value`, the value of the type it would have in a file.
pub(super) fn read(text: &str) -> Result<(String, Literal), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), Literal::read(value)))
}
