//! The listener, and the task that keeps the snapshot file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::core::Core;
use crate::http::reply::{Cut, Reply};
use crate::http::serve;
use crate::status::ApiError;

/// The real server's bound on a body.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// Accepts connections until the server stops.
pub(super) async fn accept(core: Arc<Core>, listener: TcpListener) {
    let mut stop = core.stopping();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(Arc::clone(&core), stream));
                }
                // Out of file descriptors, mostly: others may be given back soon.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            _ = stop.changed() => return,
        }
    }
}

async fn connection(core: Arc<Core>, stream: TcpStream) {
    let mut stop = core.stopping();
    // Answers are small and the client waits for each.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&core), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // An error is a client that left or a cut that a fault asked for.
        _ = connection => {}
        _ = stop.changed() => {}
    }
}

async fn answer(
    core: Arc<Core>,
    request: Request<Incoming>,
) -> Result<http::Response<crate::http::reply::ReplyBody>, Cut> {
    let (parts, body) = request.into_parts();
    let body: Bytes = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let error =
                ApiError::too_large(format!("Request entity too large: limit is {MAX_BODY}"));
            return Ok(Reply::error(&error).into_response());
        }
        Err(_) => return Err(Cut),
    };
    serve(core, Request::from_parts(parts, body)).await
}

/// Writes the snapshot file soon after a write, until the server stops.
pub(super) async fn keep_snapshot(core: Arc<Core>, path: PathBuf) {
    const QUIET: Duration = Duration::from_millis(200);
    let mut writes = core.store.subscribe();
    while writes.changed().await.is_ok() {
        tokio::time::sleep(QUIET).await;
        writes.mark_unchanged();
        let (core, path) = (Arc::clone(&core), path.clone());
        let saved = tokio::task::spawn_blocking(move || core.store.save(&path)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "the snapshot file could not be written");
        }
    }
}
