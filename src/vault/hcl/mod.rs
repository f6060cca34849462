//! HCL, version 1, as far as Vault's policies are written in it.
//!
//! Flows in: the text of a policy. Flows out: what it says as a tree with the place of everything, and
//! from that its one form ([`policy::normal`]), so that two texts which mean the same are equal. It
//! must never take what the server refuses for good where that can be told without the server.
//!
//! Version 2 of HCL, which the known crates read, refuses what is common here: keys in quotes, several
//! attributes on a line, a block where an attribute could be.

mod lexer;
mod parser;
pub(super) mod policy;

pub(super) use self::parser::{Item, Value, parse};
