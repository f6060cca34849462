//! Lists that merge item by item.
//!
//! The common case (every item has its keys, no directives) is done with one map. Everything else
//! takes upstream's own way, whose results for missing keys are odd and shown to the user.

use std::collections::{HashMap, HashSet};

use trueup_yaml::{Document, Kind, NodeId, Style};

use super::{Left, Merger, target};
use crate::{
    node::{self, Misfit},
    openapi::Schema,
};

impl<'s> Merger<'s> {
    pub(super) fn list(
        &self,
        doc: &mut Document,
        old: Option<NodeId>,
        patch: Option<NodeId>,
        items: Option<Schema<'s>>,
        keys: &[&str],
    ) -> Result<Left, Misfit> {
        let (target, adopted) = match old.filter(|old| !doc.is_null(*old)) {
            Some(old) => match target(doc, old, patch)? {
                Left::Nothing => return Ok(Left::Nothing),
                Left::Node(target) => (target, target != old),
            },
            // Upstream asks the patch for its directive only where something is there to apply it to.
            None => match patch {
                Some(patch) if !doc.is_null(patch) => (patch, true),
                _ => return Ok(Left::Nothing),
            },
        };
        if !adopted && let Some(merged) = self.merge_simple(doc, target, patch, items, keys)? {
            doc.set_items(target, &merged);
            return Ok(Left::Node(target));
        }
        let mut work = Work {
            merger: self,
            target,
            patch,
            items,
        };
        let keys: Vec<&str> = if keys.is_empty() {
            vec![""]
        } else {
            keys.to_vec()
        };
        work.merge(doc, &keys)?;
        Ok(Left::Node(target))
    }

    /// The merged items where every item of both lists is a mapping with unique, non-empty keys and
    /// no directive: the patch's items first, then the others. None where that is not so.
    fn merge_simple(
        &self,
        doc: &mut Document,
        target: NodeId,
        patch: Option<NodeId>,
        items: Option<Schema<'s>>,
        keys: &[&str],
    ) -> Result<Option<Vec<NodeId>>, Misfit> {
        let Some(ours) = simple_items(doc, target, keys) else {
            return Ok(None);
        };
        let Some(theirs) = patch.map_or(Some(Vec::new()), |patch| simple_items(doc, patch, keys))
        else {
            return Ok(None);
        };
        let by_key: HashMap<&[String], NodeId> = ours
            .iter()
            .map(|(key, item)| (key.as_slice(), *item))
            .collect();
        let mut merged = Vec::with_capacity(ours.len() + theirs.len());
        let mut taken = HashSet::new();
        for (key, item) in &theirs {
            let old = by_key.get(key.as_slice()).copied();
            if let Left::Node(node) = self.walk(doc, old, Some(*item), items)? {
                merged.push(node);
            }
            taken.extend(old);
        }
        for (_, item) in &ours {
            if !taken.contains(item)
                && let Left::Node(node) = self.walk(doc, Some(*item), None, items)?
            {
                merged.push(node);
            }
        }
        Ok(Some(merged))
    }
}

/// The items of a list with their key texts, where all is simple.
fn simple_items(doc: &Document, list: NodeId, keys: &[&str]) -> Option<Vec<(Vec<String>, NodeId)>> {
    if keys.is_empty() {
        return None;
    }
    let mut seen = HashSet::new();
    doc.items(list)
        .map(|item| {
            if doc.kind(item) != Kind::Mapping || doc.get(item, "$patch").is_some() {
                return None;
            }
            let key: Option<Vec<String>> = keys
                .iter()
                .map(|key| {
                    let text = node::value(doc, doc.get(item, key));
                    (!text.is_empty()).then(|| text.to_owned())
                })
                .collect();
            let key = key?;
            seen.insert(key.clone()).then_some((key, item))
        })
        .collect()
}

/// One merge of two lists in upstream's own steps.
struct Work<'m, 's> {
    merger: &'m Merger<'s>,
    target: NodeId,
    patch: Option<NodeId>,
    items: Option<Schema<'s>>,
}

impl Work<'_, '_> {
    fn merge(&mut self, doc: &mut Document, keys: &[&str]) -> Result<(), Misfit> {
        let mut values = self.key_values(doc, keys);
        if keys.len() > 1 {
            unify(&mut values);
        }
        if values.is_empty() {
            return Ok(());
        }
        let mut merged: Vec<NodeId> = Vec::new();
        let mut last_keys = Vec::new();
        for at in 0..values.len() {
            let Some(of_item) = values.get(at).cloned() else {
                continue;
            };
            let (keys, of_item) = used_keys(&values, &of_item, keys);
            last_keys.clone_from(&keys);
            self.merge_item(doc, &mut merged, &keys, &of_item)?;
        }
        self.append_rest(doc, &mut merged, &last_keys)?;
        doc.set_items(self.target, &merged);
        Ok(())
    }

    /// The keys of every item, the patch's first, each set of keys once.
    fn key_values(&self, doc: &Document, keys: &[&str]) -> Vec<Vec<String>> {
        let mut values = Vec::new();
        let mut seen = HashSet::new();
        for list in [self.patch, Some(self.target)].into_iter().flatten() {
            for item in doc.items(list) {
                let of_item: Vec<String> = if keys == [""] {
                    vec![doc.text(item).unwrap_or_default().to_owned()]
                } else {
                    let text = |key: &&str| node::value(doc, doc.get(item, key)).to_owned();
                    keys.iter().map(text).collect()
                };
                if seen.insert(of_item.clone()) {
                    values.push(of_item);
                }
            }
        }
        values
    }

