//! The seam to the Helm engine.
//!
//! Flows in: what a phase or a kustomization says of a chart. Flows out: its objects, those of hooks in steps of their
//! own. It must never ask a cluster: what it wants to know of one goes through [`Asked`].

mod hooks;
mod inflate;
mod loaded;
mod patches;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

use trueup_helm::{Capabilities, Chart, Release, Request};
use trueup_manifest::{Diagnostic, Diagnostics, Entry, Manifest, Origin, Tree, TreePath};
use trueup_yaml::{Document, DuplicateKeys, Kind, ParseOptions, Source};

use self::hooks::Steps;
pub use self::inflate::Inflator;
pub(super) use self::loaded::Loaded;
use super::{
    Asked, ChartSource, ChartWanted, Hidden, RenderOptions, generated_name, manifests::absent,
    substitute,
};
use crate::config::{Helm, Spanned, Variables};

/// The namespace of a release that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// What a chart came to.
#[derive(Default)]
pub(super) struct Rendered {
    /// The objects.
    pub(super) manifests: Vec<Manifest>,
    /// What goes before them, one step after the other.
    pub(super) before: Vec<Step>,
    /// What goes after them.
    pub(super) after: Vec<Step>,
    /// What there is to say.
    pub(super) warnings: Vec<Diagnostic>,
    /// What of it must not be shown.
    pub(super) hidden: Hidden,
    /// Why it cannot be told for now.
    pub(super) unavailable: Vec<Diagnostic>,
}

/// Hooks of one weight.
pub(super) struct Step {
    /// What the step is called beside the phase's name: `pre-install 5`.
    pub(super) name: String,
    /// The objects of its hooks.
    pub(super) manifests: Vec<Manifest>,
}

/// Renders the chart of a phase.
pub(super) fn render(
    tree: &dyn Tree,
    helm: &Helm,
    variables: &Variables,
    options: &RenderOptions<'_>,
    asked: &Arc<Asked>,
    loaded: &Loaded,
) -> Result<Rendered, Diagnostics> {
    let mut findings = Diagnostics::new();
    let release = findings.keep(substitute::text(&helm.release, variables));
    let namespace = match &helm.namespace {
        Some(namespace) => findings.keep(substitute::text(namespace, variables)),
        None => Some(DEFAULT_NAMESPACE.to_owned()),
    };
    let chart = findings.keep(chart(tree, helm, options.charts, loaded));
    let values = findings.keep(values::gather(
        tree,
        helm,
        variables,
        namespace.as_deref(),
        asked,
        options.keys,
    ));
    let capabilities = findings.keep(capabilities(helm, asked));
    let (Some(release), Some(namespace), Some(chart), Some(values), Some(capabilities)) =
        (release, namespace, chart, values, capabilities)
    else {
        return Err(findings);
    };
    // Where values are not known yet, it will be rendered again once they are.
    if values.waits || !values.unavailable.is_empty() {
        return Ok(Rendered {
            unavailable: values.unavailable,
            ..Rendered::default()
        });
    }
    let mut hidden = values.hidden;
    let mut request = Request::new(&chart, &release, &namespace, &values.overlay, &capabilities);
    request.skip_schema = helm.skip_schema;
    request.lookup = asked.lookup();
    request.draws = Some(asked.draws(&namespace, &release));
    let rendered = request
        .render(&mut |path| Err(format!("there is no file `{path}` here")))
        .map_err(|error| hidden.hide_in(placed(error, &helm.release)))?;
    hidden.extend(&secrets_of(&rendered));
    let shown = hidden.clone();
    let mut rendered = assemble(helm, &chart, &namespace, &rendered)
        .map_err(|findings| shown.hide_in(findings))?;
    rendered.warnings.extend(values.warnings);
    let warnings = rendered.warnings.into_iter();
    rendered.warnings = warnings.map(|warning| shown.hide_in_one(warning)).collect();
    rendered.hidden = hidden;
    Ok(rendered)
}

/// The secret texts that a release holds.
fn secrets_of(release: &Release) -> Hidden {
    let mut hidden = Hidden::default();
    let hooks = release.hooks.iter().map(|hook| &hook.manifest);
    for manifest in release.manifests.iter().chain(hooks) {
        for range in &manifest.secrets {
            hidden.add(manifest.content.get(range.clone()).unwrap_or_default());
        }
    }
    hidden
}

