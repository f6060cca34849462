//! What every request shares: the store, the resources served, time, and the switches of a test.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::ids::{Clock, Ids, rfc3339};
use crate::access::Access;
use crate::faults::Faults;
use crate::log::RequestLog;
use crate::registry::{GroupResource, Registry, Resource};
use crate::simulation::Simulation;
use crate::store::Store;

/// Delays and sizes of a server, fixed at its start.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// How long a new CRD waits for `Established`.
    pub(crate) establish_delay: Duration,
    /// How often an idle watch sends a bookmark.
    pub(crate) bookmark_interval: Duration,
    /// Whether the simulated controllers run, and after what delay things get ready.
    pub(crate) simulate: Option<Duration>,
}

/// Shared by all requests and controllers of one server.
pub(crate) struct Core {
    pub(crate) store: Store,
    registry: RwLock<Registry>,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) log: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) access: Access,
    pub(crate) simulation: Simulation,
    stop: watch::Sender<bool>,
}

impl Core {
    pub(crate) fn new(store: Store, options: Options, clock: Clock, ids: Ids) -> Self {
        Self {
            store,
            registry: RwLock::new(Registry::new()),
            options,
            clock,
            ids,
            log: RequestLog::default(),
            faults: Faults::default(),
            access: Access::default(),
            simulation: Simulation::default(),
            stop: watch::Sender::new(false),
        }
    }

    pub(crate) fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn registry_mut(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells watches and controllers to end.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Changes when the server stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Now, as objects carry it.
    pub(crate) fn now(&self) -> String {
        rfc3339((self.clock)())
    }

    /// Any served version of a collection.
    pub(crate) fn resource(&self, collection: &GroupResource) -> Option<Arc<Resource>> {
        self.registry().any_version(collection)
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
