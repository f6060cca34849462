//! The merge library's updater: who owns what after a write, and what an apply removes.

use std::borrow::Cow;

use serde_json::Value;

use super::conflict::Conflicts;
use super::{ApplyError, Endpoint};
use crate::managed::{Entry, FieldSet, Operation};
use crate::merge::{self, Comparison, Duplicates};
use crate::types::node::View;
use crate::value::equal;

/// The endpoint's type.
pub(super) fn view_at<'a>(endpoint: &Endpoint<'a>, api_version: &str) -> Option<View<'a>> {
    endpoint
        .versions
        .type_of(api_version)
        .map(crate::Type::view)
}

/// The object at a version with its type; `None` when the version is not served.
///
/// What comes out of a conversion is held to the rules of what is applied: no repeated items, as on the real server.
fn at_version<'o, 'a>(
    endpoint: &Endpoint<'a>,
    object: &'o Value,
    api_version: &str,
) -> Result<Option<(Cow<'o, Value>, View<'a>)>, String> {
    let Some(view) = view_at(endpoint, api_version) else {
        return Ok(None);
    };
    let from = object.get("apiVersion").and_then(Value::as_str);
    if from == Some(api_version) {
        return Ok(Some((Cow::Borrowed(object), view)));
    }
    let Some(converted) = endpoint.versions.convert(object, api_version)? else {
        return Ok(None);
    };
    merge::check(view, &converted, Duplicates::Refused).map_err(|error| error.to_string())?;
    Ok(Some((Cow::Owned(converted), view)))
}

/// Puts what was being done before an error.
fn during(what: &str) -> impl Fn(String) -> String {
    let what = what.to_owned();
    move |error| format!("{what}: {error}")
}

/// Drops entries of versions that are gone, and widens the claims on what became atomic. Tells whether it did.
fn reconcile(
    endpoint: &Endpoint<'_>,
    live: &Value,
    entries: &mut Vec<Entry>,
) -> Result<bool, ApplyError> {
    let mut checked = vec![endpoint.api_version.to_owned()];
    for entry in entries.iter() {
        if !checked.contains(&entry.api_version) {
            at_version(endpoint, live, &entry.api_version).map_err(ApplyError::Internal)?;
            checked.push(entry.api_version.clone());
        }
    }
    let mut changed = false;
    entries.retain_mut(|entry| {
        let view = view_at(endpoint, &entry.api_version);
        let fields = view.and_then(|view| merge::reconcile(&entry.fields, view));
        changed |= view.is_none() || fields.is_some();
        if let Some(fields) = fields {
            entry.fields = fields;
        }
        view.is_some()
    });
    Ok(changed)
}

fn filtered(endpoint: &Endpoint<'_>, api_version: &str, comparison: Comparison) -> Comparison {
    match endpoint.versions.reset_fields(api_version) {
        Some(ignored) if !ignored.is_empty() => comparison.without(ignored),
        _ => comparison,
    }
}

/// Takes from every other manager what this write changed or removed. Without `force`, refuses to change what is
/// owned by others.
fn take_from_others(
    endpoint: &Endpoint<'_>,
    (old, new): (&Value, &Value),
    entries: &mut Vec<Entry>,
    me: Option<&Entry>,
    force: bool,
) -> Result<Comparison, ApplyError> {
    let here = endpoint.api_version;
    let Some(view) = view_at(endpoint, here) else {
        return Err(ApplyError::Internal(format!(
            "no corresponding type for {here}"
        )));
    };
    let mine = filtered(endpoint, here, merge::compare(view, old, new));
    let mut others: Vec<(String, Option<Comparison>)> = Vec::new();
    for entry in entries.iter() {
        let version = &entry.api_version;
        if version == here || others.iter().any(|found| found.0 == *version) {
            continue;
        }
        let old = at_version(endpoint, old, version)
            .map_err(during("failed to convert old object"))
            .map_err(ApplyError::Internal)?;
        let new = at_version(endpoint, new, version)
            .map_err(during("failed to convert new object"))
            .map_err(ApplyError::Internal)?;
        let comparison = old.zip(new).map(|((old, view), (new, _))| {
            filtered(endpoint, version, merge::compare(view, &old, &new))
        });
        others.push((version.clone(), comparison));
    }
    let comparison_of = |version: &str| {
        if version == here {
            return Some(&mine);
        }
        others
            .iter()
            .find(|found| found.0 == version)
            .and_then(|found| found.1.as_ref())
    };
    let is_me = |entry: &Entry| me.is_some_and(|me| me.same_manager(entry));
    entries.retain(|entry| is_me(entry) || comparison_of(&entry.api_version).is_some());
    let mut lost: Vec<(usize, FieldSet)> = Vec::new();
    for (i, entry) in entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !is_me(entry))
    {
        if let Some(comparison) = comparison_of(&entry.api_version) {
            let mut fields = entry.fields.intersection(&comparison.modified);
            fields.union_with(entry.fields.intersection(&comparison.added));
            lost.push((i, fields));
        }
    }
    if !force && lost.iter().any(|(_, fields)| !fields.is_empty()) {
        let lost = lost
            .into_iter()
            .filter_map(|(i, fields)| Some((entries.get(i)?, fields)))
            .collect();
        return Err(ApplyError::Conflict(Conflicts::new(lost)));
    }
    for (i, fields) in lost {
        if let Some(entry) = entries.get_mut(i) {
            entry.fields.subtract(&fields);
            if let Some(comparison) = comparison_of(&entry.api_version) {
                entry.fields.subtract(&comparison.removed);
            }
        }
    }
    entries.retain(|entry| !entry.fields.is_empty());
    Ok(mine)
}

