//! Merging a strategic patch into objects, within what it may change of their identity.

use std::collections::BTreeMap;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId};

use crate::{
    Context,
    node::{self, Write},
    patch::strategic,
    resource::{ResId, ResMap, Resource},
    transform::misfit,
};

/// What a strategic merge patch may change of an object's identity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allow {
    pub(super) name: bool,
    pub(super) kind: bool,
}

/// Applies a patch to each target as its own kind and version, and removes those it deletes.
pub(super) fn apply_to_all(
    context: &Context<'_>,
    resources: &mut ResMap,
    targets: &[usize],
    patch: &Resource,
    allow: Allow,
) -> Result<(), Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut deleted = Vec::new();
    let as_text = metadata_as_text(&patch.doc);
    for at in targets {
        let kept = resources.edit_at(*at, |target| {
            let mut copy = as_text.clone();
            let root = copy.root();
            let version = target.gvk().api_version();
            let set = put_version(&mut copy, root, &version);
            set.map_err(|wrong| misfit(target, &wrong, "patching"))?;
            apply_strategic(context, target, &copy, allow)
        });
        if complaints.keep(kept.unwrap_or(Ok(true))) == Some(false) {
            deleted.push(*at);
        }
    }
    for at in deleted {
        resources.remove(at);
    }
    complaints.keep(refuse_duplicates(resources));
    complaints.into_result(())
}

/// Gives a patch the version of its target: of one that has none, an `apiVersion` with nothing in it.
fn put_version(patch: &mut Document, root: NodeId, version: &str) -> Result<(), node::Misfit> {
    if !version.is_empty() {
        return node::put_scalar(patch, root, "apiVersion", version, Write::Raw);
    }
    put_nothing(patch, root, "apiVersion");
    Ok(())
}

/// Writes an empty text without a type: no null until it is printed.
fn put_nothing(doc: &mut Document, map: NodeId, name: &str) {
    let nothing = doc.new_untyped("");
    match doc.get(map, name) {
        Some(old) => doc.replace(old, nothing),
        None => node::append_field(doc, map, name, nothing),
    }
}

/// After a patch with a target upstream looks for objects that have come to share an id.
pub(crate) fn refuse_duplicates(resources: &mut ResMap) -> Result<(), Diagnostic> {
    let Some((first, second)) = resources.duplicate() else {
        return Ok(());
    };
    let place = |at: usize| resources.get(at).and_then(Resource::location);
    let id = resources
        .get(second)
        .map(|resource| resource.id().to_string())
        .unwrap_or_default();
    Err(Diagnostic::error(
        "kustomize/id-conflict",
        format!("two objects end up as `{id}`"),
    )
    .label(place(second), "this one")
    .label(place(first), "and this one")
    .help("look for a patch or replacement that renames one of them"))
}

/// Upstream takes a patch's labels and annotations through maps of strings before it applies the patch
/// to a selected target: null becomes the text it was written as, an empty map disappears, and what is left is
/// written anew in order of its keys.
fn metadata_as_text(patch: &Document) -> Document {
    let mut doc = patch.clone();
    let Some(metadata) = doc.get(doc.root(), "metadata") else {
        return doc;
    };
    for field in ["labels", "annotations"] {
        map_as_text(&mut doc, metadata, field);
    }
    doc
}

/// Upstream notes in a patch's annotations what it may change, and takes them through a map of strings
/// for that.
pub(super) fn annotations_as_text(doc: &mut Document) {
    if let Some(metadata) = doc.get(doc.root(), "metadata") {
        map_as_text(doc, metadata, "annotations");
    }
}

fn map_as_text(doc: &mut Document, metadata: NodeId, field: &str) {
    let Some(map) = doc.get(metadata, field) else {
        return;
    };
    if doc.kind(map) != Kind::Mapping || doc.is_empty(map) {
        doc.remove(metadata, field);
        return;
    }
    let pairs = doc.entries(map).map(|(key, value)| {
        let text = |node| doc.text(node).unwrap_or_default().to_owned();
        (text(key), text(value))
    });
    let pairs: BTreeMap<String, String> = pairs.collect();
    let fresh = doc.new_mapping();
    for (key, text) in pairs {
        let value = doc.new_str(&text);
        node::append_field(doc, fresh, &key, value);
    }
    doc.remove(metadata, field);
    doc.set(metadata, field, fresh);
}

/// Merges a patch into an object. False where the patch deletes it.
pub(super) fn apply_strategic(
    context: &Context<'_>,
    target: &mut Resource,
    patch: &Document,
    allow: Allow,
) -> Result<bool, Diagnostics> {
    let schemas = context.schemas();
    let before = target.id().clone();
    if allow.name || allow.kind {
        target.remember_id();
    }
    target.book.reshaped = true;
    target.lose_null_annotations();
    let wipes = wipes_annotations(patch);
    let root = target.root();
    let theirs = target.doc.import(patch, patch.root());
    let kept = strategic::merge(&mut target.doc, root, theirs, &schemas)
        .map_err(|wrong| misfit(target, &wrong, "patching"))?;
    if !kept || target.doc.is_empty(root) {
        return Ok(false);
    }
    if wipes {
        target.book.wipe();
    }
    let restored = restore(target, &before, allow);
    restored.map_err(|wrong| misfit(target, &wrong, "patching"))?;
    target.sync(&schemas);
    Ok(true)
}

/// A patch changes kind and name only where that is allowed, and the namespace never. Upstream writes them all
/// again, without a type.
fn restore(target: &mut Resource, before: &ResId, allow: Allow) -> Result<(), node::Misfit> {
    let root = target.root();
    let doc = &mut target.doc;
    if !allow.kind {
        put_back(doc, root, "kind", &before.gvk.kind)?;
    }
    let Some(metadata) = node::lookup_create(doc, root, &["metadata"], Kind::Mapping)? else {
        return Ok(());
    };
    if !allow.name {
        put_back(doc, metadata, "name", &before.name)?;
    }
    if before.namespace.is_empty() {
        node::clear(doc, metadata, "namespace")?;
    } else {
        put_back(doc, metadata, "namespace", &before.namespace)?;
    }
    Ok(())
}

/// A field that is what it was keeps its place, and loses its type.
fn put_back(doc: &mut Document, map: NodeId, name: &str, before: &str) -> Result<(), node::Misfit> {
    match doc.get(map, name) {
        Some(now) if node::value(doc, Some(now)) == before => doc.forget_type(now),
        // A list may be without a name; upstream writes down that it has none.
        _ if before.is_empty() => put_nothing(doc, map, name),
        _ => node::put_scalar(doc, map, name, before, Write::Raw)?,
    }
    Ok(())
}

/// Whether a patch replaces or deletes the annotations as a whole, and with them what upstream keeps
/// there.
fn wipes_annotations(patch: &Document) -> bool {
    let replaces = |node: NodeId| {
        patch.is_null(node)
            || matches!(
                patch
                    .get(node, "$patch")
                    .and_then(|value| patch.text(value)),
                Some("replace" | "delete")
            )
    };
    let Some(metadata) = patch.get(patch.root(), "metadata") else {
        return false;
    };
    replaces(metadata)
        || patch.get(metadata, "annotations").is_some_and(replaces)
        || replaces(patch.root())
}