    fn merge_item(
        &self,
        doc: &mut Document,
        merged: &mut Vec<NodeId>,
        keys: &[&str],
        values: &[String],
    ) -> Result<(), Misfit> {
        let (own_keys, own_values) = used_keys(&[values.to_vec()], values, keys);
        let find = |doc: &Document, list| node::element_with(doc, list, &own_keys, &own_values);
        let old = find(doc, self.target);
        let theirs = self.patch.and_then(|patch| find(doc, patch));
        let left = self.merger.walk(doc, old, theirs, self.items)?;
        let item = match left {
            Left::Node(item) if !is_void(doc, item) => item,
            _ => {
                let mut rest: Vec<NodeId> = doc.items(self.target).collect();
                set_element(doc, &mut rest, None, keys, values)?;
                doc.set_items(self.target, &rest);
                return Ok(());
            }
        };
        for (key, value) in keys.iter().zip(values) {
            if doc.kind(item) == Kind::Mapping && doc.get(item, key).is_none() && !value.is_empty()
            {
                let scalar = doc.new_scalar(value, Style::Plain, None);
                doc.set(item, key, scalar);
            }
        }
        set_element(doc, merged, Some(item), keys, values)
    }

    /// Adds what the old list holds beyond the merged items.
    fn append_rest(
        &self,
        doc: &Document,
        merged: &mut Vec<NodeId>,
        keys: &[&str],
    ) -> Result<(), Misfit> {
        let rest: Vec<NodeId> = doc.items(self.target).collect();
        for item in rest {
            if keys.first().is_none_or(|key| key.is_empty()) {
                let text = doc.text(item).unwrap_or_default().to_owned();
                set_element(doc, merged, Some(item), &[""], &[text])?;
                continue;
            }
            let mut values = Vec::new();
            for key in keys {
                node::expect(doc, item, Kind::Mapping)?;
                match doc.get(item, key) {
                    Some(found) => values.push(doc.text(found).unwrap_or_default().to_owned()),
                    None => merged.push(item),
                }
            }
            if keys.len() > 1 {
                set_element(doc, merged, None, keys, &values)?;
            }
            set_element(doc, merged, Some(item), keys, &values)?;
        }
        Ok(())
    }
}

fn is_void(doc: &Document, item: NodeId) -> bool {
    doc.is_null(item) || (doc.kind(item) == Kind::Mapping && doc.is_empty(item))
}

/// The keys that any item has a value for, and this item's values of them; all where none has.
fn used_keys<'k>(
    all: &[Vec<String>],
    values: &[String],
    keys: &[&'k str],
) -> (Vec<&'k str>, Vec<String>) {
    let used = |at: usize| {
        all.iter()
            .any(|values| values.get(at).is_some_and(|v| !v.is_empty()))
    };
    let in_use: Vec<usize> = (0..keys.len()).filter(|at| used(*at)).collect();
    if in_use.is_empty() {
        return (keys.to_vec(), values.to_vec());
    }
    let pick_key = |at: &usize| keys.get(*at).copied();
    let pick_value = |at: &usize| values.get(*at).cloned();
    (
        in_use.iter().filter_map(pick_key).collect(),
        in_use.iter().filter_map(pick_value).collect(),
    )
}

/// Two items that agree on one key and do not contradict each other on another become one.
fn unify(values: &mut [Vec<String>]) {
    for i in 0..values.len() {
        let Some(a) = values.get(i).cloned() else {
            continue;
        };
        for j in 0..values.len() {
            let Some(both) = values.get(j).and_then(|b| united(&a, b)) else {
                continue;
            };
            if let Some(slot) = values.get_mut(i) {
                slot.clone_from(&both);
            }
            if let Some(slot) = values.get_mut(j) {
                *slot = both;
            }
        }
    }
}

fn united(a: &[String], b: &[String]) -> Option<Vec<String>> {
    if a.len() != b.len() {
        return None;
    }
    let mut shared = false;
    let mut both = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            shared = true;
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        }
        both.push(if x.is_empty() { y.clone() } else { x.clone() });
    }
    shared.then_some(both)
}

/// Puts `element` in the place of every item with these keys, or at the end; without an element,
/// removes those items. Empty items go; so do items that lack the keys where no values are given.
fn set_element(
    doc: &Document,
    list: &mut Vec<NodeId>,
    element: Option<NodeId>,
    keys: &[&str],
    values: &[String],
) -> Result<(), Misfit> {
    let by_field = keys.first().is_some_and(|key| !key.is_empty())
        && values.first().is_some_and(|value| !value.is_empty());
    let mut kept = Vec::with_capacity(list.len() + 1);
    let mut found = false;
    for item in list.iter().copied() {
        if is_void(doc, item) {
            continue;
        }
        if doc.kind(item) != Kind::Mapping && by_field {
            kept.push(item);
            continue;
        }
        if !has_keys(doc, item, keys, values)? {
            if !values.is_empty() {
                kept.push(item);
            }
            continue;
        }
        found = true;
        kept.extend(element);
    }
    if let Some(element) = element.filter(|element| !found && !doc.is_null(*element)) {
        kept.push(element);
    }
    *list = kept;
    Ok(())
}

fn has_keys(
    doc: &Document,
    item: NodeId,
    keys: &[&str],
    values: &[String],
) -> Result<bool, Misfit> {
    let mut matched = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            matched = if key.is_empty() {
                node::expect(doc, item, Kind::Scalar)?;
                doc.text(item).unwrap_or_default() == value
            } else {
                node::expect(doc, item, Kind::Mapping)?;
                doc.get(item, key).is_some_and(|found| {
                    value.is_empty() || doc.text(found).unwrap_or_default() == value
                })
            };
        }
        if !matched {
            return Ok(false);
        }
    }
    Ok(!keys.is_empty())
}
