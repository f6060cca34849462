//! HTTPS with an authority of one's own.
use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, IsCa, KeyPair};
use trueup::source::{ErrorKind, GitConfig};
use trueup_testbed::tls::{Authority, Identity, TlsListener, params};

use crate::{
    http::Server,
    repository::{Repository, failure, open, poll, text},
};

async fn serve(repository: &Repository, identity: &Identity) -> Server {
    let listener = TlsListener::bind(identity, None).await;
    let url = format!("https://{}/r.git", listener.address());
    Server::serve(&repository.bare(), url, listener)
}

fn pem_file(repository: &Repository, pem: &str) -> PathBuf {
    let file = repository.path().join("ca.pem");
    fs::write(&file, pem).unwrap();
    file
}

/// A server whose certificate is for `name`, and the file with its authority.
pub(crate) async fn serve_as(repository: &Repository, name: &str) -> (Server, PathBuf) {
    let authority = Authority::new();
    let server = serve(repository, &authority.sign(&params(name))).await;
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
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = params("localhost");
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let identity = Identity { certificate, key };
        let server = serve(&repository, &identity).await;
        let ca_file = Some(pem_file(&repository, &identity.certificate.pem()));
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
    for (identity, pem, reason) in [
        (
            authority.sign(&params("localhost")),
            Some(&stranger.pem),
            "no authority in `caFile` has signed it",
        ),
        (
            authority.sign(&expired),
            Some(&authority.pem),
            "it has expired",
        ),
        (
            authority.sign(&params("other.example.com")),
            Some(&authority.pem),
            "it is for another host",
        ),
        (
            authority.sign(&params("localhost")),
            None,
            "the SSL certificate is invalid",
        ),
    ] {
        let server = serve(&repository, &identity).await;
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
