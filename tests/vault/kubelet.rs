//! What a kubelet does of port forwarding, for a real API server that has none: it speaks the WebSocket
//! protocol of `kubectl port-forward` over TLS and connects to what stands for the pod.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use futures::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Callback, ErrorResponse, Request, Response},
        http::HeaderValue,
    },
};

/// Where each pod really listens: `NAMESPACE/NAME`.
pub(crate) type Doors = Arc<Mutex<HashMap<String, SocketAddr>>>;

/// A kubelet that forwards ports and does nothing else.
pub(crate) struct Kubelet {
    pub(crate) port: u16,
    pub(crate) doors: Doors,
    /// The pods that a connection was opened to.
    pub(crate) opened: Arc<Mutex<Vec<String>>>,
}

impl Kubelet {
    pub(crate) async fn start() -> Self {
        let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate: CertificateDer<'static> = signed.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let kubelet = Self {
            port: listener.local_addr().unwrap().port(),
            doors: Arc::default(),
            opened: Arc::default(),
        };
        let (doors, opened) = (Arc::clone(&kubelet.doors), Arc::clone(&kubelet.opened));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, doors, opened) =
                    (acceptor.clone(), Arc::clone(&doors), Arc::clone(&opened));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, &doors, &opened).await;
                    }
                });
            }
        });
        kubelet
    }
}

async fn serve(stream: TlsStream<TcpStream>, doors: &Doors, opened: &Mutex<Vec<String>>) {
    let (mut asked, mut port) = (String::new(), 0);
    let answer = Answer {
        asked: &mut asked,
        port: &mut port,
    };
    let Ok(socket) = accept_hdr_async(stream, answer).await else {
        return;
    };
    // `/portForward/NAMESPACE/NAME`
    let pod = asked.trim_start_matches("/portForward/").to_owned();
    opened.lock().unwrap().push(pod.clone());
    let door = doors.lock().unwrap().get(&pod).copied();
    forward(socket, port, door).await;
}

/// Notes what is asked for, and agrees to the protocol.
struct Answer<'a> {
    asked: &'a mut String,
    port: &'a mut u16,
}

impl Callback for Answer<'_> {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        request.uri().path().clone_into(self.asked);
        let query = request.uri().query().unwrap_or_default();
        let ports = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut ports = ports.filter(|(name, _)| name.starts_with("port"));
        *self.port = ports
            .next()
            .and_then(|(_, port)| port.parse().ok())
            .unwrap_or(0);
        let protocol = HeaderValue::from_static("v4.channel.k8s.io");
        response
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        Ok(response)
    }
}

/// Channel 0 carries the bytes, channel 1 what went wrong; each begins with the number of the port.
async fn forward(
    mut socket: WebSocketStream<TlsStream<TcpStream>>,
    port: u16,
    door: Option<SocketAddr>,
) {
    let port = port.to_le_bytes();
    for channel in [0, 1] {
        let begin = vec![channel, port[0], port[1]];
        if socket.send(Message::binary(begin)).await.is_err() {
            return;
        }
    }
    let stream = match door {
        Some(door) => TcpStream::connect(door).await,
        None => Err(std::io::Error::other("nothing listens in the pod")),
    };
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            let mut said = vec![1];
            said.extend(error.to_string().into_bytes());
            let _ = socket.send(Message::binary(said)).await;
            let _ = socket.close(None).await;
            return;
        }
    };
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) if bytes.first() == Some(&0) => {
                    if stream.write_all(&bytes[1..]).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            read = stream.read(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    let mut message = vec![0];
                    message.extend_from_slice(&buffer[..read]);
                    if socket.send(Message::binary(message)).await.is_err() {
                        break;
                    }
                }
            },
        }
    }
    let _ = socket.close(None).await;
}
