//! Reads the objects of others that are patched, or were and are not to be any more.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use trueup_manifest::{Diagnostic, ObjectId};

use super::{diagnose, observe::target_of};
use crate::{
    cluster::{Cluster, Kinds, Target},
    config::ForeignPatch,
    plan::Foreign,
};

/// How many are read at once.
const AT_ONCE: usize = 16;

/// The patched objects that are there. What is not there, or cannot be read, is told: it may come.
pub(super) async fn read(
    cluster: &dyn Cluster,
    kinds: &Kinds,
    patches: &[ForeignPatch],
    known: &BTreeSet<ObjectId>,
) -> (Vec<Foreign>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let mut wanted: BTreeMap<ObjectId, Vec<ForeignPatch>> =
        known.iter().map(|id| (id.clone(), Vec::new())).collect();
    for patch in patches {
        match declared(kinds, patch) {
            Some(id) => wanted.entry(id).or_default().push(patch.clone()),
            None => findings.push(absent(patch)),
        }
    }
    let reads = stream::iter(wanted).map(|(id, patches)| async move {
        let target: Target = target_of(kinds, &id)?;
        let found = cluster.get(&target).await;
        Some((target, patches, found))
    });
    let answers: Vec<_> = reads.buffered(AT_ONCE).collect().await;
    let mut foreign = Vec::new();
    for (target, patches, found) in answers.into_iter().flatten() {
        match found {
            Ok(Some(live)) => foreign.push(Foreign {
                target,
                patches,
                live,
            }),
            Ok(None) => findings.extend(patches.iter().map(absent)),
            Err(error) => findings.push(diagnose(&error, "plan/unseen")),
        }
    }
    (foreign, findings)
}

/// The address of the object that a patch is for; none where its kind is not served.
pub fn patched(kinds: &Kinds, patch: &ForeignPatch) -> Option<Target> {
    target_of(kinds, &declared(kinds, patch)?)
}

/// The object that a patch is for; none where its kind is not served.
pub(super) fn declared(kinds: &Kinds, patch: &ForeignPatch) -> Option<ObjectId> {
    let target = &patch.target;
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let kind = target.kind.value.as_str();
    let group = if let Some(group) = &target.group {
        group.value.clone()
    } else {
        // Without a group it is the one that serves a kind of this name: the core before all others.
        let groups = kinds.iter().filter(|resource| resource.kind == kind);
        groups.map(|resource| resource.group.clone()).min()?
    };
    kinds.preferred(&group, kind)?;
    Some(ObjectId {
        group,
        kind: kind.to_owned(),
        namespace: text(target.namespace.as_ref().map(|namespace| &*namespace.value)),
        name: target.name.value.clone(),
    })
}

fn absent(patch: &ForeignPatch) -> Diagnostic {
    let target = &patch.target;
    let namespace = target
        .namespace
        .as_ref()
        .map(|namespace| format!("{}/", namespace.value))
        .unwrap_or_default();
    let message = format!(
        "`{} {namespace}{}` is to be patched, and is not there",
        target.kind.value, target.name.value
    );
    Diagnostic::warning("plan/patch-absent", message)
        .at(patch.location.clone())
        .help("it is patched by the first run that finds it")
}
