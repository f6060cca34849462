//! What kustomizations name elsewhere, fetched by the source room for the engine.

use std::sync::Arc;

use trueup_kustomize::RemoteFetcher;
use trueup_manifest::{Diagnostic, Tree};

use super::Fetch;
use crate::source::{RemoteConfig, RemoteRepository, Remotes};

/// Fetches remote resources, each once in the life of this value: two builds with the same value see
/// the same files.
#[derive(Clone)]
pub struct Remote(Remotes);

impl Remote {
    /// With [`Fetch::Kept`], what earlier runs left on this machine is all there is.
    pub fn new(fetch: Fetch) -> Self {
        Self(Remotes::new(RemoteConfig {
            offline: fetch == Fetch::Kept,
            ..RemoteConfig::default()
        }))
    }
}

impl RemoteFetcher for Remote {
    fn file(&self, url: &str) -> Result<Arc<[u8]>, Diagnostic> {
        self.0.file(url).map_err(|error| Diagnostic::from(&error))
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
        self.0
            .repository(&repository)
            .map_err(|error| Diagnostic::from(&error))
    }
}
