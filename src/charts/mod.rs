//! Charts from elsewhere: HTTP repositories and OCI registries.
//!
//! Flows in: a repository, the name of a chart and a version or a range. Flows out: the packed chart and its version. It
//! must never send a credential to another host than the one it was given for, fetch anything when told not to, hand out
//! an archive whose digest is not the one that its index or manifest names, or more bytes than the limits allow.
//!
//! An archive that was fetched stays in the cache folder of this machine, under what names it: repository, chart and
//! version. What has an exact version is never asked for again.

mod cache;
mod error;
mod http;
mod login;
mod oci;
#[cfg(test)]
mod tests;
mod vendor;

use std::{future::Future, path::PathBuf, sync::Arc, thread, time::Duration};

use trueup_helm::repository::newest;

use self::{cache::Cache, login::Logins};
pub use self::{
    error::ChartError,
    vendor::{Brought, Versions, vendor},
};
pub use crate::source::Tls;

/// The scheme of OCI registries.
pub const OCI: &str = "oci://";

/// What may be fetched, and where it is kept.
#[derive(Clone)]
pub struct ChartsConfig {
    /// Whether to ask nobody, and to take what earlier runs have left.
    pub offline: bool,
    /// Where archives are kept.
    pub cache_dir: PathBuf,
    /// The most bytes of one archive: what Helm lets a chart unpack to.
    pub max_archive: u64,
    /// The most bytes of an index.
    pub max_index: u64,
    /// How long one file may take.
    pub timeout: Duration,
    /// Whether registries are asked over plain HTTP. Those of this machine always are.
    pub plain_http: bool,
    /// User and password for the repository or registry that is asked.
    pub login: Option<(String, String)>,
    /// Whether logins of a repository are sent to other hosts, too, where its archives lie there.
    pub pass_credentials: bool,
    /// Whom to trust; what Helm's file of repositories says of one where nothing is said here.
    pub tls: Tls,
    /// Docker's file of logins; the usual ones where none is given.
    pub logins: Option<PathBuf>,
    /// Helm's file of repositories; the usual one where none is given.
    pub repositories: Option<PathBuf>,
}

impl Default for ChartsConfig {
    fn default() -> Self {
        Self {
            offline: false,
            cache_dir: crate::source::default_cache_dir().join("charts"),
            max_archive: 100 << 20,
            max_index: 256 << 20,
            timeout: Duration::from_mins(2),
            plain_http: false,
            login: None,
            pass_credentials: false,
            tls: Tls::default(),
            logins: None,
            repositories: None,
        }
    }
}

/// A chart that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// `https://charts.example.com`, `oci://registry.example.com/charts`, or `@name` of Helm's file of repositories.
    pub repository: String,
    /// The chart's name.
    pub name: String,
    /// A version or a range; the newest stable one where it is empty.
    pub range: String,
}

/// A packed chart.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Its version.
    pub version: String,
    /// The archive.
    pub archive: Arc<[u8]>,
}

/// Fetches charts. Cheap to clone.
#[derive(Clone)]
pub struct Charts(Arc<Shared>);

struct Shared {
    config: ChartsConfig,
    cache: Cache,
    logins: Logins,
    indexes: http::Indexes,
}

impl Charts {
    /// Nothing is fetched before it is asked for.
    pub fn new(config: ChartsConfig) -> Self {
        Self(Arc::new(Shared {
            cache: Cache::new(config.cache_dir.clone()),
            logins: Logins::new(&config),
            indexes: http::Indexes::default(),
            config,
        }))
    }

    /// The same with something else said of whom to trust.
    #[must_use]
    pub fn with_tls(&self, tls: Tls) -> Self {
        Self::new(ChartsConfig {
            tls,
            ..self.0.config.clone()
        })
    }

    /// The chart that is wanted.
    pub async fn fetch(&self, wanted: &Wanted) -> Result<Packed, ChartError> {
        let wanted = self.0.logins.resolve(wanted)?;
        let is_exact = trueup_helm::repository::is_version(&wanted.range);
        if (is_exact || self.0.config.offline)
            && let Some(kept) = self.kept(&wanted)?
        {
            return Ok(kept);
        }
        if self.0.config.offline {
            return Err(ChartError::NotKept { wanted });
        }
        let fetched = if wanted.repository.starts_with(OCI) {
            oci::fetch(&self.0.config, &self.0.logins, &wanted).await?
        } else {
            http::fetch(&self.0.config, &self.0.logins, &self.0.indexes, &wanted).await?
        };
        self.0.cache.keep(&wanted, &fetched);
        Ok(fetched)
    }

    /// [`Self::fetch`], for those who know of no runtime: blocks until it is there.
    pub fn fetch_blocking(&self, wanted: &Wanted) -> Result<Packed, ChartError> {
        blocking(self.fetch(wanted))
    }

    /// What earlier runs left of it: of a range the newest version that fits.
    fn kept(&self, wanted: &Wanted) -> Result<Option<Packed>, ChartError> {
        let versions = self.0.cache.versions(wanted);
        let found = newest(versions.iter().map(String::as_str), &wanted.range);
        let found = found.map_err(|error| ChartError::Version(error.to_string()))?;
        Ok(found.and_then(|version| self.0.cache.get(wanted, version)))
    }
}

/// Runs `work` to its end on a thread of its own: rendering knows of no runtime, and may itself run inside one.
fn blocking<T: Send>(
    work: impl Future<Output = Result<T, ChartError>> + Send,
) -> Result<T, ChartError> {
    thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| {
                    ChartError::Internal(format!("cannot start a runtime: {error}"))
                })?;
            runtime.block_on(work)
        };
        match scope.spawn(run).join() {
            Ok(outcome) => outcome,
            Err(_) => Err(ChartError::Internal(
                "the thread that fetches panicked".to_owned(),
            )),
        }
    })
}
