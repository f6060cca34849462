//! How anybody makes the daemon look again before its time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

/// Wakes environments by name. Cheap to clone: clones wake the same ones.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    bells: Arc<Mutex<BTreeMap<String, Arc<Notify>>>>,
}

impl Wake {
    /// The bell of an environment, made where it has none. A ring is kept until it is heard.
    pub(super) fn bell(&self, environment: &str) -> Arc<Notify> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(environment.to_owned()).or_default())
    }

    /// Nobody listens for this environment any more.
    pub(super) fn forget(&self, environment: &str) {
        self.bells
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(environment);
    }

    /// Wakes one environment; says whether there is one of that name.
    pub fn one(&self, environment: &str) -> bool {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells
            .get(environment)
            .map(|bell| bell.notify_one())
            .is_some()
    }

    /// Wakes all, and gives their names.
    pub fn all(&self) -> Vec<String> {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        for bell in bells.values() {
            bell.notify_one();
        }
        bells.keys().cloned().collect()
    }
}
