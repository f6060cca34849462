//! Requests to one Vault server, by its HTTP API.
//!
//! Bodies are raw on both sides: the answer of `sys/init` has to be kept before anything reads it,
//! and what holds secrets is wiped when it is dropped. Redirects are followed only by a client that was
//! told of other servers, and only to those: a share must only ever go to the pod that it is meant for.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::{client::legacy::Client as Http, rt::TokioExecutor};
use rustls::pki_types::ServerName;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{
    error::{ErrorKind, VaultError},
    login::Token,
    reach::Route,
};
use crate::source::Secret;

/// How long a request may take, but for the one that initialises.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long `sys/init` may take: its answer is the only copy of the keys, so it is waited for far
/// longer than it ever takes.
const INIT_PATIENCE: Duration = Duration::from_mins(10);

/// The longest answer that is read.
const MOST: usize = 16 << 20;

/// One server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    http: Http<HttpsConnector<Route>, Full<Bytes>>,
    base: Url,
    /// What it is called, where its address says little.
    label: Option<String>,
    namespace: Option<String>,
    token: Option<Secret>,
    /// How long the token lives unless it is renewed.
    renewed_within: Option<Duration>,
    /// The servers that this one may send on to, as it does when it no longer leads.
    peers: Arc<[Self]>,
}

/// An answer, not yet read.
pub(super) struct Answer {
    /// The status.
    pub status: StatusCode,
    body: Zeroizing<Vec<u8>>,
    location: Option<String>,
}

impl Answer {
    /// The bytes as they came.
    pub(super) fn raw(&self) -> &[u8] {
        &self.body
    }

    /// The JSON of the body; null where there is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What the server says went wrong, without the tokens it may name; its status where it says nothing.
    pub(super) fn words(&self) -> String {
        let said = self.json();
        let said: Vec<String> = said
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(without_tokens)
            .collect();
        let said = said.join("; ");
        if said.is_empty() {
            return format!("status {}", self.status.as_u16());
        }
        said.trim().to_owned()
    }
}

impl Client {
    /// A client of the server at `base`, which is reached by `route`. TLS is verified by `tls`; the
    /// certificate is for `server_name`, or the host of `base` where that is not given.
    pub(super) fn new(
        base: Url,
        tls: &rustls::ClientConfig,
        route: Route,
        server_name: Option<ServerName<'static>>,
    ) -> Self {
        let mut builder = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http();
        if let Some(name) = server_name {
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
        }
        let connector = builder.enable_http1().wrap_connector(route);
        Self {
            http: Http::builder(TokioExecutor::new()).build(connector),
            base,
            label: None,
            namespace: None,
            token: None,
            renewed_within: None,
            peers: Arc::default(),
        }
    }

    /// The same server, called so for people.
    #[must_use]
    pub(super) fn called(mut self, label: String) -> Self {
        self.label = Some(label);
        self
    }

