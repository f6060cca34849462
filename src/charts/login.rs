//! Logins that people have already: Helm's file of repositories, and the files of Docker and Helm for registries.

use std::{
    collections::HashMap,
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use url::Url;

use super::{ChartError, ChartsConfig, Tls, Wanted};

/// The user name with which Docker's helpers give a token instead of a password.
const TOKEN_USER: &str = "<token>";

/// Where logins are found; read when they are asked for.
pub(super) struct Logins {
    registries: Vec<PathBuf>,
    repositories: Option<PathBuf>,
    /// What was given for this command.
    given: Option<(String, String)>,
    /// Whether logins go wherever a repository's archives lie.
    everywhere: bool,
    tls: Tls,
}

/// Helm's `repositories.yaml`.
#[derive(Default, Deserialize)]
struct Repositories {
    #[serde(default)]
    repositories: Vec<Repository>,
}

#[derive(Clone, Default, Deserialize)]
struct Repository {
    #[serde(default)]
    name: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    pass_credentials_all: bool,
    #[serde(default, rename = "caFile")]
    ca_file: String,
    #[serde(default, rename = "certFile")]
    cert_file: String,
    #[serde(default, rename = "keyFile")]
    key_file: String,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
}

/// Docker's `config.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Docker {
    auths: HashMap<String, DockerAuth>,
    creds_store: String,
    cred_helpers: HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct DockerAuth {
    auth: String,
    username: String,
    password: String,
    registrytoken: String,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Logins {
    pub(super) fn new(config: &ChartsConfig) -> Self {
        let registries = config.logins.clone();
        Self {
            registries: registries.map_or_else(usual_registries, |file| vec![file]),
            repositories: config.repositories.clone().or_else(usual_repositories),
            given: config.login.clone(),
            everywhere: config.pass_credentials,
            tls: config.tls.clone(),
        }
    }

    /// The chart with the address of a repository that is named by its name in Helm's file.
    pub(super) fn resolve(&self, wanted: &Wanted) -> Result<Wanted, ChartError> {
        let repository = &wanted.repository;
        let name = repository
            .strip_prefix('@')
            .or_else(|| repository.strip_prefix("alias:"));
        let Some(name) = name else {
            return Ok(wanted.clone());
        };
        let known = self.repositories();
        let found = known.into_iter().find(|known| known.name == name);
        let found = found.ok_or_else(|| ChartError::Alias(repository.clone()))?;
        Ok(Wanted {
            repository: found.url,
            ..wanted.clone()
        })
    }

    fn repositories(&self) -> Vec<Repository> {
        let text = self
            .repositories
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        let known: Option<Repositories> = text.and_then(|text| serde_yaml::from_str(&text).ok());
        known.unwrap_or_default().repositories
    }

    /// Whom to trust in a repository: what was given, or what Helm's file says of it.
    pub(super) fn tls_of(&self, repository: &str) -> Tls {
        if !self.tls.is_default() {
            return self.tls.clone();
        }
        let path = |path: String| (!path.is_empty()).then(|| PathBuf::from(path));
        self.known(repository)
            .map_or_else(Tls::default, |known| Tls {
                authorities: path(known.ca_file),
                certificate: path(known.cert_file),
                key: path(known.key_file),
                unverified: known.insecure_skip_tls_verify,
            })
    }

    /// What Helm's file says of a repository.
    fn known(&self, repository: &str) -> Option<Repository> {
        let trimmed = repository.trim_end_matches('/');
        let mut known = self.repositories().into_iter();
        known.find(|known| known.url.trim_end_matches('/') == trimmed)
    }

    /// What logs in to a repository: of the address, or of Helm's file. Only for what lies on the repository's own host, unless
    /// Helm was told otherwise.
    pub(super) fn of_repository(&self, repository: &str, url: &Url) -> Option<(String, String)> {
        let known = self.known(repository);
        let home = Url::parse(repository).ok()?;
        let is_home = (home.scheme(), home.host(), home.port_or_known_default())
            == (url.scheme(), url.host(), url.port_or_known_default());
        let is_listed = |known: &Repository| known.pass_credentials_all;
        if !is_home && !self.everywhere && !known.as_ref().is_some_and(is_listed) {
            return None;
        }
        if let Some(given) = &self.given {
            return Some(given.clone());
        }
        if let Some(password) = home.password() {
            return Some((home.username().to_owned(), password.to_owned()));
        }
        let known = known.filter(|known| !known.username.is_empty())?;
        Some((known.username, known.password))
    }

    /// What logs in to a registry.
    pub(super) fn of_registry(&self, registry: &str) -> RegistryAuth {
        if let Some((user, password)) = &self.given {
            return RegistryAuth::Basic(user.clone(), password.clone());
        }
        for file in &self.registries {
            let text = fs::read_to_string(file).ok();
            let docker: Option<Docker> = text.and_then(|text| serde_json::from_str(&text).ok());
            if let Some(auth) = docker.and_then(|docker| docker.of(registry)) {
                return auth;
            }
        }
        RegistryAuth::Anonymous
    }
}

impl Docker {
    fn of(&self, registry: &str) -> Option<RegistryAuth> {
        // Docker's own registry goes by an old name there.
        let names = [
            registry.to_owned(),
            format!("https://{registry}"),
            format!("https://{registry}/v1/"),
        ];
        let helper = self.cred_helpers.get(registry).unwrap_or(&self.creds_store);
        if !helper.is_empty()
            && let Some(auth) = ask(helper, registry)
        {
            return Some(auth);
        }
        let found = names.iter().find_map(|name| self.auths.get(name))?;
        if !found.registrytoken.is_empty() {
            return Some(RegistryAuth::Bearer(found.registrytoken.clone()));
        }
        if !found.auth.is_empty() {
            let decoded = STANDARD.decode(&found.auth).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            let (user, password) = text.split_once(':')?;
            return Some(RegistryAuth::Basic(user.to_owned(), password.to_owned()));
        }
        (!found.username.is_empty())
            .then(|| RegistryAuth::Basic(found.username.clone(), found.password.clone()))
    }
}

/// Asks one of Docker's helpers: a program that is given the registry and answers in JSON.
fn ask(helper: &str, registry: &str) -> Option<RegistryAuth> {
    // The name becomes that of a program: nothing else may be in it.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !helper.chars().all(is_plain) {
        return None;
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(registry.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let helped: Helped = serde_json::from_slice(&output.stdout).ok()?;
    // A token that is to be exchanged is none that can be sent as it is.
    let can_be_sent = output.status.success() && helped.username != TOKEN_USER;
    can_be_sent.then_some(RegistryAuth::Basic(helped.username, helped.secret))
}

fn config_home(folder: &str) -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    let xdg = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    Some(xdg.or_else(home)?.join(folder))
}

/// Helm's file, then Docker's.
fn usual_registries() -> Vec<PathBuf> {
    let helm = env::var_os("HELM_REGISTRY_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(config_home("helm")?.join("registry/config.json")));
    let docker = env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".docker")))
        .map(|folder| folder.join("config.json"));
    helm.into_iter().chain(docker).collect()
}

fn usual_repositories() -> Option<PathBuf> {
    env::var_os("HELM_REPOSITORY_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(config_home("helm")?.join("repositories.yaml")))
}
