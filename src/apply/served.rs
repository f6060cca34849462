//! Whether the kind of a CRD is served: an established CRD is not enough.

use std::time::Duration;

use serde_json::Value;
use trueup_manifest::{Diagnostic, Gvk};

use crate::{
    cluster::{Cluster, Freshness, Live},
    plan::Action,
};

/// Waits until discovery shows every served version of the kind that a CRD brings.
pub(super) async fn until_served(
    cluster: &dyn Cluster,
    action: &Action,
    crd: &Live,
    patience: Duration,
) -> Result<(), Diagnostic> {
    const PAUSE: Duration = Duration::from_millis(100);
    let wanted = versions(crd);
    let looking = async {
        loop {
            let kinds = cluster.kinds(Freshness::Latest).await?;
            if wanted.iter().all(|gvk| kinds.get(gvk).is_some()) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    if let Ok(answer) = tokio::time::timeout(patience, looking).await {
        answer.map_err(|error| action.refusal(&error))
    } else {
        let message = format!(
            "`{}` is established, but its kind is not served after {} s",
            action.id(),
            patience.as_secs()
        );
        Err(action
            .error("apply/not-served", message)
            .help("look at the API server's log"))
    }
}

/// The kinds that a CRD has served, one for each version.
pub(super) fn versions(crd: &Live) -> Vec<Gvk> {
    let versions = crd.at(&["spec", "versions"]).and_then(Value::as_array);
    let served = versions.into_iter().flatten().filter(|version| {
        version
            .get("served")
            .and_then(Value::as_bool)
            .unwrap_or(true)
    });
    served
        .map(|version| Gvk {
            group: crd.text(&["spec", "group"]).to_owned(),
            version: version
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            kind: crd.text(&["spec", "names", "kind"]).to_owned(),
        })
        .collect()
}
