//! What happens during a run, as it happens: for progress on a terminal, log lines and metrics.

use tokio::sync::mpsc;
use trueup_manifest::{Diagnostic, ObjectId};

use super::health::Health;
use crate::{
    cluster::Live,
    plan::{ActionKind, Plan},
    report::Outcome,
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The plan is made, and work begins.
    Planned(std::sync::Arc<Plan>),
    /// A phase begins.
    PhaseStarted {
        /// Its name.
        phase: String,
    },
    /// A phase is done.
    PhaseFinished {
        /// Its name.
        phase: String,
        /// Whether everything in it was done.
        succeeded: bool,
    },
    /// An action was done.
    Done {
        /// The object.
        id: ObjectId,
        /// What was done.
        action: ActionKind,
        /// The object afterwards.
        live: Live,
    },
    /// An action failed, or its object did not become healthy.
    Failed {
        /// The object.
        id: ObjectId,
        /// What was tried.
        action: ActionKind,
        /// Why it failed.
        error: Diagnostic,
    },
    /// An action was not tried.
    Skipped {
        /// The object.
        id: ObjectId,
        /// Because of what.
        because: String,
    },
    /// An object is waited for, or what it says of itself has changed.
    Waiting {
        /// The object.
        id: ObjectId,
        /// What it says.
        health: Health,
    },
    /// An object that was waited for is healthy.
    Healthy {
        /// The object.
        id: ObjectId,
    },
    /// An object that the run has made is going to be deleted again, as its phase failed.
    CleaningUp {
        /// The object.
        id: ObjectId,
    },
    /// An object that left the desired set is gone, or one that was made in vain.
    Pruned {
        /// The object.
        id: ObjectId,
    },
    /// The run is over.
    Finished {
        /// How it ended.
        outcome: Outcome,
    },
}

/// Where events go. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Events(Option<mpsc::UnboundedSender<Event>>);

impl Events {
    /// Nobody listens.
    pub fn none() -> Self {
        Self(None)
    }

    /// They go to a channel.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    pub(super) fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // A listener that went away misses nothing it wanted.
            let _ = sender.send(event);
        }
    }
}
