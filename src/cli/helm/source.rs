//! Where the chart of a Helm command comes from: a folder, an archive, a repository or a registry.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use trueup_helm::{Chart, Error};
use trueup_manifest::{Diagnostic, DiskTree, Entry, Tree};

use crate::{
    charts::{ChartError, Charts, ChartsConfig, OCI, Tls, Versions, Wanted, vendor},
    cli::{global::Global, repository::current_folder, runtime},
};

/// Flags that say where a chart comes from.
#[derive(Debug, Default, ClapArgs)]
pub(super) struct Whence {
    /// The repository over HTTP that has the chart
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// The version of the chart, or a range; the newest stable one where it is not given
    #[arg(long, value_name = "RANGE")]
    version: Option<String>,
    /// Take versions that are not stable, too
    #[arg(long)]
    devel: bool,
    /// The user for the repository
    #[arg(long, value_name = "NAME", requires = "password")]
    username: Option<String>,
    /// The password for the repository
    #[arg(long, value_name = "TEXT", requires = "username")]
    password: Option<String>,
    /// Send the login to other hosts, too, where the repository says that its archives lie there
    #[arg(long)]
    pass_credentials: bool,
    /// Ask registries over plain HTTP; those of this machine always are
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    trust: Trust,
    /// Bring what the chart depends on into its `charts/` first, where it is missing
    #[arg(long)]
    dependency_update: bool,
    /// The file of logins to registries, in place of Helm's and Docker's
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
    /// Helm's file of repositories, in place of the usual one
    #[arg(long, value_name = "FILE")]
    repository_config: Option<PathBuf>,
}

/// Flags that say whom to trust.
#[derive(Debug, Default, ClapArgs)]
pub(super) struct Trust {
    /// The authorities that repositories and registries are trusted by, in PEM, in place of those of this machine
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The certificate to show to repositories over HTTP, in PEM
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Take any certificate for that of a repository or registry
    #[arg(long)]
    insecure_skip_tls_verify: bool,
}

impl Trust {
    pub(super) fn tls(&self) -> Tls {
        Tls {
            authorities: self.ca_file.clone(),
            certificate: self.cert_file.clone(),
            key: self.key_file.clone(),
            unverified: self.insecure_skip_tls_verify,
        }
    }
}

impl Whence {
    fn charts(&self, global: &Global) -> Charts {
        let login = self.username.clone().zip(self.password.clone());
        Charts::new(ChartsConfig {
            offline: global.is_offline(),
            plain_http: self.plain_http,
            logins: self.registry_config.clone(),
            repositories: self.repository_config.clone(),
            login,
            pass_credentials: self.pass_credentials,
            tls: self.trust.tls(),
            ..ChartsConfig::default()
        })
    }

    /// The chart that is named: a path of this machine where there is one, as in Helm.
    pub(super) fn load(&self, chart: &str, global: &Global) -> Result<Chart, Error> {
        if self.repo.is_none() && !chart.starts_with(OCI) && Path::new(chart).exists() {
            return self.local(chart, global);
        }
        let range = match (&self.version, self.devel) {
            (Some(version), _) => version.clone(),
            (None, true) => ">0.0.0-0".to_owned(),
            (None, false) => String::new(),
        };
        let wanted = |repository: &str, name: &str| Wanted {
            repository: repository.to_owned(),
            name: name.to_owned(),
            range,
        };
        let wanted = if let Some(repo) = &self.repo {
            wanted(repo, chart)
        } else if chart.starts_with(OCI) {
            let (repository, name) = chart.rsplit_once('/').unwrap_or((chart, ""));
            wanted(repository, name)
        } else if let Some((repository, name)) = chart.split_once('/')
            && !chart.contains("://")
            && !name.contains('/')
        {
            wanted(&format!("@{repository}"), name)
        } else {
            return load(chart);
        };
        let packed = match self.charts(global).fetch_blocking(&wanted) {
            Ok(packed) => packed,
            // What looks like a repository's chart may be a path that is not there.
            Err(ChartError::Alias(_)) => return load(chart),
            Err(error) => {
                return Err(Error::found(error.to_string(), Diagnostic::from(&error)));
            }
        };
        trueup_helm::chart::load_archive(
            &packed.archive,
            &format!("{chart}-{}.tgz", packed.version),
        )
    }

    fn local(&self, chart: &str, global: &Global) -> Result<Chart, Error> {
        let loaded = load(chart)?;
        let wanted = loaded.metadata.dependencies.iter().flatten();
        let mut missing = wanted.filter(|wanted| {
            !loaded
                .dependencies
                .iter()
                .any(|have| have.name() == wanted.name)
        });
        if !self.dependency_update || missing.next().is_none() {
            return Ok(loaded);
        }
        let charts = self.charts(global);
        runtime()
            .and_then(|runtime| {
                runtime.block_on(vendor(Path::new(chart), &charts, Versions::Chosen))
            })
            .map_err(|findings| Error::found(findings.to_string(), findings))?;
        load(chart)
    }
}

/// The chart at a path of this machine.
pub(super) fn load(path: &str) -> Result<Chart, Error> {
    if path.contains("://") {
        return Err(Error::new(
            "cli/helm-remote",
            format!("chart {path:?} is an address of an archive, which is not fetched"),
        )
        .help("name its repository with `--repo`, or a registry's chart as `oci://…`"));
    }
    let here = current_folder()
        .map_err(|_| Error::new("cli/helm-chart", "the current folder cannot be read"))?;
    // The root is the machine's, so that links out of the chart are followed as Helm follows them.
    let tree = DiskTree::new("/")?.shown_from(&here);
    let folder = tree.locate(here.join(path))?;
    match tree.entry(&folder)? {
        Some(Entry::Dir) => trueup_helm::chart::load_dir(&tree, &folder),
        Some(Entry::File) => {
            trueup_helm::chart::load_archive(&tree.read(&folder)?, &tree.display(&folder))
        }
        None => Err(Error::new(
            "cli/helm-chart",
            format!("path {path:?} not found"),
        )
        .help("name the folder of a chart, a `.tgz`, `oci://REGISTRY/CHART`, or a chart of `--repo URL`")),
    }
}
