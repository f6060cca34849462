//! One watch request as a stream of changes.

use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use kube::core::WatchEvent as Raw;
use serde_json::Value;

use super::{
    Live, WatchEvent,
    client::{build, transport_error},
    error::{About, Error, ErrorKind},
    request::Request,
};

/// How long a watch may be silent. Servers send a bookmark about every minute, so that longer
/// silence means a connection that is dead without anybody having said so.
const SILENCE: Duration = Duration::from_mins(2);

/// Follows a watch until the server ends it, it falls silent, or it fails.
pub(super) fn follow(
    client: kube::Client,
    request: Request,
    subject: String,
) -> impl Stream<Item = Result<WatchEvent, Error>> + Send {
    // Events may be about Secrets: what an error says of them is redacted.
    let about = About {
        verb: "watch",
        subject,
        secret: true,
        keep: Vec::new(),
    };
    stream::once(open(client, request, about)).try_flatten()
}

async fn open(
    client: kube::Client,
    request: Request,
    about: About,
) -> Result<impl Stream<Item = Result<WatchEvent, Error>> + Send, Error> {
    let message = build(&request, &[], &about)?;
    let opening = client.request_events::<Value>(message);
    let events = match tokio::time::timeout(SILENCE, opening).await {
        Ok(opened) => opened.map_err(|error| transport_error(&error, &about))?,
        Err(_) => return Err(about.error(ErrorKind::Transient, "no answer")),
    };
    let events = events.boxed();
    Ok(stream::try_unfold(
        (events, about),
        |(mut events, about)| async move {
            let Ok(Some(event)) = tokio::time::timeout(SILENCE, events.next()).await else {
                return Ok(None);
            };
            let event = event.map_err(|error| transport_error(&error, &about))?;
            Ok(Some((change(event, &about)?, (events, about))))
        },
    ))
}

fn change(event: Raw<Value>, about: &About) -> Result<WatchEvent, Error> {
    Ok(match event {
        Raw::Added(value) | Raw::Modified(value) => WatchEvent::Present(Live::new(value)),
        Raw::Deleted(value) => WatchEvent::Gone(Live::new(value)),
        Raw::Bookmark(bookmark) => WatchEvent::Bookmark(bookmark.metadata.resource_version),
        Raw::Error(status) => return Err(transport_error(&kube::Error::Api(status), about)),
    })
}
