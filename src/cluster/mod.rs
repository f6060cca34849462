//! The one room that talks to a Kubernetes API server.
//!
//! Flows in: how to reach a cluster, then requests by [`Target`]. Flows out: what the server holds
//! ([`Live`]), what it serves ([`Kinds`]) and [`Error`]s that name the object and say what can be
//! done about it.
//! It must never decide what should be in the cluster, and nothing outside it may name `kube`.

mod access;
mod client;
mod connection;
mod discovery;
mod error;
mod forward;
mod live;
mod plugin;
mod redact;
mod request;
mod resource;
mod retry;
mod watch;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use serde_json::Value;

pub use self::{
    access::{Access, connect},
    client::KubeCluster,
    error::{Cause, Error, ErrorKind, FieldConflict},
    forward::Duplex,
    live::Live,
    resource::{Kinds, Resource, Target},
    retry::RetryPolicy,
};

/// What a verb of [`Cluster`] gives.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A Kubernetes API server. Every verb names its object in its errors, retries what is worth
/// retrying, and may be called by many tasks at once.
pub trait Cluster: Send + Sync {
    /// What the server serves. [`Freshness::Latest`] asks the server anew.
    fn kinds(&self, freshness: Freshness) -> Answer<'_, Arc<Kinds>>;

    /// Which version of Kubernetes the server is of.
    fn version(&self) -> Answer<'_, ServerVersion>;

    /// Reads an object; none where there is none.
    fn get<'a>(&'a self, target: &'a Target) -> Answer<'a, Option<Live>>;

    /// Reads all objects of a resource that a selection picks, page by page.
    fn list<'a>(&'a self, resource: &'a Resource, selection: &'a Selection) -> Answer<'a, Listing>;

    /// Reads only the namespaces and names of the objects that a selection picks.
    fn names<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
    ) -> Answer<'a, HashSet<(String, String)>>;

    /// Applies `body` (JSON) on the server's side and gives the object as it is afterwards, or as it
    /// would be for a dry run.
    fn apply<'a>(
        &'a self,
        target: &'a Target,
        body: Bytes,
        options: &'a ApplyOptions,
    ) -> Answer<'a, Applied>;

    /// Patches an object that exists.
    fn patch<'a>(&'a self, target: &'a Target, patch: &'a Patch, dry_run: bool)
    -> Answer<'a, Live>;

    /// Deletes an object. One that is gone already counts as deleted.
    fn delete<'a>(&'a self, target: &'a Target, options: &'a DeleteOptions) -> Answer<'a, Deleted>;

    /// Follows the changes of the objects that a selection picks, from just after
    /// `resource_version`. The stream ends when the server closes it; an error is its last item.
    fn watch<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
        resource_version: &'a str,
    ) -> BoxStream<'a, Result<WatchEvent, Error>>;

    /// Whether this process runs in the cluster, and reaches pods by their addresses.
    fn is_inside(&self) -> bool {
        false
    }

    /// Opens a connection to a port of a pod, through the server.
    fn forward<'a>(&'a self, pod: &'a Target, port: u16) -> Answer<'a, Box<dyn Duplex>> {
        let message = format!("port {port} cannot be reached through this server");
        let error = Error::new(ErrorKind::Fatal, "forward to", pod.to_string(), message);
        Box::pin(async { Err(error) })
    }
}

/// The version of a server, as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerVersion {
    /// All of it: `v1.31.2-eks-7f9249a`.
    pub git_version: String,
    /// `1`.
    pub major: String,
    /// `31`, or `31+`.
    pub minor: String,
}

/// How fresh an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// What was read last in this process will do.
    Cached,
    /// The server is asked.
    Latest,
}

/// Which objects of a resource are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// In this namespace; all namespaces where empty.
    pub namespace: String,
    /// By label selector; any where empty.
    pub labels: String,
    /// By field selector; any where empty.
    pub fields: String,
}

impl Selection {
    /// What a label selector picks in all namespaces.
    pub fn labelled(labels: impl Into<String>) -> Self {
        Self {
            labels: labels.into(),
            ..Self::default()
        }
    }

    /// One object by name.
    pub fn named(target: &Target) -> Self {
        Self {
            namespace: target.namespace.clone(),
            fields: format!("metadata.name={}", target.name),
            ..Self::default()
        }
    }
}

/// What a list gives.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The objects.
    pub items: Vec<Live>,
    /// Where a watch goes on from.
    pub resource_version: String,
}

/// How an object is applied.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// Under which name the fields are owned.
    pub field_manager: Cow<'static, str>,
    /// Whether to take fields over from other managers.
    pub force: bool,
    /// Whether the server only says what would happen.
    pub dry_run: bool,
    /// The part of the object that is written, such as `status`; the object itself where none.
    pub subresource: Option<&'static str>,
}

/// What an apply gives.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The object as it is afterwards.
    pub live: Live,
    /// What the server warned of, such as a version that will go away.
    pub warnings: Vec<String>,
    /// Whether the object was created by this request.
    pub created: bool,
}

/// A patch of an object that exists.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 6902.
    Json(Value),
    /// RFC 7386.
    Merge(Value),
}

/// How an object is deleted.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Only the object with this UID.
    pub uid: Option<String>,
    /// Only while the object is at this version.
    pub resource_version: Option<String>,
    /// What becomes of the objects it owns.
    pub propagation: Propagation,
    /// Whether the server only says what would happen.
    pub dry_run: bool,
}

/// What becomes of the objects that a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted afterwards.
    #[default]
    Background,
    /// They are deleted first.
    Foreground,
    /// They stay.
    Orphan,
}

/// What a delete gives.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// The object is gone.
    Gone,
    /// The object waits for its finalizers or its grace period.
    Pending(Live),
}

/// One change that a watch reports.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// The object is there or has changed.
    Present(Live),
    /// The object is gone; as it was last.
    Gone(Live),
    /// Nothing changed up to this version.
    Bookmark(String),
}
