//! Brings what a chart depends on into its `charts/`, as `helm dependency build` and `update` do.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use trueup_helm::{
    Chart,
    chart::Dependency,
    repository::{Locked, check_lock, fits, lock_file, pack},
};
use trueup_manifest::{Diagnostic, Diagnostics, DiskTree, Tree as _};

use super::{Charts, Wanted};

/// Which versions are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Those of the lock; chosen anew where there is none.
    Locked,
    /// Chosen anew; the lock is written.
    Chosen,
}

/// One dependency that was brought, or was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The repository; empty for one that lies in `charts/` already.
    pub repository: String,
}

/// An archive to be written.
struct Archive {
    file: String,
    data: Vec<u8>,
}

/// The chart in a folder of this machine.
struct Folder {
    path: PathBuf,
    tree: DiskTree,
    chart: Chart,
}

/// Brings all dependencies of the chart in a folder. Nothing is written unless all of them are there.
pub async fn vendor(
    folder: &Path,
    charts: &Charts,
    versions: Versions,
) -> Result<Vec<Brought>, Diagnostics> {
    let folder = Folder::open(folder)?;
    let wanted = folder
        .chart
        .metadata
        .dependencies
        .clone()
        .unwrap_or_default();
    let locked = match versions {
        Versions::Locked => check_lock(&folder.chart).map_err(trueup_helm::Error::into_findings)?,
        Versions::Chosen => Vec::new(),
    };
    let is_locked = versions == Versions::Locked && folder.chart.lock.is_some();
    let mut findings = Diagnostics::new();
    let (mut brought, mut archives) = (Vec::new(), BTreeMap::new());
    for dependency in &wanted {
        let fixed = locked.iter().find(|locked| {
            locked.name == dependency.name && locked.repository == dependency.repository
        });
        let range = fixed.map_or(&dependency.version, |locked| &locked.version);
        let Some((version, archive)) = findings.keep(folder.bring(dependency, range, charts).await)
        else {
            continue;
        };
        if let Some(archive) = archive {
            archives.insert(archive.file, archive.data);
        }
        brought.push(Brought {
            name: dependency.name.clone(),
            version,
            repository: dependency.repository.clone(),
        });
    }
    let brought = findings.into_result(brought)?;
    folder
        .write(&archives)
        .map_err(|error| unwritten(&folder.path, &error))?;
    if !is_locked {
        folder
            .lock(&brought)
            .map_err(|error| unwritten(&folder.path, &error))?;
    }
    Ok(brought)
}

fn unwritten(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(
        "helm/vendor",
        format!("`{}` cannot be written: {error}", path.display()),
    )
}

impl Folder {
    fn open(path: &Path) -> Result<Self, Diagnostics> {
        let failed = |error: &dyn std::fmt::Display| {
            let message = format!("`{}` cannot be read: {error}", path.display());
            Diagnostics::from(Diagnostic::error("helm/vendor", message))
        };
        let path = path.canonicalize().map_err(|error| failed(&error))?;
        // The root is the machine's: a chart may depend on one beside it.
        let tree = DiskTree::new("/").map_err(|error| failed(&error))?;
        let at = tree.locate(&path).map_err(Diagnostic::from)?;
        let chart =
            trueup_helm::chart::load_dir(&tree, &at).map_err(trueup_helm::Error::into_findings)?;
        Ok(Self { path, tree, chart })
    }

    /// A dependency: its version, and its archive where it has to be written.
    async fn bring(
        &self,
        dependency: &Dependency,
        range: &str,
        charts: &Charts,
    ) -> Result<(String, Option<Archive>), Diagnostics> {
        let Dependency {
            name, repository, ..
        } = dependency;
        if repository.is_empty() {
            return self.lies_there(name, range).map(|version| (version, None));
        }
        if let Some(path) = repository.strip_prefix("file://") {
            return self.pack(name, path, range);
        }
        let wanted = Wanted {
            repository: repository.clone(),
            name: name.clone(),
            range: range.to_owned(),
        };
        let packed = charts
            .fetch(&wanted)
            .await
            .map_err(|error| Diagnostic::from(&error))?;
        let shown = format!("{name}-{}.tgz", packed.version);
        let chart = trueup_helm::chart::load_archive(&packed.archive, &shown)
            .map_err(trueup_helm::Error::into_findings)?;
        if &*chart.metadata.name != name.as_str() {
            let message = format!(
                "`{repository}` gave the chart `{}` for `{name}`",
                chart.metadata.name
            );
            return Err(Diagnostic::error("helm/vendor", message).into());
        }
        let version = chart.metadata.version;
        let archive = Archive {
            file: format!("{name}-{version}.tgz"),
            data: packed.archive.to_vec(),
        };
        Ok((packed.version, Some(archive)))
    }

