//! Looks at the objects of other tools that look after what is desired: a Flux `Kustomization`, an Argo CD
//! `Application`, the record of a Helm release. Only those are read that a live object names.

use futures::{StreamExt, stream};
use serde_json::Value;

use super::observe::target_of;
use crate::{
    cluster::{Cluster, Error, Kinds, Live, Selection},
    plan::{Claim, Rival, Rivals, Seen, Tool},
};
use trueup_manifest::ObjectId;

/// How many are read at once.
const AT_ONCE: usize = 16;

/// Those that are there.
pub(super) async fn read(cluster: &dyn Cluster, kinds: &Kinds, seen: &[Seen]) -> Rivals {
    let claims = Rivals::claims(seen.iter().filter_map(|seen| seen.live.as_ref()));
    let reads = stream::iter(claims).map(|claim| async move {
        let state = match state_of(cluster, kinds, &claim).await {
            Ok(state) => state?,
            Err(_) => Rival::Unknown,
        };
        Some((claim, state))
    });
    let found: Vec<_> = reads.buffer_unordered(AT_ONCE).collect().await;
    found.into_iter().flatten().collect()
}

/// None where it is not there.
async fn state_of(
    cluster: &dyn Cluster,
    kinds: &Kinds,
    claim: &Claim,
) -> Result<Option<Rival>, Error> {
    match claim.tool {
        Tool::Helm => release(cluster, kinds, claim).await,
        Tool::ArgoCd => application(cluster, kinds, claim).await,
        Tool::Flux | Tool::Kubectl => {
            let id = ObjectId {
                group: claim.group.to_owned(),
                kind: claim.kind.to_owned(),
                namespace: claim.namespace.clone(),
                name: claim.name.clone(),
            };
            let Some(target) = target_of(kinds, &id) else {
                return Ok(None);
            };
            Ok(cluster.get(&target).await?.as_ref().map(|live| {
                let suspended = live.at(&["spec", "suspend"]).and_then(Value::as_bool);
                acts(suspended != Some(true))
            }))
        }
    }
}

fn acts(by_itself: bool) -> Rival {
    if by_itself {
        Rival::Active
    } else {
        Rival::Idle
    }
}

/// A release is known by the objects of kind Secret or `ConfigMap` in which Helm keeps what it installed.
async fn release(
    cluster: &dyn Cluster,
    kinds: &Kinds,
    claim: &Claim,
) -> Result<Option<Rival>, Error> {
    let selection = Selection {
        namespace: claim.namespace.clone(),
        labels: format!("owner=helm,name={}", claim.name),
        ..Selection::default()
    };
    for kind in ["Secret", "ConfigMap"] {
        let Some(resource) = kinds.preferred("", kind) else {
            continue;
        };
        if !cluster.names(resource, &selection).await?.is_empty() {
            return Ok(Some(Rival::Idle));
        }
    }
    Ok(None)
}

/// An Application acts by itself where it syncs automatically. Its mark often does not say where it is.
async fn application(
    cluster: &dyn Cluster,
    kinds: &Kinds,
    claim: &Claim,
) -> Result<Option<Rival>, Error> {
    let Some(resource) = kinds.preferred(claim.group, claim.kind) else {
        return Ok(None);
    };
    let selection = Selection {
        namespace: claim.namespace.clone(),
        fields: format!("metadata.name={}", claim.name),
        ..Selection::default()
    };
    let found = cluster.list(resource, &selection).await?.items;
    let is_automated = |live: &Live| {
        let automated = live.at(&["spec", "syncPolicy", "automated"]);
        automated.is_some_and(|automated| {
            automated.get("enabled").and_then(Value::as_bool) != Some(false) && !automated.is_null()
        })
    };
    Ok((!found.is_empty()).then(|| acts(found.iter().any(is_automated))))
}
