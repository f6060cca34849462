//! What changes on an object as far as we can see it ourselves, and which place in the files sets it.

use trueup_manifest::ObjectId;

use crate::{
    cluster::Live,
    plan::{
        action::Change,
        compare::{Difference, DifferenceKind, plainly_same},
        diff,
        mask::Key,
        object::Object,
        path::{Path, Step},
        view::{Node, View},
    },
};

pub(super) fn local_changes(
    object: &Object,
    live: &Live,
    found: &[Difference],
    key: Key,
) -> Vec<Change> {
    let id: ObjectId = object.id();
    let mut changes: Vec<Change> = found
        .iter()
        .filter(|difference| difference.kind != DifferenceKind::Ownership)
        .map(|difference| {
            let after = match difference.kind {
                DifferenceKind::Surplus => None,
                _ => find(object.root(), &difference.path).map(Node::to_json),
            };
            diff::change(
                &id,
                &difference.path,
                find(live.value(), &difference.path).cloned(),
                after,
                key,
            )
        })
        .collect();
    place(&mut changes, object);
    changes
}

/// Says of each change which place in the files sets it.
pub(super) fn place(changes: &mut [Change], object: &Object) {
    for change in changes {
        if change.after.is_some() {
            let node = nearest_node(object.root(), &change.path);
            change.source = object
                .doc
                .location(node.id())
                .map(|place| place.to_string());
        }
    }
}

/// The node at a path, or the last one on the way there that the manifest has.
fn nearest_node<'a>(root: Node<'a>, path: &Path) -> Node<'a> {
    let mut node = root;
    for step in &path.0 {
        match enter(node, step) {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}

pub(in crate::plan) fn find<'a, V: View<'a>>(root: V, path: &Path) -> Option<V> {
    path.0.iter().try_fold(root, |node, step| enter(node, step))
}

pub(in crate::plan) fn enter<'a, V: View<'a>>(node: V, step: &Step) -> Option<V> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.items().nth(*index),
        Step::Item(fields) => node.items().find(|item| {
            fields
                .iter()
                .all(|(key, value)| item.get(key).is_none_or(|own| plainly_same(own, value)))
        }),
        Step::Member(value) => node.items().find(|item| plainly_same(*item, value)),
    }
}
