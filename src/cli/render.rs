//! `trueup render`: prints the objects of an environment or of a kustomization.

mod flags;
mod program;
pub(super) mod target;
mod write;

use clap::Args as ClapArgs;
use trueup_kustomize::is_remote;
use trueup_manifest::{Diagnostic, DiskTree, Manifest, Tree as _, TreePath};

use self::{
    flags::{Flags, Order, Restrictor},
    target::{What, decide},
};
use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, Target},
    repository::{Repository, current_folder},
    variable,
};
use crate::{
    config::Literal,
    pipeline::Remote,
    render::{self, BuildOptions},
};

/// Print the objects of an environment, of a kustomization or of a chart
///
/// With the name of an environment it prints what `trueup reconcile` would apply. With a folder it
/// prints what `kustomize build` prints for it, byte for byte; with the folder of a chart the objects of a
/// release of it, with the chart's own values. A name that could be either is an error: `./NAME` is the
/// folder. `trueup helm template` prints a chart as Helm does, and takes values.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The name of an environment, or the folder of a kustomization or a chart, or the address of a
    /// kustomization in a Git repository: `github.com/org/repo//folder?ref=v1`
    #[arg(value_name = "ENV|DIR", default_value = ".")]
    what: String,
    /// Only these phases of an environment
    #[arg(long = "phase", value_name = "NAME")]
    phases: Vec<String>,
    /// Set a variable of an environment; a number or boolean is one, as in the file
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable::read)]
    variables: Vec<(String, Literal)>,
    /// `yaml`, `json`, or the file to write; in a folder that exists, one file for each object
    #[arg(short, long, value_name = "FORMAT|PATH", value_parser = output::target)]
    output: Option<Target>,
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let (manifests, warnings) = match decide(&self.what, global)? {
            What::Environment(repository) => self.environment(&repository)?,
            What::Folder => self.folder(global)?,
        };
        console.findings(&warnings);
        match &self.output {
            None | Some(Target::Format(Format::Text | Format::Yaml)) => {
                console.pieces(&render::to_yaml_pieces(&manifests)?)?;
            }
            Some(Target::Format(Format::Json)) => console.data(&render::to_json(&manifests)?)?,
            Some(Target::Path(path)) => write::files(path, &manifests)?,
        }
        // The process ends: the system takes all of it back at once.
        std::mem::forget(manifests);
        Ok(Exit::Done)
    }

    fn environment(
        &self,
        repository: &Repository,
    ) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Failure> {
        let prepared = repository.prepare(&self.what, &self.variables)?;
        let known: Vec<&str> = prepared
            .desired
            .phases
            .iter()
            .map(|phase| phase.name.as_str())
            .collect();
        for name in &self.phases {
            if !known.contains(&name.as_str()) {
                let error = Diagnostic::error(
                    "config/unknown-phase",
                    format!("`{}` has no phase `{name}`", self.what),
                );
                return Err(error
                    .help(format!("the phases are `{}`", known.join("`, `")))
                    .into());
            }
        }
        let wanted = |name: &String| self.phases.is_empty() || self.phases.contains(name);
        let phases = prepared
            .desired
            .phases
            .into_iter()
            .filter(|phase| wanted(&phase.name));
        Ok((
            phases.flat_map(|phase| phase.manifests).collect(),
            prepared.desired.warnings,
        ))
    }

    fn folder(&self, global: &Global) -> Result<(Vec<Manifest>, Vec<Diagnostic>), Failure> {
        if let Some(name) = self.phases.first() {
            let error = Diagnostic::error(
                "cli/no-phases",
                format!("a folder has no phases, so not `{name}` either"),
            );
            return Err(error.help("name an environment, or drop `--phase`").into());
        }
        if !self.variables.is_empty() {
            let error = Diagnostic::error("cli/no-variables", "a folder has no variables");
            return Err(error.help("name an environment, or drop `--var`").into());
        }
        let here = current_folder()?;
        // The root is the machine's, so that bases beside the folder are found wherever they lie.
        let tree = DiskTree::new("/")?.shown_from(&here);
        if !is_remote(&self.what) {
            let dir = tree.locate(here.join(&self.what))?;
            if is_chart(&tree, &dir)? {
                return Ok(render::render_chart(&tree, &dir)?);
            }
        }
        let programs = self.flags.programs()?;
        let remote = Remote::new(global.fetch());
        let inflator = self.flags.inflator(remote.charts())?;
        let options = BuildOptions {
            load_anywhere: self.flags.load_restrictor == Restrictor::None,
            as_loaded: self.flags.reorder == Order::None,
            managed_by_label: self.flags.managed_by_label(),
            charts: inflator.as_ref(),
            tree_root: Some("/"),
            functions: programs.as_ref().map(|programs| programs as _),
            remote: Some(&remote),
            cache: None,
        };
        let folder = here.join(&self.what);
        let (manifests, mut warnings) = if !folder.exists() && is_remote(&self.what) {
            render::build_remote(&tree, &self.what, &options)?
        } else {
            render::build_kustomization(&tree, &tree.locate(folder)?, &options)?
        };
        warnings.extend(self.flags.notes());
        Ok((manifests, warnings))
    }
}

/// A folder with a `Chart.yaml` and no kustomization file holds a chart.
fn is_chart(tree: &DiskTree, dir: &TreePath) -> Result<bool, Failure> {
    let has = |name: &str| -> Result<bool, Failure> {
        let path = dir.join(name).map_err(Diagnostic::from)?;
        Ok(tree.entry(&path).map_err(Diagnostic::from)?.is_some())
    };
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        if has(name)? {
            return Ok(false);
        }
    }
    has("Chart.yaml")
}
