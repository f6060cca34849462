//! Charts of kustomizations.

use std::sync::Arc;

use trueup_helm::{Capabilities, Overlay, Print, Request, Values};
use trueup_kustomize::{Chart, ChartInflator, Inflated, ValuesMerge, merge_values};
use trueup_manifest::{Entry, Tree, TreePath};

use super::{Asked, ChartSource, ChartWanted, DEFAULT_NAMESPACE, load};
use crate::config::Spanned;

/// Inflates the charts that lie in the tree, as `kustomize build --enable-helm` does with `helm
/// template`: `lookup` finds nothing, and the cluster is not asked what it serves. What charts draw is kept.
#[derive(Clone)]
pub struct Inflator {
    /// The Kubernetes version to claim for charts that name none; empty for Helm's own.
    pub kube_version: String,
    /// The API versions to claim for charts that name none.
    pub api_versions: Vec<String>,
    asked: Arc<Asked>,
    charts: Option<Arc<dyn ChartSource>>,
}

impl Inflator {
    pub(in crate::render) fn new(
        asked: &Arc<Asked>,
        charts: Option<&Arc<dyn ChartSource>>,
    ) -> Self {
        Self {
            kube_version: String::new(),
            api_versions: Vec::new(),
            asked: Arc::clone(asked),
            charts: charts.cloned(),
        }
    }

    /// One that draws anew each time, as Helm does, and fetches charts from where it is told.
    pub fn offline(charts: Option<&Arc<dyn ChartSource>>) -> Self {
        Self::new(&Arc::new(Asked::offline()), charts)
    }

    /// The chart: where it lies beside the kustomization, or of its repository, as kustomize pulls it.
    fn load(
        &self,
        tree: &dyn Tree,
        dir: &TreePath,
        chart: &Chart,
    ) -> Result<(trueup_helm::Chart, Option<TreePath>), String> {
        match find(tree, dir, chart) {
            Ok(path) => load(tree, &Spanned::bare(path.clone()))
                .map(|chart| (chart, Some(path)))
                .map_err(|findings| findings.to_string()),
            Err(missing) if chart.repo.is_empty() || self.charts.is_none() => Err(missing),
            Err(_) if !trueup_helm::repository::is_version(&chart.version) => Err(format!(
                "its `version` must be exact to be taken from `{}`, and it is `{}`",
                chart.repo, chart.version
            )),
            Err(_) => super::fetch(
                self.charts.as_ref(),
                &ChartWanted {
                    repository: &chart.repo,
                    name: &chart.name,
                    version: &chart.version,
                    tls: None,
                },
            )
            .map(|chart| (chart, None))
            .map_err(|finding| match finding.help {
                Some(help) => format!("{} ({help})", finding.message),
                None => finding.message,
            }),
        }
    }
}

/// The name that Helm gives a release without one.
const UNNAMED: &str = "release-name";

impl Default for Inflator {
    /// One that draws anew each time and fetches nothing.
    fn default() -> Self {
        Self::offline(None)
    }
}

impl ChartInflator for Inflator {
    fn inflate(&self, tree: &dyn Tree, dir: &TreePath, chart: &Chart) -> Result<Inflated, String> {
        let (loaded, path) = self.load(tree, dir, chart)?;
        // As upstream, which reads that file where no other is named, and stops where there is none.
        let reads_it = chart.values_inline.is_none() || chart.values_merge != ValuesMerge::Replace;
        let own = match (&chart.values_file, &path) {
            (None, Some(path)) if reads_it => values_of(tree, path)?,
            _ => None,
        };
        let file = chart.values_file.as_deref().or(own.as_deref());
        let overlay = overlay(chart, file)?;
        let repeatable = !draws(&loaded) && !draws_in_values(chart);
        let mut capabilities = Capabilities::default();
        let version = [&chart.kube_version, &self.kube_version];
        if let Some(version) = version.into_iter().find(|version| !version.is_empty()) {
            capabilities = capabilities
                .with_kube_version(version)
                .map_err(|error| error.to_string())?;
        }
        let api_versions = if chart.api_versions.is_empty() {
            &self.api_versions
        } else {
            &chart.api_versions
        };
        let capabilities = capabilities.with_api_versions(api_versions.iter().cloned());
        let name = if !chart.name_template.is_empty() {
            trueup_helm::name_of(&chart.name_template).map_err(|error| error.to_string())?
        } else if chart.release_name.is_empty() {
            UNNAMED.to_owned()
        } else {
            chart.release_name.clone()
        };
        let namespace = if chart.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &chart.namespace
        };
        let mut request = Request::new(&loaded, &name, namespace, &overlay, &capabilities);
        request.draws = Some(self.asked.draws(namespace, &name));
        let release = request
            .render(&mut |path| Err(format!("there is no file `{path}` here")))
            .map_err(|error| error.to_string())?;
        if self.asked.has_questions() {
            // What was drawn does not count yet, and must not be kept as what the kustomization builds to.
            return Err("what it drew before is not known yet".to_owned());
        }
        let text = release.print(Print {
            crds: chart.include_crds,
            no_hooks: chart.skip_hooks,
            skip_tests: chart.skip_tests,
        });
        Ok(Inflated { text, repeatable })
    }

    fn settings(&self) -> String {
        format!("{} {:?}", self.kube_version, self.api_versions)
    }
}

