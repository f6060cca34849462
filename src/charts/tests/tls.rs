//! Repositories and registries that not everybody trusts, or that do not trust everybody.

use trueup_testbed::tls::{Authority, Identity, TlsListener, params};

use super::*;

/// Serves on this machine; with `clients`, only those that it has signed.
async fn serve(authority: &Authority, router: Router, clients: Option<&Authority>) -> String {
    let identity = authority.sign(&params("localhost"));
    let listener = TlsListener::bind(&identity, clients).await;
    let address = listener.address();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn file(home: &Path, name: &str, text: &str) -> PathBuf {
    let path = home.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_repository_is_trusted_by_the_authority_that_is_named_and_by_no_other() {
    let (ours, other) = (Authority::new(), Authority::new());
    let address = serve(&ours, files(None).0, None).await;
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
    // A phase says it for its chart.
    let cache = tempfile::tempdir().unwrap();
    let all = charts(home.path(), |config| {
        config.cache_dir = cache.path().to_owned();
    });
    assert!(all.fetch(&wanted(&url, "web", "")).await.is_err());
    let all = all.with_tls(trusting(home.path().join("ca.pem")));
    let found = all.fetch(&wanted(&url, "web", "")).await;
    assert_eq!(found.unwrap().version, "1.1.0");
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
    let address = serve(&ours, files(None).0, Some(&clients)).await;
    let url = format!("https://{address}/charts");
    let home = tempfile::tempdir().unwrap();
    let Identity { certificate, key } = clients.sign(&params("ann"));
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
    let address = serve(&ours, router, None).await;
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
