//! What a worker asks of the pipeline, and what it hears back.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use trueup_manifest::ObjectId;

use super::drift::Desire;
use crate::{
    apply::Stopped,
    cluster::{Cluster, Live, Resource, Selection, Target},
    report::Report,
    source::Snapshot,
    telemetry::{Action, ObjectState, Outcome},
};

/// Makes passes over one environment. The pipeline stands behind it, and a script in tests.
pub(super) trait Passes: Send + Sync + 'static {
    /// What a pass wants to bring about.
    type Desire: Desire + Default + Send;

    /// Makes a pass over a revision and tells how it goes. When it is to stop it finishes the
    /// requests in hand and ends.
    fn pass(
        &self,
        snapshot: Snapshot,
        news: mpsc::UnboundedSender<News<Self::Desire>>,
        stopped: Stopped,
    ) -> BoxFuture<'static, Ended>;
}

/// What happens during a pass.
#[derive(Debug)]
pub(super) enum News<D> {
    /// The revision is rendered and planned.
    Accepted {
        /// What it wants.
        desire: D,
        /// How often to look when nothing happens.
        interval: Duration,
    },
    /// An object is as desired.
    Settled {
        /// Which.
        id: ObjectId,
        /// Whether that took a write.
        written: bool,
        /// The object as the pass found it or left it.
        live: Option<Live>,
    },
    /// The pass deletes again what it has made.
    Undone {
        /// Which.
        id: ObjectId,
    },
    /// An object is waited for, and says this of itself.
    Waiting {
        /// Which.
        id: ObjectId,
        /// What it says.
        says: String,
    },
    /// An object is not waited for any more.
    Arrived {
        /// Which.
        id: ObjectId,
    },
}

/// How a pass ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// What went wrong, one line each; empty for a pass that converged.
    pub(super) errors: Vec<String>,
    /// What to do about it.
    pub(super) help: Option<String>,
    /// What was written, by what was done.
    pub(super) actions: Vec<(Action, u64)>,
    /// How many objects are in which state; none where the pass did not get that far.
    pub(super) objects: Option<Vec<(ObjectState, u64)>>,
    /// How long each phase took.
    pub(super) phases: Vec<(String, Duration)>,
    pub(super) report: Option<Arc<Report>>,
    /// What to follow from now on; none where it is not known anew.
    pub(super) owned: Option<Owned>,
}

impl Ended {
    /// A pass of which nothing but its end is to be told.
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            errors: Vec::new(),
            help: None,
            actions: Vec::new(),
            objects: None,
            phases: Vec::new(),
            report: None,
            owned: None,
        }
    }
}

/// What an environment owns, as something to follow.
#[derive(Clone)]
pub(super) struct Owned {
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) selection: Selection,
    pub(super) resources: Vec<Arc<Resource>>,
    /// Objects of others that it patches.
    pub(super) patched: Vec<Target>,
}

impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Owned({} kinds by {:?})",
            self.resources.len(),
            self.selection
        )
    }
}
