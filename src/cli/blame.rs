//! `trueup blame`: who set a field of an object.

use clap::Args as ClapArgs;
use trueup_manifest::{Diagnostic, DiskTree, Manifest};

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    render::target::{What, decide},
    repository::current_folder,
};
use crate::{
    pipeline::Remote,
    render::{self, BuildOptions, FieldPath, Setting},
};

/// Show who set a field of an object
///
/// Prints the value, the file, line and column that set it, and what it was in each kustomization
/// before. Values of Secrets are masked.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The name of an environment, or the folder of a kustomization
    #[arg(value_name = "ENV|DIR")]
    what: String,
    /// The object, such as `deployment/web`
    #[arg(value_name = "KIND/NAME")]
    object: String,
    /// The field, such as `.spec.template.spec.containers[name=web].image`
    #[arg(value_name = "PATH", default_value = ".")]
    path: FieldPath,
    /// The namespace of the object, where several have the name
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let here = current_folder()?;
        // The root is the machine's, so that bases beside the folder are found wherever they lie.
        let tree = DiskTree::new("/")?.shown_from(&here);
        let manifests = match decide(&self.what, global)? {
            What::Environment(repository) => {
                let prepared = repository.prepare(&self.what, &[])?;
                let phases = prepared.desired.phases.into_iter();
                phases.flat_map(|phase| phase.manifests).collect()
            }
            What::Folder => build(&tree, &here.join(&self.what), global)?,
        };
        let object = self.find(&manifests)?;
        let below = layers(&tree, &here, object, global);
        let outermost = object.origin.chain.first();
        let outermost = outermost.map_or_else(|| self.what.clone(), ToString::to_string);
        let mut all = vec![(outermost, object)];
        all.extend(
            below
                .iter()
                .map(|(name, manifest)| (name.clone(), manifest)),
        );
        let settings = render::blame(&all, &self.path)?;
        console.data(&text(object, &settings))?;
        Ok(Exit::Done)
    }

    fn find<'m>(&self, manifests: &'m [Manifest]) -> Result<&'m Manifest, Failure> {
        let Some((kind, name)) = self.object.split_once('/') else {
            let message = format!("`{}` names no object", self.object);
            return Err(Diagnostic::error("blame/object", message)
                .help("write kind and name, such as `deployment/web`")
                .into());
        };
        let kind_fits = |manifest: &Manifest| {
            let own = manifest.kind().to_lowercase();
            let wanted = kind.to_lowercase();
            own == wanted || format!("{own}s") == wanted
        };
        let fits = |manifest: &&Manifest| {
            let space = self.namespace.as_deref();
            kind_fits(manifest)
                && manifest.name() == name
                && space.is_none_or(|space| manifest.namespace() == space)
        };
        let found: Vec<&Manifest> = manifests.iter().filter(fits).collect();
        match found.as_slice() {
            [only] => Ok(only),
            [] => {
                let message = format!("`{}` has no `{}`", self.what, self.object);
                let error = Diagnostic::error("blame/object", message);
                let same_kind = manifests.iter().filter(|manifest| kind_fits(manifest));
                let near = trueup_manifest::nearest(name, same_kind.map(Manifest::name));
                Err(match near {
                    Some(near) => error.help(format!("did you mean `{kind}/{near}`?")),
                    None => {
                        error.help(format!("`trueup render {}` shows what there is", self.what))
                    }
                }
                .into())
            }
            several => {
                let spaces: Vec<&str> = several.iter().map(|one| one.namespace()).collect();
                let message = format!("there are {} `{}`", several.len(), self.object);
                Err(Diagnostic::error("blame/object", message)
                    .help(format!(
                        "choose one by `--namespace`: {}",
                        spaces.join(", ")
                    ))
                    .into())
            }
        }
    }
}

fn text(object: &Manifest, settings: &[Setting]) -> String {
    let mut lines = Vec::new();
    for (index, setting) in settings.iter().enumerate() {
        let value = setting.value.as_deref().unwrap_or("not there");
        lines.push(format!("{} {value}", if index == 0 { "is" } else { "was" }));
        lines.push(match &setting.location {
            Some(location) => format!("  {location}"),
            None => "  made by a generator or transformer".to_owned(),
        });
        lines.push(format!("  in {}", setting.layer));
    }
    if let Some(location) = &object.origin.location {
        lines.push(format!("the object itself\n  {location}"));
    }
    lines.push(format!("through {}\n", object.origin.chain.join(" → ")));
    lines.join("\n")
}

fn build(
    tree: &DiskTree,
    folder: &std::path::Path,
    global: &Global,
) -> Result<Vec<Manifest>, Failure> {
    let remote = Remote::new(global.fetch());
    let options = BuildOptions {
        load_anywhere: true,
        tree_root: Some("/"),
        remote: Some(&remote),
        ..BuildOptions::default()
    };
    let folder = tree.locate(folder)?;
    Ok(render::build_kustomization(tree, &folder, &options)?.0)
}

/// The object as each kustomization on the way to it builds it, where that is on this machine and builds
/// by itself: components and remote ones do not.
fn layers(
    tree: &DiskTree,
    base: &std::path::Path,
    object: &Manifest,
    global: &Global,
) -> Vec<(String, Manifest)> {
    let Some(location) = &object.origin.location else {
        return Vec::new();
    };
    let same = |manifest: &Manifest| {
        manifest.origin.location.as_ref().is_some_and(|other| {
            other.source.name() == location.source.name() && other.line_col() == location.line_col()
        })
    };
    let inner = object.origin.chain.iter().skip(1);
    inner
        .filter_map(|name| {
            let built = build(tree, &base.join(&**name), global).ok()?;
            Some((name.to_string(), built.into_iter().find(same)?))
        })
        .collect()
}
