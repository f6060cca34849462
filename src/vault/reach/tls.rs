//! Which certificates are trusted.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::{
    cluster::{Cluster, Freshness, Target},
    vault::{
        error::{ErrorKind, VaultError},
        file::{SecretKey, Tls},
    },
};

/// What verifies the certificates of the servers.
pub(super) async fn config(
    tls: &Tls,
    cluster: Option<&Arc<dyn Cluster>>,
) -> Result<ClientConfig, VaultError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    if let Some(path) = &tls.ca_file {
        let pem = std::fs::read(&path.value)
            .map_err(|error| failed(format!("cannot read `{}`: {error}", path.value)))?;
        add(&mut roots, &pem, &format!("`{}`", path.value))?;
    } else if let Some(key) = &tls.ca_secret {
        let pem = of_secret(key, cluster).await?;
        let name = format!("`{}` of Secret {}/{}", key.key, key.namespace, key.name);
        add(&mut roots, &pem, &name)?;
    } else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A name that certificates can be for.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, VaultError> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| failed(format!("`{name}` is no name that a certificate can be for")))
}

fn add(roots: &mut RootCertStore, pem: &[u8], name: &str) -> Result<(), VaultError> {
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|error| failed(format!("{name} is no PEM: {error}")))?;
        let added = roots.add(certificate);
        added.map_err(|error| failed(format!("{name}: {error}")))?;
    }
    if roots.is_empty() {
        return Err(failed(format!("{name} holds no certificate")));
    }
    Ok(())
}

async fn of_secret(
    key: &SecretKey,
    cluster: Option<&Arc<dyn Cluster>>,
) -> Result<Vec<u8>, VaultError> {
    let Some(cluster) = cluster else {
        return Err(failed(
            "`caSecret` is in a cluster, and there is none here".to_owned(),
        ));
    };
    let unreachable =
        |error: crate::cluster::Error| VaultError::new(ErrorKind::Unreachable, error.to_string());
    let kinds = cluster
        .kinds(Freshness::Cached)
        .await
        .map_err(unreachable)?;
    let Some(resource) = kinds.preferred("", "Secret") else {
        return Err(failed("the cluster has no Secrets".to_owned()));
    };
    let target = Target {
        resource: Arc::clone(resource),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    };
    let live = cluster.get(&target).await.map_err(unreachable)?;
    let live = live.ok_or_else(|| {
        VaultError::new(
            ErrorKind::Unreachable,
            format!("{target}, which holds the CA of the Vault, is not there yet"),
        )
    })?;
    let pem = STANDARD.decode(live.text(&["data", &key.key]));
    let pem = pem.ok().filter(|pem| !pem.is_empty());
    pem.ok_or_else(|| failed(format!("{target} has no entry `{}`", key.key)))
}

fn failed(message: String) -> VaultError {
    VaultError::new(ErrorKind::Tls, message)
}
