//! Charts as they are loaded: metadata, templates, default values, files and the charts they depend on.
//!
//! Flows in: a folder of a [`trueup_manifest::Tree`], or the bytes of a `.tgz`. Flows out: a [`Chart`]
//! or an [`Error`](crate::Error) in Helm's words. It must never reach outside the folder or the archive, nor read more than
//! the limits of [`archive`] allow.

pub mod archive;
mod data;
mod glob;
mod ignore;
mod load;
mod metadata;
mod prepared;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use data::Data;
pub(crate) use glob::matches;
pub(crate) use load::files as load_files;
pub use load::{load_archive, load_dir};
pub use metadata::{Dependency, Import, Lock, Maintainer, Metadata};
pub(crate) use prepared::Prepared;

use crate::values::Values;

/// A file of a chart, named relative to the chart with `/`.
#[derive(Clone, Debug)]
pub struct File {
    /// `templates/deployment.yaml`.
    pub name: Arc<str>,
    /// Its bytes, without a byte order mark.
    pub data: Data,
}

/// A chart with all it depends on.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Where it was read, as shown to a person: `bases/vault/chart`.
    pub origin: Arc<str>,
    /// `Chart.yaml`, with the dependencies of `requirements.yaml`.
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<Lock>,
    /// All below `templates/`.
    pub templates: Vec<File>,
    /// `values.yaml`.
    pub values: Values,
    /// `values.schema.json`.
    pub schema: Option<Data>,
    /// Everything else: what templates see as `.Files`.
    pub files: Vec<File>,
    /// The charts of `charts/`.
    pub dependencies: Vec<Self>,
    /// The name under which the paths of dependencies are told, where it is not the chart's own: Helm
    /// copies a chart for an alias but leaves its dependencies with their first parent.
    pub(crate) parent_name: Option<Arc<str>>,
    /// What was made of it for one release and serves the next ones too; shared by copies.
    pub(crate) prepared: Prepared,
}

/// A file of custom resource definitions.
#[derive(Clone, Debug)]
pub struct Crd {
    /// With the chart's path: `web/charts/db/crds/a.yaml`.
    pub path: String,
    /// The file.
    pub file: File,
}

impl Chart {
    /// The name, which is the alias for a dependency that has one.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it holds only definitions for other charts.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// The path of a dependency's templates below the chart's own path.
    pub(crate) fn path_of(&self, path: &str, dependency: &Self) -> String {
        let path = match &self.parent_name {
            Some(name) => match path.rsplit_once('/') {
                Some((above, _)) => format!("{above}/{name}"),
                None => name.to_string(),
            },
            None => path.to_owned(),
        };
        format!("{path}/charts/{}", dependency.name())
    }

    /// The files of `crds/`, those of dependencies after the chart's own.
    pub fn crds(&self) -> Vec<Crd> {
        let mut found = Vec::new();
        self.collect_crds(self.name(), &mut found);
        found
    }

    fn collect_crds(&self, path: &str, found: &mut Vec<Crd>) {
        found.extend(
            self.files
                .iter()
                .filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name))
                .map(|file| Crd {
                    path: format!("{path}/{}", file.name),
                    file: file.clone(),
                }),
        );
        for dependency in &self.dependencies {
            dependency.collect_crds(&self.path_of(path, dependency), found);
        }
    }
}

fn is_manifest(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.rsplit_once('.').is_some_and(|(_, extension)| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    })
}
