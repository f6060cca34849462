//! The field manager around the updater: identities, times, what is never tracked, and old objects.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::last_applied;
use super::updater::{self, view_at, writer_entry};
use super::{ApplyError, Endpoint, Writer};
use crate::FieldSet;
use crate::managed::{self, Entry, Operation};
use crate::merge::{self, Duplicates};

/// More update entries than this are folded together, oldest first.
const MAX_UPDATE_ENTRIES: usize = 10;
/// The manager of folded entries.
const ANCIENT: &str = "ancient-changes";
/// The manager of what was there before the first apply.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Fields that nobody owns.
static UNTRACKED: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::of(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

pub(super) fn update(
    endpoint: &Endpoint<'_>,
    live: Option<&Value>,
    mut new: Value,
    writer: &Writer<'_>,
) -> Value {
    let empty;
    let live = if let Some(live) = live {
        live
    } else {
        empty = empty_object(endpoint);
        &empty
    };
    let mut entries = entries_for_update(endpoint, live, &new);
    remove_managed_fields(&mut new);
    let created = text_at(live, "/metadata/uid").is_empty();
    if entries.is_empty() && !created {
        return new;
    }
    match track(
        endpoint,
        live,
        &new,
        &mut entries,
        writer.manager,
        writer.now,
    ) {
        Ok(()) => set_managed_fields(&mut new, &entries),
        // A write is never lost to its tracking.
        Err(_) => remove_managed_fields(&mut new),
    }
    new
}

/// The entries to start from: what the writer sent if it makes sense, else what is stored.
fn entries_for_update(endpoint: &Endpoint<'_>, live: &Value, new: &Value) -> Vec<Entry> {
    let stored = || managed::decode(live).unwrap_or_default();
    if !endpoint.subresource.is_empty() {
        return stored();
    }
    if let Some(list) = new
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
    {
        let is_blank = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
        if list.is_empty() || matches!(list.as_slice(), [only] if is_blank(only)) {
            return Vec::new();
        }
    }
    match managed::decode(new) {
        Ok(entries) if !entries.is_empty() => entries,
        _ => stored(),
    }
}

/// Gives the writer what it changed, and takes it from the others.
fn track(
    endpoint: &Endpoint<'_>,
    live: &Value,
    new: &Value,
    entries: &mut Vec<Entry>,
    manager: &str,
    now: &str,
) -> Result<(), ApplyError> {
    let Some(view) = view_at(endpoint, endpoint.api_version) else {
        return Err(ApplyError::Internal(format!(
            "no corresponding type for {}",
            endpoint.api_version
        )));
    };
    for (what, object) in [("new", new), ("live", live)] {
        merge::check(view, object, Duplicates::Allowed).map_err(|error| {
            let object = describe(endpoint, object);
            ApplyError::Internal(format!(
                "failed to convert {what} object ({object}) to smd typed: {error}"
            ))
        })?;
    }
    let mut owned = updater::update(endpoint, live, new, entries).map_err(|error| {
        let object = describe(endpoint, new);
        ApplyError::Internal(format!(
            "failed to update ManagedFields ({object}): {error}"
        ))
    })?;
    owned.subtract(&UNTRACKED);
    if !owned.is_empty() {
        let mut mine = writer_entry(endpoint, manager, Operation::Update);
        mine.time = Some(now.to_owned());
        mine.fields = owned;
        match entries.iter_mut().find(|entry| entry.same_manager(&mine)) {
            Some(entry) => {
                entry.fields.union_with(mine.fields);
                entry.time = mine.time;
            }
            None => entries.push(mine),
        }
    }
    cap_update_entries(entries);
    Ok(())
}

/// Folds the oldest update entries of each version into one until there are few enough.
fn cap_update_entries(entries: &mut Vec<Entry>) {
    let mut oldest: Vec<Entry> = entries
        .iter()
        .filter(|entry| entry.operation == Operation::Update)
        .cloned()
        .collect();
    let mut count = oldest.len();
    if count <= MAX_UPDATE_ENTRIES {
        return;
    }
    oldest.sort_by_cached_key(|entry| {
        (
            managed::seconds(entry.time.as_deref()).to_owned(),
            entry.identifier(),
        )
    });
    let mut firsts: Vec<Entry> = Vec::new();
    for old in oldest {
        if count <= MAX_UPDATE_ENTRIES {
            break;
        }
        let Some(first) = firsts
            .iter()
            .find(|first| first.api_version == old.api_version)
        else {
            firsts.push(old);
            continue;
        };
        let bucket = Entry {
            manager: ANCIENT.to_owned(),
            subresource: String::new(),
            fields: FieldSet::new(),
            ..old.clone()
        };
        if !entries.iter().any(|entry| entry.same_manager(&bucket))
            && let Some(entry) = entries.iter_mut().find(|entry| entry.same_manager(first))
        {
            entry.manager.clone_from(&bucket.manager);
            entry.subresource.clear();
        }
        entries.retain(|entry| !entry.same_manager(&old));
        if let Some(entry) = entries.iter_mut().find(|entry| entry.same_manager(&bucket)) {
            entry.fields.union_with(old.fields);
            entry.time = old.time;
        }
        count -= 1;
    }
}

pub(super) fn apply(
    endpoint: &Endpoint<'_>,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    let empty;
    let live = if let Some(live) = live {
        live
    } else {
        empty = empty_object(endpoint);
        &empty
    };
    let entries = managed::decode(live).map_err(|error| {
        ApplyError::Internal(format!("failed to decode managed fields: {error}"))
    })?;
    check_request(endpoint, config)?;
    if writer.manager != last_applied::KUBECTL {
        return apply_once(endpoint, live, config, writer, (entries, force));
    }
    let mut applied = apply_once(endpoint, live, config, writer, (entries.clone(), force));
    if let Err(ApplyError::Conflict(conflicts)) = &applied
        && let Some(allowed) = last_applied::allowed_conflicts(endpoint, live)
    {
        let mut left = conflicts.clone();
        if conflicts.fields().difference(&allowed).is_empty() {
            applied = apply_once(endpoint, live, config, writer, (entries, true));
        } else {
            left.causes
                .retain(|conflict| !allowed.has(&conflict.path.0));
            applied = Err(ApplyError::Conflict(left));
        }
    }
    let mut object = applied?;
    last_applied::refresh(&mut object, config);
    Ok(object)
}

fn check_request(endpoint: &Endpoint<'_>, config: &Value) -> Result<(), ApplyError> {
    let (version, kind) = (text_at(config, "/apiVersion"), text_at(config, "/kind"));
    if version != endpoint.api_version || kind != endpoint.kind {
        return Err(ApplyError::BadRequest(format!(
            "invalid object type: {}",
            gvk(version, kind)
        )));
    }
    if config
        .pointer("/metadata/managedFields")
        .is_some_and(Value::is_array)
    {
        return Err(ApplyError::BadRequest(
            "metadata.managedFields must be nil".to_owned(),
        ));
    }
    Ok(())
}

fn apply_once(
    endpoint: &Endpoint<'_>,
    live: &Value,
    config: &Value,
    writer: &Writer<'_>,
    (mut entries, force): (Vec<Entry>, bool),
) -> Result<Value, ApplyError> {
    let mut live = std::borrow::Cow::Borrowed(live);
    let is_tracked = !entries.is_empty();
    if !is_tracked {
        let empty = empty_object(endpoint);
        track(
            endpoint,
            &empty,
            &live,
            &mut entries,
            BEFORE_FIRST_APPLY,
            writer.now,
        )
        .map_err(|error| {
            ApplyError::Internal(format!(
                "failed to create manager for existing fields: {error}"
            ))
        })?;
        if live.pointer("/metadata/managedFields").is_some() {
            remove_managed_fields(live.to_mut());
        }
    }
    let Some(view) = view_at(endpoint, endpoint.api_version) else {
        return Err(ApplyError::Internal(format!(
            "no corresponding type for {}",
            gvk(endpoint.api_version, endpoint.kind)
        )));
    };
    for (what, object, duplicates) in [
        ("patch", config, Duplicates::Refused),
        ("live", &live, Duplicates::Allowed),
    ] {
        merge::check(view, object, duplicates).map_err(|error| {
            ApplyError::Internal(format!(
                "failed to create typed {what} object ({}): {error}",
                describe(endpoint, object)
            ))
        })?;
    }
    let me = writer_entry(endpoint, writer.manager, Operation::Apply);
    let applied = updater::apply(endpoint, &live, config, &mut entries, &me, force)?;
    let mut mine_changed = true;
    if let Some(at) = entries.iter().position(|entry| entry.same_manager(&me))
        && let Some(entry) = entries.get_mut(at)
    {
        entry.fields.subtract(&UNTRACKED);
        if applied.object.is_some() {
            entry.time = Some(writer.now.to_owned());
        }
        mine_changed = applied.last.as_ref() != Some(entry);
        if entry.fields.is_empty() {
            entries.remove(at);
        }
    }
    let mut object = match applied.object {
        Some(mut object) => {
            remove_managed_fields(&mut object);
            endpoint.versions.settle(endpoint.api_version, &mut object);
            object
        }
        // Nothing at all changes, so the entries need not be written anew.
        None if !mine_changed && !applied.others_changed && is_tracked => {
            return Ok(live.into_owned());
        }
        None => live.into_owned(),
    };
    set_managed_fields(&mut object, &entries);
    Ok(object)
}

/// The object a create starts from.
fn empty_object(endpoint: &Endpoint<'_>) -> Value {
    let mut object = endpoint.versions.empty(endpoint.api_version);
    if let Some(map) = object.as_object_mut() {
        map.insert("apiVersion".to_owned(), endpoint.api_version.into());
        map.insert("kind".to_owned(), endpoint.kind.into());
    }
    object
}

fn text_at<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A kind as Go prints it: `apps/v1, Kind=Deployment`.
pub(super) fn gvk(api_version: &str, kind: &str) -> String {
    match api_version.split_once('/') {
        Some(_) => format!("{api_version}, Kind={kind}"),
        None => format!("/{api_version}, Kind={kind}"),
    }
}

/// An object as the server's errors name it.
fn describe(endpoint: &Endpoint<'_>, object: &Value) -> String {
    format!(
        "{}/{}; {}",
        text_at(object, "/metadata/namespace"),
        text_at(object, "/metadata/name"),
        gvk(endpoint.api_version, endpoint.kind)
    )
}

fn remove_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

fn set_managed_fields(object: &mut Value, entries: &[Entry]) {
    if entries.is_empty() {
        return remove_managed_fields(object);
    }
    if let Some(map) = object.as_object_mut() {
        let metadata = map
            .entry("metadata")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("managedFields".to_owned(), managed::encode(entries));
        }
    }
}
