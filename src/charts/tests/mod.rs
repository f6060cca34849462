//! Against a repository over HTTP and a registry, both in this process.

mod tls;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use trueup_manifest::{MemoryTree, TreePath};

use super::*;

/// Files by path, behind a password where one is set.
#[derive(Clone, Default)]
struct Files {
    by_path: Arc<BTreeMap<String, Vec<u8>>>,
    login: Option<&'static str>,
    asked: Arc<AtomicUsize>,
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address.to_string()
}

fn answer(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

fn authorization(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

async fn file(State(files): State<Files>, request: Request<Body>) -> Response<Body> {
    files.asked.fetch_add(1, Ordering::Relaxed);
    let login = files
        .login
        .map(|login| format!("Basic {}", STANDARD.encode(login)));
    if login.is_some_and(|login| authorization(request.headers()) != login) {
        return answer(StatusCode::UNAUTHORIZED, "who are you?");
    }
    match files.by_path.get(request.uri().path()) {
        Some(data) => answer(StatusCode::OK, data.clone()),
        None => answer(StatusCode::NOT_FOUND, ""),
    }
}

/// A packed chart.
fn packed(name: &str, version: &str) -> Vec<u8> {
    let mut tree = MemoryTree::new();
    let metadata = format!("{{apiVersion: v2, name: {name}, version: {version}}}");
    tree.add("Chart.yaml", metadata).unwrap();
    tree.add("templates/a.yaml", "kind: A\n").unwrap();
    trueup_helm::repository::pack(&tree, &TreePath::root())
        .unwrap()
        .1
}

fn digest(data: &[u8]) -> String {
    format!("{:x}", Sha256::digest(data))
}

/// A repository with two versions of `web`, one of which is not what the index says.
async fn repository(login: Option<&'static str>) -> (String, Files) {
    let (router, files) = files(login);
    (format!("http://{}/charts", serve(router).await), files)
}

fn files(login: Option<&'static str>) -> (Router, Files) {
    let (old, new) = (packed("web", "1.0.0"), packed("web", "1.1.0"));
    let index = format!(
        "apiVersion: v1\nentries:\n  web:\n  - {{version: 1.1.0, urls: [web-1.1.0.tgz], digest: {}}}\n  \
         - {{version: 1.0.0, urls: [sub/web-1.0.0.tgz], digest: {}}}\n  - {{version: 0.9.0, urls: [web-1.1.0.tgz], digest: {}}}\n",
        digest(&new),
        digest(&old),
        digest(b"another")
    );
    let files = Files {
        by_path: Arc::new(BTreeMap::from([
            ("/charts/index.yaml".to_owned(), index.into_bytes()),
            ("/charts/web-1.1.0.tgz".to_owned(), new),
            ("/charts/sub/web-1.0.0.tgz".to_owned(), old),
        ])),
        login,
        ..Files::default()
    };
    (
        Router::new().fallback(file).with_state(files.clone()),
        files,
    )
}

fn charts(home: &Path, change: impl FnOnce(&mut ChartsConfig)) -> Charts {
    let mut config = ChartsConfig {
        cache_dir: home.join("cache"),
        logins: Some(home.join("docker.json")),
        repositories: Some(home.join("repositories.yaml")),
        ..ChartsConfig::default()
    };
    change(&mut config);
    Charts::new(config)
}

fn wanted(repository: &str, name: &str, range: &str) -> Wanted {
    Wanted {
        repository: repository.to_owned(),
        name: name.to_owned(),
        range: range.to_owned(),
    }
}

#[tokio::test]
async fn a_repository_gives_the_version_that_is_meant_once() {
    let (url, files) = repository(None).await;
    let home = tempfile::tempdir().unwrap();
    let all = charts(home.path(), |_| {});
    for (range, version) in [
        ("", "1.1.0"),
        ("^1.0", "1.1.0"),
        ("~1.0", "1.0.0"),
        ("1.0.0", "1.0.0"),
    ] {
        let found = all.fetch(&wanted(&url, "web", range)).await.unwrap();
        assert_eq!(found.version, version, "{range}");
    }
    let asked = files.asked.load(Ordering::Relaxed);
    all.fetch(&wanted(&url, "web", "1.0.0")).await.unwrap();
    assert_eq!(
        files.asked.load(Ordering::Relaxed),
        asked,
        "an exact version is kept"
    );
    // Without a network, what was fetched is there, and what was not says what to do.
    let offline = charts(home.path(), |config| config.offline = true);
    let found = offline.fetch(&wanted(&url, "web", "^1")).await.unwrap();
    assert_eq!(found.version, "1.1.0");
    let error = offline
        .fetch(&wanted(&url, "db", "1.0.0"))
        .await
        .unwrap_err();
    assert!(matches!(error, ChartError::NotKept { .. }), "{error}");
    assert!(error.help().unwrap().contains("charts/"));
}

#[tokio::test]
async fn an_archive_that_is_not_what_its_index_says_is_refused() {
    let (url, _) = repository(None).await;
    let home = tempfile::tempdir().unwrap();
    let all = charts(home.path(), |_| {});
    let error = all.fetch(&wanted(&url, "web", "0.9.0")).await.unwrap_err();
    assert!(matches!(error, ChartError::Digest { .. }), "{error}");
    let error = all.fetch(&wanted(&url, "weg", "")).await.unwrap_err();
    assert_eq!(error.help().unwrap(), "did you mean `web`?");
    let small = charts(home.path(), |config| config.max_archive = 10);
    let error = small.fetch(&wanted(&url, "web", "^1")).await.unwrap_err();
    assert!(
        matches!(error, ChartError::TooLarge { limit: 10, .. }),
        "{error}"
    );
    // A kept archive that was changed on the disk is fetched again.
    all.fetch(&wanted(&url, "web", "1.0.0")).await.unwrap();
    for folder in fs::read_dir(home.path().join("cache")).unwrap() {
        fs::write(folder.unwrap().path().join("web-broken"), "").unwrap();
    }
    let error = all
        .fetch(&wanted("ftp://x.test", "web", "1.0.0"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("must begin with"), "{error}");
}

#[tokio::test]
async fn the_login_of_helms_file_is_sent_to_its_repository_and_a_name_means_its_address() {
    let (url, _) = repository(Some("ann:swordfish")).await;
    let home = tempfile::tempdir().unwrap();
    let all = charts(home.path(), |_| {});
    let error = all.fetch(&wanted(&url, "web", "")).await.unwrap_err();
    assert!(
        matches!(error, ChartError::Server { status: 401, .. }),
        "{error}"
    );
    assert!(error.help().unwrap().contains("log in"));
    let file = format!(
        "repositories:\n- {{name: mine, url: '{url}/', username: ann, password: swordfish}}\n"
    );
    fs::write(home.path().join("repositories.yaml"), file).unwrap();
    all.fetch(&wanted(&url, "web", "")).await.unwrap();
    let all = charts(home.path(), |_| {});
    assert_eq!(
        all.fetch(&wanted("@mine", "web", ""))
            .await
            .unwrap()
            .version,
        "1.1.0"
    );
    let error = all.fetch(&wanted("@other", "web", "")).await.unwrap_err();
    assert!(matches!(error, ChartError::Alias(_)), "{error}");
}

/// A registry that wants a token, and the service that gives one for a login.
#[derive(Clone)]
struct Registry {
    blobs: Arc<BTreeMap<String, Vec<u8>>>,
    manifests: Arc<BTreeMap<String, Vec<u8>>>,
    /// Of the service that gives tokens: `http://127.0.0.1:1234`.
    origin: Arc<std::sync::OnceLock<String>>,
}

const TOKEN: &str = "token-for-ann";

async fn registry(State(registry): State<Registry>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    if path == "/token" {
        let login = format!("Basic {}", STANDARD.encode("ann:swordfish"));
        if authorization(request.headers()) != login {
            return answer(StatusCode::UNAUTHORIZED, "{}");
        }
        return answer(
            StatusCode::OK,
            format!("{{\"token\": \"{TOKEN}\", \"expires_in\": 300}}"),
        );
    }
    if authorization(request.headers()) != format!("Bearer {TOKEN}") {
        let origin = registry.origin.get().unwrap();
        let mut refused = answer(
            StatusCode::UNAUTHORIZED,
            r#"{"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}"#,
        );
        let challenge = format!(
            "Bearer realm=\"{origin}/token\",service=\"registry\",scope=\"repository:charts/web:pull\""
        );
        refused
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
        return refused;
    }
    if path == "/v2/charts/web/tags/list" {
        let tags =
            r#"{"name": "charts/web", "tags": ["1.0.0", "1.2.0_build.7", "latest", "2.0.0-rc.1"]}"#;
        return answer(StatusCode::OK, tags);
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.starts_with("/v2/charts/web/manifests/") {
        return match registry.manifests.get(last) {
            Some(manifest) => {
                let mut found = answer(StatusCode::OK, manifest.clone());
                let kind = "application/vnd.oci.image.manifest.v1+json"
                    .parse()
                    .unwrap();
                found.headers_mut().insert(header::CONTENT_TYPE, kind);
                let digest = format!("sha256:{}", digest(manifest)).parse().unwrap();
                found.headers_mut().insert("Docker-Content-Digest", digest);
                found
            }
            None => answer(
                StatusCode::NOT_FOUND,
                r#"{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no such manifest"}]}"#,
            ),
        };
    }
    match registry.blobs.get(last) {
        Some(blob) => answer(StatusCode::OK, blob.clone()),
        None => answer(StatusCode::NOT_FOUND, "{}"),
    }
}

fn manifest(blob: &[u8], digest_of: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion": 2, "config": {{"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:{}", "size": 2}},
            "layers": [{{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": "sha256:{}", "size": {}}}]}}"#,
        digest(b"{}"),
        digest(digest_of),
        blob.len()
    )
    .into_bytes()
}

async fn a_registry() -> String {
    let (router, state) = registry_of_two();
    let address = serve(router).await;
    state.origin.set(format!("http://{address}")).unwrap();
    address
}

fn registry_of_two() -> (Router, Registry) {
    let (old, new) = (packed("web", "1.0.0"), packed("web", "1.2.0+build.7"));
    let blob = |data: &[u8]| format!("sha256:{}", digest(data));
    let wrong = b"what the manifest says".to_vec();
    let state = Registry {
        blobs: Arc::new(BTreeMap::from([
            (blob(&old), old.clone()),
            (blob(&new), new.clone()),
            (blob(&wrong), old.clone()),
        ])),
        manifests: Arc::new(BTreeMap::from([
            ("1.0.0".to_owned(), manifest(&old, &old)),
            ("1.2.0_build.7".to_owned(), manifest(&new, &new)),
            ("2.0.0-rc.1".to_owned(), manifest(&old, &wrong)),
        ])),
        origin: Arc::default(),
    };
    (
        Router::new().fallback(registry).with_state(state.clone()),
        state,
    )
}

#[tokio::test]
async fn a_registry_gives_charts_to_who_is_logged_in_and_checks_their_digests() {
    let address = a_registry().await;
    let url = format!("oci://{address}/charts");
    let home = tempfile::tempdir().unwrap();
    let error = charts(home.path(), |_| {})
        .fetch(&wanted(&url, "web", "1.0.0"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ChartError::Server { status: 401, .. }),
        "{error:?}"
    );
    let login = STANDARD.encode("ann:swordfish");
    let docker = format!(r#"{{"auths": {{"{address}": {{"auth": "{login}"}}}}}}"#);
    fs::write(home.path().join("docker.json"), docker).unwrap();
    let all = charts(home.path(), |_| {});
    for (range, version) in [
        ("1.0.0", "1.0.0"),
        ("^1.0", "1.2.0+build.7"),
        ("", "1.2.0+build.7"),
    ] {
        let found = all.fetch(&wanted(&url, "web", range)).await.unwrap();
        assert_eq!(found.version, version, "{range}");
        let chart = trueup_helm::chart::load_archive(&found.archive, "web.tgz").unwrap();
        assert_eq!(chart.metadata.version, version);
    }
    let error = all
        .fetch(&wanted(&url, "web", "2.0.0-rc.1"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("digest") || matches!(error, ChartError::Unreachable { .. }),
        "{error:?}"
    );
    let error = all.fetch(&wanted(&url, "web", "3.0.0")).await.unwrap_err();
    assert!(matches!(error, ChartError::None { .. }), "{error:?}");
    let error = all.fetch(&wanted(&url, "web", "^7")).await.unwrap_err();
    assert!(matches!(error, ChartError::None { .. }), "{error:?}");
}

fn write(home: &Path, path: &str, text: &str) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn archives(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn dependencies_are_chosen_locked_and_brought_and_built_again_from_the_lock() {
    let (url, _) = repository(None).await;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    write(
        home,
        "beside/Chart.yaml",
        "{apiVersion: v2, name: beside, version: 0.3.0}",
    );
    write(
        home,
        "app/charts/own/Chart.yaml",
        "{apiVersion: v2, name: own, version: 7.0.0}",
    );
    let metadata = |range: &str| {
        format!(
            "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {{name: web, version: {range}, repository: '{url}'}}\n\
             - {{name: beside, version: '>=0.1.0', repository: 'file://../beside'}}\n- {{name: own, version: ^7.0.0, repository: ''}}\n"
        )
    };
    write(home, "app/Chart.yaml", &metadata("~1.0"));
    let all = charts(home, |_| {});
    let app = home.join("app");
    let brought = vendor(&app, &all, Versions::Chosen).await.unwrap();
    let versions: Vec<&str> = brought.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(versions, ["1.0.0", "0.3.0", "7.0.0"]);
    let folder = app.join("charts");
    assert_eq!(
        archives(&folder),
        ["beside-0.3.0.tgz", "own", "web-1.0.0.tgz"]
    );
    let lock = fs::read_to_string(app.join("Chart.lock")).unwrap();
    assert!(
        lock.contains("version: 1.0.0") && lock.contains("digest: sha256:"),
        "{lock}"
    );
    // What fits better by now does not matter to the lock.
    fs::remove_file(folder.join("web-1.0.0.tgz")).unwrap();
    vendor(&app, &all, Versions::Locked).await.unwrap();
    assert_eq!(
        archives(&folder),
        ["beside-0.3.0.tgz", "own", "web-1.0.0.tgz"]
    );
    // Another range is another chart than the one that was locked.
    write(home, "app/Chart.yaml", &metadata("^1.0"));
    let error = vendor(&app, &all, Versions::Locked).await.unwrap_err();
    assert!(error.to_string().contains("out of sync"), "{error}");
    vendor(&app, &all, Versions::Chosen).await.unwrap();
    assert_eq!(
        archives(&folder),
        ["beside-0.3.0.tgz", "own", "web-1.1.0.tgz"]
    );
    let unchanged = fs::read_to_string(app.join("Chart.lock")).unwrap();
    vendor(&app, &all, Versions::Chosen).await.unwrap();
    assert_eq!(
        fs::read_to_string(app.join("Chart.lock")).unwrap(),
        unchanged
    );
    // All that is wrong is said at once, and nothing is written.
    let broken = metadata("^9").replace(">=0.1.0", "^4");
    write(home, "app/Chart.yaml", &broken);
    let errors = vendor(&app, &all, Versions::Chosen).await.unwrap_err();
    assert_eq!(errors.iter().count(), 2, "{errors}");
    assert_eq!(
        archives(&folder),
        ["beside-0.3.0.tgz", "own", "web-1.1.0.tgz"]
    );
}
