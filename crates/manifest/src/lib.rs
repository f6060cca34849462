//! The object model that every stage of trueup shares.
//!
//! Flows in: YAML documents with positions (`trueup-yaml`) and file trees at a revision.
//! Flows out: [`Manifest`]s with their [`ObjectId`] and [`Origin`], ordered [`ResourceSet`]s, and
//! [`Diagnostics`] that name a place and a way out.
//! It must never do I/O (the one exception is [`DiskTree`], the directory form of [`Tree`]) and
//! never know of Kustomize, Helm or a cluster.

mod alike;
mod diagnostic;
mod disk;
mod id;
mod manifest;
mod memory;
mod nearest;
mod origin;
mod path;
mod render;
mod set;
mod tree;

pub use alike::Alike;
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use disk::DiskTree;
pub use id::{Gvk, ObjectId};
pub use manifest::{Manifest, is_secret};
pub use memory::MemoryTree;
pub use nearest::nearest;
pub use origin::Origin;
pub use path::TreePath;
pub use set::ResourceSet;
pub use tree::{Entry, Found, Tree, TreeError, TreeErrorKind};
