//! Certificates of HTTPS hosts, checked against the authorities of one source.
//!
//! libgit2 can only change the authorities of the whole process, so a source that brings its own
//! judges the certificate here.

use std::{path::Path, sync::Arc};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier, verify_server_name},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use crate::source::error::SourceError;

/// The authorities that may sign the certificate of a host.
pub(super) struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Authorities {
    /// Reads certificates in PEM from a file.
    pub(super) fn load(path: &Path) -> Result<Self, SourceError> {
        let failed = |reason: String| SourceError::Credential {
            what: "certificate authorities",
            place: format!("`{}`", path.display()),
            reason,
        };
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| failed(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| failed(error.to_string()))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| failed("it holds no certificate".to_owned()))?;
        Ok(Self {
            certificates,
            verifier,
        })
    }

    /// Whether `host` may show this certificate (in DER): it is valid now, for that name, and one
    /// of the authorities signed it, or it is itself in their list. libgit2 does not show the
    /// certificates between, so the authority must be the one that signed it.
    pub(super) fn check(&self, der: &[u8], host: &str) -> Result<(), SourceError> {
        let untrusted = |reason: String| SourceError::Certificate {
            host: host.to_owned(),
            reason,
        };
        let shown = CertificateDer::from(der);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| untrusted("the host has no valid name".to_owned()))?;
        if self.certificates.contains(&shown) {
            return ParsedCertificate::try_from(&shown)
                .and_then(|parsed| verify_server_name(&parsed, &name))
                .map_err(|error| untrusted(plain(&error)));
        }
        self.verifier
            .verify_server_cert(&shown, &self.certificates, &name, &[], UnixTime::now())
            .map(|_| ())
            .map_err(|error| untrusted(plain(&error)))
    }
}

fn plain(error: &rustls::Error) -> String {
    use rustls::CertificateError as E;
    match error {
        rustls::Error::InvalidCertificate(E::UnknownIssuer | E::BadSignature) => {
            "no authority in `caFile` has signed it".to_owned()
        }
        rustls::Error::InvalidCertificate(E::Expired | E::ExpiredContext { .. }) => {
            "it has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(E::NotValidYet | E::NotValidYetContext { .. }) => {
            "it is not valid yet".to_owned()
        }
        rustls::Error::InvalidCertificate(
            E::NotValidForName | E::NotValidForNameContext { .. },
        ) => "it is for another host".to_owned(),
        other => other.to_string(),
    }
}
