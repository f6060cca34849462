//! `trueup blame`: who set a field of an object.

use clap::Args as ClapArgs;
use trueup_kustomize::Traced;
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
    render::{self, BuildOptions, FieldPath, Inflator, Setting},
};

/// Show who set a field of an object
///
/// Prints the value, the file, line and column that set it, and what it was before, step by step. What
/// a generator or transformer made is led back to the line that asks for it. Values of Secrets are
/// masked.
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
        let (object, traced) = match decide(&self.what, global)? {
            What::Environment(repository) => {
                let prepared = repository.prepare(&self.what, &[])?;
                let phases = prepared.desired.phases.into_iter();
                let manifests: Vec<Manifest> = phases.flat_map(|phase| phase.manifests).collect();
                let object = self.find(manifests.iter())?.clone();
                // Charts and plain files have no steps, nor has what is not on this machine.
                // The first of the chain is the phase.
                let outermost = object.origin.chain.get(1);
                let traced = outermost
                    .and_then(|folder| trace(&tree, &here.join(&**folder), global).ok())
                    .unwrap_or_default();
                (object, traced)
            }
            What::Folder => {
                let traced = trace(&tree, &here.join(&self.what), global)?;
                let object = self.find(traced.iter().map(|traced| &traced.manifest))?;
                (object.clone(), traced)
            }
        };
        let same = |traced: &&Traced| is_of_one_origin(&traced.manifest, &object);
        let history = traced
            .iter()
            .find(same)
            .map_or(&[][..], |traced| traced.history.as_slice());
        let settings = render::blame(&object, history, &self.path)?;
        console.data(&text(&object, &settings))?;
        Ok(Exit::Done)
    }

    fn find<'m>(
        &self,
        manifests: impl Iterator<Item = &'m Manifest> + Clone,
    ) -> Result<&'m Manifest, Failure> {
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
        let found: Vec<&Manifest> = manifests.clone().filter(fits).collect();
        match found.as_slice() {
            [only] => Ok(only),
            [] => {
                let message = format!("`{}` has no `{}`", self.what, self.object);
                let error = Diagnostic::error("blame/object", message);
                let same_kind = manifests.filter(|manifest| kind_fits(manifest));
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
        lines.push(match (&setting.location, setting.step.as_deref()) {
            (Some(location), None) => format!("  {location}"),
            (Some(location), Some(step)) => format!("  {location} ({})", told(step)),
            (None, Some(step)) => format!("  ({})", told(step)),
            (None, None) => "  made in memory".to_owned(),
        });
        if let Some(layer) = &setting.layer {
            lines.push(format!("  in {layer}"));
        }
    }
    if let Some(location) = &object.origin.location {
        lines.push(format!("the object itself\n  {location}"));
    }
    lines.push(format!("through {}\n", object.origin.chain.join(" → ")));
    lines.join("\n")
}

/// A step in a person's words.
fn told(step: &str) -> String {
    match step {
        "hash" => "the hash of what it holds".to_owned(),
        "reference" => "follows the name of this object".to_owned(),
        "phase" => "set by the phase: variables, labels, what charts add".to_owned(),
        field => format!("`{field}`"),
    }
}

/// Whether two are one object of the files, whatever its name has become.
fn is_of_one_origin(one: &Manifest, other: &Manifest) -> bool {
    let (Some(a), Some(b)) = (&one.origin.location, &other.origin.location) else {
        return one.id() == other.id();
    };
    a.source.name() == b.source.name()
        && a.line_col() == b.line_col()
        && one.kind() == other.kind()
        // One file under two bases is two objects.
        && one.name() == other.name()
        && one.namespace() == other.namespace()
}

/// Builds a kustomization with notes of what each step did.
fn trace(
    tree: &DiskTree,
    folder: &std::path::Path,
    global: &Global,
) -> Result<Vec<Traced>, Failure> {
    let remote = Remote::new(global.fetch());
    let inflator = Inflator::default();
    let options = BuildOptions {
        load_anywhere: true,
        charts: Some(&inflator),
        tree_root: Some("/"),
        remote: Some(&remote),
        ..BuildOptions::default()
    };
    let folder = tree.locate(folder)?;
    Ok(render::trace_kustomization(tree, &folder, &options)?)
}
