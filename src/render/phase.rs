//! One phase, by what it holds.

use std::sync::Arc;

use trueup_manifest::{Diagnostic, Diagnostics, Entry, Manifest, Tree, TreePath};

use super::{
    Asked, Hidden, RenderOptions, generated_name,
    helm::{self, Inflator, Loaded, Step},
    kustomize::{self, BuildOptions},
    manifests, substitute,
    supplied::{self, WithFiles},
};
use crate::config::{Content, Environment, Phase, Spanned, not_built};

/// What a phase came to.
#[derive(Default)]
pub(super) struct Rendered {
    pub(super) manifests: Vec<Manifest>,
    /// What goes before the objects, one step after the other: hooks of a chart.
    pub(super) before: Vec<Step>,
    /// What goes after them.
    pub(super) after: Vec<Step>,
    pub(super) warnings: Vec<Diagnostic>,
    /// What of it must not be shown.
    pub(super) hidden: Hidden,
    /// Why its objects cannot be told for now.
    pub(super) unavailable: Vec<Diagnostic>,
}

pub(super) fn render(
    tree: &dyn Tree,
    environment: &Environment,
    phase: &Phase,
    options: &RenderOptions<'_>,
    asked: &Arc<Asked>,
    charts: &Loaded,
) -> Result<Rendered, Diagnostics> {
    let step: Arc<str> = format!("{}/{}", environment.name, phase.name).into();
    let mut rendered = content(tree, environment, phase, options, asked, charts)
        .map_err(|findings| findings.through(&step))?;
    let steps = rendered.before.iter_mut().chain(&mut rendered.after);
    let lists = steps.map(|step| &mut step.manifests);
    for manifests in lists.chain([&mut rendered.manifests]) {
        for manifest in manifests.iter_mut() {
            manifest.origin.chain.insert(0, Arc::clone(&step));
        }
        substitute::apply(manifests, &phase.substitute, &environment.variables)?;
        generated_name::settle(manifests)?;
    }
    Ok(rendered)
}

fn content(
    tree: &dyn Tree,
    environment: &Environment,
    phase: &Phase,
    options: &RenderOptions<'_>,
    asked: &Arc<Asked>,
    charts: &Loaded,
) -> Result<Rendered, Diagnostics> {
    match &phase.content {
        Content::Kustomize {
            path,
            load_anywhere,
            values_from,
        } => {
            let Some(supplied) = supplied::gather(tree, values_from, asked)? else {
                // It will be rendered again once everything is known.
                return Ok(Rendered::default());
            };
            if !supplied.unavailable.is_empty() {
                return Ok(Rendered {
                    unavailable: supplied.unavailable,
                    ..Rendered::default()
                });
            }
            let tree = &WithFiles {
                tree,
                files: &supplied.files,
            };
            let rendered = kustomization(tree, path, *load_anywhere, options, asked);
            let mut rendered = rendered.map_err(|findings| supplied.hidden.hide_in(findings))?;
            rendered.warnings.extend(supplied.warnings);
            rendered.hidden = supplied.hidden;
            Ok(rendered)
        }
        Content::Manifests { path } => {
            let manifests = manifests::read(tree, path)?;
            Ok(Rendered {
                manifests,
                ..Rendered::default()
            })
        }
        Content::Helm(helm) => {
            let rendered =
                helm::render(tree, helm, &environment.variables, options, asked, charts)?;
            Ok(Rendered {
                manifests: rendered.manifests,
                before: rendered.before,
                after: rendered.after,
                warnings: rendered.warnings,
                hidden: rendered.hidden,
                unavailable: rendered.unavailable,
            })
        }
        // It has no objects: what it does is for the pipeline.
        Content::Vault { .. } => Ok(Rendered::default()),
        Content::Processes { path } => Err(unbuilt("`processes` phases", path)),
    }
}

fn unbuilt(what: &str, path: &Spanned<TreePath>) -> Diagnostics {
    not_built(
        what,
        &path.clone().map(|_| ()),
        "remove the phase until then",
    )
    .into()
}

fn kustomization(
    tree: &dyn Tree,
    path: &Spanned<TreePath>,
    load_anywhere: bool,
    options: &RenderOptions<'_>,
    asked: &Arc<Asked>,
) -> Result<Rendered, Diagnostics> {
    match tree.entry(path).map_err(Diagnostic::from)? {
        Some(Entry::Dir) => {}
        Some(Entry::File) => {
            return Err(Diagnostic::error(
                "render/not-a-folder",
                format!(
                    "`{}` is a file, not the folder of a kustomization",
                    tree.display(path)
                ),
            )
            .at(path.location.clone())
            .help("name the folder that holds the kustomization file, or use `manifests`")
            .into());
        }
        None => return Err(manifests::absent(tree, path).into()),
    }
    let inflator = Inflator::new(asked, options.charts);
    let options = BuildOptions {
        load_anywhere,
        remote: options.remote,
        charts: Some(&inflator),
        cache: options.cache,
        ..BuildOptions::default()
    };
    let (manifests, warnings) = kustomize::build(tree, path, &options)?;
    Ok(Rendered {
        manifests,
        warnings,
        ..Rendered::default()
    })
}
