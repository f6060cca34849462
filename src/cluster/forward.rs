//! A connection to a port of a pod, through the API server.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::{
    client::transport_error,
    error::{About, Error, ErrorKind},
    resource::Target,
};

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A forwarded connection, which ends with what the other side said about it.
struct Forwarded {
    stream: DuplexStream,
    said: Option<BoxFuture<'static, Option<String>>>,
}

/// Opens a connection to a port of a pod.
pub(super) async fn open(
    client: kube::Client,
    pod: &Target,
    port: u16,
) -> Result<Box<dyn Duplex>, Error> {
    let about = About::target("forward to", pod);
    let pods: Api<Pod> = Api::namespaced(client, &pod.namespace);
    let opened = pods.portforward(&pod.name, &[port]).await;
    let mut forwarder = opened.map_err(|error| transport_error(&error, &about))?;
    let said = forwarder.take_error(port);
    let Some(stream) = forwarder.take_stream(port) else {
        return Err(about.error(ErrorKind::Fatal, format!("port {port} was not opened")));
    };
    Ok(Box::new(Forwarded {
        stream,
        said: said.map(|said| Box::pin(said) as BoxFuture<'static, _>),
    }))
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let is_end = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if is_end
            && let Some(said) = &mut self.said
            && let Poll::Ready(said) = said.as_mut().poll(context)
        {
            self.said = None;
            if let Some(said) = said {
                return Poll::Ready(Err(io::Error::other(said)));
            }
        }
        read
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
