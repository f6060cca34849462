//! One phase, by what it holds.

use std::sync::Arc;

use trueup_manifest::{Diagnostic, Diagnostics, Entry, Manifest, Tree, TreePath};

use super::{
    RenderOptions,
    kustomize::{self, BuildOptions},
    manifests, substitute,
};
use crate::config::{Content, Environment, Phase, Spanned, not_built};

/// What a phase came to.
pub(super) struct Rendered {
    pub(super) manifests: Vec<Manifest>,
    pub(super) warnings: Vec<Diagnostic>,
}

pub(super) fn render(
    tree: &dyn Tree,
    environment: &Environment,
    phase: &Phase,
    options: &RenderOptions<'_>,
) -> Result<Rendered, Diagnostics> {
    let step: Arc<str> = format!("{}/{}", environment.name, phase.name).into();
    let mut rendered = content(tree, phase, options).map_err(|findings| findings.through(&step))?;
    for manifest in &mut rendered.manifests {
        manifest.origin.chain.insert(0, Arc::clone(&step));
    }
    substitute::apply(
        &mut rendered.manifests,
        &phase.substitute,
        &environment.variables,
    )?;
    Ok(rendered)
}

fn content(
    tree: &dyn Tree,
    phase: &Phase,
    options: &RenderOptions<'_>,
) -> Result<Rendered, Diagnostics> {
    match &phase.content {
        Content::Kustomize {
            path,
            load_anywhere,
        } => kustomization(tree, path, *load_anywhere, options),
        Content::Manifests { path } => {
            let manifests = manifests::read(tree, path)?;
            Ok(Rendered {
                manifests,
                warnings: Vec::new(),
            })
        }
        Content::Helm(helm) => Err(not_built(
            "`helm` phases",
            &helm.chart.clone().map(|_| ()),
            "render the chart with `helm template` into a file and use `manifests: {path: …}`",
        )
        .into()),
        Content::Vault { path } => Err(unbuilt("`vault` phases", path)),
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
    let options = BuildOptions {
        load_anywhere,
        remote: options.remote,
        ..BuildOptions::default()
    };
    let (manifests, warnings) = kustomize::build(tree, path, &options)?;
    Ok(Rendered {
        manifests,
        warnings,
    })
}