/// Records a write other than an apply: returns what the writer owns by it.
pub(super) fn update(
    endpoint: &Endpoint<'_>,
    live: &Value,
    new: &Value,
    entries: &mut Vec<Entry>,
) -> Result<FieldSet, ApplyError> {
    reconcile(endpoint, live, entries)?;
    let comparison = take_from_others(endpoint, (live, new), entries, None, true)?;
    let mut owned = comparison.modified;
    owned.union_with(comparison.added);
    if let Some(ignored) = endpoint.versions.reset_fields(endpoint.api_version) {
        owned.subtract_recursive(ignored);
    }
    Ok(owned)
}

/// What an apply comes to.
pub(super) struct Applied {
    /// The new object, `None` when nothing in it changes.
    pub(super) object: Option<Value>,
    /// The manager's entry as it was.
    pub(super) last: Option<Entry>,
    /// Whether other managers' entries changed.
    pub(super) others_changed: bool,
}

/// Applies a configuration.
pub(super) fn apply(
    endpoint: &Endpoint<'_>,
    live: &Value,
    config: &Value,
    entries: &mut Vec<Entry>,
    me: &Entry,
    force: bool,
) -> Result<Applied, ApplyError> {
    let reconciled = reconcile(endpoint, live, entries)?;
    let Some(view) = view_at(endpoint, endpoint.api_version) else {
        return Err(ApplyError::Internal(format!(
            "no corresponding type for {}",
            endpoint.api_version
        )));
    };
    let mut fields = merge::extract(view, config);
    if let Some(ignored) = endpoint.versions.reset_fields(endpoint.api_version) {
        fields.subtract_recursive(ignored);
    }
    let mine = Entry {
        fields,
        ..me.clone()
    };
    let last = if let Some(entry) = entries.iter_mut().find(|entry| entry.same_manager(me)) {
        let time = entry.time.clone();
        Some(std::mem::replace(entry, Entry { time, ..mine }))
    } else {
        entries.push(mine);
        None
    };
    let to_prune = last
        .as_ref()
        .filter(|last| !removes_nothing(endpoint, last, entries, me));
    if to_prune.is_none() && merge::contains(view, live, config) {
        let count = entries.len();
        entries.retain(|entry| !entry.fields.is_empty());
        return Ok(Applied {
            object: None,
            others_changed: reconciled || entries.len() != count,
            last,
        });
    }
    let merged = merge::combine(view, live, config);
    let new = match to_prune {
        Some(last) => prune(endpoint, merged, entries, last)
            .map_err(during("failed to prune fields"))
            .map_err(ApplyError::Internal)?,
        None => merged,
    };
    take_from_others(endpoint, (live, &new), entries, Some(me), force)?;
    Ok(Applied {
        object: (!equal(live, &new)).then_some(new),
        last,
        others_changed: true,
    })
}

