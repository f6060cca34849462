//! A TCP proxy on loopback that cuts, delays and stalls what goes through it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// How the proxy treats the connections that come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// Everything goes through.
    #[default]
    Honest,
    /// Each connection is reset once so many bytes of answers have come.
    CutAfter(usize),
    /// Each piece of an answer comes so much later.
    Slow(Duration),
    /// Connections are taken, and nothing ever comes back.
    Silent,
}

/// A proxy that ends with the value.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    conduct: Arc<Mutex<Turns>>,
    /// Whether nobody gets through.
    away: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// How it behaves, and for how many connections more.
#[derive(Debug, Default)]
struct Turns {
    conduct: Conduct,
    left: usize,
    /// How many connections were not treated honestly.
    mistreated: usize,
}

impl Turns {
    fn next(&mut self) -> Conduct {
        if self.left == 0 {
            return Conduct::Honest;
        }
        self.left -= 1;
        self.mistreated += 1;
        self.conduct
    }
}

impl Proxy {
    /// In front of a port of loopback.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let conduct = Arc::<Mutex<Turns>>::default();
        let turns = Arc::clone(&conduct);
        let (away, is_away) = watch::channel(false);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let conduct = turns.lock().unwrap().next();
                let is_away = is_away.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = until_away(is_away) => {}
                        () = serve(client, port, conduct) => {}
                    }
                });
            }
        });
        Self {
            port: own,
            conduct,
            away,
            task,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Treats the next connections so, and all after them honestly.
    pub fn treat(&self, connections: usize, conduct: Conduct) {
        *self.conduct.lock().unwrap() = Turns {
            conduct,
            left: connections,
            mistreated: 0,
        };
    }

    /// Cuts every connection, and each new one at once, until it [comes back](Self::come_back).
    pub fn go_away(&self) {
        self.away.send_replace(true);
    }

    /// Lets connections through again.
    pub fn come_back(&self) {
        self.away.send_replace(false);
    }

    /// How many connections it has treated otherwise than honestly since it was told how.
    pub fn mistreated(&self) -> usize {
        self.conduct.lock().unwrap().mistreated
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Comes back when nobody gets through any more. The end of the proxy is no end of its connections.
async fn until_away(mut is_away: watch::Receiver<bool>) {
    if is_away.wait_for(|away| *away).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn serve(client: TcpStream, port: u16, conduct: Conduct) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let upstream = tokio::spawn(async move {
        // Its end is the end of the connection.
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    });
    let mut left = match conduct {
        Conduct::CutAfter(bytes) => bytes,
        _ => usize::MAX,
    };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from_server.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        match conduct {
            Conduct::Slow(delay) => tokio::time::sleep(delay).await,
            Conduct::Silent => continue,
            Conduct::Honest | Conduct::CutAfter(_) => {}
        }
        let part = read.min(left);
        if to_client.write_all(&buffer[..part]).await.is_err() {
            break;
        }
        left -= part;
        if left == 0 {
            break;
        }
    }
    upstream.abort();
}