    /// One without a repository lies in `charts/`, and must be of a version that fits.
    fn lies_there(&self, name: &str, range: &str) -> Result<String, Diagnostics> {
        let found = self
            .chart
            .dependencies
            .iter()
            .find(|chart| chart.name() == name);
        let Some(found) = found else {
            let message = format!("`{name}` names no repository, and `charts/{name}` is not there");
            return Err(Diagnostic::error("helm/vendor", message)
                .help("write its `repository`, or put it there")
                .into());
        };
        let version = found.metadata.version.clone();
        check_version(name, range, &version)?;
        Ok(version)
    }

    fn pack(
        &self,
        name: &str,
        path: &str,
        range: &str,
    ) -> Result<(String, Option<Archive>), Diagnostics> {
        let path = self.path.join(path);
        let at = self.tree.locate(&path).map_err(Diagnostic::from)?;
        if self.tree.entry(&at).map_err(Diagnostic::from)?.is_none() {
            let message = format!(
                "`{}`, on which the chart depends, is not there",
                path.display()
            );
            return Err(Diagnostic::error("helm/vendor", message).into());
        }
        let (chart, data) = pack(&self.tree, &at).map_err(trueup_helm::Error::into_findings)?;
        let version = chart.metadata.version;
        check_version(name, range, &version)?;
        let file = format!("{name}-{version}.tgz");
        Ok((version, Some(Archive { file, data })))
    }

    /// Writes archives into `charts/`, and takes away those of other versions.
    fn write(&self, archives: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        let folder = self.path.join("charts");
        if archives.is_empty() && !folder.exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        for (file, data) in archives {
            let mut temporary = tempfile::NamedTempFile::new_in(&folder)?;
            temporary.write_all(data)?;
            temporary.persist(folder.join(file))?;
        }
        // What lies there for a dependency without a repository is somebody's own.
        let own = |name: &str| {
            let wanted = self.chart.metadata.dependencies.iter().flatten();
            wanted
                .filter(|wanted| wanted.repository.is_empty())
                .any(|wanted| wanted.name == name)
        };
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let is_archive = path.extension().is_some_and(|ending| ending == "tgz");
            if !is_archive || archives.contains_key(name) {
                continue;
            }
            let chart = trueup_helm::chart::load_archive(&fs::read(&path)?, name);
            if chart.is_ok_and(|chart| !own(&chart.metadata.name)) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Writes the lock, unless the one that is there says the same.
    fn lock(&self, brought: &[Brought]) -> io::Result<()> {
        let wanted = self.chart.metadata.dependencies.iter().flatten();
        // Helm locks the range, not the version, of what lies in `charts/` anyway.
        let locked: Vec<Locked> = brought
            .iter()
            .zip(wanted)
            .map(|(brought, wanted)| Locked {
                name: brought.name.clone(),
                repository: brought.repository.clone(),
                version: if brought.repository.is_empty() {
                    wanted.version.clone()
                } else {
                    brought.version.clone()
                },
            })
            .collect();
        if locked.is_empty() {
            return Ok(());
        }
        let file = if self.chart.metadata.api_version == "v1" {
            "requirements.lock"
        } else {
            "Chart.lock"
        };
        let text = lock_file(&self.chart, &locked, &Timestamp::now().to_string());
        let digest = |text: &str| {
            text.lines()
                .find(|line| line.starts_with("digest: "))
                .map(str::to_owned)
        };
        let path = self.path.join(file);
        if fs::read_to_string(&path).is_ok_and(|before| digest(&before) == digest(&text)) {
            return Ok(());
        }
        fs::write(path, text)
    }
}

fn check_version(name: &str, range: &str, version: &str) -> Result<(), Diagnostics> {
    if fits(range, version) {
        return Ok(());
    }
    let message = format!("`{name}` is of version {version}, and {range} is wanted");
    Err(Diagnostic::error("helm/vendor", message).into())
}
