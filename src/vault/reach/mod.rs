//! Where the servers of a Vault are, and how each is spoken to by itself.
//!
//! Flows in: `spec.server` and, for pods, the cluster. Flows out: a [`Client`] for each server, and the
//! pods that are not there yet. It must never give an address behind which there may be more than one
//! server: a share is meant for one.

mod route;
mod tls;

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;
use url::Url;

pub(super) use self::route::Route;
use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    file::{Address, PodsAt, Server, Via},
};
use crate::cluster::{Cluster, Error, ErrorKind as ClusterError, Freshness, Live, Target};

/// How the servers are found.
pub(super) enum Reach {
    /// They are known.
    Known(Vec<Client>),
    /// They are pods, which come and go.
    Pods(Box<Pods>),
}

/// The servers that were found.
pub(super) struct Found {
    /// Those that are there, the one to initialise first.
    pub servers: Vec<Client>,
    /// The pods that should be there and are not, each with why.
    pub missing: Vec<String>,
    /// Whether each pod waits for the one before it to be ready.
    pub one_by_one: bool,
}

impl Reach {
    /// By what a file says. Pods need the cluster that they are in.
    pub(super) async fn new(
        server: &Server,
        cluster: Option<&Arc<dyn Cluster>>,
    ) -> Result<Self, VaultError> {
        let config = tls::config(&server.tls, cluster).await?;
        match &server.address {
            Address::Urls(urls) => {
                let name = server.tls.server_name.as_deref();
                let name = name.map(tls::server_name).transpose()?;
                let clients = urls.iter().map(|url| {
                    Client::new(url.value.clone(), &config, Route::network(), name.clone())
                        .in_namespace(&server.namespace)
                });
                Ok(Self::Known(clients.collect()))
            }
            Address::Pods(at) => {
                let Some(cluster) = cluster else {
                    let message = "the Vault is in pods, and there is no cluster to find them in";
                    return Err(VaultError::new(ErrorKind::Unreachable, message));
                };
                Ok(Self::Pods(Box::new(Pods {
                    cluster: Arc::clone(cluster),
                    at: at.clone(),
                    config,
                    server_name: server.tls.server_name.clone(),
                    namespace: server.namespace.clone(),
                })))
            }
        }
    }

    /// The servers that are there now.
    pub(super) async fn find(&self) -> Result<Found, VaultError> {
        match self {
            Self::Known(servers) => Ok(Found {
                servers: servers.clone(),
                missing: Vec::new(),
                one_by_one: false,
            }),
            Self::Pods(pods) => pods.find().await,
        }
    }
}

/// The pods of a `StatefulSet`.
pub(super) struct Pods {
    cluster: Arc<dyn Cluster>,
    at: PodsAt,
    config: rustls::ClientConfig,
    server_name: Option<String>,
    namespace: String,
}

impl Pods {
    async fn find(&self) -> Result<Found, VaultError> {
        let set = self.target("apps", "StatefulSet", &self.at.stateful_set);
        let set = set.await?;
        let Some(live) = self.get(&set).await? else {
            let message = format!("{set} is not there yet");
            return Err(VaultError::new(ErrorKind::Unreachable, message)
                .help("the phase that installs the Vault goes before this one"));
        };
        let number = |path: &[&str], default| {
            let found = live.at(path).and_then(Value::as_u64);
            found.unwrap_or(default)
        };
        let (first, replicas) = (
            number(&["spec", "ordinals", "start"], 0),
            number(&["spec", "replicas"], 1),
        );
        let mut found = Found {
            servers: Vec::new(),
            missing: Vec::new(),
            one_by_one: live.text(&["spec", "podManagementPolicy"]) != "Parallel",
        };
        let names = (first..first + replicas).map(|at| format!("{}-{at}", self.at.stateful_set));
        let pods = join_all(names.map(|name| self.pod(name, &live))).await;
        for pod in pods {
            match pod? {
                Ok(client) => found.servers.push(client),
                Err(why) => found.missing.push(why),
            }
        }
        if found.servers.is_empty() {
            let why = if found.missing.is_empty() {
                format!("{set} has no replicas")
            } else {
                found.missing.join("; ")
            };
            return Err(VaultError::new(ErrorKind::Unreachable, why));
        }
        Ok(found)
    }

