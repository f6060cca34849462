//! Repositories and registries that not everybody trusts, or that do not trust everybody.

use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};

use super::*;

struct Listener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that does not trust us, or that we do not trust, ends the handshake.
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
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Serves on this machine; with `clients`, only those that it has signed.
    async fn serve(&self, router: Router, clients: Option<&Self>) -> String {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (certificate, key) = self.sign("localhost");
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(clients) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(clients.der.clone()).unwrap();
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let config = config
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = Listener { listener, acceptor };
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("localhost:{port}")
    }
}

fn file(home: &Path, name: &str, text: &str) -> PathBuf {
    let path = home.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_repository_is_trusted_by_the_authority_that_is_named_and_by_no_other() {
    let (ours, other) = (Authority::new(), Authority::new());
    let address = ours.serve(files(None).0, None).await;
    let url = format!("https://{address}/charts");
    let home = tempfile::tempdir().unwrap();
    let fetched = async |tls: Tls| {
        // What is kept would not be asked for again.
        let cache = tempfile::tempdir().unwrap();
        let all = charts(home.path(), |config| {
            config.tls = tls;
            config.cache_dir = cache.path().to_owned();
        });
        all.fetch(&wanted(&url, "web", "")).await
    };
    let trusting = |pem: PathBuf| Tls {
        authorities: Some(pem),
        ..Tls::default()
    };
    let both = format!("{}{}", other.pem, ours.pem);
    for pem in [&ours.pem, &both] {
        let found = fetched(trusting(file(home.path(), "ca.pem", pem))).await;
        assert_eq!(found.unwrap().version, "1.1.0");
    }
    for tls in [
        Tls::default(),
        trusting(file(home.path(), "other.pem", &other.pem)),
    ] {
        let error = fetched(tls).await.unwrap_err();
        assert!(matches!(error, ChartError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let anybody = Tls {
        unverified: true,
        ..Tls::default()
    };
    assert_eq!(fetched(anybody).await.unwrap().version, "1.1.0");
    for (pem, reason) in [
        (
            file(home.path(), "none.pem", "nothing"),
            "holds no certificates",
        ),
        (home.path().join("absent.pem"), "cannot be read"),
    ] {
        let error = fetched(trusting(pem)).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    // Helm's file says it for one repository.
    let ca = home.path().join("ca.pem");
    let listed = format!(
        "repositories:\n- {{name: mine, url: '{url}', caFile: '{}'}}\n",
        ca.display()
    );
    file(home.path(), "repositories.yaml", &listed);
    assert_eq!(fetched(Tls::default()).await.unwrap().version, "1.1.0");
    let listed =
        format!("repositories:\n- {{name: mine, url: '{url}', insecure_skip_tls_verify: true}}\n");
    file(home.path(), "repositories.yaml", &listed);
    assert_eq!(fetched(Tls::default()).await.unwrap().version, "1.1.0");
}

#[tokio::test]
async fn a_repository_that_wants_to_see_a_certificate_is_shown_the_one_that_is_named() {
    let (ours, clients) = (Authority::new(), Authority::new());
    let address = ours.serve(files(None).0, Some(&clients)).await;
    let url = format!("https://{address}/charts");
    let home = tempfile::tempdir().unwrap();
    let (certificate, key) = clients.sign("ann");
    let known = Tls {
        authorities: Some(file(home.path(), "ca.pem", &ours.pem)),
        certificate: Some(file(home.path(), "ann.pem", &certificate.pem())),
        key: Some(file(home.path(), "ann.key", &key.serialize_pem())),
        unverified: false,
    };
    let fetched = async |tls: Tls| {
        let all = charts(home.path(), |config| config.tls = tls);
        all.fetch(&wanted(&url, "web", "")).await
    };
    let nobody = Tls {
        certificate: None,
        key: None,
        ..known.clone()
    };
    let error = fetched(nobody).await.unwrap_err();
    assert!(matches!(error, ChartError::Unreachable { .. }), "{error:?}");
    let half = Tls {
        key: None,
        ..known.clone()
    };
    let error = fetched(half).await.unwrap_err();
    assert!(error.to_string().contains("go together"), "{error}");
    let wrong = Tls {
        key: known.authorities.clone(),
        ..known.clone()
    };
    let error = fetched(wrong).await.unwrap_err();
    assert!(error.to_string().contains("are no certificate"), "{error}");
    let error = charts(home.path(), |config| config.tls = known.clone())
        .fetch(&wanted(&format!("oci://{address}/charts"), "web", "1.0.0"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("to a registry"), "{error}");
    assert_eq!(fetched(known).await.unwrap().version, "1.1.0");
}

#[tokio::test]
async fn a_registry_is_trusted_by_the_authority_that_is_named() {
    let ours = Authority::new();
    let (router, state) = registry_of_two();
    let address = ours.serve(router, None).await;
    state.origin.set(format!("https://{address}")).unwrap();
    let url = format!("oci://{address}/charts");
    let home = tempfile::tempdir().unwrap();
    let fetched = async |tls: Tls| {
        let all = charts(home.path(), |config| {
            config.tls = tls;
            config.login = Some(("ann".to_owned(), "swordfish".to_owned()));
        });
        all.fetch(&wanted(&url, "web", "")).await
    };
    let others = Tls {
        authorities: Some(file(home.path(), "other.pem", &Authority::new().pem)),
        ..Tls::default()
    };
    assert!(fetched(others).await.is_err());
    let trusting = Tls {
        authorities: Some(file(home.path(), "ca.pem", &ours.pem)),
        ..Tls::default()
    };
    assert_eq!(fetched(trusting).await.unwrap().version, "1.2.0+build.7");
}
