//! The charts of one render, each read once, however many releases are of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use trueup_helm::Chart;
use trueup_manifest::Diagnostics;

/// See the module. What cannot be loaded is not kept: each phase that wants it tells its own place.
#[derive(Default)]
pub(in crate::render) struct Loaded(Mutex<HashMap<String, Slot>>);

type Slot = Arc<OnceLock<Option<Arc<Chart>>>>;

impl Loaded {
    /// The chart of a name, which tells it from all others; loaded by whoever asks first.
    pub(super) fn chart(
        &self,
        name: &str,
        load: impl Fn() -> Result<Chart, Diagnostics>,
    ) -> Result<Arc<Chart>, Diagnostics> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(name.to_owned()).or_default())
        };
        let mut failed = None;
        let kept = slot.get_or_init(|| match load() {
            Ok(chart) => Some(Arc::new(chart)),
            Err(findings) => {
                failed = Some(findings);
                None
            }
        });
        match (kept, failed) {
            (Some(chart), _) => Ok(Arc::clone(chart)),
            (None, Some(findings)) => Err(findings),
            (None, None) => load().map(Arc::new),
        }
    }
}
