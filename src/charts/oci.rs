//! OCI registries.

use futures::TryStreamExt;
use oci_client::{
    Client, Reference,
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::{OciDistributionError, OciErrorCode},
};
use sha2::{Digest, Sha256};
use trueup_helm::repository::newest;

use super::{ChartError, ChartsConfig, OCI, Packed, Wanted, login::Logins};

/// The layer of a manifest that is the chart.
const LAYERS: [&str; 2] = [
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    "application/tar+gzip",
];
/// Tags are read by the thousand, and no chart has more pages of them.
const PAGES: usize = 100;
const PAGE: usize = 1_000;

pub(super) async fn fetch(
    config: &ChartsConfig,
    logins: &Logins,
    wanted: &Wanted,
) -> Result<Packed, ChartError> {
    let path = wanted
        .repository
        .trim_start_matches(OCI)
        .trim_end_matches('/');
    let image = format!("{path}/{}", wanted.name);
    let registry = path.split('/').next().unwrap_or(path).to_owned();
    let client = client(config, &registry)?;
    let auth = logins.of_registry(&registry);
    let parse = |tag: &str| -> Result<Reference, ChartError> {
        // A tag cannot hold a `+`, so that Helm writes `_`.
        let text = format!("{image}:{}", tag.replace('+', "_"));
        text.parse().map_err(|error| {
            ChartError::Unreadable(format!("`{OCI}{text}` names no image: {error}"))
        })
    };
    let version = if trueup_helm::repository::is_version(&wanted.range) {
        wanted.range.clone()
    } else {
        let tags = tags(&client, &parse("latest")?, &auth, &image).await?;
        let found = newest(tags.iter().map(String::as_str), &wanted.range)
            .map_err(|error| ChartError::Version(error.to_string()))?;
        let Some(found) = found else {
            return Err(none(wanted));
        };
        found.to_owned()
    };
    let reference = parse(&version)?;
    let pulled = client.pull_image_manifest(&reference, &auth).await;
    let (manifest, _) = pulled.map_err(|error| failed(&error, &image, Some(wanted)))?;
    let layer = manifest
        .layers
        .iter()
        .find(|layer| LAYERS.contains(&layer.media_type.as_str()));
    let Some(layer) = layer else {
        let message = format!("`{OCI}{image}:{version}` is no chart: none of its layers is one");
        return Err(ChartError::Unreadable(message));
    };
    let too_large = || ChartError::TooLarge {
        url: format!("{OCI}{image}:{version}"),
        limit: config.max_archive,
    };
    if u64::try_from(layer.size).unwrap_or(u64::MAX) > config.max_archive {
        return Err(too_large());
    }
    let stream = client.pull_blob_stream(&reference, layer).await;
    let mut stream = stream.map_err(|error| failed(&error, &image, None))?.stream;
    let mut archive = Vec::new();
    while let Some(chunk) = stream
        .try_next()
        .await
        .map_err(|error| ChartError::Unreachable {
            url: format!("{OCI}{image}"),
            reason: error.to_string(),
        })?
    {
        archive.extend_from_slice(&chunk);
        if archive.len() as u64 > config.max_archive {
            return Err(too_large());
        }
    }
    let found = format!("sha256:{:x}", Sha256::digest(&archive));
    if found != layer.digest {
        return Err(ChartError::Digest {
            url: format!("{OCI}{image}:{version}"),
            found,
            expected: layer.digest.clone(),
        });
    }
    Ok(Packed {
        version,
        archive: archive.into(),
    })
}

fn none(wanted: &Wanted) -> ChartError {
    ChartError::None {
        wanted: wanted.clone(),
        instead: String::new(),
    }
}

fn client(config: &ChartsConfig, registry: &str) -> Result<Client, ChartError> {
    if let Some(file) = config.tls.certificate.as_ref().or(config.tls.key.as_ref()) {
        let message = format!(
            "`{}` cannot be shown to a registry: only repositories over HTTP are shown certificates",
            file.display()
        );
        return Err(ChartError::Tls(message));
    }
    let trusted = config.tls.authorities().map_err(ChartError::Tls)?;
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let client = Client::try_from(ClientConfig {
        protocol: if config.plain_http {
            ClientProtocol::Http
        } else if is_here && config.tls.is_default() {
            // As Docker does.
            ClientProtocol::HttpsExcept(vec![registry.to_owned()])
        } else {
            ClientProtocol::Https
        },
        connect_timeout: Some(config.timeout),
        read_timeout: Some(config.timeout),
        user_agent: concat!("trueup/", env!("CARGO_PKG_VERSION")),
        tls_certs_only: trusted.into_iter().map(pem).collect(),
        accept_invalid_certificates: config.tls.unverified,
        ..ClientConfig::default()
    });
    client.map_err(|error| ChartError::Tls(format!("`{OCI}{registry}` cannot be asked: {error}")))
}

/// The authorities of a file: all of them go by one value.
fn pem(data: Vec<u8>) -> Certificate {
    Certificate {
        encoding: CertificateEncoding::Pem,
        data,
    }
}

/// All tags as versions.
async fn tags(
    client: &Client,
    reference: &Reference,
    auth: &oci_client::secrets::RegistryAuth,
    image: &str,
) -> Result<Vec<String>, ChartError> {
    let mut all: Vec<String> = Vec::new();
    for _ in 0..PAGES {
        let last = all.last().cloned();
        let page = client
            .list_tags(reference, auth, Some(PAGE), last.as_deref())
            .await;
        let page = page.map_err(|error| failed(&error, image, None))?.tags;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            break;
        }
    }
    Ok(all.into_iter().map(|tag| tag.replace('_', "+")).collect())
}

fn failed(error: &OciDistributionError, image: &str, wanted: Option<&Wanted>) -> ChartError {
    let url = format!("{OCI}{image}");
    match (error, wanted) {
        (
            OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ServerError { code: 404, .. },
            Some(wanted),
        ) => none(wanted),
        (OciDistributionError::RegistryError { envelope, .. }, Some(wanted))
            if envelope.errors.iter().any(|error| {
                matches!(
                    error.code,
                    OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown
                )
            }) =>
        {
            none(wanted)
        }
        (
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_),
            _,
        ) => ChartError::Server { url, status: 401 },
        (OciDistributionError::ServerError { code, .. }, _) => {
            ChartError::Server { url, status: *code }
        }
        (OciDistributionError::RequestError(error), _) => ChartError::Unreachable {
            url,
            reason: error.to_string(),
        },
        (error, _) => ChartError::Unreadable(format!("`{url}` cannot be read: {error}")),
    }
}
