//! Lists in strategic merge patches: merged by key or value, and put in order.

use serde_json::{Map, Value};

use super::{PATCH, PatchError, SET_ORDER, error, look_up_list, merge_map, without_directives};
use crate::types::node::{Patch, View};

/// Merges a patch's list into the original's, as the field's strategy says.
pub(super) fn merge(
    original: Vec<Value>,
    patch: Vec<Value>,
    view: View<'_>,
    strategy: Patch,
) -> Result<Vec<Value>, PatchError> {
    if !strategy.merge {
        return Ok(patch);
    }
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let key = strategy.merge_key.unwrap_or_default();
    if !of_maps(&original, &patch)? {
        let mut both = original.clone();
        both.extend(patch.iter().cloned());
        let merged = without_repeats(both);
        return order(merged, &patch, &original, key);
    }
    if key.is_empty() {
        return error(format!(
            "cannot merge lists without merge key for {}",
            view.node.model
        ));
    }
    let (mut original, patch) = take_directives(original, patch, key)?;
    let before = original.clone();
    for item in &patch {
        let Value::Object(map) = item else { continue };
        let Some(name) = map.get(key) else {
            return no_merge_key(item, key);
        };
        match position(&original, key, name) {
            Some(at) => {
                if let Some(Value::Object(old)) = original.get(at).cloned() {
                    let merged = merge_map(old, map.clone(), view)?;
                    original.splice(at..=at, [Value::Object(merged)]);
                }
            }
            None => original.push(item.clone()),
        }
    }
    order(original, &patch, &before, key)
}

fn no_merge_key<T>(item: &Value, key: &str) -> Result<T, PatchError> {
    error(format!(
        "map: {item} does not contain declared merge key: {key}"
    ))
}

fn position(items: &[Value], key: &str, name: &Value) -> Option<usize> {
    items.iter().position(|item| item.get(key) == Some(name))
}

/// Whether the items are maps. All must be of one kind, and none a list.
fn of_maps(a: &[Value], b: &[Value]) -> Result<bool, PatchError> {
    let mut items = a.iter().chain(b);
    let Some(first) = items.next() else {
        return error("no elements in any of the given slices");
    };
    if first.is_array() {
        return error("lists of lists are not supported");
    }
    if items.any(|item| std::mem::discriminant(item) != std::mem::discriminant(first)) {
        return error("list element types are not identical");
    }
    Ok(first.is_object())
}

/// Carries out the `$patch` directives among a list's items.
fn take_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut replace = false;
    for item in patch {
        match item
            .get(PATCH)
            .map(|directive| directive.as_str().unwrap_or_default())
        {
            None => plain.push(item),
            Some("delete") => match item.get(key) {
                Some(name) => original.retain(|item| item.get(key) != Some(name)),
                None => return no_merge_key(&item, key),
            },
            Some("replace") => replace = true,
            Some("merge") => return error("merging lists cannot yet be specified in the patch"),
            Some(other) => return error(format!("unknown patch type: {other} in map: {item}")),
        }
    }
    Ok(if replace {
        (plain, Vec::new())
    } else {
        (original, plain)
    })
}

/// Drops repeated scalars; the last item takes the place of a dropped one, as it does on the real server.
fn without_repeats(mut items: Vec<Value>) -> Vec<Value> {
    let mut i = 0;
    while i < items.len() {
        let mut j = i + 1;
        while j < items.len() {
            if items.get(i) == items.get(j) {
                items.swap_remove(j);
            } else {
                j += 1;
            }
        }
        i += 1;
    }
    items
}

/// Handles every `$setElementOrder/list` of a patch together with the list it is about.
pub(super) fn merge_ordered(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    view: View<'_>,
) -> Result<(), PatchError> {
    let directives: Vec<String> = patch
        .keys()
        .filter(|key| key.starts_with(SET_ORDER))
        .cloned()
        .collect();
    for directive in directives {
        let Some(Value::Array(wanted)) = patch.remove(&directive) else {
            return error("invalid patch format of setElementOrder list");
        };
        let Some(name) = directive
            .strip_prefix(SET_ORDER)
            .and_then(|key| key.strip_prefix('/'))
        else {
            return error("invalid patch format of setElementOrder list");
        };
        let list = |value: Option<&Value>| match value {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.clone())),
            Some(_) => error(format!("expected a list at {name}")),
        };
        let (old, new) = (list(original.get(name))?, list(patch.get(name))?);
        let (items, strategy) = look_up_list(view, name)?;
        let key = strategy.merge_key.unwrap_or_default();
        check_order(new.as_deref().unwrap_or_default(), &wanted, key)?;
        let given = new.clone().unwrap_or_default();
        let merged = match (&old, new) {
            (Some(old), None) => old.clone(),
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(old), Some(new)) => merge(old.clone(), new, items, strategy)?,
            (None, None) => continue,
        };
        of_maps(old.as_deref().unwrap_or_default(), &given)?;
        let ordered = order(merged, &wanted, old.as_deref().unwrap_or_default(), key)?;
        patch.remove(name);
        original.insert(name.to_owned(), Value::Array(ordered));
    }
    Ok(())
}

fn is_delete(item: &Value) -> bool {
    item.get(PATCH).is_some()
}

/// The patch's items must come in the order that the directive states.
fn check_order(patch: &[Value], wanted: &[Value], key: &str) -> Result<(), PatchError> {
    if patch.is_empty() || wanted.is_empty() {
        return Ok(());
    }
    let mut wanted = wanted.iter();
    for item in patch
        .iter()
        .filter(|item| key.is_empty() || !is_delete(item))
    {
        if !wanted.any(|place| same(place, item, key)) {
            return error(format!(
                "The order in patch list:\n{}\n doesn't match {SET_ORDER} list",
                Value::Array(patch.to_vec())
            ));
        }
    }
    Ok(())
}

fn same(a: &Value, b: &Value, key: &str) -> bool {
    if key.is_empty() {
        a == b
    } else {
        a.get(key).is_some() && a.get(key) == b.get(key)
    }
}

fn index(items: &[Value], item: &Value, key: &str) -> Option<usize> {
    items.iter().position(|other| same(other, item, key))
}

/// Orders merged items: those of `wanted` by it, the server's own by `server`, and the two among each other by
/// `server` where it knows both.
fn order(
    merged: Vec<Value>,
    wanted: &[Value],
    server: &[Value],
    key: &str,
) -> Result<Vec<Value>, PatchError> {
    let without_key = |item: &&Value| item.is_object() && item.get(key).is_none();
    if let Some(item) = merged.iter().chain(wanted).chain(server).find(without_key) {
        return no_merge_key(item, key);
    }
    let (mut mine, mut theirs): (Vec<_>, Vec<_>) = merged
        .into_iter()
        .partition(|item| index(wanted, item, key).is_some());
    mine.sort_by_key(|item| index(wanted, item, key));
    theirs.sort_by_key(|item| index(server, item, key));
    let mut out = Vec::with_capacity(mine.len() + theirs.len());
    let (mut mine, mut theirs) = (mine.into_iter().peekable(), theirs.into_iter().peekable());
    while let (Some(m), Some(t)) = (mine.peek(), theirs.peek()) {
        let before = match (index(server, t, key), index(server, m, key)) {
            (Some(t), Some(m)) => t < m,
            _ => false,
        };
        out.extend(if before { theirs.next() } else { mine.next() });
    }
    out.extend(mine);
    out.extend(theirs);
    Ok(out)
}
