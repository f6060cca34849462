//! Kubernetes YAML: a fast parser with positions and emitters that print what kustomize and helm print.
//!
//! A [`Source`] is parsed to [`Document`]s: arenas of nodes that are read and edited in place, whose
//! scalars mean what Go's loaders take them for (see [`Schema`]), and which are printed byte for byte
//! as Go's emitters do (see [`emit`]). This crate does no I/O and knows nothing of Kubernetes objects.

mod comments;
mod document;
pub mod emit;
mod error;
pub mod go;
mod hash;
mod node;
mod parse;
mod resolve;
mod source;
mod value;
mod view;

pub use comments::Comments;
pub use document::{Document, Entries, Items};
pub use error::Error;
pub use hash::Key;
pub use node::{Kind, NodeId, Style};
pub use parse::{DuplicateKeys, ParseOptions};
pub use resolve::{Resolved, Schema};
pub use source::{Location, Source, Span};
pub use view::NodeView;
