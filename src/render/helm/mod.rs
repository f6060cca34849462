//! The seam to the Helm engine.
//!
//! Flows in: what a phase or a kustomization says of a chart. Flows out: its objects, those of hooks in steps of their
//! own. It must never ask a cluster: `lookup` finds nothing here, as in `helm template`.

mod hooks;
mod inflate;
mod patches;
#[cfg(test)]
mod tests;

use trueup_helm::{Capabilities, Chart, Overlay, Release, Request, Values};
use trueup_manifest::{Diagnostic, Diagnostics, Entry, Manifest, Origin, Tree, TreePath};
use trueup_yaml::{Document, DuplicateKeys, Kind, ParseOptions, Source};

use self::hooks::Steps;
pub use self::inflate::Inflator;
use super::{generated_name, manifests::absent, substitute};
use crate::config::{Helm, Spanned, Variables};

/// The namespace of a release that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// What a chart came to.
pub(super) struct Rendered {
    /// The objects.
    pub(super) manifests: Vec<Manifest>,
    /// What goes before them, one step after the other.
    pub(super) before: Vec<Step>,
    /// What goes after them.
    pub(super) after: Vec<Step>,
    /// What there is to say.
    pub(super) warnings: Vec<Diagnostic>,
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
) -> Result<Rendered, Diagnostics> {
    let mut findings = Diagnostics::new();
    let release = findings.keep(substitute::text(&helm.release, variables));
    let namespace = match &helm.namespace {
        Some(namespace) => findings.keep(substitute::text(namespace, variables)),
        None => Some(DEFAULT_NAMESPACE.to_owned()),
    };
    let chart = findings.keep(load(tree, &helm.chart));
    let overlay = findings.keep(overlay(tree, helm, variables));
    let capabilities = findings.keep(capabilities(helm));
    let (Some(release), Some(namespace), Some(chart), Some(overlay), Some(capabilities)) =
        (release, namespace, chart, overlay, capabilities)
    else {
        return Err(findings);
    };
    let mut request = Request::new(&chart, &release, &namespace, &overlay, &capabilities);
    request.skip_schema = helm.skip_schema;
    let rendered = request
        .render(&mut |path| Err(format!("there is no file `{path}` here")))
        .map_err(|error| placed(error, &helm.release))?;
    let scopes = Scopes::of(&rendered);
    let mut warnings: Vec<Diagnostic> = rendered
        .warnings
        .iter()
        .map(|text| {
            Diagnostic::warning("helm/warning", text.trim_start_matches("warning: "))
                .at(helm.release.location.clone())
        })
        .collect();
    let object = |path: &str, content: &str| objects(&chart, path, content);
    let mut manifests = Vec::new();
    if helm.create_namespace {
        manifests.extend(findings.keep(namespace_object(&namespace)));
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
            .keep(Steps::of(&chart, &rendered))
            .unwrap_or_default()
    } else {
        Steps::default()
    };
    let manifests = patches::apply(manifests, &helm.patches)
        .map_err(|error| findings.extend(error))
        .unwrap_or_default();
    warnings.extend(hooks::warnings(&rendered, helm));
    let mut rendered = Rendered {
        manifests,
        before: steps.before,
        after: steps.after,
        warnings,
    };
    let steps = rendered.before.iter_mut().chain(&mut rendered.after);
    let hooks = steps.flat_map(|step| &mut step.manifests);
    for manifest in hooks.chain(&mut rendered.manifests) {
        scopes.settle(manifest, &namespace);
    }
    findings.into_result(rendered)
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

fn overlay(tree: &dyn Tree, helm: &Helm, variables: &Variables) -> Result<Overlay, Diagnostics> {
    let mut findings = Diagnostics::new();
    let mut overlay = Overlay::default();
    for path in &helm.values {
        if tree.entry(path).map_err(Diagnostic::from)?.is_none() {
            findings.push(absent(tree, path));
            continue;
        }
        let data = tree.read(path).map_err(Diagnostic::from)?;
        let values = Values::parse(&tree.display(path), &data);
        let values = findings.keep(values.map_err(|error| placed(error, path)));
        overlay.files.extend(values);
    }
    if let Some(inline) = &helm.inline {
        let mut document = inline.value.clone();
        if findings
            .keep(substitute::document(&mut document, variables))
            .is_some()
        {
            let values = Values::of_document(document).map_err(|error| placed(error, inline));
            overlay.files.extend(findings.keep(values));
        }
    }
    findings.into_result(overlay)
}

fn capabilities(helm: &Helm) -> Result<Capabilities, Diagnostics> {
    let mut capabilities = Capabilities::of_a_cluster();
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