/// A release as objects and steps.
fn assemble(
    helm: &Helm,
    chart: &Chart,
    namespace: &str,
    rendered: &Release,
) -> Result<Rendered, Diagnostics> {
    let mut findings = Diagnostics::new();
    let scopes = Scopes::of(rendered);
    let mut warnings: Vec<Diagnostic> = rendered
        .warnings
        .iter()
        .map(|text| {
            Diagnostic::warning("helm/warning", text.trim_start_matches("warning: "))
                .at(helm.release.location.clone())
        })
        .collect();
    let object = |path: &str, content: &str| objects(chart, path, content);
    let mut manifests = Vec::new();
    if helm.create_namespace {
        manifests.extend(findings.keep(namespace_object(namespace)));
    }
    if helm.include_crds {
        for crd in &rendered.crds {
            let found = findings.keep(object(&crd.path, &crd.file.text()));
            manifests.extend(found.unwrap_or_default());
        }
    }
    for manifest in &rendered.manifests {
        let found = findings.keep(object(&manifest.path, &manifest.content));
        manifests.extend(found.unwrap_or_default());
    }
    let steps = if helm.hooks {
        findings
            .keep(Steps::of(chart, rendered))
            .unwrap_or_default()
    } else {
        Steps::default()
    };
    let manifests = patches::apply(manifests, &helm.patches)
        .map_err(|error| findings.extend(error))
        .unwrap_or_default();
    warnings.extend(hooks::warnings(rendered, helm));
    let mut rendered = Rendered {
        manifests,
        before: steps.before,
        after: steps.after,
        warnings,
        ..Rendered::default()
    };
    let steps = rendered.before.iter_mut().chain(&mut rendered.after);
    let hooks = steps.flat_map(|step| &mut step.manifests);
    for manifest in hooks.chain(&mut rendered.manifests) {
        scopes.settle(manifest, namespace);
    }
    findings.into_result(rendered)
}

/// The chart of a phase: in the tree, or of a repository.
fn chart(
    tree: &dyn Tree,
    helm: &Helm,
    charts: Option<&Arc<dyn ChartSource>>,
    loaded: &Loaded,
) -> Result<Arc<Chart>, Diagnostics> {
    let Some(repo) = &helm.repo else {
        return loaded.chart(helm.chart.as_str(), || load(tree, &helm.chart));
    };
    let name = helm.chart.value.to_string();
    let wanted = ChartWanted {
        repository: repo,
        name: &name,
        version: helm.version.as_ref().map_or("", |version| &version.value),
        tls: helm.tls.as_ref(),
    };
    // Whom a phase trusts for its chart is its own word: another's answer is none to it.
    let unique = format!("{repo} {name} {} {:?}", wanted.version, wanted.tls);
    loaded.chart(&unique, || {
        fetch(charts, &wanted).map_err(|finding| finding.at(repo.location.clone()).into())
    })
}

/// The chart of a repository.
fn fetch(
    charts: Option<&Arc<dyn ChartSource>>,
    wanted: &ChartWanted<'_>,
) -> Result<Chart, Diagnostic> {
    let ChartWanted {
        repository,
        name,
        version,
        ..
    } = *wanted;
    let Some(charts) = charts else {
        let message = format!("the chart `{name}` of `{repository}` is not fetched here");
        return Err(Diagnostic::error("helm/chart-source", message)
            .help("vendor it: put its folder or archive beside your files, and name that"));
    };
    let packed = charts.chart(wanted)?;
    let shown = format!("{name}-{version}.tgz");
    trueup_helm::chart::load_archive(&packed, &shown).map_err(|error| {
        Diagnostic::error(
            "helm/chart-source",
            format!("`{shown}` of `{repository}`: {error}"),
        )
    })
}

/// The objects of the chart in a folder, as a release with its own values; `trueup render CHART`.
pub fn render_chart(
    tree: &dyn Tree,
    folder: &TreePath,
) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Diagnostics> {
    let asked = Arc::new(Asked::offline());
    let helm = Helm {
        include_crds: true,
        hooks: true,
        ..Helm::of(
            Spanned::bare(folder.clone()),
            Spanned::bare("release-name".to_owned()),
        )
    };
    let rendered = render(
        tree,
        &helm,
        &Variables::default(),
        &RenderOptions::default(),
        &asked,
        &Loaded::default(),
    )?;
    let steps = |steps: Vec<Step>| steps.into_iter().flat_map(|step| step.manifests);
    let manifests = steps(rendered.before)
        .chain(rendered.manifests)
        .chain(steps(rendered.after))
        .collect();
    let mut warnings = rendered.warnings;
    warnings.extend(asked.draws_anew(None));
    Ok((manifests, warnings))
}

/// Loads the chart in a folder, or a packed one.
pub(super) fn load(tree: &dyn Tree, path: &Spanned<TreePath>) -> Result<Chart, Diagnostics> {
    let loaded = match tree.entry(path).map_err(Diagnostic::from)? {
        Some(Entry::Dir) => trueup_helm::chart::load_dir(tree, path),
        Some(Entry::File) => {
            let packed = tree.read(path).map_err(Diagnostic::from)?;
            trueup_helm::chart::load_archive(&packed, &tree.display(path))
        }
        None => return Err(absent(tree, path).into()),
    };
    loaded.map_err(|error| placed(error, path))
}

