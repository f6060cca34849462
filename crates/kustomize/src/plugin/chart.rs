//! Charts, inflated by whoever lends a [`ChartInflator`].

use trueup_manifest::{Diagnostic, Diagnostics, Tree, TreePath};
use trueup_yaml::{Document, Source, emit};

use crate::{
    accumulate::Target,
    load::{HelmChart, HelmGlobals, documents},
    resource::{Chain, Resource},
};

/// How inline values and a values file go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValuesMerge {
    /// Inline values win over the file's.
    #[default]
    Override,
    /// The file's values win over inline ones.
    Merge,
    /// Inline values alone count.
    Replace,
}

/// A chart to inflate, as `helmCharts` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// The chart's name: its directory below [`Self::home`], or what to pull from [`Self::repo`].
    pub name: String,
    /// The version to pull; empty for the newest.
    pub version: String,
    /// Where to pull it from when it is not below [`Self::home`]; empty for nowhere.
    pub repo: String,
    /// The release; empty to have a name made up.
    pub release_name: String,
    /// The namespace of the release; empty for the default one.
    pub namespace: String,
    /// The directory with the charts, relative to the kustomization; `charts` by default. A chart with
    /// version and repository lies in `NAME-VERSION` below it.
    pub home: String,
    /// The text of the values file that takes the place of the chart's own; none for the chart's own.
    pub values_file: Option<String>,
    /// Values written in the kustomization, as YAML; none where there are none.
    pub values_inline: Option<String>,
    /// How inline values and the values file go together.
    pub values_merge: ValuesMerge,
    /// Texts of further values files, the last of which wins.
    pub additional_values: Vec<String>,
    /// Whether the chart's custom resource definitions are printed too.
    pub include_crds: bool,
    /// Whether hooks are left out.
    pub skip_hooks: bool,
    /// Whether tests are left out.
    pub skip_tests: bool,
    /// API versions to claim, besides those the inflator knows.
    pub api_versions: Vec<String>,
    /// The Kubernetes version to claim; empty for the inflator's own.
    pub kube_version: String,
    /// The template of the release's name; empty for none.
    pub name_template: String,
    /// Whether versions before a release count when pulling.
    pub devel: bool,
}

/// Inflates charts to YAML, as `helm template` would.
pub trait ChartInflator: Sync {
    /// The chart's objects as a YAML stream, or why it cannot be inflated. `dir` is the directory of
    /// the kustomization in `tree`.
    fn inflate(&self, tree: &dyn Tree, dir: &TreePath, chart: &Chart) -> Result<String, String>;
}

/// The objects of a chart.
pub(crate) fn inflate(
    target: &Target<'_, '_>,
    chart: &HelmChart,
    globals: &HelmGlobals,
) -> Result<Vec<Resource>, Diagnostics> {
    let context = target.context;
    let fault =
        |message: String| Diagnostic::error("kustomize/chart", message).at(chart.place.clone());
    let Some(inflator) = context.charts() else {
        return Err(fault("charts are not inflated here".to_owned())
            .help("build with `--enable-helm`")
            .into());
    };
    let description = describe(target, chart, globals)?;
    let place = &target.place;
    let text = inflator
        .inflate(place.tree(), place.dir(), &description)
        .map_err(|why| {
            fault(format!(
                "the chart `{}` cannot be inflated: {why}",
                description.name
            ))
        })?;
    let source = Source::new(format!("chart {}", description.name), text);
    let schemas = context.schemas();
    let objects = documents(context, &source)?.into_iter().map(|doc| {
        let mut resource = Resource::new(doc, Chain::clone(&target.chain), &schemas);
        resource.book.from_chart = true;
        resource
    });
    Ok(objects.collect())
}

fn describe(
    target: &Target<'_, '_>,
    chart: &HelmChart,
    globals: &HelmGlobals,
) -> Result<Chart, Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut fault = |message: String| {
        complaints.push(Diagnostic::error("kustomize/chart", message).at(chart.place.clone()));
    };
    if chart.name.is_empty() {
        fault("the chart has no `name`".to_owned());
    }
    for (field, text) in [
        ("name", chart.name.as_str()),
        ("releaseName", &chart.release_name),
    ] {
        if text.starts_with('-') {
            fault(format!("`{field}: {text}` must not begin with `-`"));
        }
    }
    let values_merge = match chart.values_merge.as_str() {
        "" | "override" => ValuesMerge::Override,
        "merge" => ValuesMerge::Merge,
        "replace" => ValuesMerge::Replace,
        other => {
            fault(format!(
                "`valuesMerge: {other}` is none of `merge`, `override`, `replace`"
            ));
            ValuesMerge::default()
        }
    };
    let mut read = |path: &crate::load::At<String>| {
        let source = target
            .place
            .read_source(target.context, path, path.place.as_ref());
        complaints
            .keep(source)
            .map(|source| source.text().to_owned())
    };
    let values_file = if chart.values_file.is_empty() {
        None
    } else {
        read(&chart.values_file)
    };
    let additional_values = chart
        .additional_values_files
        .iter()
        .filter_map(read)
        .collect();
    let namespace = [&chart.namespace, &target.chart_namespace]
        .into_iter()
        .find(|namespace| !namespace.is_empty());
    let or = |text: &str, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    complaints.into_result(Chart {
        name: chart.name.value.clone(),
        version: chart.version.clone(),
        repo: chart.repo.clone(),
        release_name: chart.release_name.clone(),
        namespace: namespace.cloned().unwrap_or_default(),
        home: or(&globals.chart_home, "charts"),
        values_file,
        values_inline: chart
            .values_inline
            .as_ref()
            .filter(|doc| !doc.is_empty(doc.root()))
            .map(yaml),
        values_merge,
        additional_values,
        include_crds: chart.include_crds,
        skip_hooks: chart.skip_hooks,
        skip_tests: chart.skip_tests,
        api_versions: chart.api_versions.clone(),
        kube_version: chart.kube_version.clone(),
        name_template: chart.name_template.clone(),
        devel: chart.devel,
    })
}

fn yaml(doc: &Document) -> String {
    let mut out = String::new();
    emit::kyaml(doc, doc.root(), &mut out);
    out
}
