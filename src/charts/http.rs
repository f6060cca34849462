//! HTTP repositories: an index, and archives that it names.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use trueup_helm::repository::Index;
use url::Url;

use super::{ChartError, ChartsConfig, Packed, Wanted, login::Logins};
use crate::source::{Download, Failed};

/// Indexes that were read, by repository: many charts come from one.
#[derive(Default)]
pub(super) struct Indexes(Mutex<HashMap<String, Arc<Index>>>);

impl Indexes {
    fn known(&self, repository: &str) -> Option<Arc<Index>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(repository).cloned()
    }

    fn remember(&self, repository: &str, index: &Arc<Index>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(repository.to_owned(), Arc::clone(index));
    }
}

pub(super) async fn fetch(
    config: &ChartsConfig,
    logins: &Logins,
    indexes: &Indexes,
    wanted: &Wanted,
) -> Result<Packed, ChartError> {
    let mut base = wanted.repository.clone();
    if !base.ends_with('/') {
        base.push('/');
    }
    let base = Url::parse(&base).map_err(|error| ChartError::Unreachable {
        url: wanted.repository.clone(),
        reason: error.to_string(),
    })?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(ChartError::Unreadable(format!(
            "`{}` is no address of a repository: it must begin with `https://`, `http://` or `oci://`",
            wanted.repository
        )));
    }
    let index = if let Some(index) = indexes.known(base.as_str()) {
        index
    } else {
        let at = joined(&base, "index.yaml")?;
        let text = get(config, logins, wanted, &at, config.max_index).await?;
        let text = String::from_utf8_lossy(&text);
        let index = Index::parse(at.as_str(), &text)
            .map_err(|error| ChartError::Unreadable(error.to_string()))?;
        let index = Arc::new(index);
        indexes.remember(base.as_str(), &index);
        index
    };
    let entry = index
        .find(&wanted.name, &wanted.range)
        .map_err(|error| ChartError::Version(error.to_string()))?;
    let Some(entry) = entry else {
        let names = index.charts();
        let instead = trueup_manifest::nearest(&wanted.name, names.iter().copied())
            .filter(|meant| *meant != wanted.name);
        return Err(ChartError::None {
            wanted: wanted.clone(),
            instead: instead.map_or_else(String::new, |meant| format!("did you mean `{meant}`?")),
        });
    };
    // The address may be of another host; what logs in to the repository is not sent there.
    let at = joined(&base, &entry.url)?;
    let archive = get(config, logins, wanted, &at, config.max_archive).await?;
    let found = format!("{:x}", Sha256::digest(&archive));
    let expected = entry.digest.trim_start_matches("sha256:").to_lowercase();
    if !expected.is_empty() && expected != found {
        return Err(ChartError::Digest {
            url: at.to_string(),
            found,
            expected,
        });
    }
    Ok(Packed {
        version: entry.version,
        archive: archive.into(),
    })
}

fn joined(base: &Url, relative: &str) -> Result<Url, ChartError> {
    base.join(relative)
        .map_err(|error| ChartError::Unreachable {
            url: relative.to_owned(),
            reason: error.to_string(),
        })
}

async fn get(
    config: &ChartsConfig,
    logins: &Logins,
    wanted: &Wanted,
    url: &Url,
    limit: u64,
) -> Result<Vec<u8>, ChartError> {
    let download = Download {
        url: url.as_str(),
        login: logins.of_repository(&wanted.repository, url),
        tls: &logins.tls_of(&wanted.repository),
        limit,
        timeout: config.timeout,
    };
    let fetched = download.fetch().await;
    let mut shown = url.clone();
    // What an address holds before its host is nobody's business.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let url = shown.to_string();
    fetched.map_err(|failed| match failed {
        Failed::Tls(reason) => ChartError::Tls(reason),
        Failed::TimedOut => ChartError::Unreachable {
            url,
            reason: format!("no answer within {} s", config.timeout.as_secs()),
        },
        Failed::Unreachable(reason) => ChartError::Unreachable { url, reason },
        Failed::Refused(status) => ChartError::Server { url, status },
        Failed::TooLarge => ChartError::TooLarge { url, limit },
    })
}
