//! The API server behind [`Cluster`], through `kube`'s HTTP stack.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream::BoxStream};
use http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT, WARNING},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use super::{
    Answer, Applied, ApplyOptions, Cluster, DeleteOptions, Deleted, Duplex, Freshness, Kinds,
    Listing, Live, Patch, Resource, Selection, ServerVersion, Target, WatchEvent,
    access::chain,
    connection::Connection,
    discovery::{self, Discovered},
    error::{About, Error, ErrorKind, FailedAnswer},
    forward,
    request::Request,
    retry::RetryPolicy,
    watch,
};

/// How many requests are in flight at once; watches don't count.
const IN_FLIGHT: usize = 64;
const JSON: &str = "application/json";
/// Lists without anything but metadata; a server that cannot do so sends the objects.
const METADATA_ONLY: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// The name under which patches that are no applies are written.
const PATCH_MANAGER: &str = "trueup";

/// A [`Cluster`] behind an HTTP connection. Cheap to clone.
#[derive(Clone)]
pub struct KubeCluster {
    connection: Connection,
    retry: RetryPolicy,
    /// Whether this process runs in the cluster.
    inside: bool,
    permits: Arc<Semaphore>,
    discovered: Arc<Mutex<Remembered>>,
    /// The kinds of the last discovery, for those who take what is known: they wait for nobody.
    known: Arc<RwLock<Option<Arc<Kinds>>>>,
}

/// The discovery documents read last.
#[derive(Default)]
struct Remembered {
    kinds: Option<Arc<Kinds>>,
    core: Document,
    groups: Document,
}

#[derive(Clone, Default)]
struct Document {
    etag: Option<String>,
    body: Bytes,
}

struct Response {
    code: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Response {
    fn parse(&self, about: &About) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The position only: the text around it may be a Secret's.
            about.error(
                ErrorKind::Transient,
                format!("unreadable answer (line {})", error.line()),
            )
        })
    }
}

impl KubeCluster {
    pub(super) fn new(connection: Connection, retry: RetryPolicy, inside: bool) -> Self {
        Self {
            connection,
            retry,
            inside,
            permits: Arc::new(Semaphore::new(IN_FLIGHT)),
            discovered: Arc::default(),
            known: Arc::default(),
        }
    }

    /// Sends a request until it succeeds or is not worth another try.
    async fn send(
        &self,
        request: &Request,
        headers: &[(http::HeaderName, &str)],
        about: &About,
    ) -> Result<Response, Error> {
        let (mut tried, mut renewed) = (0, false);
        loop {
            tried += 1;
            let (client, which) = self.connection.client();
            let answer = {
                // Closed semaphores don't happen here: nobody closes it.
                let _permit = self.permits.acquire().await.ok();
                self.send_once(client, request, headers, about).await
            };
            let error = match answer {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if *error.kind() == ErrorKind::Unauthorized && !renewed {
                renewed = true;
                if self.connection.renew(which).await {
                    continue;
                }
            }
            let Some(delay) = self.retry.delay(&error, tried) else {
                return Err(error);
            };
            tracing::debug!(%error, tried, ?delay, "trying again");
            tokio::time::sleep(delay).await;
        }
    }

    /// Sends a write that is about no version: where others write to the object so often that the server
    /// itself finds no moment between them, it is tried again like anything that fails for now.
    async fn settle(&self, request: &Request, about: &About) -> Result<Response, Error> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.send(request, &[], about).await {
                Err(error) if error.is_stale() => match self.retry.delay_between_writers(tried) {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    async fn send_once(
        &self,
        client: kube::Client,
        request: &Request,
        headers: &[(http::HeaderName, &str)],
        about: &About,
    ) -> Result<Response, Error> {
        let message = build(request, headers, about)?.map(kube::client::Body::from);
        let exchange = async {
            let (parts, body) = client.send(message).await?.into_parts();
            Ok::<_, kube::Error>((parts, body.collect_bytes().await?))
        };
        let (parts, body) = match tokio::time::timeout(self.retry.timeout, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let error = transport_error(&error, about);
                return Err(error.at_server(self.connection.address()));
            }
            Err(_) => {
                let message = format!("no answer within {} s", self.retry.timeout.as_secs());
                return Err(about.error(ErrorKind::Transient, message));
            }
        };
        let code = parts.status.as_u16();
        if parts.status.is_success() || code == 304 {
            return Ok(Response {
                code,
                headers: parts.headers,
                body,
            });
        }
        Err(Error::from_answer(
            about,
            &FailedAnswer {
                code,
                retry_after: retry_after(&parts.headers),
                body: &body,
            },
        ))
    }

    async fn discover(&self, freshness: Freshness) -> Result<Arc<Kinds>, Error> {
        let known = || {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.clone().filter(|_| freshness == Freshness::Cached)
        };
        if let Some(kinds) = known() {
            return Ok(kinds);
        }
        let mut remembered = self.discovered.lock().await;
        if let (Freshness::Cached, Some(kinds)) = (freshness, &remembered.kinds) {
            return Ok(Arc::clone(kinds));
        }
        let (core, groups) = futures::try_join!(
            self.document("/api", &remembered.core),
            self.document("/apis", &remembered.groups)
        )?;
        if let (None, None, Some(kinds)) = (&core, &groups, &remembered.kinds) {
            return Ok(Arc::clone(kinds));
        }
        remembered.core = core.unwrap_or_else(|| remembered.core.clone());
        remembered.groups = groups.unwrap_or_else(|| remembered.groups.clone());
        let parse = |path: &str, document: &Document| {
            Discovered::parse(&document.body)
                .map_err(|message| Error::new(ErrorKind::Fatal, "read", path, message))
        };
        let core = parse("/api", &remembered.core)?;
        let groups = parse("/apis", &remembered.groups)?;
        let kinds = Arc::new(discovery::kinds(core, groups));
        remembered.kinds = Some(Arc::clone(&kinds));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&kinds));
        Ok(kinds)
    }

