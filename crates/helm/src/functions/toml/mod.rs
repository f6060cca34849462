//! TOML as `github.com/BurntSushi/toml` 1.6 writes and reads it for Helm's `toToml` and `fromToml`.

mod decode;
mod encode;
mod number;
mod read;
#[cfg(test)]
mod tests;
mod text;

pub(super) use decode::decode;
pub(super) use encode::encode;
