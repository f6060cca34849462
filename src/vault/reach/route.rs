//! The way to one server: by the network, or through the API server of the cluster that it is in.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt, future::BoxFuture};
use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use crate::cluster::{Cluster, Duplex, Target};

/// The way to one server.
#[derive(Clone)]
pub(in crate::vault) enum Route {
    /// By its address.
    Network(HttpConnector),
    /// To a port of a pod, through the API server.
    Forward {
        /// The cluster.
        cluster: Arc<dyn Cluster>,
        /// The pod.
        pod: Arc<Target>,
        /// The port.
        port: u16,
    },
}

impl Route {
    /// By the address that a request names.
    pub(in crate::vault) fn network() -> Self {
        let mut connector = HttpConnector::new();
        // TLS is laid over it.
        connector.enforce_http(false);
        Self::Network(connector)
    }

    /// To a port of a pod, whatever address a request names.
    pub(in crate::vault) fn forward(cluster: Arc<dyn Cluster>, pod: Target, port: u16) -> Self {
        Self::Forward {
            cluster,
            pod: Arc::new(pod),
            port,
        }
    }
}

impl Service<Uri> for Route {
    type Response = TokioIo<Line>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self {
            Self::Network(connector) => connector.poll_ready(context).map_err(Into::into),
            Self::Forward { .. } => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Network(connector) => {
                let connecting = connector.call(uri);
                async move { Ok(TokioIo::new(Line(Box::new(connecting.await?.into_inner())))) }
                    .boxed()
            }
            Self::Forward { cluster, pod, port } => {
                let (cluster, pod, port) = (Arc::clone(cluster), Arc::clone(pod), *port);
                async move {
                    let line = cluster.forward(&pod, port).await?;
                    Ok(TokioIo::new(Line(line)))
                }
                .boxed()
            }
        }
    }
}

/// A connection, whichever way it goes.
pub(in crate::vault) struct Line(Box<dyn Duplex>);

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