    /// The same server, in this namespace of it.
    #[must_use]
    pub(super) fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        self
    }

    /// The same server, with a token.
    #[must_use]
    pub(super) fn with_token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }

    /// The same server, with the token of a login.
    #[must_use]
    pub(super) fn with_login(mut self, token: Token) -> Self {
        self.renewed_within = token.renewed_within;
        self.with_token(token.secret)
    }

    /// How long its token lives unless it is renewed; none where it need not be, or cannot.
    pub(super) fn renewed_within(&self) -> Option<Duration> {
        self.renewed_within
    }

    /// The same server, which may send on to others of these.
    #[must_use]
    pub(super) fn among(mut self, servers: &[Self]) -> Self {
        self.peers = servers.into();
        self
    }

    /// The address, for people.
    pub(super) fn describe(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.address())
    }

    /// The address itself.
    fn address(&self) -> String {
        self.base.to_string().trim_end_matches('/').to_owned()
    }

    /// Reads a path.
    pub(super) async fn read(&self, path: &str) -> Result<Value, VaultError> {
        self.call(Method::GET, path, None).await
    }

    /// Reads a path; none where there is nothing.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Value>, VaultError> {
        match self.read(path).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes to a path. Gives what the server warned of.
    pub(super) async fn write(&self, path: &str, body: &Value) -> Result<Value, VaultError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// As [`Self::write`], by PUT.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, VaultError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Deletes what is at a path. What is gone counts as deleted.
    pub(super) async fn delete(&self, path: &str) -> Result<(), VaultError> {
        match self.call(Method::DELETE, path, None).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// As [`Self::delete`], with a body that says what is meant.
    pub(super) async fn delete_with(&self, path: &str, body: &Value) -> Result<(), VaultError> {
        self.call(Method::DELETE, path, Some(body)).await?;
        Ok(())
    }

    /// The request that initialises: its answer as it came, whatever it is. It is sent once and waited
    /// for longer than it ever takes.
    pub(super) async fn initialise(&self, body: &Value) -> Result<Answer, VaultError> {
        self.send(Method::PUT, "sys/init", Some(body), INIT_PATIENCE)
            .await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, VaultError> {
        let mut answer = self.send(method.clone(), path, body, PATIENCE).await?;
        if let Some(leader) = self.leader(&answer)? {
            answer = leader.send(method.clone(), path, body, PATIENCE).await?;
        }
        if answer.status.is_success() {
            return Ok(answer.json());
        }
        Err(refusal(&method, path, &answer))
    }

    /// The server that an answer sends on to, where it is one that this client was told of.
    fn leader(&self, answer: &Answer) -> Result<Option<Self>, VaultError> {
        let Some(location) = &answer.location else {
            return Ok(None);
        };
        let to = Url::parse(location).ok();
        let leader = self
            .peers
            .iter()
            .find(|peer| to.as_ref().is_some_and(|to| is_at(&peer.base, to)));
        let Some(leader) = leader else {
            // The rest of it may hold what nobody should read.
            let origin = to.map(|to| to.origin().ascii_serialization());
            let message = format!(
                "{} sends on to {}, which is none of the servers of this Vault",
                self.describe(),
                origin.unwrap_or_else(|| "another address".to_owned())
            );
            return Err(VaultError::new(ErrorKind::Invalid, message)
                .help("name it among the servers, if it is one of them"));
        };
        let mut leader = leader.clone();
        leader.namespace.clone_from(&self.namespace);
        leader.token.clone_from(&self.token);
        Ok(Some(leader))
    }

    /// The answer of any status, as it came.
    pub(super) async fn answer(&self, path: &str) -> Result<Answer, VaultError> {
        self.send(Method::GET, path, None, PATIENCE).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Answer, VaultError> {
        let request = self.request(&method, path, body)?;
        let exchange = async {
            let answer = self.http.request(request).await;
            let answer = answer.map_err(|error| self.unreachable(&error))?;
            let status = answer.status();
            let location = answer.headers().get(LOCATION);
            let location = location.filter(|_| status.is_redirection());
            let location = location.and_then(|to| to.to_str().ok()).map(str::to_owned);
            let body = Limited::new(answer.into_body(), MOST).collect().await;
            let body = body.map_err(|error| self.cut_off(&*error))?.to_bytes();
            let body = Zeroizing::new(body.to_vec());
            Ok(Answer {
                status,
                body,
                location,
            })
        };
        match tokio::time::timeout(patience, exchange).await {
            Ok(result) => result,
            Err(_) => Err(VaultError::new(
                ErrorKind::Unreachable,
                format!(
                    "{} did not answer {method} /v1/{path} in {} s",
                    self.describe(),
                    patience.as_secs()
                ),
            )),
        }
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, VaultError> {
        let invalid = |error: &dyn std::fmt::Display| {
            VaultError::new(
                ErrorKind::Invalid,
                format!("`/v1/{path}` cannot be asked for: {error}"),
            )
        };
        let url = format!("{}/v1/{path}", self.address());
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            // Vault refuses requests that a browser could be talked into.
            .header("x-vault-request", "true");
        if let Some(namespace) = self.namespace.as_ref().filter(|_| !is_of_server(path)) {
            request = request.header("x-vault-namespace", namespace);
        }
        if let Some(token) = &self.token {
            let mut token = HeaderValue::from_str(token.expose())
                .map_err(|_| invalid(&"the token holds characters that no header can"))?;
            token.set_sensitive(true);
            request = request.header("x-vault-token", token);
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Full::new(Bytes::from(body.to_string()))
            }
            None => Full::new(Bytes::new()),
        };
        request.body(body).map_err(|error| invalid(&error))
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> VaultError {
        let causes = causes(error);
        let kind = if causes.contains("certificate") {
            ErrorKind::Tls
        } else {
            ErrorKind::Unreachable
        };
        let message = format!("{} cannot be reached: {causes}", self.describe());
        let error = VaultError::new(kind, message);
        match kind {
            ErrorKind::Tls => error.help("name the CA that signed the certificate in `tls`"),
            _ => error,
        }
    }

    fn cut_off(&self, error: &(dyn std::error::Error + 'static)) -> VaultError {
        let message = format!("{} broke off its answer: {error}", self.describe());
        VaultError::new(ErrorKind::Unreachable, message)
    }
}

/// Whether a path is about the server itself: those are refused in any namespace but the root.
fn is_of_server(path: &str) -> bool {
    let first = path
        .strip_prefix("sys/")
        .and_then(|rest| rest.split(['/', '?']).next());
    first.is_some_and(|first| {
        [
            "generate-root",
            "health",
            "init",
            "leader",
            "rekey",
            "rotate",
            "seal",
            "seal-status",
            "storage",
            "unseal",
        ]
        .contains(&first)
    })
}

/// Whether an address is that of a server. A server may know itself by the beginning of its name in the
/// cluster: `vault-0.vault-internal`.
fn is_at(server: &Url, to: &Url) -> bool {
    let (Some(known), Some(host)) = (server.host_str(), to.host_str()) else {
        return false;
    };
    let begins = known
        .strip_prefix(host)
        .is_some_and(|rest| rest.starts_with('.') && host.contains('.'));
    server.scheme() == to.scheme()
        && server.port_or_known_default() == to.port_or_known_default()
        && (known == host || begins && known.parse::<std::net::IpAddr>().is_err())
}

fn refusal(method: &Method, path: &str, answer: &Answer) -> VaultError {
    let said = answer.words();
    let kind = kind_of(answer.status, &said);
    VaultError::new(kind, format!("{method} /v1/{path}: {said}"))
}

fn kind_of(status: StatusCode, said: &str) -> ErrorKind {
    match status.as_u16() {
        404 => ErrorKind::NotFound,
        403 => ErrorKind::Forbidden,
        405 => ErrorKind::Unsupported,
        _ if said.contains("only available in root namespace") => ErrorKind::Unsupported,
        429 => ErrorKind::Throttled,
        // "Vault is sealed", and "server is not yet initialized".
        503 if said.contains("not yet initialized") => ErrorKind::Uninitialised,
        400 if said.contains("server is not yet initialized") => ErrorKind::Uninitialised,
        503 => ErrorKind::Sealed,
        // One that stands by sends those who ask it elsewhere.
        307 | 412 | 472 | 473 | 500.. => ErrorKind::Server,
        _ => ErrorKind::Invalid,
    }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts.dedup();
    texts.join(": ")
}

/// Text of the server with everything that looks like one of its tokens taken out: `hvs.`, `hvb.`,
/// `hvr.` of Vault, `s.`, `b.`, `r.` of `OpenBao`, each with a long tail.
pub(super) fn without_tokens(text: &str) -> String {
    text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_token = ["hvs.", "hvb.", "hvr.", "s.", "b.", "r."]
                .iter()
                .any(|prefix| {
                    bare.strip_prefix(prefix)
                        .is_some_and(|tail| tail.len() >= 20)
                });
            if is_token {
                word.replacen(bare, "***", 1)
            } else {
                word.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_out_of_what_the_server_says() {
        for (text, shown) in [
            (
                "bad token hvs.CAESIabcdefghijklmnop, sorry",
                "bad token ***, sorry",
            ),
            ("s.abcdefghijklmnopqrstuvwx", "***"),
            ("path s.txt is fine", "path s.txt is fine"),
            ("permission denied", "permission denied"),
        ] {
            assert_eq!(without_tokens(text), shown);
        }
    }

    #[test]
    fn a_server_is_known_by_its_address_or_the_beginning_of_its_name() {
        for (server, to, known) in [
            ("http://a:8200", "http://a:8200/v1/x", true),
            ("https://a", "https://a:443/", true),
            ("http://a:8200", "https://a:8200/", false),
            ("http://a:8200", "http://a:8201/", false),
            (
                "http://vault-0.vault-internal.vault.svc:8200",
                "http://vault-0.vault-internal:8200/",
                true,
            ),
            (
                "http://vault-0.vault-internal.vault.svc:8200",
                "http://vault-0:8200/",
                false,
            ),
            (
                "http://vault-0.vault-internal.vault.svc:8200",
                "http://vault-1.vault-internal:8200/",
                false,
            ),
            ("http://10.0.0.1:8200", "http://10.0:8200/", false),
        ] {
            let (server, to) = (Url::parse(server).unwrap(), Url::parse(to).unwrap());
            assert_eq!(is_at(&server, &to), known, "{server} {to}");
        }
    }

    #[test]
    fn the_kind_of_a_failure_comes_from_its_status() {
        for (status, said, kind) in [
            (404, "", ErrorKind::NotFound),
            (403, "permission denied", ErrorKind::Forbidden),
            (503, "Vault is sealed", ErrorKind::Sealed),
            (
                400,
                "server is not yet initialized",
                ErrorKind::Uninitialised,
            ),
            (400, "path is already in use", ErrorKind::Invalid),
            (
                400,
                "operation only available in root namespace",
                ErrorKind::Unsupported,
            ),
            (429, "", ErrorKind::Throttled),
            (500, "", ErrorKind::Server),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(kind_of(status, said), kind, "{status} {said}");
        }
    }
}