    /// Reads a discovery document; none when it is still what `known` says.
    async fn document(&self, path: &str, known: &Document) -> Result<Option<Document>, Error> {
        let about = About::path("read", path);
        let mut headers = vec![(ACCEPT, discovery::ACCEPT)];
        if let Some(etag) = &known.etag {
            headers.push((IF_NONE_MATCH, etag));
        }
        let response = self.send(&Request::read(path), &headers, &about).await?;
        if response.code == 304 {
            return Ok(None);
        }
        let etag = response
            .headers
            .get(ETAG)
            .and_then(|value| value.to_str().ok());
        Ok(Some(Document {
            etag: etag.map(ToOwned::to_owned),
            body: response.body,
        }))
    }

    /// Reads a list page by page. Pages that took longer than the server keeps a version are read
    /// once more from the start.
    async fn pages(
        &self,
        resource: &Resource,
        selection: &Selection,
        accept: &str,
    ) -> Result<Pages, Error> {
        let about = About::collection("list", resource);
        match self.pages_once(resource, selection, accept, &about).await {
            Err(error) if *error.kind() == ErrorKind::Gone => {
                self.pages_once(resource, selection, accept, &about).await
            }
            answer => answer,
        }
    }

    async fn pages_once(
        &self,
        resource: &Resource,
        selection: &Selection,
        accept: &str,
        about: &About,
    ) -> Result<Pages, Error> {
        let mut pages = Pages::default();
        let mut go_on = String::new();
        loop {
            let request = Request::list(resource, selection, &go_on);
            let response = self.send(&request, &[(ACCEPT, accept)], about).await?;
            let page: Page = serde_json::from_slice(&response.body).map_err(|error| {
                about.error(
                    ErrorKind::Transient,
                    format!("unreadable list (line {})", error.line()),
                )
            })?;
            pages.items.extend(page.items.unwrap_or_default());
            pages.resource_version = page.metadata.resource_version;
            go_on = page.metadata.r#continue;
            if go_on.is_empty() {
                return Ok(pages);
            }
        }
    }
}

/// What the pages of a list hold together.
#[derive(Default)]
struct Pages {
    items: Vec<Value>,
    resource_version: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    /// `null` where a list of metadata has no items.
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PageMetadata {
    resource_version: String,
    r#continue: String,
}

impl Cluster for KubeCluster {
    fn kinds(&self, freshness: Freshness) -> Answer<'_, Arc<Kinds>> {
        self.discover(freshness).boxed()
    }

