//! What a phase is beside its objects: work that is done when the phases before it are over, and that
//! the phases after it wait for.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::report::WorkReport;

/// The work of a phase.
pub trait PhaseWork: Send + Sync {
    /// Does it, within `patience`. What went wrong is in the report; it must be safe to do again, and
    /// to kill at any point.
    fn carry_out(&self, patience: Duration) -> BoxFuture<'_, WorkReport>;
}

/// The works of an environment, by the names of their phases. Cheap to clone.
#[derive(Clone, Default)]
pub struct Works(HashMap<String, Arc<dyn PhaseWork>>);

impl Works {
    /// Gives a phase its work.
    pub fn insert(&mut self, phase: &str, work: Arc<dyn PhaseWork>) {
        self.0.insert(phase.to_owned(), work);
    }

    pub(super) fn of(&self, phase: &str) -> Option<Arc<dyn PhaseWork>> {
        self.0.get(phase).cloned()
    }
}

impl fmt::Debug for Works {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
