//! Patches on objects that trueup does not own.

use trueup_yaml::{Document, Location};

use super::decode::Spanned;

/// A patch on an object that somebody else owns.
#[derive(Clone, Debug)]
pub struct ForeignPatch {
    /// Which objects.
    pub target: PatchTarget,
    /// What to change.
    pub change: PatchChange,
    /// Where it is written.
    pub location: Option<Location>,
}

/// The object that a patch is for.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchTarget {
    /// Its API group.
    pub group: Option<Spanned<String>>,
    /// Its kind.
    pub kind: Spanned<String>,
    /// Its name.
    pub name: Spanned<String>,
    /// Its namespace.
    pub namespace: Option<Spanned<String>>,
}

/// What a patch changes.
#[derive(Clone, Debug)]
pub enum PatchChange {
    /// The operations of a JSON patch (RFC 6902).
    Json(Vec<JsonOperation>),
    /// A JSON merge patch (RFC 7386): lists are replaced whole.
    Merge(Box<Spanned<Document>>),
    /// The fields to set, as server-side apply would: items of lists one by one.
    Apply(Box<Spanned<Document>>),
}

/// One operation of a JSON patch.
#[derive(Clone, Debug)]
pub struct JsonOperation {
    /// What it does.
    pub op: JsonOp,
    /// Where, as a JSON pointer.
    pub path: Spanned<String>,
    /// Whence, for `move` and `copy`.
    pub from: Option<Spanned<String>>,
    /// The value, for `add`, `replace` and `test`.
    pub value: Option<Spanned<Document>>,
}

/// The operations of a JSON patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonOp {
    /// Adds a value.
    Add,
    /// Removes a value.
    Remove,
    /// Replaces a value.
    Replace,
    /// Moves a value.
    Move,
    /// Copies a value.
    Copy,
    /// Fails unless the value is there.
    Test,
}