    fn version(&self) -> Answer<'_, ServerVersion> {
        async {
            let about = About::path("read", "/version");
            let response = self.send(&Request::read("/version"), &[], &about).await?;
            serde_json::from_slice(&response.body)
                .map_err(|error| about.error(ErrorKind::Transient, error.to_string()))
        }
        .boxed()
    }

    fn get<'a>(&'a self, target: &'a Target) -> Answer<'a, Option<Live>> {
        async move {
            let about = About::target("read", target);
            match self.send(&Request::read(&target.path()), &[], &about).await {
                Ok(response) => Ok(Some(Live::new(response.parse(&about)?))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, resource: &'a Resource, selection: &'a Selection) -> Answer<'a, Listing> {
        async move {
            let pages = self.pages(resource, selection, JSON).await?;
            let api_version = resource.api_version();
            let typed = |item| Live::new(item).with_type(&api_version, &resource.kind);
            Ok(Listing {
                items: pages.items.into_iter().map(typed).collect(),
                resource_version: pages.resource_version,
            })
        }
        .boxed()
    }

    fn names<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
    ) -> Answer<'a, HashSet<(String, String)>> {
        async move {
            let pages = self.pages(resource, selection, METADATA_ONLY).await?;
            let name = |item| {
                let id = Live::new(item).id();
                (id.namespace, id.name)
            };
            Ok(pages.items.into_iter().map(name).collect())
        }
        .boxed()
    }

    fn apply<'a>(
        &'a self,
        target: &'a Target,
        body: Bytes,
        options: &'a ApplyOptions,
    ) -> Answer<'a, Applied> {
        async move {
            let about = About::target("apply", target);
            let request = Request::apply(target, body, options);
            let response = self.settle(&request, &about).await?;
            Ok(Applied {
                live: Live::new(response.parse(&about)?),
                warnings: warnings(&response.headers),
                created: response.code == 201,
            })
        }
        .boxed()
    }

    fn patch<'a>(
        &'a self,
        target: &'a Target,
        patch: &'a Patch,
        dry_run: bool,
    ) -> Answer<'a, Live> {
        async move {
            let about = About::target("patch", target);
            let request = Request::patch(target, patch, PATCH_MANAGER, dry_run);
            let response = self.send(&request, &[], &about).await?;
            Ok(Live::new(response.parse(&about)?))
        }
        .boxed()
    }

    fn delete<'a>(&'a self, target: &'a Target, options: &'a DeleteOptions) -> Answer<'a, Deleted> {
        async move {
            let about = About::target("delete", target);
            let response = match self
                .send(&Request::delete(target, options), &[], &about)
                .await
            {
                Ok(response) => response,
                Err(error) if error.is_not_found() => return Ok(Deleted::Gone),
                Err(error) => return Err(error),
            };
            let live = Live::new(response.parse(&about)?);
            // The server answers with a Status, or with the object as it was; only an object that
            // still waits carries a deletion timestamp.
            if live.is_terminating() {
                Ok(Deleted::Pending(live))
            } else {
                Ok(Deleted::Gone)
            }
        }
        .boxed()
    }

    fn watch<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
        resource_version: &'a str,
    ) -> BoxStream<'a, Result<WatchEvent, Error>> {
        let request = Request::watch(resource, selection, resource_version);
        watch::follow(self.connection.client().0, request, resource.to_string()).boxed()
    }

    fn is_inside(&self) -> bool {
        self.inside
    }

    fn forward<'a>(&'a self, pod: &'a Target, port: u16) -> Answer<'a, Box<dyn Duplex>> {
        forward::open(self.connection.client().0, pod, port).boxed()
    }
}

/// Builds the HTTP message of a request.
pub(super) fn build(
    request: &Request,
    headers: &[(http::HeaderName, &str)],
    about: &About,
) -> Result<http::Request<Vec<u8>>, Error> {
    let mut message = http::Request::builder()
        .method(&request.method)
        .uri(&request.path)
        .header(USER_AGENT, concat!("trueup/", env!("CARGO_PKG_VERSION")));
    if let Some(content_type) = request.content_type {
        message = message.header(CONTENT_TYPE, content_type);
    }
    if !headers.iter().any(|(name, _)| *name == ACCEPT) {
        message = message.header(ACCEPT, JSON);
    }
    for (name, value) in headers {
        message = message.header(name, *value);
    }
    message
        .body(request.body.to_vec())
        .map_err(|error| about.error(ErrorKind::Fatal, error.to_string()))
}

/// What a request that got no answer failed of.
pub(super) fn transport_error(error: &kube::Error, about: &About) -> Error {
    let kind = match error {
        kube::Error::Auth(_) => ErrorKind::Unauthorized,
        kube::Error::Api(status) => {
            let body = serde_json::to_vec(status).unwrap_or_default();
            let answer = FailedAnswer {
                code: status.code,
                retry_after: None,
                body: &body,
            };
            return Error::from_answer(about, &answer);
        }
        _ => sort_of_failure(error),
    };
    about.error(kind, chain(error))
}

fn sort_of_failure(error: &kube::Error) -> ErrorKind {
    use std::io::ErrorKind as Io;

    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = next {
        if is_tls(cause) {
            return ErrorKind::Fatal;
        }
        match cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
        {
            Some(Io::ConnectionRefused | Io::HostUnreachable | Io::NetworkUnreachable) => {
                return ErrorKind::Unreachable;
            }
            Some(Io::ConnectionReset | Io::BrokenPipe | Io::UnexpectedEof | Io::TimedOut) => {
                return ErrorKind::Transient;
            }
            _ => {}
        }
        if cause.to_string().contains("dns error") {
            return ErrorKind::Unreachable;
        }
        next = cause.source();
    }
    ErrorKind::Transient
}

/// Whether a TLS failure hides in an error, however often it was wrapped.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.downcast_ref::<rustls::Error>().is_some() {
        return true;
    }
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    inner.is_some_and(|inner| is_tls(inner))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// The texts of `Warning: 299 - "text"` headers.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(WARNING)
        .iter()
        .filter_map(|value| {
            let (_, text) = value.to_str().ok()?.split_once('"')?;
            Some(text.trim_end_matches('"').replace("\\\"", "\""))
        })
        .collect()
}
