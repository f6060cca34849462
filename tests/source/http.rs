//! A small HTTP(S) server over `git http-backend`, with logins and faults.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Response, StatusCode, header},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::repository::plain_git;

/// What the server does in place of its duty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Answers with a status.
    Status(u16),
    /// Accepts a request and says nothing, until the fault is lifted.
    Hang,
    /// Sends only half of each pack.
    HalfPack,
    /// Flips a byte in the middle of each pack.
    FlippedPack,
    /// Sends the client elsewhere.
    Redirect(String),
    /// Answers with a web page.
    Page,
}

/// A request that the server has seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    root: PathBuf,
    /// The whole `Authorization` header to ask for.
    login: Mutex<Option<String>>,
    fault: watch::Sender<Fault>,
    seen: Mutex<Vec<Seen>>,
}

impl Server {
    /// Serves the repository `bare` over plain HTTP.
    pub(crate) async fn start(bare: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::serve(bare, format!("http://{address}/r.git"), listener)
    }

    /// Serves it from a listener, which may speak TLS.
    pub(crate) fn serve<L>(bare: &Path, url: String, listener: L) -> Self
    where
        L: axum::serve::Listener,
        L::Addr: std::fmt::Debug,
    {
        let shared = Arc::new(Shared {
            root: bare.parent().unwrap().to_owned(),
            login: Mutex::default(),
            fault: watch::Sender::new(Fault::None),
            seen: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// Asks every request for this `Authorization` header.
    pub(crate) fn demand(&self, authorization: &str) {
        *self.shared.login.lock().unwrap() = Some(authorization.to_owned());
    }

    pub(crate) fn break_with(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// The requests since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    let seen = Seen {
        path: path.clone(),
        authorization: authorization.clone(),
    };
    shared.seen.lock().unwrap().push(seen);
    let fault = shared.fault.borrow().clone();
    let plain = |status: u16| Response::builder().status(status);
    match &fault {
        Fault::Status(status) => return plain(*status).body(Body::empty()).unwrap(),
        Fault::Redirect(to) => {
            let query = request.uri().query().unwrap_or_default();
            let to = format!("{to}{}?{query}", path.trim_start_matches("/r.git"));
            return plain(302)
                .header(header::LOCATION, to)
                .body(Body::empty())
                .unwrap();
        }
        Fault::Page => {
            let page = plain(200).header(header::CONTENT_TYPE, "text/html");
            return page.body(Body::from("<h1>Log in</h1>")).unwrap();
        }
        Fault::Hang => {
            let mut lifted = shared.fault.subscribe();
            let _ = lifted.wait_for(|fault| *fault != Fault::Hang).await;
            return plain(503).body(Body::empty()).unwrap();
        }
        Fault::None | Fault::HalfPack | Fault::FlippedPack => {}
    }
    let login = shared.login.lock().unwrap().clone();
    if login.is_some() && login != authorization {
        let challenge = plain(401).header(header::WWW_AUTHENTICATE, "Basic realm=\"git\"");
        return challenge.body(Body::empty()).unwrap();
    }
    let is_pack = path.ends_with("/git-upload-pack");
    let (mut head, mut body) = backend(&shared.root, request).await;
    let middle = body.len() / 2;
    match fault {
        Fault::HalfPack if is_pack => body.truncate(middle),
        Fault::FlippedPack if is_pack => body[middle] ^= 0xff,
        _ => {}
    }
    head = head.header(header::CONTENT_LENGTH, body.len());
    head.body(Body::from(body)).unwrap()
}

/// Runs `git http-backend` on a request, by the rules of CGI (RFC 3875).
async fn backend(root: &Path, request: Request) -> (axum::http::response::Builder, Vec<u8>) {
    let mut command = Command::new("git");
    plain_git(&mut command);
    command
        .arg("http-backend")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", request.uri().path())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REQUEST_METHOD", request.method().as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
        command.env("CONTENT_TYPE", kind.to_str().unwrap());
    }
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    command.env("CONTENT_LENGTH", body.len().to_string());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command
            .spawn()
            .expect("these tests need `git http-backend`");
        // The answer may come before the whole request is read.
        let _ = child.stdin.take().unwrap().write_all(&body);
        child.wait_with_output().unwrap().stdout
    })
    .await
    .unwrap();
    let end = output
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a CGI header");
    let mut builder = Response::builder().status(StatusCode::OK);
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        builder = match name {
            "Status" => builder.status(value.split(' ').next().unwrap()),
            name => builder.header(name, value),
        };
    }
    (builder, output[end + 4..].to_vec())
}