/// The findings of an error; those without a place get that of what led there.
fn placed<T>(error: trueup_helm::Error, place: &Spanned<T>) -> Diagnostics {
    error
        .into_findings()
        .into_iter()
        .map(|finding| {
            if finding.labels.is_empty() {
                finding.at(place.location.clone())
            } else {
                finding
            }
        })
        .collect()
}

/// What the chart may know of the cluster: what the phase says of it, and else what the cluster says itself.
fn capabilities(helm: &Helm, asked: &Asked) -> Result<Capabilities, Diagnostics> {
    let mut capabilities = if helm.kube_version.is_some() {
        Capabilities::of_a_cluster()
    } else {
        asked.capabilities()
    };
    if let Some(version) = &helm.kube_version {
        capabilities = capabilities
            .with_kube_version(version)
            .map_err(|error| placed(error, version))?;
    }
    Ok(capabilities.with_api_versions(helm.api_versions.iter().map(|v| v.value.clone())))
}

/// The objects of what a template printed.
fn objects(chart: &Chart, path: &str, content: &str) -> Result<Vec<Manifest>, Diagnostics> {
    // Places are those of the printed text: the line of the template is not known.
    let file = path.split_once('/').map_or(path, |(_, file)| file);
    let source = Source::new(format!("{}/{file} (rendered)", chart.origin), content);
    let options = ParseOptions {
        duplicate_keys: DuplicateKeys::LastWins,
        ..ParseOptions::default()
    };
    let mut findings = Diagnostics::new();
    let mut found = Vec::new();
    for doc in Document::parse_with(&source, &options)? {
        if doc.is_null(doc.root()) || doc.is_empty(doc.root()) {
            continue;
        }
        for doc in items(doc) {
            let origin = doc
                .location(doc.root())
                .map_or_else(Origin::default, Origin::at);
            found.extend(findings.keep(generated_name::manifest(doc, origin)));
        }
    }
    findings.into_result(found)
}

/// The items of a `List`, or the object itself.
fn items(doc: Document) -> Vec<Document> {
    let root = doc.root();
    let is_list = doc
        .get(root, "kind")
        .and_then(|node| doc.text(node))
        .is_some_and(|kind| kind == "List");
    match doc.get(root, "items").filter(|_| is_list) {
        Some(list) => doc.items(list).map(|item| doc.extract(item)).collect(),
        None => vec![doc],
    }
}

fn namespace_object(name: &str) -> Result<Manifest, Diagnostic> {
    let doc = Document::from_json_value(&serde_json::json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"name": name}},
    }));
    Manifest::new(doc, Origin::default())
}

/// Which kinds of custom resources have no namespace, as far as the chart's own definitions tell.
struct Scopes(Vec<(String, String)>);

impl Scopes {
    fn of(release: &Release) -> Self {
        let crds = release.crds.iter().map(|crd| crd.file.text().into_owned());
        let rendered = release
            .manifests
            .iter()
            .filter(|manifest| manifest.kind == "CustomResourceDefinition")
            .map(|manifest| manifest.content.clone());
        let mut found = Vec::new();
        for text in crds.chain(rendered) {
            let documents = Document::parse(&Source::new("crd", text)).unwrap_or_default();
            for doc in documents {
                let text = |path: &[&str]| {
                    let node = doc.at(doc.root(), path)?;
                    doc.text(node).map(str::to_owned)
                };
                if text(&["spec", "scope"]).as_deref() == Some("Cluster")
                    && let (Some(group), Some(kind)) =
                        (text(&["spec", "group"]), text(&["spec", "names", "kind"]))
                {
                    found.push((group, kind));
                }
            }
        }
        Self(found)
    }

    /// Puts an object that names no namespace into that of the release.
    fn settle(&self, manifest: &mut Manifest, namespace: &str) {
        let gvk = manifest.gvk();
        let known = self
            .0
            .iter()
            .any(|(group, kind)| *group == gvk.group && *kind == gvk.kind);
        if known
            || !manifest.namespace().is_empty()
            || trueup_kustomize::is_cluster_scoped(manifest.api_version(), manifest.kind())
        {
            return;
        }
        let doc = &mut manifest.doc;
        if let Some(metadata) = doc.get(doc.root(), "metadata")
            && doc.kind(metadata) == Kind::Mapping
        {
            let value = doc.new_str(namespace);
            doc.set(metadata, "namespace", value);
        }
    }
}