    /// A client of a pod of the set; why there is none, where the pod cannot answer.
    async fn pod(&self, name: String, set: &Live) -> Result<Result<Client, String>, VaultError> {
        let target = self.target("", "Pod", &name).await?;
        let Some(live) = self.get(&target).await? else {
            return Ok(Err(format!("{target} is not there yet")));
        };
        let owners = live.at(&["metadata", "ownerReferences"]);
        let owners = owners.and_then(Value::as_array).into_iter().flatten();
        let is_of_set = owners
            .filter_map(|owner| owner.get("uid").and_then(Value::as_str))
            .any(|uid| uid == set.uid());
        let phase = live.text(&["status", "phase"]);
        let address = live.text(&["status", "podIP"]);
        if !is_of_set {
            return Ok(Err(format!("{target} is not a pod of this StatefulSet")));
        }
        let waits = address.is_empty() && self.is_direct();
        if live.is_terminating() || phase != "Running" || waits {
            let says = if live.is_terminating() {
                "goes"
            } else {
                "is not running yet"
            };
            return Ok(Err(format!("{target} {says}")));
        }
        self.client(target, set, address).map(Ok)
    }

    /// Whether pods are reached by their addresses.
    fn is_direct(&self) -> bool {
        match self.at.via {
            Via::Auto => self.cluster.is_inside(),
            Via::PodIp => true,
            Via::PortForward => false,
        }
    }

    fn client(&self, pod: Target, set: &Live, address: &str) -> Result<Client, VaultError> {
        let scheme = if self.at.tls { "https" } else { "http" };
        let service = set.text(&["spec", "serviceName"]);
        let name = format!("{}.{service}.{}.svc", pod.name, self.at.namespace);
        let direct = self.is_direct();
        let host = match (direct, address.contains(':')) {
            (true, true) => format!("[{address}]"),
            (true, false) => address.to_owned(),
            (false, _) => name.clone(),
        };
        let label = format!("{scheme} pod {}/{}", self.at.namespace, pod.name);
        let url = format!("{scheme}://{host}:{}", self.at.port);
        let url = Url::parse(&url).map_err(|error| {
            let message = format!("`{url}` is no address of a pod: {error}");
            VaultError::new(ErrorKind::Unreachable, message)
        })?;
        let route = if direct {
            Route::network()
        } else {
            Route::forward(Arc::clone(&self.cluster), pod, self.at.port)
        };
        let name = tls::server_name(self.server_name.as_ref().unwrap_or(&name))?;
        Ok(Client::new(url, &self.config, route, Some(name))
            .called(label)
            .in_namespace(&self.namespace))
    }

    async fn target(&self, group: &str, kind: &str, name: &str) -> Result<Target, VaultError> {
        let kinds = self.cluster.kinds(Freshness::Cached).await;
        let kinds = kinds.map_err(|error| failed(&error))?;
        let Some(resource) = kinds.preferred(group, kind) else {
            let message = format!("the cluster has no kind `{kind}`");
            return Err(VaultError::new(ErrorKind::Unreachable, message));
        };
        Ok(Target {
            resource: Arc::clone(resource),
            namespace: self.at.namespace.clone(),
            name: name.to_owned(),
        })
    }

    async fn get(&self, target: &Target) -> Result<Option<Live>, VaultError> {
        let live = self.cluster.get(target).await;
        live.map_err(|error| failed(&error))
    }
}

/// What a failed request to the API server is to those who wanted a Vault.
fn failed(error: &Error) -> VaultError {
    let kind = match error.kind() {
        ClusterError::Forbidden | ClusterError::Unauthorized => ErrorKind::Forbidden,
        ClusterError::Unreachable | ClusterError::Transient => ErrorKind::Unreachable,
        _ => ErrorKind::Invalid,
    };
    let found = VaultError::new(kind, error.to_string());
    match error.help() {
        Some(help) => found.help(help),
        None => found,
    }
}
