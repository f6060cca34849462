//! A small HTTP client over one connection a request, so that a cut connection is seen as one.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use trueup_embedded::Server;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The texts of its warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let all = self.headers.get_all("warning").iter();
        all.map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }
}

/// The connection ended before the answer did.
#[derive(Debug)]
pub(crate) struct Broken;

#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: std::net::SocketAddr,
}

/// Media type of each patch.
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

impl Client {
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            address: server.address(),
        }
    }

    async fn open(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Broken> {
        let stream = TcpStream::connect(self.address).await.map_err(|_| Broken)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Broken)?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|_| Broken)
    }

    fn request(
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        let path = path.replace(' ', "%20");
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "embedded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Full::new(body.into())).unwrap()
    }

    /// Sends a request as it is given.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Broken> {
        let response = self
            .open(Self::request(method, path, headers, body))
            .await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    async fn plain(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "tests/1"),
        ];
        self.send(method, path, &headers, body).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.plain("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.plain("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.plain("PUT", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.plain("DELETE", path, None).await
    }

    pub(crate) async fn patch(&self, kind: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", kind), ("user-agent", "tests/1")];
        self.send("PATCH", path, &headers, body.to_string().into_bytes())
            .await
            .unwrap()
    }

    /// Asks until the answer is as wanted; a test that waits in vain fails by its message.
    pub(crate) async fn until(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Answer {
        for _ in 0..500 {
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "{path}: waited in vain for {what}: {:?}",
            self.get(path).await.json()
        );
    }

    /// Starts a watch.
    pub(crate) async fn watch(&self, path: &str) -> Watch {
        let request = Self::request("GET", path, &[("user-agent", "tests/1")], Bytes::new());
        let response = self.open(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Watch {
            body: response.into_body(),
            rest: Vec::new(),
        }
    }
}

/// The events of a watch.
#[derive(Debug)]
pub(crate) struct Watch {
    body: Incoming,
    rest: Vec<u8>,
}

/// How a watch goes on.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    Event(Value),
    /// It ended as it should.
    End,
    /// The connection was cut.
    Cut,
}

impl Watch {
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Next::Event(serde_json::from_slice(&line).unwrap());
            }
            match self.body.frame().await {
                None => return Next::End,
                Some(Err(_)) => return Next::Cut,
                Some(Ok(frame)) => self.rest.extend(frame.into_data().unwrap_or_default()),
            }
        }
    }

    /// Type and name of the next event.
    pub(crate) async fn event(&mut self) -> (String, String) {
        match self.next().await {
            Next::Event(event) => (
                event["type"].as_str().unwrap().to_owned(),
                event["object"]["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            ),
            other => panic!("no event but {other:?}"),
        }
    }
}
