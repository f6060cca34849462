//! What kustomizations name elsewhere, fetched by the source room for the engine.

use std::sync::Arc;

use trueup_kustomize::RemoteFetcher;
use trueup_manifest::{Diagnostic, Tree};

use super::Fetch;
use crate::{
    charts::{Charts, ChartsConfig, Tls, Wanted},
    render::{Asked, ChartSource, ChartWanted},
    sops::Keys,
    source::{RemoteConfig, RemoteRepository, Remotes},
};

/// Fetches remote resources, each once in the life of this value: two builds with the same value see
/// the same files. So it is with what charts draw where no cluster keeps it.
#[derive(Clone)]
pub struct Remote {
    remotes: Remotes,
    asked: Arc<Asked>,
    charts: Arc<dyn ChartSource>,
    keys: Arc<Keys>,
}

impl Remote {
    /// With [`Fetch::Kept`], what earlier runs left on this machine is all there is.
    pub fn new(fetch: Fetch) -> Self {
        let remotes = Remotes::new(RemoteConfig {
            offline: fetch == Fetch::Kept,
            ..RemoteConfig::default()
        });
        let charts = Charts::new(ChartsConfig {
            offline: fetch == Fetch::Kept,
            ..ChartsConfig::default()
        });
        Self {
            remotes,
            asked: Arc::new(Asked::offline()),
            charts: Arc::new(Fetched(charts)),
            keys: Arc::new(Keys::of_surroundings()),
        }
    }

    /// The same with other identities to open sealed files with.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = Arc::new(keys);
        self
    }

    /// Opens sealed files.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Fetches charts of repositories and registries.
    pub fn charts(&self) -> &Arc<dyn ChartSource> {
        &self.charts
    }

    /// What charts are told that are rendered without a cluster.
    pub(super) fn asked(&self) -> &Arc<Asked> {
        &self.asked
    }
}

impl RemoteFetcher for Remote {
    fn file(&self, url: &str) -> Result<Arc<[u8]>, Diagnostic> {
        self.remotes
            .file(url)
            .map_err(|error| Diagnostic::from(&error))
    }

    fn repository(
        &self,
        repository: &trueup_kustomize::RemoteRepository,
    ) -> Result<Arc<dyn Tree>, Diagnostic> {
        let repository = RemoteRepository {
            url: repository.url.clone(),
            reference: repository.reference.clone(),
            timeout: repository.timeout,
            submodules: repository.submodules,
        };
        self.remotes
            .repository(&repository)
            .map_err(|error| Diagnostic::from(&error))
    }
}

/// Charts, fetched by their own room.
struct Fetched(Charts);

impl ChartSource for Fetched {
    fn chart(&self, wanted: &ChartWanted<'_>) -> Result<Arc<[u8]>, Diagnostic> {
        let asked = Wanted {
            repository: wanted.repository.to_owned(),
            name: wanted.name.to_owned(),
            range: wanted.version.to_owned(),
        };
        let packed = match wanted.tls {
            None => self.0.fetch_blocking(&asked),
            Some(tls) => {
                let charts = self.0.with_tls(Tls {
                    authorities: tls.ca_file.clone(),
                    certificate: tls.cert_file.clone(),
                    key: tls.key_file.clone(),
                    unverified: tls.unverified,
                });
                charts.fetch_blocking(&asked)
            }
        };
        packed
            .map(|packed| packed.archive)
            .map_err(|error| Diagnostic::from(&error))
    }
}
