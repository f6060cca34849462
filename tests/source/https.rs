//! HTTPS with an authority of one's own.
use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};
use trueup::source::{ErrorKind, GitConfig};

use crate::{
    http::Server,
    repository::{Repository, failure, open, poll, text},
};

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that does not trust us ends the handshake.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn acceptor(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        acceptor(certificate.der().clone(), &key)
    }
}

fn acceptor(certificate: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(repository: &Repository, acceptor: TlsAcceptor) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/r.git",
        listener.local_addr().unwrap().port()
    );
    Server::serve(&repository.bare(), url, Tls { listener, acceptor })
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn pem_file(repository: &Repository, pem: &str) -> PathBuf {
    let file = repository.path().join("ca.pem");
    fs::write(&file, pem).unwrap();
    file
}

/// A server whose certificate is for `name`, and the file with its authority.
pub(crate) async fn serve_as(repository: &Repository, name: &str) -> (Server, PathBuf) {
    let authority = Authority::new();
    let server = serve(repository, authority.acceptor(&params(name))).await;
    (server, pem_file(repository, &authority.pem))
}

#[tokio::test]
async fn a_host_is_trusted_when_the_named_authority_has_signed_its_certificate() {
    let repository = Repository::new();
    let (server, ca_file) = serve_as(&repository, "localhost").await;
    let source = open(GitConfig {
        ca_file: Some(ca_file),
        ..repository.config(&server.url)
    });
    assert_eq!(text(&poll(&source).await, "file"), "one");
}

#[tokio::test]
async fn a_host_is_trusted_when_its_own_certificate_is_named() {
    let repository = Repository::new();
    let key = KeyPair::generate().unwrap();
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = params("localhost");
        params.is_ca = is_ca;
        let certificate = params.self_signed(&key).unwrap();
        let server = serve(&repository, acceptor(certificate.der().clone(), &key)).await;
        let ca_file = Some(pem_file(&repository, &certificate.pem()));
        let source = open(GitConfig {
            ca_file,
            ..repository.config(&server.url)
        });
        assert_eq!(text(&poll(&source).await, "file"), "one");
    }
}

#[tokio::test]
async fn a_host_that_nobody_vouches_for_is_refused_before_anything_is_said() {
    let repository = Repository::new();
    let authority = Authority::new();
    let mut expired = params("localhost");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let stranger = Authority::new();
    for (acceptor, pem, reason) in [
        (
            authority.acceptor(&params("localhost")),
            Some(&stranger.pem),
            "no authority in `caFile` has signed it",
        ),
        (
            authority.acceptor(&expired),
            Some(&authority.pem),
            "it has expired",
        ),
        (
            authority.acceptor(&params("other.example.com")),
            Some(&authority.pem),
            "it is for another host",
        ),
        (
            authority.acceptor(&params("localhost")),
            None,
            "the SSL certificate is invalid",
        ),
    ] {
        let server = serve(&repository, acceptor).await;
        let ca_file = pem.map(|pem| pem_file(&repository, pem));
        let error = failure(&open(GitConfig {
            ca_file,
            ..repository.config(&server.url)
        }))
        .await;
        assert_eq!(error.code(), "source/certificate", "{error}");
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().ends_with(reason), "{error}");
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_file_without_certificates_is_an_error() {
    let repository = Repository::new();
    let ca_file = Some(pem_file(&repository, "nothing here\n"));
    let error = failure(&open(GitConfig {
        ca_file,
        ..repository.config("https://localhost:1/r")
    }))
    .await;
    assert!(
        error.to_string().ends_with("it holds no certificate"),
        "{error}"
    );
}