/// Whether nothing can be pruned: all that the manager applied last time it applies again, what leads there is its
/// own or named by the schema, and no other version is at hand, through which the object would have to pass.
fn removes_nothing(endpoint: &Endpoint<'_>, last: &Entry, entries: &[Entry], me: &Entry) -> bool {
    if last.fields.is_empty() {
        return true;
    }
    let now = entries.iter().find(|entry| entry.same_manager(me));
    let is_here = |entry: &Entry| entry.api_version == endpoint.api_version;
    is_here(last)
        && entries.iter().all(is_here)
        && now.is_some_and(|now| last.fields.is_subset(&now.fields))
        && merge::leads_by_named_fields(&last.fields, view_at(endpoint, endpoint.api_version))
}

/// Removes what the manager applied last time, no longer applies, and nobody else owns.
fn prune(
    endpoint: &Endpoint<'_>,
    merged: Value,
    entries: &[Entry],
    last: &Entry,
) -> Result<Value, String> {
    let version = last.api_version.as_str();
    let found = at_version(endpoint, &merged, version).map_err(during(
        "failed to convert merged object to last applied version",
    ))?;
    let Some((object, view)) = found else {
        return Ok(merged);
    };
    let removable = merge::with_named_fields(&last.fields, Some(view));
    let pruned = merge::remove(view, &object, &removable);
    let pruned = add_back_owned(endpoint, &object, pruned, version, entries)
        .map_err(during("failed add back owned items"))?;
    let pruned = add_back_dangling(endpoint, &object, &pruned, view, (version, &removable))
        .map_err(during("failed add back dangling items"))?;
    let converted =
        at_version(endpoint, &pruned, endpoint.api_version)?.map(|found| found.0.into_owned());
    Ok(converted.unwrap_or(pruned))
}

/// Puts back what was pruned but is owned by someone, version by version.
fn add_back_owned(
    endpoint: &Endpoint<'_>,
    merged: &Value,
    pruned: Value,
    version: &str,
    entries: &[Entry],
) -> Result<Value, String> {
    let mut owned: Vec<(&str, FieldSet)> = Vec::new();
    for entry in entries {
        match owned.iter_mut().find(|found| found.0 == entry.api_version) {
            Some(found) => found.1.union_with(entry.fields.clone()),
            None => owned.push((&entry.api_version, entry.fields.clone())),
        }
    }
    // The version of what was pruned goes first; the others in a fixed order.
    owned.sort_by(|a, b| (a.0 != version, a.0).cmp(&(b.0 != version, b.0)));
    let mut pruned = pruned;
    for (version, owned) in owned {
        let at = |object, what| {
            at_version(endpoint, object, version).map_err(during(&format!(
                "failed to convert {what} object at version {version}"
            )))
        };
        let Some((merged, view)) = at(merged, "merged")? else {
            continue;
        };
        let Some((converted, _)) = at(&pruned, "pruned")? else {
            continue;
        };
        let mut gone = named_fields_of(view, &merged);
        gone.subtract(&named_fields_of(view, &converted));
        gone.subtract(&merge::with_named_fields(&owned, Some(view)));
        pruned = merge::remove(view, &merged, &gone);
    }
    Ok(pruned)
}

/// Puts back what was pruned but never belonged to the manager: items below what it removes that nobody claims.
fn add_back_dangling(
    endpoint: &Endpoint<'_>,
    merged: &Value,
    pruned: &Value,
    view: View<'_>,
    (version, removable): (&str, &FieldSet),
) -> Result<Value, String> {
    let found = at_version(endpoint, pruned, version).map_err(during(
        "failed to convert pruned object to last applied version",
    ))?;
    let Some((pruned, _)) = found else {
        return Ok(merged.clone());
    };
    let mut gone = named_fields_of(view, merged);
    gone.subtract(&named_fields_of(view, &pruned));
    Ok(merge::remove(view, merged, &gone.intersection(removable)))
}

fn named_fields_of(view: View<'_>, value: &Value) -> FieldSet {
    merge::with_named_fields(&merge::extract(view, value), Some(view))
}

/// The entry of an applier or updater, without fields.
pub(super) fn writer_entry(endpoint: &Endpoint<'_>, manager: &str, operation: Operation) -> Entry {
    Entry {
        manager: if manager.is_empty() {
            "unknown"
        } else {
            manager
        }
        .to_owned(),
        operation,
        api_version: endpoint.api_version.to_owned(),
        subresource: endpoint.subresource.to_owned(),
        time: None,
        fields: FieldSet::new(),
    }
}
