//! The two kinds of patches: strategic merge and JSON 6902.
//!
//! Flows in: patch texts and objects. Flows out: changed objects.
//! It must never choose targets: that is for `transform`.

pub(crate) mod json6902;
pub(crate) mod strategic;
