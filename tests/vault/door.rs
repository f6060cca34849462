//! A door before a server: it passes requests on, remembers them, and answers some in the server's place.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use crate::{kill::read_message, world::Server};

/// An answer in place of the server's: from a request's first line, and how many of its kind there
/// were before.
type Fault = dyn Fn(&str, usize) -> Option<String> + Send + Sync;

pub(crate) struct Door {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Door {
    /// Before a Vault.
    pub(crate) fn open(
        upstream: &Server,
        fault: impl Fn(&str, usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::before(&upstream.url, fault)
    }

    /// Before any server without TLS.
    pub(crate) fn before(
        upstream: &str,
        fault: impl Fn(&str, usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let upstream = upstream.replace("http://", "");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, fault): (_, Arc<Fault>) = (Arc::clone(&requests), Arc::new(fault));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (upstream, seen, fault) =
                    (upstream.clone(), Arc::clone(&seen), Arc::clone(&fault));
                let stream = stream.unwrap();
                std::thread::spawn(move || pass_on(stream, &upstream, &seen, &*fault));
            }
        });
        Self { url, requests }
    }

    /// The first lines of the requests that came, those that match.
    pub(crate) fn requests(&self, part: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let lines = requests.iter().map(|text| first_line(text).to_owned());
        lines.filter(|line| line.contains(part)).collect()
    }

    /// What the requests said whose first line matches, with their heads.
    pub(crate) fn texts(&self, part: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let found = requests
            .iter()
            .filter(|text| first_line(text).contains(part));
        found.cloned().collect()
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn pass_on(mut stream: TcpStream, upstream: &str, seen: &Mutex<Vec<String>>, fault: &Fault) {
    while let Some(request) = read_message(&mut stream) {
        let text = String::from_utf8_lossy(&request).into_owned();
        let line = first_line(&text).to_owned();
        let before = {
            let mut seen = seen.lock().unwrap();
            let before = seen
                .iter()
                .filter(|other| first_line(other) == line)
                .count();
            seen.push(text);
            before
        };
        let answer = if let Some(answer) = fault(&line, before) {
            answer.into_bytes()
        } else {
            let mut server = TcpStream::connect(upstream).unwrap();
            server.write_all(&request).unwrap();
            let Some(answer) = read_message(&mut server) else {
                return;
            };
            answer
        };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what a fault gives: an answer, or nothing to pass the request on"
)]
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    ))
}
