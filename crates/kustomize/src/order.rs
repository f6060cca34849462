//! The order in which objects are printed.

use std::collections::HashMap;

use trueup_manifest::Diagnostic;

use crate::{
    Context, Reorder,
    load::SortOptions,
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
    let mut items = std::mem::take(resources.edit());
    items.sort_by_cached_key(|resource| Sorted::new(resource.id(), ranks));
    resources.set_items(items);
    Ok(())
}

/// The order of objects: rank of the kind, then kind as text, then namespace and name. A namespace
/// of the core group comes before kinds of that name in other groups where the kind has a rank.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sorted {
    rank: i64,
    kind: String,
    id: String,
}

impl Sorted {
    fn new(id: &ResId, ranks: &HashMap<&str, i64>) -> Self {
        let or = |text: &str, none: &'static str| {
            if text.is_empty() {
                none.to_owned()
            } else {
                text.to_owned()
            }
        };
        Self {
            rank: ranks.get(&*id.gvk.kind).copied().unwrap_or(0),
            kind: match (&*id.gvk.kind, &*id.gvk.group) {
                ("Namespace", "") if ranks.contains_key("Namespace") => String::new(),
                _ => id.gvk.sort_text(),
            },
            id: format!(
                "{}|{}|{}",
                id.gvk,
                or(&id.namespace, "~X"),
                or(&id.name, "~N")
            ),
        }
    }
}
