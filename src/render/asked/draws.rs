//! The draws of one release.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use trueup_helm::{Draw, Drawn, Draws};
use trueup_manifest::Diagnostic;

use super::{Asked, Record};
use crate::config::Environment;

struct OfRelease {
    asked: Arc<Asked>,
    /// `namespace/name`.
    release: String,
}

impl Asked {
    /// Says of each release that draws that its values are others each time, where there is no cluster to keep them.
    pub(in crate::render) fn draws_anew(
        &self,
        environment: Option<&Environment>,
    ) -> Vec<Diagnostic> {
        if self.online {
            return Vec::new();
        }
        let place = environment.and_then(|environment| environment.name.location.clone());
        let warning = |(release, functions): (&String, &BTreeSet<&'static str>)| {
            let names: Vec<&str> = functions.iter().copied().collect();
            let message = format!(
                "the release `{release}` is nondeterministic: its chart draws by `{}`",
                names.join("`, `")
            );
            Diagnostic::warning("helm/nondeterministic", message)
                .at(place.clone())
                .help("each render draws other values; a reconcile keeps them in the cluster, and they stay")
        };
        self.drew().iter().map(warning).collect()
    }

    /// What the templates of a release draw.
    pub(in crate::render) fn draws(
        self: &Arc<Self>,
        namespace: &str,
        name: &str,
    ) -> Arc<dyn Draws> {
        let release = format!("{namespace}/{name}");
        self.state().releases.insert(release.clone());
        let asked = Arc::clone(self);
        Arc::new(OfRelease { asked, release })
    }
}

impl Draws for OfRelease {
    fn recall(&self, draw: &Draw<'_>) -> Option<Value> {
        let mut state = self.asked.state();
        let functions = state.drew.entry(self.release.clone()).or_default();
        functions.insert(draw.function);
        if state.record.is_none() {
            state.open.record = true;
            state.asked.record = true;
            return None;
        }
        let record = state.record.as_ref()?;
        record.recall(&self.release, draw, self.asked.now).cloned()
    }

    fn keep(&self, draw: &Draw<'_>, drawn: Drawn) {
        // While nobody knows what was drawn before, nothing counts.
        if let Some(record) = &mut self.asked.state().record {
            Record::keep(record, &self.release, draw, drawn, self.asked.now);
        }
    }
}
