//! A set with the declared fields that lead to its members added.

use super::atom::{list_of, map_of};
use crate::managed::{FieldSet, PathElement, SetBuilder};
use crate::types::node::View;

/// The set together with every declared field on the way to its members: of `.a.b.c`, `.a` is added when the schema
/// names it, and `.a.b` is not when `a` is a map.
pub(crate) fn with_named_fields(set: &FieldSet, view: Option<View<'_>>) -> FieldSet {
    let map = view.and_then(map_of);
    let list = view.and_then(list_of);
    let mut builder = SetBuilder::default();
    for (step, member, below) in set.steps() {
        if below.is_empty() {
            builder.push(step.clone(), member, FieldSet::new());
            continue;
        }
        let (declared, next) = match (step, map, list) {
            (PathElement::Field(name), Some(map), _) => (map.declares(name), map.at(name)),
            (PathElement::Key(_), _, Some(list)) => (false, Some(list.items())),
            _ => (false, None),
        };
        builder.push(
            step.clone(),
            member || declared,
            with_named_fields(below, next),
        );
    }
    builder.finish()
}

/// Whether every step on the way to a member is a member itself or a field that the schema names.
pub(crate) fn leads_by_named_fields(set: &FieldSet, view: Option<View<'_>>) -> bool {
    let map = view.and_then(map_of);
    let list = view.and_then(list_of);
    set.steps().all(|(step, member, below)| {
        if below.is_empty() {
            return true;
        }
        let (declared, next) = match (step, map, list) {
            (PathElement::Field(name), Some(map), _) => (map.declares(name), map.at(name)),
            (PathElement::Key(_), _, Some(list)) => (false, Some(list.items())),
            _ => (false, None),
        };
        (member || declared) && leads_by_named_fields(below, next)
    })
}
