//! One file over HTTP.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

use super::{RemoteConfig, blocking};
use crate::source::error::{SourceError, hide_userinfo, tame};

/// As `curl` and browsers: more hops than this are taken for a circle.
const MOST_REDIRECTS: usize = 10;

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
    let unreachable = |error: reqwest::Error| {
        let url = shown.to_owned();
        if error.is_timeout() {
            let after = config.timeout;
            return SourceError::TimedOut { url, after };
        }
        let reason = tame(&causes(&error.without_url()));
        SourceError::Unreachable { url, reason }
    };
    let client = reqwest::Client::builder()
        .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
        .timeout(config.timeout)
        .redirect(reqwest::redirect::Policy::limited(MOST_REDIRECTS))
        .referer(false)
        .build()
        .map_err(unreachable)?;
    let mut response = client.get(url).send().await.map_err(unreachable)?;
    let status = response.status();
    if !status.is_success() {
        return Err(SourceError::Server {
            url: shown.to_owned(),
            status: status.as_u16(),
        });
    }
    let too_large = || SourceError::TooLarge {
        url: shown.to_owned(),
        limit: config.max_file,
    };
    if response.content_length() > Some(config.max_file) {
        return Err(too_large());
    }
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        content.extend_from_slice(&chunk);
        if content.len() as u64 > config.max_file {
            return Err(too_large());
        }
    }
    Ok(content)
}

/// What went wrong, down to the cause that says most.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
