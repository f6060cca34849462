//! One file over HTTP.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

use super::{RemoteConfig, blocking};
use crate::source::{
    download::{Download, Failed, Tls},
    error::{SourceError, hide_userinfo},
};

/// The content of the file at `url`, which is kept for runs without a network.
pub(super) fn fetch(config: &RemoteConfig, url: &str) -> Result<Vec<u8>, SourceError> {
    let shown = hide_userinfo(url);
    let kept = config
        .cache_dir
        .join("files")
        .join(format!("{:x}", Sha256::digest(url)));
    if config.offline {
        return fs::read(kept).map_err(|_| SourceError::NotKept { url: shown });
    }
    let content = blocking(get(config, url, &shown))?;
    // A copy that cannot be kept is missed only by a later run without a network.
    if let Err(error) = keep(&kept, &content) {
        tracing::debug!(file = %kept.display(), %error, "cannot keep a remote file");
    }
    Ok(content)
}

fn keep(file: &Path, content: &[u8]) -> io::Result<()> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut temporary, content)?;
    temporary.persist(file)?;
    Ok(())
}

async fn get(config: &RemoteConfig, url: &str, shown: &str) -> Result<Vec<u8>, SourceError> {
    let download = Download {
        url,
        login: None,
        tls: &Tls::default(),
        limit: config.max_file,
        timeout: config.timeout,
    };
    let url = shown.to_owned();
    download.fetch().await.map_err(|failed| match failed {
        Failed::TimedOut => SourceError::TimedOut {
            url,
            after: config.timeout,
        },
        Failed::Unreachable(reason) | Failed::Tls(reason) => {
            SourceError::Unreachable { url, reason }
        }
        Failed::Refused(status) => SourceError::Server { url, status },
        Failed::TooLarge => SourceError::TooLarge {
            url,
            limit: config.max_file,
        },
    })
}
