//! Charts, inflated by whoever lends a [`ChartInflator`].

use trueup_manifest::{Diagnostic, Diagnostics, Tree, TreePath};

use crate::{accumulate::Target, load::HelmChart, resource::Resource};

/// A chart to inflate, as `helmCharts` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// The chart's name: its directory below [`Self::home`], or what to pull from [`Self::repo`].
    pub name: String,
}

/// Inflates charts to YAML, as `helm template` would.
pub trait ChartInflator {
    /// The chart's objects as a YAML stream, or why it cannot be inflated.
    fn inflate(&self, tree: &dyn Tree, dir: &TreePath, chart: &Chart) -> Result<String, String>;
}

/// The objects of a chart.
pub(crate) fn inflate(_: &Target<'_, '_>, chart: &HelmChart) -> Result<Vec<Resource>, Diagnostics> {
    Err(
        Diagnostic::error("kustomize/not-built", "`helmCharts` is not supported yet")
            .at(chart.place.clone())
            .into(),
    )
}
