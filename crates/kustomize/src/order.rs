//! The order in which objects are printed.

use std::{cmp::Ordering, collections::HashMap};

use trueup_manifest::Diagnostic;

use crate::{
    Context, Reorder,
    load::SortOptions,
    parallel,
    resource::{Gvk, ResId, ResMap},
    transform::refuse_duplicates,
};

/// Kinds that come first, and those that come last.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The place of each kind: negative first, positive last, all others between.
fn ranks<'k>(
    first: impl ExactSizeIterator<Item = &'k str>,
    last: impl Iterator<Item = &'k str>,
) -> HashMap<&'k str, i64> {
    let count = i64::try_from(first.len()).unwrap_or(i64::MAX);
    let mut ranks: HashMap<&str, i64> =
        (-count..).zip(first).map(|(at, kind)| (kind, at)).collect();
    ranks.extend((1..).zip(last).map(|(at, kind)| (kind, at)));
    ranks
}

/// By what kinds are ordered where no order is asked for.
pub(crate) fn kind_key(gvk: &Gvk) -> (i64, String) {
    let at = |list: &[&str]| list.iter().position(|kind| **kind == *gvk.kind);
    let rank = match (at(&FIRST), at(&LAST)) {
        (Some(at), _) => i64::try_from(at).unwrap_or(0) - 22,
        (None, Some(at)) => i64::try_from(at).unwrap_or(0) + 1,
        (None, None) => 0,
    };
    (rank, gvk.sort_text())
}

/// Puts the objects in the order that the kustomization or the options ask for.
pub(crate) fn apply(
    context: &Context<'_>,
    options: Option<&SortOptions>,
    resources: &mut ResMap,
) -> Result<(), Diagnostic> {
    let usual = || ranks(FIRST.into_iter(), LAST.into_iter());
    let Some(options) = options else {
        return match context.options().reorder {
            Reorder::Legacy => sort(resources, &usual()),
            Reorder::None => Ok(()),
        };
    };
    match options.order.as_str() {
        "legacy" => match &options.legacy {
            Some(own) => {
                let first = own.first.iter().map(String::as_str);
                sort(
                    resources,
                    &ranks(first, own.last.iter().map(String::as_str)),
                )
            }
            None => sort(resources, &usual()),
        },
        "fifo" if options.legacy.is_some() => {
            let message = "`legacySortOptions` says nothing to the order `fifo`";
            Err(Diagnostic::error("kustomize/sort-options", message)
                .at(options.place.clone())
                .help("remove it, or write `order: legacy`"))
        }
        "fifo" => Ok(()),
        other => {
            let message = format!("`{other}` is not an order");
            let place = options.order.place.as_ref().or(options.place.as_ref());
            Err(Diagnostic::error("kustomize/sort-options", message)
                .at(place.cloned())
                .help("write `order: fifo` or `order: legacy`"))
        }
    }
}

fn sort(resources: &mut ResMap, ranks: &HashMap<&str, i64>) -> Result<(), Diagnostic> {
    refuse_duplicates(resources)?;
    let mut places: Vec<(i64, usize)> = resources
        .iter()
        .map(|resource| ranks.get(resource.gvk().kind.as_ref()).copied())
        .enumerate()
        .map(|(at, rank)| (rank.unwrap_or(0), at))
        .collect();
    let core_namespaces_first = ranks.contains_key("Namespace");
    let items = resources.as_slice();
    parallel::sort(&mut places, |(rank, a), (other, b)| {
        rank.cmp(other)
            .then_with(|| match (items.get(*a), items.get(*b)) {
                (Some(a), Some(b)) => compare(a.id(), b.id(), core_namespaces_first),
                _ => Ordering::Equal,
            })
    });
    resources.reorder(places.into_iter().map(|(_, at)| at));
    Ok(())
}

/// The order of objects whose kinds have the same rank: kind as text, then namespace and name. A
/// namespace of the core group comes before kinds of that name in other groups where the kind has a
/// rank.
fn compare(a: &ResId, b: &ResId, core_namespaces_first: bool) -> Ordering {
    let is_first = |id: &ResId| {
        core_namespaces_first && *id.gvk.kind == *"Namespace" && id.gvk.group.is_empty()
    };
    if a.gvk == b.gvk {
        if a.namespace == b.namespace {
            return name_of(a).cmp(name_of(b));
        }
        return text(id_parts(a)).cmp(text(id_parts(b)));
    }
    let by_kind = match (is_first(a), is_first(b)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => text(a.gvk.sort_parts()).cmp(text(b.gvk.sort_parts())),
    };
    by_kind.then_with(|| {
        let whole = |id: &ResId| format!("{}|{}|{}", id.gvk, namespace_of(id), name_of(id));
        whole(a).cmp(&whole(b))
    })
}

/// What ids of one kind differ in, as the text they are ordered by.
fn id_parts(id: &ResId) -> [&str; 3] {
    [namespace_of(id), "|", name_of(id)]
}

fn namespace_of(id: &ResId) -> &str {
    if id.namespace.is_empty() {
        "~X"
    } else {
        &id.namespace
    }
}

fn name_of(id: &ResId) -> &str {
    if id.name.is_empty() { "~N" } else { &id.name }
}

/// Parts as one text, without putting it together.
fn text<const N: usize>(parts: [&str; N]) -> impl Iterator<Item = u8> {
    parts.into_iter().flat_map(str::bytes)
}
