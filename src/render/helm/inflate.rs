//! Charts of kustomizations.

use trueup_helm::{Capabilities, Overlay, Print, Request, Values};
use trueup_kustomize::{Chart, ChartInflator, ValuesMerge};
use trueup_manifest::{Tree, TreePath};

use super::{DEFAULT_NAMESPACE, load};
use crate::config::Spanned;

/// Inflates the charts that lie in the tree, as `kustomize build --enable-helm` does with `helm
/// template`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inflator;

/// The name that Helm gives a release without one.
const UNNAMED: &str = "release-name";

impl ChartInflator for Inflator {
    fn inflate(&self, tree: &dyn Tree, dir: &TreePath, chart: &Chart) -> Result<String, String> {
        let path = find(tree, dir, chart)?;
        let loaded = load(tree, &Spanned::bare(path)).map_err(|findings| findings.to_string())?;
        let overlay = overlay(chart).map_err(|error| error.to_string())?;
        let mut capabilities = Capabilities::default();
        if !chart.kube_version.is_empty() {
            capabilities = capabilities
                .with_kube_version(&chart.kube_version)
                .map_err(|error| error.to_string())?;
        }
        let capabilities = capabilities.with_api_versions(chart.api_versions.iter().cloned());
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
        let request = Request::new(&loaded, &name, namespace, &overlay, &capabilities);
        let release = request
            .render(&mut |path| Err(format!("there is no file `{path}` here")))
            .map_err(|error| error.to_string())?;
        Ok(release.print(Print {
            crds: chart.include_crds,
            no_hooks: chart.skip_hooks,
            skip_tests: chart.skip_tests,
        }))
    }
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
            "; nothing is fetched while rendering: vendor it with `helm pull {} --repo {} --version '{}' \
             --untar --untardir {}`",
            chart.name,
            chart.repo,
            chart.version,
            tree.display(&home)
        )
    };
    Err(format!("`{}` does not hold it{from}", tree.display(&home)))
}

/// The values, in the order in which kustomize hands them to Helm.
fn overlay(chart: &Chart) -> Result<Overlay, trueup_helm::Error> {
    let parse = |text: &str, name: &str| Values::parse(name, text.as_bytes());
    let file = chart.values_file.as_deref();
    let inline = chart.values_inline.as_deref();
    let (file, inline) = (
        file.map(|text| parse(text, "valuesFile")).transpose()?,
        inline.map(|text| parse(text, "valuesInline")).transpose()?,
    );
    let mut files: Vec<Values> = match (chart.values_merge, inline) {
        (_, None) => file.into_iter().collect(),
        (ValuesMerge::Replace, Some(inline)) => vec![inline],
        (ValuesMerge::Override, Some(inline)) => file.into_iter().chain([inline]).collect(),
        (ValuesMerge::Merge, Some(inline)) => [inline].into_iter().chain(file).collect(),
    };
    for text in &chart.additional_values {
        files.push(parse(text, "additionalValuesFiles")?);
    }
    Ok(Overlay {
        files,
        ..Overlay::default()
    })
}
