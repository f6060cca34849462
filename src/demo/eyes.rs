//! How the demo sees what became of things: it asks the API server, and believes nobody else.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use trueup_manifest::Gvk;

use super::DemoError;
use crate::cluster::{Cluster, Freshness, Live, Target};

/// How long anything in the demo may take before it counts as not happening.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// How often the server is asked.
pub(super) const BLINK: Duration = Duration::from_millis(20);

/// An object that the demo looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
}

/// Looks at the server.
pub(super) struct Eyes {
    pub(super) cluster: Arc<dyn Cluster>,
}

impl Eyes {
    /// Where an object is to be found; none while its kind is not served.
    pub(super) async fn target(&self, look: Look) -> Result<Option<Target>, DemoError> {
        let kinds = self.cluster.kinds(Freshness::Latest).await?;
        let gvk = Gvk::new(look.api_version, look.kind);
        Ok(kinds.get(&gvk).map(|resource| Target {
            resource: Arc::clone(resource),
            namespace: look.namespace.to_owned(),
            name: look.name.to_owned(),
        }))
    }

    /// The object as the server has it now.
    pub(super) async fn see(&self, look: Look) -> Result<Option<Live>, DemoError> {
        match self.target(look).await? {
            Some(target) => Ok(self.cluster.get(&target).await?),
            None => Ok(None),
        }
    }

    /// Waits until something can be told about an object, and gives it with the time it took.
    pub(super) async fn wait<T>(
        &self,
        look: Look,
        what: &str,
        tell: impl Fn(Option<&Live>) -> Option<T>,
    ) -> Result<(T, Duration), DemoError> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(told) = tell(self.see(look).await?.as_ref()) {
                return Ok((told, began.elapsed()));
            }
            sleep(BLINK).await;
        }
        Err(DemoError::NotSeen {
            what: what.to_owned(),
            within: PATIENCE,
        })
    }
}

/// The image of the first container of a workload.
pub(super) fn image(live: &Live) -> Option<&str> {
    live.at(&["spec", "template", "spec", "containers"])?
        .get(0)?
        .get("image")?
        .as_str()
}