/// The chart's own values; none for a packed one, whose values Helm itself takes.
fn values_of(tree: &dyn Tree, path: &TreePath) -> Result<Option<String>, String> {
    if tree.entry(path).map_err(|error| error.to_string())? != Some(Entry::Dir) {
        return Ok(None);
    }
    let file = path
        .join("values.yaml")
        .map_err(|error| error.to_string())?;
    let bytes = tree.read(&file).map_err(|error| error.to_string())?;
    String::from_utf8(bytes.to_vec())
        .map(Some)
        .map_err(|_| format!("`{}` is not UTF-8", tree.display(&file)))
}

/// Whether a text may call a function that draws: what such a chart gives is never kept.
fn may_draw(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| trueup_helm::drawing().any(|name| name == word))
}

/// Whether any template of a chart or its subcharts may draw: values and files count, for `tpl` runs
/// them.
fn draws(chart: &trueup_helm::Chart) -> bool {
    let mut files = chart.templates.iter().chain(&chart.files);
    files.any(|file| may_draw(&file.text()))
        || may_draw(&format!("{:?}", chart.values))
        || chart.dependencies.iter().any(draws)
}

fn draws_in_values(chart: &Chart) -> bool {
    let inline = chart.values_inline.iter().chain(&chart.values_file);
    let name = std::iter::once(&chart.name_template);
    inline
        .chain(&chart.additional_values)
        .chain(name)
        .any(|text| may_draw(text))
}

/// The chart's folder: `HOME/NAME`, or `HOME/NAME-VERSION/NAME` for one that was pulled.
fn find(tree: &dyn Tree, dir: &TreePath, chart: &Chart) -> Result<TreePath, String> {
    let home = dir.join(&chart.home).map_err(|error| error.to_string())?;
    let mut places = vec![chart.name.clone()];
    if !chart.version.is_empty() {
        places.insert(0, format!("{0}-{1}/{0}", chart.name, chart.version));
        places.push(format!("{}-{}.tgz", chart.name, chart.version));
    }
    for place in &places {
        let path = home.join(place).map_err(|error| error.to_string())?;
        if matches!(tree.entry(&path), Ok(Some(_))) {
            return Ok(path);
        }
    }
    let from = if chart.repo.is_empty() {
        String::new()
    } else {
        format!(
            "; nothing is fetched here: vendor it with `helm pull {} --repo {} --version '{}' \
             --untar --untardir {}`",
            chart.name,
            chart.repo,
            chart.version,
            tree.display(&home)
        )
    };
    Err(format!("`{}` does not hold it{from}", tree.display(&home)))
}

/// The values, in the order in which kustomize hands them to Helm. `file` is the values file or, where
/// none is named, the chart's own. Inline values and that file are one text by then.
fn overlay(chart: &Chart, file: Option<&str>) -> Result<Overlay, String> {
    let parse = |text: &str, name: &str| {
        Values::parse(name, text.as_bytes()).map_err(|error| error.to_string())
    };
    let mut files = Vec::new();
    if let Some(inline) = &chart.values_inline {
        let merged = merge_values(inline, file.unwrap_or_default(), chart.values_merge)
            .map_err(|findings| findings.to_string())?;
        files.push(parse(&merged, "valuesInline")?);
    } else if let Some(file) = file {
        files.push(parse(file, "valuesFile")?);
    }
    for text in &chart.additional_values {
        files.push(parse(text, "additionalValuesFiles")?);
    }
    Ok(Overlay {
        files,
        ..Overlay::default()
    })
}
