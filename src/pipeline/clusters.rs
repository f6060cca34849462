//! Which cluster an environment is kept true on, and the session with it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use trueup_embedded::Server;
use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::Location;

use crate::{
    apply::Session,
    cluster::{self, Access, Cluster, RetryPolicy},
    config::{ClusterRef, Environment},
};

/// The clusters of a process: each is connected to once, however many environments are on it.
#[derive(Default)]
pub struct Clusters {
    instead: Option<Access>,
    /// The API server inside trueup, started by the first environment that wants it.
    embedded: OnceCell<Server>,
    connections: Mutex<Vec<Arc<Connection>>>,
}

/// A cluster with the session that learns about it.
pub struct Connection {
    access: Access,
    /// The cluster.
    pub cluster: Arc<dyn Cluster>,
    /// The session with it.
    pub session: Session,
}

impl Connection {
    /// How the cluster is reached, for people.
    pub fn describe(&self) -> String {
        match &self.access {
            Access::Kubeconfig { path, context } => {
                let path = path.as_deref().unwrap_or("the default kubeconfig");
                let context = context.as_deref().unwrap_or("its current context");
                format!("{path}, {context}")
            }
            Access::InCluster => "the cluster that trueup runs in".to_owned(),
            Access::Url { url, .. } => url.clone(),
        }
    }
}

impl Clusters {
    /// Where `instead` is given, it is used in place of what each environment says.
    pub fn new(instead: Option<Access>) -> Self {
        Self {
            instead,
            ..Self::default()
        }
    }

    /// The connection to the cluster of an environment. Nothing is sent yet: whether the cluster can
    /// be reached is seen with the first request.
    pub async fn of(&self, environment: &Environment) -> Result<Arc<Connection>, Diagnostics> {
        environment.not_built_to_apply().into_result(())?;
        let access = match &self.instead {
            Some(instead) => instead.clone(),
            None => self.access(environment).await?,
        };
        self.to(access, environment.cluster.location.clone()).await
    }

    /// The cluster that the flags name; else the one that this process runs in, or that of the kubeconfig.
    pub async fn nearest(&self) -> Result<Arc<dyn Cluster>, Diagnostics> {
        let access = match &self.instead {
            Some(instead) => instead.clone(),
            None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => Access::InCluster,
            None => Access::Kubeconfig {
                path: None,
                context: None,
            },
        };
        Ok(Arc::clone(&self.to(access, None).await?.cluster))
    }

    async fn to(
        &self,
        access: Access,
        place: Option<Location>,
    ) -> Result<Arc<Connection>, Diagnostics> {
        if let Some(known) = self.known(&access) {
            return Ok(known);
        }
        let client = cluster::connect(&access, RetryPolicy::default())
            .await
            .map_err(|error| {
                let diagnostic =
                    Diagnostic::error("cluster/connect", error.to_string()).at(place.clone());
                match error.help() {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            })?;
        let cluster: Arc<dyn Cluster> = Arc::new(client);
        let session = Session::new(Arc::clone(&cluster));
        let made = Arc::new(Connection {
            access,
            cluster,
            session,
        });
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Two may have connected at once; both go on with the first one's, and what its session learns.
        if let Some(known) = connections.iter().find(|known| known.access == made.access) {
            return Ok(Arc::clone(known));
        }
        connections.push(Arc::clone(&made));
        Ok(made)
    }

    /// Connects anew next time: the kubeconfig behind a connection that fails may have changed.
    pub fn forget(&self, connection: &Arc<Connection>) {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.retain(|known| !Arc::ptr_eq(known, connection));
    }

    fn known(&self, access: &Access) -> Option<Arc<Connection>> {
        let connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections
            .iter()
            .find(|known| known.access == *access)
            .cloned()
    }

    async fn access(&self, environment: &Environment) -> Result<Access, Diagnostics> {
        match &environment.cluster.value {
            ClusterRef::Kubeconfig { path, context } => Ok(Access::Kubeconfig {
                path: path.as_ref().map(|path| at_home(&path.value)),
                context: context.as_ref().map(|context| context.value.clone()),
            }),
            ClusterRef::InCluster => Ok(Access::InCluster),
            ClusterRef::Embedded => {
                let server = self
                    .embedded
                    .get_or_try_init(start_embedded)
                    .await
                    .map_err(|error| {
                        let place = environment.cluster.location.clone();
                        Diagnostic::error("cluster/embedded", error.to_string()).at(place)
                    })?;
                Ok(Access::Url {
                    url: server.url(),
                    token: None,
                })
            }
            // Refused above, with what to do instead.
            ClusterRef::Eks(_) => Err(Diagnostics::new()),
        }
    }
}

/// A path with `~/` at its beginning, in the home folder.
fn at_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}

async fn start_embedded() -> Result<Server, trueup_embedded::Error> {
    let server = Server::builder()
        .simulate_controllers(CONTROLLERS)
        .start()
        .await?;
    tracing::info!(url = server.url(), "the API server inside trueup listens");
    Ok(server)
}

/// How long the controllers of the embedded API server take for what they do.
const CONTROLLERS: std::time::Duration = std::time::Duration::from_millis(100);
