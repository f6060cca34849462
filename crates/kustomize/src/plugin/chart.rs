//! Charts, inflated by whoever lends a [`ChartInflator`].

use trueup_manifest::{Diagnostic, Diagnostics, Tree, TreePath};
use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Source, emit};

use crate::{
    accumulate::Target,
    load::{HelmChart, HelmGlobals, documents},
    openapi::Schemas,
    patch,
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
    /// Values written in the kustomization, as JSON; none where there are none.
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

/// Inline values and those of a file laid on each other as upstream does, all of them YAML; none of
/// either counts as no values. The result is JSON: `y` was a word to kustomize, and is none to Helm.
///
/// # Errors
///
/// What is no YAML, or a mapping where the other has a list.
pub fn merge_values(inline: &str, file: &str, merge: ValuesMerge) -> Result<String, Diagnostics> {
    let parse = |name: &str, text: &str| -> Result<Document, Diagnostics> {
        let documents = Document::parse(&Source::new(name, text))?;
        let first = documents.into_iter().next();
        Ok(first.unwrap_or_else(Document::empty_mapping))
    };
    let inline = parse("valuesInline", inline)?;
    if merge == ValuesMerge::Replace {
        return Ok(json(&inline, Schema::Kyaml));
    }
    let (mut below, mut above) = match merge {
        ValuesMerge::Override => (parse("valuesFile", file)?, inline),
        _ => (inline, parse("valuesFile", file)?),
    };
    if below.is_null(below.root()) {
        below = Document::empty_mapping();
    }
    let top = above.root();
    keep_types(&mut above, top);
    let (root, patch) = (below.root(), below.import(&above, above.root()));
    if !above.is_null(above.root()) {
        patch::strategic::merge(&mut below, root, patch, &Schemas::default()).map_err(
            |misfit| {
                let message = format!("values do not fit: {}", misfit.describe(&below));
                Diagnostic::error("kustomize/chart", message)
            },
        )?;
    }
    Ok(json(&below, Schema::Kyaml))
}

/// Says of each number and boolean what it is: the merge gives it the quotes of what it is laid over, and upstream hands
/// the values on without printing them in between.
fn keep_types(doc: &mut Document, node: NodeId) {
    let below: Vec<NodeId> = match doc.kind(node) {
        Kind::Mapping => doc.entries(node).map(|(_, value)| value).collect(),
        Kind::Sequence => doc.items(node).collect(),
        Kind::Scalar | Kind::Alias => Vec::new(),
    };
    for inner in below {
        keep_types(doc, inner);
    }
    if doc.kind(node) != Kind::Scalar || doc.tag(node).is_some() {
        return;
    }
    let tag = match doc.resolve(node, Schema::Kyaml) {
        Resolved::Bool(_) => "!!bool",
        Resolved::Int(_) | Resolved::Uint(_) => "!!int",
        Resolved::Float(_) => "!!float",
        _ => return,
    };
    doc.set_tag(node, Some(tag));
}

/// What a chart came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inflated {
    /// The objects, as a YAML stream.
    pub text: String,
    /// Whether the same chart, tree and inflator give the same text again: no random bytes, no time.
    pub repeatable: bool,
}

/// Inflates charts to YAML, as `helm template` would.
pub trait ChartInflator: Sync {
    /// The chart's objects, or why it cannot be inflated. `dir` is the directory of the kustomization
    /// in `tree`.
    fn inflate(&self, tree: &dyn Tree, dir: &TreePath, chart: &Chart) -> Result<Inflated, String>;

    /// What inflating depends on besides chart and tree: two inflators that say the same do the same.
    fn settings(&self) -> String;
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
    let inflated = inflator
        .inflate(place.tree(), place.dir(), &description)
        .map_err(|why| {
            fault(format!(
                "the chart `{}` cannot be inflated: {why}",
                description.name
            ))
        })?;
    if !inflated.repeatable {
        context.asks_others();
    }
    let source = Source::new(format!("chart {}", description.name), inflated.text);
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
    if !chart.release_name.is_empty() && !chart.name_template.is_empty() {
        fault(format!(
            "the chart `{}` has both `releaseName` and `nameTemplate`: keep one of them",
            chart.name.value
        ));
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
        namespace: chart.namespace.clone(),
        home: or(&globals.chart_home, "charts"),
        values_file,
        values_inline: chart
            .values_inline
            .as_ref()
            .filter(|doc| !doc.is_empty(doc.root()))
            .map(|doc| json(doc, chart.values_schema)),
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

/// Values without anything that two readers could take for two things.
fn json(doc: &Document, schema: Schema) -> String {
    let mut out = String::new();
    // What is no JSON, such as a key that is no string, is refused where it is read.
    let _ = emit::json(doc, doc.root(), schema, &mut out);
    out
}
