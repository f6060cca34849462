//! Ownership that was recorded under another schema, brought in line with the present one.

use super::atom::{Atom, map_of};
use crate::managed::{FieldSet, PathElement};
use crate::types::node::View;

/// The set with what became atomic since it was written owned as a whole, or `None` when nothing changes.
pub(crate) fn reconcile(set: &FieldSet, view: View<'_>) -> Option<FieldSet> {
    let mut walk = Walk::default();
    walk.at(view, set, false);
    if walk.atomic.is_empty() {
        return None;
    }
    let mut out = set.clone();
    out.subtract_recursive(&walk.atomic);
    out.union_with(walk.atomic);
    Some(out)
}

#[derive(Default)]
struct Walk {
    path: Vec<PathElement>,
    /// The places that are owned as a whole now.
    atomic: FieldSet,
}

impl Walk {
    fn at(&mut self, view: View<'_>, set: &FieldSet, is_whole: bool) {
        match Atom::of(view, None) {
            Atom::Scalar(_) => {}
            Atom::List(list) => {
                if list.is_atomic() {
                    if !is_whole {
                        self.atomic.insert(&self.path);
                    }
                    return;
                }
                for (step, member, below) in set.steps() {
                    self.below(list.items(), step, member, below);
                }
            }
            Atom::Map(map) => {
                if map_of(view).is_some_and(|map| map.is_deduced()) {
                    return;
                }
                if map.is_atomic() {
                    if !is_whole && !set.is_empty() {
                        self.atomic.insert(&self.path);
                    }
                    return;
                }
                for (step, member, below) in set.steps() {
                    let next = match step {
                        PathElement::Field(name) => map.at(name),
                        _ => None,
                    };
                    if let Some(next) = next {
                        self.below(next, step, member, below);
                    }
                }
            }
        }
    }

    fn below(&mut self, view: View<'_>, step: &PathElement, member: bool, set: &FieldSet) {
        self.path.push(step.clone());
        self.at(view, set, member && set.is_empty());
        self.path.pop();
    }
}
