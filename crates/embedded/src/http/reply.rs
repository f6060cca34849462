//! What goes back to the client.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

use super::accept::Accepted;
use crate::status::ApiError;

/// A reply on its way: a whole body, or a stream that goes on while the client listens.
#[derive(Debug)]
pub struct ReplyBody(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Result<Bytes, Cut>>),
    /// A cut is due once what came before it has been sent.
    Ending,
}

/// The connection ends here, in the middle of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection cut by an injected fault")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl ReplyBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(Some(bytes.into())))
    }

    pub(crate) fn stream(receiver: mpsc::Receiver<Result<Bytes, Cut>>) -> Self {
        Self(Kind::Stream(receiver))
    }
}

impl http_body::Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream(receiver) => match receiver.poll_recv(context) {
                Poll::Ready(Some(Err(Cut))) => {
                    // The transport flushes while it waits, and forgets what it holds at an error.
                    self.0 = Kind::Ending;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                other => other.map(|item| item.map(|result| result.map(Frame::data))),
            },
            Kind::Ending => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Whole(None))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => {
                http_body::SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Kind::Stream(_) | Kind::Ending => http_body::SizeHint::default(),
        }
    }
}

/// A whole reply before it is put on the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: ReplyBody,
    /// Texts of `Warning: 299` headers.
    pub(crate) warnings: Vec<String>,
    pub(crate) retry_after: Option<u64>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn new(code: u16, content_type: &'static str, body: ReplyBody) -> Self {
        let (warnings, headers) = (Vec::new(), Vec::new());
        Self {
            code,
            content_type,
            body,
            warnings,
            retry_after: None,
            headers,
        }
    }

    pub(crate) fn text(code: u16, text: impl Into<String>) -> Self {
        let body = ReplyBody::whole(text.into());
        Self::new(code, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn value(code: u16, value: &Value, accepted: &Accepted) -> Self {
        let body = if accepted.yaml {
            serde_yaml::to_string(value)
                .unwrap_or_default()
                .into_bytes()
        } else {
            let mut bytes = serde_json::to_vec(value).unwrap_or_default();
            bytes.push(b'\n');
            bytes
        };
        Self::new(code, accepted.media_type(), ReplyBody::whole(body))
    }

    pub(crate) fn error(error: &ApiError) -> Self {
        let mut reply = Self::value(error.code(), &error.to_value(), &Accepted::JSON);
        reply.retry_after = error.retry_after();
        reply
    }

    pub(crate) fn into_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() =
            StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache, private"),
        );
        for warning in self.warnings {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", quote(&warning))) {
                headers.append(header::WARNING, value);
            }
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A quoted string of RFC 7230.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\n' | '\r' => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
