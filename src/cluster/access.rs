//! How to reach a cluster: kubeconfig, service account, or a plain address.

use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig};

use super::{
    client::KubeCluster,
    connection::Connection,
    error::{Error, ErrorKind},
    plugin,
    retry::RetryPolicy,
};

/// How to reach a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// As `kubectl` does.
    Kubeconfig {
        /// The file; `$KUBECONFIG` (several files are merged) or `~/.kube/config` where none.
        path: Option<String>,
        /// The context; the file's current one where none.
        context: Option<String>,
    },
    /// By the service account of the pod that trueup runs in.
    InCluster,
    /// By address, as for the embedded server.
    Url {
        /// The server's root, such as `http://127.0.0.1:8080`.
        url: String,
        /// A bearer token.
        token: Option<String>,
    },
}

/// Makes a client for a cluster. Nothing is sent yet, save what a kubeconfig's credential plugin
/// does by itself.
pub async fn connect(access: &Access, retry: RetryPolicy) -> Result<KubeCluster, Error> {
    let connection = Connection::open(access).await?;
    let inside = *access == Access::InCluster;
    Ok(KubeCluster::new(connection, retry, inside))
}

/// Reads the credentials and makes a client with them; and the address of the server that it asks.
pub(super) async fn client_of(access: &Access) -> Result<(kube::Client, String), Error> {
    // One TLS provider for the whole program; another one installed before is kept.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut config = configuration(access).await?;
    // Our own retries know what a request is about and say so.
    config.default_retry = false;
    plugin::ask(&mut config.auth_info).await?;
    let subject = config.cluster_url.to_string();
    let client = kube::Client::try_from(config);
    let client = client
        .map_err(|error| Error::new(ErrorKind::Fatal, "reach", subject.clone(), chain(&error)))?;
    Ok((client, subject.trim_end_matches('/').to_owned()))
}

async fn configuration(access: &Access) -> Result<Config, Error> {
    match access {
        Access::Kubeconfig { path, context } => {
            let subject = path.clone().unwrap_or_else(|| "kubeconfig".to_owned());
            let failed = |error: &dyn std::error::Error| {
                Error::new(ErrorKind::Fatal, "read", subject.clone(), chain(error))
            };
            let kubeconfig = match path {
                Some(path) => Kubeconfig::read_from(path),
                None => Kubeconfig::read(),
            }
            .map_err(|error| failed(&error))?;
            let options = KubeConfigOptions {
                context: context.clone(),
                ..KubeConfigOptions::default()
            };
            Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(|error| failed(&error))
        }
        Access::InCluster => Config::incluster().map_err(|error| {
            Error::new(
                ErrorKind::Fatal,
                "use",
                "the pod's service account",
                chain(&error),
            )
        }),
        Access::Url { url, token } => {
            let address = url
                .parse()
                .map_err(|error| Error::new(ErrorKind::Fatal, "use", url.clone(), chain(&error)))?;
            let mut config = Config::new(address);
            config.auth_info = AuthInfo {
                token: token.clone().map(Into::into),
                ..AuthInfo::default()
            };
            Ok(config)
        }
    }
}

/// What layers of the HTTP stack put before the cause, and no operator needs.
const LAYERS: &[&str] = &[
    "ServiceError: ",
    "HyperError: ",
    "client error (Connect): ",
    "client error (SendRequest): ",
];

/// An error with what caused it, each thing said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    for layer in LAYERS {
        text = text.replace(layer, "");
    }
    text
}
