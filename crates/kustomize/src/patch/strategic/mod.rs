//! Strategic merge: a patch in the shape of the object, lists merged by the keys their schema names.
//!
//! This follows kyaml's `merge2` and `walk` step by step, oddities included, because the output shows
//! them: patched list items move to the front, a field written as `key:` with nothing behind it is
//! dropped from any object a patch touches, a value keeps the quotes of the one it replaces.

mod directive;
mod list;

use trueup_yaml::{Document, Kind, NodeId};

use self::directive::{Directive, directive};
use crate::{
    node::{self, Misfit},
    openapi::{Schema, Schemas},
};

/// What a merge leaves of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing: the field goes.
    Nothing,
    /// A node, which may be the old one changed.
    Node(NodeId),
}

/// Merges a patch into an object of the same document. Returns false where the patch deletes the
/// object. The patch's nodes become part of the object.
pub(crate) fn merge(
    doc: &mut Document,
    object: NodeId,
    patch: NodeId,
    schemas: &Schemas,
) -> Result<bool, Misfit> {
    let merger = Merger { schemas };
    match merger.walk(doc, Some(object), Some(patch), None)? {
        Left::Nothing => Ok(false),
        Left::Node(node) => {
            if node != object {
                doc.replace(object, node);
            }
            Ok(true)
        }
    }
}

struct Merger<'s> {
    schemas: &'s Schemas,
}

impl<'s> Merger<'s> {
    /// Merges `patch` into `old`. Either may be missing.
    fn walk(
        &self,
        doc: &mut Document,
        old: Option<NodeId>,
        patch: Option<NodeId>,
        schema: Option<Schema<'s>>,
    ) -> Result<Left, Misfit> {
        let schema = schema.or_else(|| self.schema_of(doc, [old, patch]));
        let first = [old, patch]
            .into_iter()
            .flatten()
            .find(|node| !node::is_null(doc, *node));
        let Some(first) = first else {
            return self.map(doc, old, patch, schema);
        };
        let kind = doc.kind(first);
        for other in [old, patch].into_iter().flatten() {
            node::expect(doc, other, kind)?;
        }
        match kind {
            Kind::Mapping => self.map(doc, old, patch, schema),
            Kind::Sequence => match schema.and_then(Schema::merge_keys) {
                Some(keys) => self.list(doc, old, patch, schema.and_then(Schema::items), &keys),
                None => Ok(patch.or(old).map_or(Left::Nothing, Left::Node)),
            },
            Kind::Scalar | Kind::Alias => Ok(patch.or(old).map_or(Left::Nothing, Left::Node)),
        }
    }

    /// The schema of a nested object that says what it is.
    fn schema_of(&self, doc: &Document, nodes: [Option<NodeId>; 2]) -> Option<Schema<'s>> {
        nodes.into_iter().flatten().find_map(|node| {
            let kind = node::value(doc, doc.get(node, "kind"));
            let api_version = node::value(doc, doc.get(node, "apiVersion"));
            if kind.is_empty() || api_version.is_empty() {
                return None;
            }
            self.schemas.of_kind(api_version, kind)
        })
    }

    fn map(
        &self,
        doc: &mut Document,
        old: Option<NodeId>,
        patch: Option<NodeId>,
        schema: Option<Schema<'s>>,
    ) -> Result<Left, Misfit> {
        let target = match target_map(doc, old, patch)? {
            Left::Nothing => return Ok(Left::Nothing),
            Left::Node(target) => target,
        };
        if doc.kind(target) != Kind::Mapping {
            return Ok(Left::Node(target));
        }
        let ours: Vec<(NodeId, NodeId)> = firsts(doc, target).collect();
        let more: Vec<(NodeId, NodeId)> = match patch {
            Some(patch) if patch != target => firsts(doc, patch)
                .filter(|(key, _)| {
                    doc.get(target, doc.text(*key).unwrap_or_default())
                        .is_none()
                })
                .collect(),
            _ => Vec::new(),
        };
        for (key, value) in ours {
            let name = doc.text(key).unwrap_or_default().to_owned();
            let below = schema.and_then(|schema| schema.field(&name));
            let theirs = patch.and_then(|patch| doc.get(patch, &name));
            let left = self.walk(doc, Some(value), theirs, below)?;
            set_over(doc, target, &name, value, left);
        }
        for (key, value) in more {
            let name = doc.text(key).unwrap_or_default().to_owned();
            let below = schema.and_then(|schema| schema.field(&name));
            if let Left::Node(new) = self.walk(doc, None, Some(value), below)?
                && !node::is_null(doc, new)
            {
                node::quote_odd(doc, new);
                doc.set(target, &name, new);
            }
        }
        Ok(Left::Node(target))
    }
}

/// The pairs of a mapping. Of a key that is held twice the first one counts.
fn firsts(doc: &Document, map: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> {
    let is_first = move |(key, value): &(NodeId, NodeId)| {
        let first = || doc.text(*key).and_then(|name| doc.get(map, name));
        !doc.may_hold_equal_keys() || first().is_none_or(|first| first == *value)
    };
    doc.entries(map).filter(is_first)
}

/// Which mapping the merged fields go into.
fn target_map(
    doc: &mut Document,
    old: Option<NodeId>,
    patch: Option<NodeId>,
) -> Result<Left, Misfit> {
    let Some(present) = old.filter(|old| !doc.is_null(*old)) else {
        let Some(patch) = patch else {
            // `key: null` stays as it is; `key:` is dropped.
            let spelled = old.filter(|old| doc.text(*old).is_some_and(|text| !text.is_empty()));
            return Ok(spelled.map_or(Left::Nothing, Left::Node));
        };
        if doc.is_null(patch) || matches!(directive(doc, patch), Ok(Directive::Delete)) {
            return Ok(Left::Nothing);
        }
        return Ok(Left::Node(patch));
    };
    target(doc, present, patch)
}

/// What the patch's directive makes of a mapping or list that is there.
fn target(doc: &mut Document, old: NodeId, patch: Option<NodeId>) -> Result<Left, Misfit> {
    let Some(patch) = patch else {
        return Ok(Left::Node(old));
    };
    if doc.is_null(patch) {
        return Ok(Left::Nothing);
    }
    Ok(match directive(doc, patch)? {
        Directive::Delete => Left::Nothing,
        Directive::Replace => Left::Node(patch),
        Directive::Merge => Left::Node(old),
    })
}

/// Puts what is left of a field over the old value.
fn set_over(doc: &mut Document, map: NodeId, name: &str, old: NodeId, left: Left) {
    match left {
        Left::Node(new) if new == old => node::quote_odd(doc, old),
        Left::Node(new) if !node::is_null(doc, new) => {
            node::write_over(doc, old, new);
        }
        _ => {
            doc.remove(map, name);
        }
    }
}
