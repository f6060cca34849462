//! Reads ahead of a plan what does not depend on what is desired, so that a server answers while the
//! files are still being rendered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt, StreamExt, stream};
use trueup_manifest::{Diagnostic, Diagnostics};

use super::{diagnose, parent, parent::Parents, reach::known_reach};
use crate::{
    cluster::{Cluster, Kinds, Live, Resource, Selection},
    plan::ApplySet,
};

/// How many lists are under way at once.
const AT_ONCE: usize = 48;

/// What a cluster serves, and the environments in it.
pub(super) struct Ground {
    pub kinds: Arc<Kinds>,
    pub parents: Parents,
    /// Why nothing is known of the environments, where we may not read them.
    pub blind: Option<Diagnostic>,
}

impl Ground {
    pub(super) async fn read(
        cluster: &dyn Cluster,
        applyset: &ApplySet,
    ) -> Result<Self, Diagnostics> {
        let (kinds, parents) = parent::read_with_kinds(cluster, applyset).await;
        let kinds = kinds.map_err(|error| diagnose(&error, "cluster/discovery"))?;
        let (parents, blind) = match parents {
            Ok(parents) => (parents, None),
            // Whoever may only look at what is declared can still be told what would change.
            Err(error) if error.code == parent::UNREADABLE => (Parents::default(), Some(error)),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            kinds,
            parents,
            blind,
        })
    }
}

/// What we own of each kind, by its lists. Those that failed are not among them.
pub(super) type Lists = HashMap<Resource, Vec<Live>>;

/// What was read ahead for the next plan of an environment.
#[derive(Default)]
pub(super) struct Ahead(Mutex<Option<(ApplySet, Read)>>);

type Read = Result<(Ground, Lists), Diagnostics>;

impl Ahead {
    /// What was read for an environment, which is then used up.
    pub(super) fn take(&self, applyset: &ApplySet) -> Option<Read> {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.take_if(|(own, _)| *own == *applyset)
            .map(|(_, read)| read)
    }

    /// Reads what the next plan of an environment will ask for, as far as that is known before.
    pub(super) async fn look(&self, cluster: &dyn Cluster, applyset: ApplySet) {
        let read = read(cluster, &applyset).await;
        let mut ahead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = Some((applyset, read));
    }
}

async fn read(cluster: &dyn Cluster, applyset: &ApplySet) -> Read {
    let ground = Ground::read(cluster, applyset).await?;
    let Some(own) = &ground.parents.own else {
        return Ok((ground, Lists::new()));
    };
    let reach = known_reach(&ground.kinds, Some(own));
    let kinds = reach.kinds.iter();
    let resources: Vec<Arc<Resource>> = kinds
        .filter_map(|(group, kind)| ground.kinds.preferred(group, kind).cloned())
        .collect();
    let selection = Selection::labelled(applyset.selector());
    let mut reads = Vec::new();
    for resource in resources {
        let selection = &selection;
        let read = async move {
            let listing = cluster.list(&resource, selection).await.ok()?;
            Some((Resource::clone(&resource), listing.items))
        };
        reads.push(read.boxed());
    }
    let lists: Vec<_> = stream::iter(reads)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    Ok((ground, lists.into_iter().flatten().collect()))
}
